"""How evenly does each thinning rule cover a run, and what does adding a snapshot cost?

    python -m benchmarks.history [--json] [--quick] [--figure docs/history.svg]

Measures the worst discrepancy q = longest gap x (capacity + 1) / elapsed, right after each addition, of the history
against simpler rules. Regular intervals count from 32 to 2,000 times the capacity (`--quick`: to 200), irregular ones
(uniform between half and one and a half of the mean) from 8 times the capacity on, the worst of three streams. The
simpler rules live here: nobody should use them.
"""

from __future__ import annotations

import argparse
import json
import operator
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from mlagents_selfplay.selfplay.history import SnapshotHistory

CAPACITIES = (16, 32, 64, 128)
TIMED_CAPACITIES = (16, 32, 64, 128, 256, 512, 1024, 2048)
MEAN_INTERVAL = 1000  # learner steps
STREAM_SEEDS = (1, 2, 3)


class Rule(Protocol):
    """What the history and the rules it is compared with have in common."""

    @property
    def steps(self) -> Sequence[int]:
        """The steps kept, ascending."""

    def add(self, step: int) -> list[int]:
        """Takes in a later step and returns the steps evicted."""


class DropOne:
    """Drops one snapshot per addition once full; the newest always stays, so that all rules play by the same terms.

    Args:
        choose: Index to drop, in [0, capacity), from the `capacity + 1` steps of which the last has just arrived.
        capacity: Most snapshots to keep.
    """

    def __init__(self, choose: Callable[[list[int]], int], capacity: int) -> None:
        self.steps: list[int] = []
        self._choose, self._capacity = choose, capacity

    def add(self, step: int) -> list[int]:
        """Takes in a later step and returns the step evicted, if any."""
        self.steps.append(step)
        return [self.steps.pop(self._choose(self.steps))] if len(self.steps) > self._capacity else []


class HalveAndDouble:
    """Keeps every 2^j-th snapshot and the newest; once full, drops every second one and doubles the stride."""

    def __init__(self, capacity: int) -> None:
        self._capacity, self._stride, self._seen = capacity, 1, 0
        self._kept: list[int] = []
        self._newest: list[int] = []

    @property
    def steps(self) -> list[int]:
        """The steps kept, ascending."""
        return self._kept + self._newest

    def add(self, step: int) -> list[int]:
        """Takes in a later step and returns the steps evicted."""
        before = self.steps
        if self._newest and self._seen % self._stride == 0:
            self._kept += self._newest
        if len(self._kept) == self._capacity:
            self._kept = self._kept[1::2]
            self._stride *= 2
        self._newest = [step]
        self._seen += 1
        return sorted(set(before) - set(self.steps))


def oldest(_: list[int]) -> int:
    """The sliding window's choice, as in the trainer that ships with ML-Agents."""
    return 0


def smallest_merged_gap(steps: list[int]) -> int:
    """The snapshot whose neighbours are closest to each other, the oldest of equals: greedy, without the spacing."""
    line = np.array([0, *steps])
    return int(np.argmin(line[2:] - line[:-2]))


def smallest_merged_gap_newest(steps: list[int]) -> int:
    """The same with the newest of equals, which regular intervals have many of."""
    line = np.array([0, *steps])
    return len(steps) - 2 - int(np.argmin((line[2:] - line[:-2])[::-1]))


def reservoir(rng: np.random.Generator) -> Callable[[list[int]], int]:
    """Every snapshot before the newest is kept with the same probability (Vitter 1985, algorithm R). Consumes `rng`."""
    seen = 0

    def choose(steps: list[int]) -> int:
        nonlocal seen
        places = len(steps) - 2  # one of the capacity is the newest's
        seen = max(seen, places) + 1
        return min(int(rng.integers(seen)), places)

    return choose


def rules(capacity: int) -> dict[str, Callable[[], Rule]]:
    """The rules by name, each as a maker of an empty history."""
    return {
        "ours": partial(SnapshotHistory, capacity),
        "smallest merged gap": partial(DropOne, smallest_merged_gap, capacity),
        "smallest merged gap, newest of equals": partial(DropOne, smallest_merged_gap_newest, capacity),
        "halve and double": partial(HalveAndDouble, capacity),
        "reservoir": lambda: DropOne(reservoir(np.random.default_rng(0)), capacity),
        "sliding window": partial(DropOne, oldest, capacity),
    }


def worst_discrepancy(history: Rule, capacity: int, intervals: Sequence[int], first: int) -> float:
    """The largest q right after any addition from the `first` (counted from 1) on. Fills `history`."""
    worst, now = 0.0, 0
    for count, interval in enumerate(intervals, start=1):
        now += interval
        history.add(now)
        if count >= first:
            steps = history.steps
            longest = max(map(operator.sub, steps, [0, *steps]))
            worst = max(worst, longest * (capacity + 1) / now)
    return worst


