"""How fast does self-play learn, beside the self-play that ships with ML-Agents?

    python -m benchmarks.throughput [--json] [--quick]

Learner steps per second of `mlagents-learn` on the rock-paper-scissors build, 32 areas, with the shipped PPO settings
(two layers of 64, batches of 256, buffers of 4,096, 3 epochs). The trainers take turns within each repetition and share
its seed; the ratio is the median of the ratios within a repetition, which a busy machine moves less than the speeds.
The clock runs from the first TensorBoard summary to the last: start-up and final export are left out, PPO's updates are
in.

Ours is measured three times: over the wire without mirror matches, where each match teaches one seat as under
GhostTrainer; over the wire with them, where both seats of a mirror match teach; and as shipped, where the bridge plays
whole rollouts by itself.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks._runs import Block, Watch, arguments, as_ghost, shipped, show, with_selfplay

WORKLOADS = {"rps": 1, "rps_2_processes": 2}  # environment processes
GHOST, ALONE, WIRE, DEFAULTS = "ghost", "wire_without_mirror", "wire", "ours"


@dataclass(frozen=True)
class Budget:
    """How much is measured: summaries come every `summary_freq` learner steps, the first one starts the clock."""

    repetitions: int = 3
    max_steps: int = 30_000  # learner steps of one run
    summary_freq: int = 5_000  # learner steps
    workloads: tuple[str, ...] = tuple(WORKLOADS)


QUICK = Budget(repetitions=1, max_steps=16_000, summary_freq=4_000, workloads=("rps",))


def variants(budget: Budget) -> dict[str, Block]:
    """Returns the configurations that take turns, by name."""
    base = {**shipped(), "max_steps": budget.max_steps, "summary_freq": budget.summary_freq}
    return {
        GHOST: as_ghost(base),
        ALONE: with_selfplay(base, latest_ratio=0.0, learn_from_mirror_matches=False, rollouts="wire"),
        WIRE: with_selfplay(base, rollouts="wire"),
        DEFAULTS: base,
    }


def measure(budget: Budget, folder: Path) -> dict[str, Any]:
    """Returns medians of steps per second and of the ratios to GhostTrainer, by workload. Fills `folder` with runs."""
    blocks = variants(budget)
    speeds: dict[str, dict[str, list[float]]] = {w: {v: [] for v in blocks} for w in budget.workloads}
    with Watch(budget.repetitions * len(budget.workloads) * len(blocks) * budget.max_steps) as watch:
        for repetition in range(budget.repetitions):
            for workload in budget.workloads:
                for variant, block in blocks.items():
                    run = watch.train(
                        f"{workload}: {variant}",
                        block,
                        folder / f"{workload}-{variant}-{repetition}",
                        seed=repetition,
                        num_envs=WORKLOADS[workload],
                    )
                    speeds[workload][variant].append(run.steps_per_second())
    return {
        "ratio_vs_ghost": {w: _median_ratio(by[DEFAULTS], by[GHOST]) for w, by in speeds.items()},
        "ratio_vs_ghost_on_the_wire": {w: _median_ratio(by[WIRE], by[GHOST]) for w, by in speeds.items()},
        "ratio_vs_ghost_without_mirror": {w: _median_ratio(by[ALONE], by[GHOST]) for w, by in speeds.items()},
        "steps_per_second": {w: {v: statistics.median(s) for v, s in by.items()} for w, by in speeds.items()},
        "repetitions": speeds,
    }


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    table = Table("workload", "trainer", "learner steps/s", "ratio to GhostTrainer")
    for workload, speeds in result["steps_per_second"].items():
        table.add_row(workload, GHOST, f"{speeds[GHOST]:.0f}", "1")
        for name, key in ((ALONE, "_without_mirror"), (WIRE, "_on_the_wire"), (DEFAULTS, "")):
            table.add_row("", name, f"{speeds[name]:.0f}", f"{result['ratio_vs_ghost' + key][workload]:.2f}")
    console.print(table)


def _median_ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(own / other for own, other in zip(ours, theirs, strict=True))


def main() -> None:
    """Command line."""
    options = arguments(__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(QUICK if options.quick else Budget(), Path(folder))
    show(result, options.json, print_tables)


if __name__ == "__main__":
    main()
