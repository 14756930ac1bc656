"""Which self-play ends closer to the equilibrium of rock-paper-scissors, at the same number of learner steps?

    python -m benchmarks.learning [--json] [--quick] [--figure docs/results/rps_learning.svg] [--runs FOLDER]

Trains rock-paper-scissors as shipped (the bridge plays whole rollouts), step by step over the wire, and with the
self-play that comes with ML-Agents: the same learner, network and
hyperparameters, the same seeds, a snapshot as often. Exploitability per round (`exploitability` says what it is) of the
trained policy, of the average of all snapshots, of the last ten (the window of GhostTrainer), and over the run. As
GhostTrainer keeps nothing on disk, a checkpoint at each of its snapshots stands in for them. `late` is the mean of the
curve over the last tenth of the run: policies go round in circles in this game, so where the last one stands is partly
luck.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from mlagents_selfplay.files import load_weights
from rich.console import Console
from rich.table import Table

from benchmarks import exploitability
from benchmarks._actors import action_probabilities, actor_in, network_settings
from benchmarks._runs import BEHAVIOR, Block, Run, Watch, arguments, as_ghost, shipped, show, with_selfplay
from gym_bridges.envs import rps_exploitability

OURS, WIRE, GHOST = "ours", "wire", "ghost"
FIGURES = {  # ours: what `benchmarks.exploitability` calls it
    "final": "trained",
    "average": "average_of_history",
    "average_of_last_10": "average_of_last_10",
}
RECALL = 3  # rounds that a player sees, as built
Curve = list[tuple[int, float]]


@dataclass(frozen=True)
class Budget:
    """Learner steps of a run, and its seeds."""

    max_steps: int = 200_000
    seeds: tuple[int, ...] = (1, 2, 3)


QUICK = Budget(max_steps=20_000, seeds=(1,))


def blocks(budget: Budget) -> dict[str, Block]:
    """Returns the configurations that are compared, by name."""
    base = {**shipped(), "max_steps": budget.max_steps, "summary_freq": max(budget.max_steps // 20, 1000)}
    interval = base["hyperparameters"]["snapshot_interval"]
    every_snapshot = {"checkpoint_interval": interval, "keep_checkpoints": budget.max_steps // interval + 2}
    return {OURS: base, WIRE: with_selfplay(base, rollouts="wire"), GHOST: {**as_ghost(base), **every_snapshot}}


def curve(run: Run) -> Curve:
    """Returns the exploitability per round of every snapshot: (learner steps, figure), ascending."""
    configuration = yaml.safe_load((run.folder / "configuration.yaml").read_text(encoding="utf-8"))
    network = network_settings(configuration["behaviors"][BEHAVIOR]["network_settings"])
    kept = {int(f.stem): load_weights(f) for f in run.behavior_folder.glob("selfplay/snapshots/*.safetensors")}
    if not kept:
        kept = {int(f.stem.rpartition("-")[2]): actor_in(f) for f in run.behavior_folder.glob(f"{BEHAVIOR}-*.pt")}
    return [
        (step, rps_exploitability.exploitability(action_probabilities(kept[step], network, RECALL)))
        for step in sorted(kept)
    ]


def evaluate(run: Run) -> tuple[dict[str, float], Curve]:
    """Returns the figures of a run, by name, and its curve."""
    found = exploitability.measure(run.folder)["exploitability"]
    over_time = curve(run)
    late = [figure for _, figure in over_time[-max(1, len(over_time) // 10) :]]
    return {**{name: found[key] for name, key in FIGURES.items()}, "late": statistics.fmean(late)}, over_time


def measure(budget: Budget, folder: Path) -> dict[str, Any]:
    """Returns figures by trainer and seed, their means, and the curves.

    Args:
      budget: steps and seeds.
      folder: of the runs; those that are there and finished are not trained again.
    """
    configurations = blocks(budget)
    results: dict[str, dict[int, dict[str, float]]] = {name: {} for name in configurations}
    curves: dict[str, dict[int, Curve]] = {name: {} for name in configurations}
    with Watch(len(budget.seeds) * len(configurations) * budget.max_steps) as watch:
        for seed in budget.seeds:
            for name, block in configurations.items():
                run = Run(folder / f"{name}-{seed}")
                if not run.is_finished():
                    watch.train(f"{name}, seed {seed}", block, run.folder, seed=seed)
                results[name][seed], curves[name][seed] = evaluate(run)
    means = {
        name: {key: statistics.fmean(by[key] for by in seeds.values()) for key in seeds[budget.seeds[0]]}
        for name, seeds in results.items()
    }
    return {"learner_steps": budget.max_steps, "means": means, "by_seed": results, "curves": curves}


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Writes a picture (format by suffix) of the curves: a thin line for each seed, a thick one for their mean."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "learning"  # the same picture gives the same file
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    kinds = (
        (GHOST, "tab:orange", "ML-Agents' GhostTrainer"),
        (WIRE, "tab:green", "this project, on the wire"),
        (OURS, "tab:blue", "this project, by rollouts"),
    )
    for name, color, label in kinds:
        lines = [np.array(line).T for line in result["curves"][name].values()]
        grid = np.linspace(0, min(steps[-1] for steps, _ in lines), 200)
        for steps, figures in lines:
            axis.plot(steps, figures, color=color, linewidth=0.7, alpha=0.5)
        mean = np.mean([np.interp(grid, steps, figures) for steps, figures in lines], axis=0)
        axis.plot(grid, mean, color=color, linewidth=2.2, label=f"{label}, mean of {len(lines)} seeds")
    axis.set(xlabel="learner steps", ylabel="exploitability per round (0: equilibrium)", xlim=(0, None), ylim=(0, None))
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(loc="upper left", frameon=False)
    figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    names = (*FIGURES, "late")
    title = f"Exploitability per round after {result['learner_steps']:,} learner steps"
    table = Table("trainer", "seed", *(name.replace("_", " ") for name in names), title=title)
    for trainer, seeds in result["by_seed"].items():
        for seed, figures in seeds.items():
            table.add_row(trainer, str(seed), *(f"{figures[name]:.3f}" for name in names))
        table.add_row(trainer, "mean", *(f"{result['means'][trainer][name]:.3f}" for name in names), end_section=True)
    console.print(table)


@contextlib.contextmanager
def _runs_in(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory() as temporary:
        yield Path(temporary)


def main() -> None:
    """Command line."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--figure", type=Path, metavar="PATH", help="draw the curves, too (.svg, .png)")
    parser.add_argument("--runs", type=Path, metavar="FOLDER", help="keep the runs here, and reuse finished ones")
    options = parser.parse_args()
    with _runs_in(options.runs) as folder:
        result = measure(QUICK if options.quick else Budget(), folder)
    if options.figure:
        draw(result, options.figure)
    show(result, options.json, print_tables)


if __name__ == "__main__":
    main()