def irregular_intervals(count: int, rng: np.random.Generator) -> list[int]:
    """`count` intervals in learner steps, uniform between half and one and a half of the mean. Consumes `rng`."""
    return rng.integers(MEAN_INTERVAL // 2, MEAN_INTERVAL * 3 // 2, size=count, endpoint=True).tolist()


def measure_discrepancy(multiple: int) -> dict[str, dict[int, dict[str, float]]]:
    """Worst discrepancy by kind of interval, capacity and rule, over streams of `multiple` times the capacity."""
    regular: dict[int, dict[str, float]] = {}
    irregular: dict[int, dict[str, float]] = {}
    for capacity in CAPACITIES:
        count = multiple * capacity
        streams = [irregular_intervals(count, np.random.default_rng(seed)) for seed in STREAM_SEEDS]
        regular[capacity], irregular[capacity] = {}, {}
        for name, make in rules(capacity).items():
            even = [MEAN_INTERVAL] * count
            regular[capacity][name] = worst_discrepancy(make(), capacity, even, 32 * capacity)
            irregular[capacity][name] = max(worst_discrepancy(make(), capacity, s, 8 * capacity) for s in streams)
    return {"regular": regular, "irregular": irregular}


def measure_cost() -> dict[str, object]:
    """Microseconds per addition over streams of 200 capacities, and how the dearest kind grows with the capacity.

    Most additions move the head, at a cost that does not depend on the capacity; the others search all gaps. The
    exponent is the slope of log(search time) over log(capacity) from 128 on: 1 is linear.
    """
    mean: dict[int, float] = {}
    search: dict[int, float] = {}
    for capacity in TIMED_CAPACITIES:
        history, searches = SnapshotHistory(capacity), []
        start = time.perf_counter()
        for step in range(1, 200 * capacity + 1):
            before = time.perf_counter()
            evicted = history.add(step)
            if evicted and evicted[0] != step - 1:
                searches.append(time.perf_counter() - before)
        mean[capacity] = (time.perf_counter() - start) / (200 * capacity) * 1e6
        search[capacity] = statistics.median(searches) * 1e6
    large = [capacity for capacity in TIMED_CAPACITIES if capacity >= 128]
    exponent = np.polyfit(np.log(large), np.log([search[capacity] for capacity in large]), 1)[0]
    return {"mean_us": mean, "search_us": search, "search_exponent": float(exponent)}


def lifetimes(history: Rule, count: int) -> list[tuple[int, int]]:
    """When each snapshot was taken and evicted, in numbers of snapshots; `count` for those that outlive the stream."""
    ends = dict.fromkeys(range(1, count + 1), count)
    for step in range(1, count + 1):
        ends.update(dict.fromkeys(history.add(step), step))
    return list(ends.items())


def draw(path: Path, capacity: int = 16, count: int = 320) -> None:
    """Writes a picture (format by suffix) of which snapshots live over time: ours beside a sliding window."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "history"  # the same picture gives the same file
    from matplotlib import pyplot as plt
    from matplotlib.collections import LineCollection

    figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), sharex=True, sharey=True, layout="constrained")
    for axis, name, title in zip(axes, ("sliding window", "ours"), ("Sliding window", "This history"), strict=True):
        lives = lifetimes(rules(capacity)[name](), count)
        lines = [[(born, born), (end, born)] for born, end in lives]
        axis.add_collection(LineCollection(lines, colors="tab:blue", linewidths=1.4))
        axis.plot([0, count], [0, count], color="0.6", linewidth=0.8)
        axis.plot([0, count], [0, count / 2], "--", color="tab:orange", label="delta = 0.5: eligible above this line")
        alive = [(end, born) for born, end in lives if end == count]
        axis.plot(
            *zip(*alive, strict=True), "o", color="tab:red", markersize=4, clip_on=False, label="alive at the end"
        )
        axis.set(title=title, xlabel="now (snapshots taken)", xlim=(0, count), ylim=(0, count))
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("taken at (snapshots)")
    axes[0].legend(loc="upper left", frameon=False)
    figure.suptitle(f"Lives of snapshots, capacity {capacity}: one line from the moment it is taken to its eviction")
    figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)


def print_table(result: dict) -> None:
    """Prints the figures for people."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for kind in ("regular", "irregular"):
        table = Table("capacity", *result[kind][CAPACITIES[0]], title=f"Worst discrepancy, {kind} intervals")
        for capacity, by_rule in result[kind].items():
            table.add_row(str(capacity), *(f"{q:.3f}" for q in by_rule.values()))
        console.print(table)
    cost = result["cost"]
    table = Table("capacity", "mean", "search", title="Microseconds per addition")
    for capacity in TIMED_CAPACITIES:
        table.add_row(str(capacity), f"{cost['mean_us'][capacity]:.2f}", f"{cost['search_us'][capacity]:.1f}")
    console.print(table, f"search time grows as capacity ^ {cost['search_exponent']:.2f}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="streams of 200 capacities instead of 2,000")
    parser.add_argument("--figure", type=Path, metavar="PATH", help="only draw the picture (.svg, .png)")
    arguments = parser.parse_args()
    if arguments.figure:
        draw(arguments.figure)
        return
    multiple = 200 if arguments.quick else 2000
    result = {"multiple": multiple, **measure_discrepancy(multiple), "cost": measure_cost()}
    print(json.dumps(result)) if arguments.json else print_table(result)


if __name__ == "__main__":
    main()
