"""How many samples does the learner get from one step of a match, with and without learning from mirror matches?

    python -m benchmarks.mirror [--json] [--quick]

A step of a match has two agent steps, one of each side. Against a snapshot one of them teaches; when both sides are
the current policy, both can: 1 + p samples a step instead of 1, where p is the share of mirror matches. It is a little
above `latest_ratio`, because `uniform` draws the current policy too. Runs of rock-paper-scissors by `mlagents-learn` at
a `latest_ratio` of 0.5: learner steps at the end, divided by the steps of all matches (ML-Agents' own count of
environment steps x 32 areas, each of which plays one match on by a step).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks._runs import BEHAVIOR, Run, Watch, arguments, shipped, show, with_selfplay

LATEST_RATIO = 0.5
AREAS = 32


@dataclass(frozen=True)
class Budget:
    """Learner steps of a run, and its seeds."""

    max_steps: int = 30_000
    seeds: tuple[int, ...] = (1, 2, 3)


QUICK = Budget(max_steps=10_000, seeds=(1,))


def samples_per_match_step(run: Run) -> float:
    """Returns learner steps over steps of matches, in [0, 2] for two sides."""
    return run.learner_steps() / (run.timer("env_step").times * AREAS)


def measure(budget: Budget, folder: Path) -> dict[str, Any]:
    """Returns samples per match step with mirror learning on and off, by seed. Fills `folder` with runs."""
    base = {**shipped(), "max_steps": budget.max_steps, "summary_freq": budget.max_steps // 5}
    samples: dict[str, list[float]] = {"on": [], "off": []}
    with Watch(2 * len(budget.seeds) * budget.max_steps) as watch:
        for seed in budget.seeds:
            for mode, values in samples.items():
                block = with_selfplay(
                    base, latest_ratio=LATEST_RATIO, learn_from_mirror_matches=mode == "on", rollouts="wire"
                )
                run = watch.train(
                    f"mirror learning {mode}", block, folder / f"{mode}-{seed}", seed=seed, num_areas=AREAS
                )
                values.append(samples_per_match_step(run))
    mean = {mode: sum(values) / len(values) for mode, values in samples.items()}
    return {
        "behavior": BEHAVIOR,
        "latest_ratio": LATEST_RATIO,
        "samples_per_match_step": mean,
        "ratio_on_over_off": mean["on"] / mean["off"],
        "by_seed": samples,
    }


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    table = Table("mirror learning", "samples per match step", title=f"latest_ratio {result['latest_ratio']}")
    for mode, mean in result["samples_per_match_step"].items():
        table.add_row(mode, f"{mean:.3f}")
    console.print(table, f"on / off: {result['ratio_on_over_off']:.3f}")


def main() -> None:
    """Command line."""
    options = arguments(__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(QUICK if options.quick else Budget(), Path(folder))
    show(result, options.json, print_tables)


if __name__ == "__main__":
    main()
