"""Did a RoboSumo run get better? Its last policy plays its earlier ones, seats swapped in half of the matches.

    python -m benchmarks.strength results/sumo [--games 200] [--json] [--figure FILE.svg] [--film FILE.png]

(`--film` on a machine without a screen: `MUJOCO_GL=egl python -m ...`)

In a zero-sum game the mean reward says nothing, so progress is played for: the last snapshot against the initial policy
and against the one from the middle of the run, and for the curve against others in between. The policies act as in
training, their exploration noise included. Every area plays the same number of matches, so that short ones do not count
more often.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from mlagents.torch_utils import torch
from mlagents_selfplay.files import load_weights
from mlagents_selfplay.opponents import Decisions, SnapshotActors
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings, seat_outcome
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks._actors import continuous_actor
from benchmarks._runs import arguments, show
from gym_bridges import registry
from gym_bridges.areas import Actions, Step

AREAS = 20
POINTS = 8  # opponents on the curve, beside the initial policy and the one from the middle


class Contestants:
    """The snapshots of a run of a match-up between robots of one kind.

    Args:
      run: folder of the run, with one behavior in it.
    """

    def __init__(self, run: Path) -> None:
        configuration = yaml.safe_load((run / "configuration.yaml").read_text(encoding="utf-8"))
        trained = [file.parents[1].name for file in run.glob("RoboSumo*/selfplay/history.json")]
        if len(trained) != 1:
            raise SystemExit(f"{run}: {trained or 'no behavior'} of RoboSumo was trained there, where one is needed")
        (self.behavior,) = trained
        block = configuration["behaviors"][self.behavior]
        self.species = self.behavior.removeprefix("RoboSumo").lower()
        rule = block["hyperparameters"]
        self.outcome = OutcomeSettings(rule["outcome"], rule["win_above"], rule["loss_below"])
        files = {
            int(file.stem): file for file in (run / self.behavior / "selfplay" / "snapshots").glob("*.safetensors")
        }
        self.steps = sorted(files)
        with contextlib.closing(self.areas(1)) as areas:
            (spec, *_) = areas.behaviors.values()
        self.actors = SnapshotActors(continuous_actor(spec, block["network_settings"]), len(files))
        for step, file in files.items():
            self.actors.put(str(step), load_weights(file), busy=set())

    def areas(self, num_areas: int) -> Any:
        """Makes the areas that the build would make, in this process."""
        entry = registry.find(f"RoboSumo{self.species.capitalize()}Vs{self.species.capitalize()}")
        return entry.make(entry.settings(), num_areas)


def play(contestants: Contestants, one: int, other: int, games: int, seed: int, film: Film | None = None) -> np.ndarray:
    """Plays matches between the snapshots of two learner steps.

    Args:
      contestants: among whom both are.
      one: learner step of the first.
      other: of the second.
      games: matches, a multiple of `AREAS`; in the areas of odd number the first sits in team 1.
      seed: of the matches; the policies draw their noise from torch's generator.
      film: is shown the first match of the first area.

    Returns:
      `[games]`, the outcomes of the first: win 1, draw 1/2, loss 0.
    """
    areas = contestants.areas(AREAS)
    team_of_one = np.arange(AREAS) % 2
    left = np.full(AREAS, games // AREAS)
    outcomes: list[float | None] = []
    try:
        steps = list(areas.reset(seed).values())
        while left.any():
            before = steps[0].decisions.agent_ids  # a row for each area
            if film is not None and left[0] == games // AREAS:
                film.show(areas)
            actions = _actions(contestants, steps, np.where(team_of_one == 0, one, other), one + other)
            steps = list(areas.step(dict(zip(areas.behaviors, actions, strict=True))).values())
            for number, area in enumerate(np.flatnonzero(np.isin(before, steps[0].endings.agent_ids))):
                if left[area]:
                    left[area] -= 1
                    reward = float(steps[team_of_one[area]].endings.rewards[number])
                    outcomes.append(seat_outcome(reward, reward, False, contestants.outcome))
    finally:
        areas.close()
    return np.array(outcomes, float)


def _actions(contestants: Contestants, steps: list[Step], in_team_0: np.ndarray, both: int) -> list[Actions]:
    """Lets both teams act in every area; `in_team_0` says whose snapshot does, the other's step is `both` less that."""
    players = [str(step) for step in (*in_team_0, *(both - in_team_0))]
    seen = np.concatenate([step.decisions.observations[0] for step in steps])
    nothing = np.zeros((len(seen), 0), np.float32)
    acted = contestants.actors.act(players, Decisions([seen], nothing, nothing, [""] * len(seen)))
    halves = zip(np.split(acted.continuous, 2), np.split(acted.discrete, 2), strict=True)
    return [Actions(*half) for half in halves]


