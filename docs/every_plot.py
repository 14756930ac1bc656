"""From a run to every plot: trains rock-paper-scissors, lets its snapshots play each other, draws what both left.

    .venv/bin/python docs/every_plot.py [--run results/plots] [--out results/every_plot]

takes less than ten minutes on two cores, and a minute once the run is there. Open `results/every_plot/index.html`: the
plots are those of the dashboard, interactive, and need no network. Read this file from the top: each step is a few
lines.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import plotly.graph_objects as go
from mlagents_selfplay.dashboard.figures.curves import boxes, learning_curves
from mlagents_selfplay.dashboard.figures.history import discrepancy, gaps, snapshot_lives
from mlagents_selfplay.dashboard.figures.opponents import others_met, snapshots_met
from mlagents_selfplay.dashboard.figures.ratings import rating_over_time, win_rates
from mlagents_selfplay.dashboard.figures.tournaments import payoff_matrix, tournament_ratings
from mlagents_selfplay.dashboard.library import Library, Run
from mlagents_selfplay.dashboard.matches import last_episodes
from mlagents_selfplay.dashboard.meetings import draws_from, meetings
from plotly.offline import get_plotlyjs

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
BUILD = "gym_bridges/builds/RockPaperScissors"


def train(run: Path) -> None:
    """Step 1: one minute of self-play, by ML-Agents' own command."""
    command = [str(BIN / "mlagents-learn"), "config/trainer_config.yaml", "--env", BUILD, "--num-areas", "32"]
    command += ["--no-graphics", "--run-id", run.name, "--results-dir", str(run.parent.resolve())]
    subprocess.run(command, cwd=ROOT, check=True)


def evaluate(run: Path) -> None:
    """Step 2: a tournament between eight snapshots of the run, which progress has to be read from."""
    command = [str(BIN / "mlagents-selfplay"), "evaluate", str(run.resolve()), "--env", BUILD, "--games", "50"]
    command += ["--name", run.name, "--results-dir", str(run.parent.resolve())]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        print("The tournament did not come to its end: its plots are left out.", file=sys.stderr)


def plots(library: Library, run: Run) -> Iterator[tuple[str, go.Figure]]:
    """Step 3: what each plot is made from."""
    for report in library.reports(run):
        folder = run.path / report.behavior
        curves = library.events.read(folder).curves
        for tag in ("Environment/Cumulative Reward", "Policy/Entropy", "Self-play/Opponent Age"):
            if tag in curves:
                yield tag, learning_curves({run.id: curves[tag]}, tag, smoothing=0.6)
        episodes = last_episodes(folder / "selfplay" / "matches.csv", 1000)["return"].to_numpy()
        yield "Returns of the last 1000 episodes", boxes({run.id: episodes}, "episode return (reward)")

        yield "Rating", rating_over_time(report, curves.get("Self-play/ELO"))
        if report.recent is not None:
            yield "Win rates lately", win_rates(report.recent.win_rates)

        history = library.lives(run, report)
        yield "Lives of snapshots", snapshot_lives(history, report.step, report.delta)
        yield "Gaps now", gaps(report)
        if "Self-play/History Discrepancy" in curves:
            yield "Discrepancy", discrepancy(curves["Self-play/History Discrepancy"])

        draws = draws_from(library.mapping(folder / "selfplay" / "history.json"))
        book = library.mapping(folder / "selfplay" / "state.json")["state"]["book"]
        met = meetings(library.log(run, report), history, draws, book, report.step)
        yield "Who was met, and what the sampler says", snapshots_met(met)
        yield "Everybody else who was met", others_met(met)

    for path in library.tournaments():
        if path.parent.name == run.path.name:
            content = library.mapping(path)
            names = [player["name"] for player in content["players"]]
            yield "Payoff matrix", payoff_matrix(names, content)
            yield "Ratings in the tournament", tournament_ratings(content["ratings"])


def write(out: Path, drawn: Iterator[tuple[str, go.Figure]]) -> int:
    """Step 4: one page with all plots, and Plotly beside it. Returns how many there are."""
    out.mkdir(parents=True, exist_ok=True)
    parts = []
    for title, figure in drawn:
        plot = figure.to_html(full_html=False, include_plotlyjs="directory" if not parts else False)
        parts.append(f"<h2>{title}</h2>\n{plot}")
    (out / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    head = "<!doctype html><meta charset='utf-8'><title>Every plot</title><body style='max-width:960px;margin:auto'>"
    (out / "index.html").write_text(head + "\n".join(parts), encoding="utf-8")
    return len(parts)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=ROOT / "results" / "plots", help="trained if it is not there")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "every_plot", help="folder for index.html")
    arguments = parser.parse_args()
    run = arguments.run
    if not run.is_dir():
        train(run)
    if not (run.parent / "evaluations" / run.name / "tournament.json").exists():
        evaluate(run)
    library = Library(run.parent)
    found = library.run(run.name)
    if found is None:
        sys.exit(f"There is no run {run}.")
    print(f"{write(arguments.out, plots(library, found))} plots: {arguments.out / 'index.html'}")


if __name__ == "__main__":
    main()
