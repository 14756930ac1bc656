"""Does a long run with a full history need more and more memory?

    python -m benchmarks.memory [--json] [--quick]

Resident memory of the `mlagents-learn` process (without the environment's) over a run of rock-paper-scissors, sampled
twice a second. Snapshots come every 500 learner steps, so that the history of 64 is full after 32,000; what grows after
the first 50,000 steps grows with the length of the run. Growth compares the median of the 10,000 steps that begin there
with that of the last 10,000.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
from rich.console import Console
from rich.table import Table

from benchmarks._runs import Watch, arguments, shipped, show, with_selfplay

MEGABYTE = 1 << 20  # bytes
SAMPLING_INTERVAL = 0.5  # seconds


@dataclass(frozen=True)
class Budget:
    """All in learner steps, but for the capacity, in snapshots."""

    max_steps: int = 500_000
    settled: int = 50_000  # from here on memory should not grow
    span: int = 10_000  # length of the two stretches compared
    snapshot_interval: int = 500
    capacity: int = 64
    summary_freq: int = 5_000


QUICK = Budget(30_000, settled=12_000, span=6_000, snapshot_interval=200, capacity=32, summary_freq=2_000)


class Sampler:
    """Notes the resident memory of a process until it ends: (seconds since the epoch, bytes)."""

    def __init__(self) -> None:
        self.samples: list[tuple[float, int]] = []

    def start(self, process: subprocess.Popen[str]) -> None:
        """Begins to sample, in a thread of its own that ends with the process."""
        threading.Thread(target=self._sample, args=(psutil.Process(process.pid),), daemon=True).start()

    def _sample(self, process: psutil.Process) -> None:
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            self.samples.append((time.time(), process.memory_info().rss))
            time.sleep(SAMPLING_INTERVAL)


def by_step(samples: list[tuple[float, int]], summaries: list[tuple[int, float]]) -> np.ndarray:
    """Returns `[n, 2]`, learner steps and bytes, of the samples between the first summary and the last.

    Args:
      samples: (seconds, bytes), ascending.
      summaries: (learner steps, seconds), ascending; steps in between are interpolated.
    """
    steps, times = np.array(summaries, dtype=float).T
    seconds, resident = np.array(samples, dtype=float).T
    within = (seconds >= times[0]) & (seconds <= times[-1])
    return np.stack([np.interp(seconds[within], times, steps), resident[within]], axis=1)


def median_between(curve: np.ndarray, first: float, last: float) -> float:
    """Returns the median bytes of a curve `[n, 2]` over learner steps from `first` to `last`."""
    steps, resident = curve.T
    return float(statistics.median(resident[(steps >= first) & (steps <= last)]))


def measure(budget: Budget, folder: Path) -> dict[str, Any]:
    """Returns the memory early, late and at its peak in bytes, and its growth in percent. Writes a run to `folder`."""
    base = {**shipped(), "max_steps": budget.max_steps, "summary_freq": budget.summary_freq}
    block = with_selfplay(
        base,
        snapshot_interval=budget.snapshot_interval,
        history_capacity=budget.capacity,
        rollouts="wire",  # where a snapshot is taken whenever one is due, and not once in an update
    )
    sampler = Sampler()
    with Watch(budget.max_steps) as watch:
        run = watch.train("memory", block, folder / "memory", seed=1, on_start=sampler.start)
    summaries = run.summaries()
    curve = by_step(sampler.samples, summaries)
    end = summaries[-1][0]
    early = median_between(curve, budget.settled, budget.settled + budget.span)
    late = median_between(curve, end - budget.span, end)
    return {
        "growth_percent": (late / early - 1) * 100,
        "steps": [budget.settled, end],
        "history_capacity": budget.capacity,
        "resident_early": early,
        "resident_late": late,
        "resident_peak": float(curve[:, 1].max()),
        "every_50000_steps": {
            step: median_between(curve, step - budget.span, step) for step in range(50_000, end + 1, 50_000)
        },
    }


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    first, last = result["steps"]
    table = Table("learner steps", "resident, MiB", title=f"mlagents-learn, history of {result['history_capacity']}")
    for label, key in ((f"{first:,}", "resident_early"), (f"{last:,}", "resident_late"), ("peak", "resident_peak")):
        table.add_row(label, f"{result[key] / MEGABYTE:.1f}")
    console.print(table, f"growth: {result['growth_percent']:.2f} %")


def main() -> None:
    """Command line."""
    options = arguments(__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(QUICK if options.quick else Budget(), Path(folder))
    show(result, options.json, print_tables)


if __name__ == "__main__":
    main()