def summary(outcomes: np.ndarray) -> dict[str, float]:
    """Returns the mean outcome, how far off it may be (95 %, normal approximation), and the share of draws."""
    margin = 1.96 * float(outcomes.std(ddof=1)) / len(outcomes) ** 0.5
    return {
        "mean_outcome": float(outcomes.mean()),
        "margin": margin,
        "draws": float((outcomes == 0.5).mean()),
        "games": len(outcomes),
    }


def measure(run: Path, games: int, points: int) -> dict[str, Any]:
    """Returns the results of the last snapshot against earlier ones, and of those against the initial policy."""
    contestants = Contestants(run)
    steps, last = contestants.steps, contestants.steps[-1]
    middle = min(steps, key=lambda step: abs(step - last / 2))
    between = [steps[round(i)] for i in np.linspace(0, len(steps) - 1, points + 1)][1:-1]
    opponents = sorted({0, middle, *between})
    pairs = [(last, step) for step in opponents] + [(step, 0) for step in opponents if step > 0]
    results = {
        pair: summary(play(contestants, pair[0], pair[1], games, seed))
        for seed, pair in enumerate(track(pairs, "matches", console=Console(stderr=True)))
    }
    return {
        "last": last,
        "middle": middle,
        "against_initial": results[last, 0],
        "against_middle": results[last, middle],
        "last_against": {str(step): results[last, step] for step in opponents},
        "initial_against_by": {str(step): results[step, 0] for step in [*opponents[1:], last]},
    }


class Film:
    """Pictures of one match."""

    def __init__(self) -> None:
        self._pictures: list[np.ndarray] = []
        self._steps = 0

    def show(self, areas: Any) -> None:
        """Takes a picture of the first area in every fourth environment step."""
        if self._steps % 4 == 0:
            self._pictures.append(areas.render())
        self._steps += 1

    def save(self, file: Path) -> None:
        """Writes eight of them, from the first to the last at equal distances, in two rows."""
        chosen = [self._pictures[round(i)] for i in np.linspace(0, len(self._pictures) - 1, 8)]
        import matplotlib.image

        matplotlib.image.imsave(file, np.concatenate([np.concatenate(chosen[i : i + 4], axis=1) for i in (0, 4)]))


def draw(result: Mapping[str, Any], file: Path) -> None:
    """Draws both curves over learner steps."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "strength"  # the same picture gives the same file
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 3.6), layout="constrained")
    for key, label, colour in (
        ("initial_against_by", "the snapshot of that step against the initial policy", "tab:blue"),
        ("last_against", "the last snapshot against that of that step", "tab:orange"),
    ):
        steps = [int(step) for step in result[key]]
        means = [found["mean_outcome"] for found in result[key].values()]
        margins = [found["margin"] for found in result[key].values()]
        axes.errorbar(steps, means, margins, marker="o", capsize=3, color=colour, label=label)
    axes.axhline(0.5, color="grey", linewidth=0.8)
    axes.set(ylim=(0, 1.02), xlabel="learner steps", ylabel="mean outcome (win 1, draw 1/2)")
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(file, metadata={"Date": None})


def print_table(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    table = Table("learner steps", "last against it", "it against the initial policy")
    for step in sorted({*result["last_against"], *result["initial_against_by"]}, key=int):
        cells = (result[key].get(step) for key in ("last_against", "initial_against_by"))
        table.add_row(step, *(f"{c['mean_outcome']:.2f} ± {c['margin']:.2f}" if c else "" for c in cells))
    console.print(table)


def main() -> None:
    """Command line."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a run of robots of one kind, such as results/sumo")
    parser.add_argument("--games", type=int, default=200, help=f"of each pair, a multiple of {AREAS}")
    parser.add_argument("--figure", type=Path, help="write the curves to this .svg")
    parser.add_argument("--film", type=Path, help="write pictures of a match, last against initial, to this .png")
    options = parser.parse_args()
    if options.games % AREAS or options.games < AREAS:
        parser.error(f"--games: {options.games} is not a multiple of {AREAS}")
    torch.manual_seed(0)
    result = measure(options.run, AREAS if options.quick else options.games, 2 if options.quick else POINTS)
    if options.figure:
        draw(result, options.figure)
    if options.film:
        film, contestants = Film(), Contestants(options.run)
        play(contestants, contestants.steps[-1], 0, AREAS, 0, film)
        film.save(options.film)
    show(result, options.json, print_table)


if __name__ == "__main__":
    main()
