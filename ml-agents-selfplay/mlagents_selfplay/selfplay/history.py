"""Which snapshots to keep when a run takes far more of them than there is room for?

A history of fixed size has to forget, without knowing how long the run will be, and still cover the whole run evenly at
every moment. This is online checkpointing. Its measure is the discrepancy

    q = longest gap x (capacity + 1) / elapsed,

where the gaps include the one from the start (step 0) and the one up to now; perfectly even gaps have q = 1. For
large capacities no rule stays below ln 4 = 1.386 (Bar-On, Dinur, Dunkelman, Hod, Keller, Ronen & Shamir 2018, "Tight
Bounds on Online Checkpointing Algorithms"; schedules by Bringmann, Doerr, Neumann & Sliacan 2013, "Online Checkpointing
with Improved Worst-Case Guarantees").

The rule here has two lines. The newest snapshot is a moving head: its successor replaces it until it stands a fixed
*factor* beyond the snapshot before it, so that those that stay are spaced geometrically. When the head does stay, the
snapshot whose two neighbours are closest to each other (the smallest merged gap) goes. Geometric spacing is what makes
that greedy choice good: neighbours merge in pairs, then pairs of pairs and so on, each when the run has become twice as
long. `docs/history.md` has the argument, the proof of the worst case and the figures.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from itertools import pairwise
from typing import Any


class SnapshotHistory:
    """The steps of at most `capacity` snapshots, spread evenly over the whole run at every moment.

    The rule looks only at the steps that are kept, so these are all of its state, and any unit of time will do.
    Snapshots that must never be evicted (the initial policy, imported opponents) belong outside the history.

    Args:
        capacity: Most snapshots to keep, the newest included; at least 2.

    Raises:
        ValueError: `capacity` is not an integer of at least 2.
    """

    def __init__(self, capacity: int) -> None:
        if not isinstance(capacity, int) or capacity < 2:
            raise ValueError(f"capacity must be an integer of at least 2 snapshots, got {capacity!r}")
        self.capacity = capacity
        # A full history spends one place on the head and about one on its oldest end. Additions and evictions balance
        # when half of the others fall into each doubling of the run; 1 / capacity is for tiny histories (measured).
        self._spacing = 2.0 ** (1.0 / (capacity / 2 - 1 + 1 / capacity))
        self._steps: list[int] = []

    @property
    def steps(self) -> tuple[int, ...]:
        """Learner steps of the snapshots kept, ascending; the newest is always the last."""
        return tuple(self._steps)

    @property
    def gaps(self) -> tuple[int, ...]:
        """Learner steps from the start (step 0) to the first snapshot and between neighbours: one gap per snapshot."""
        return tuple(later - earlier for earlier, later in pairwise((0, *self._steps)))

    def add(self, step: int) -> list[int]:
        """Takes in a new newest snapshot; costs O(capacity) at most, O(1) while the head merely moves on.

        Args:
            step: Learner step of the snapshot, non-negative and later than every step before it.

        Returns:
            The steps evicted to make room: none while the history fills, then exactly one, never `step` itself.

        Raises:
            ValueError: `step` is negative or not later than the newest step.
        """
        step = operator.index(step)  # a NumPy integer would not survive JSON
        if step < 0:
            raise ValueError(f"step must be a non-negative learner step, got {step}")
        if self._steps and step <= self._steps[-1]:
            raise ValueError(f"step must be later than the newest snapshot at {self._steps[-1]}, got {step}")
        evicted = [self._steps.pop(self._most_dispensable(step))] if len(self._steps) == self.capacity else []
        self._steps.append(step)
        return evicted

    def discrepancy(self, now: int | None = None) -> float:
        """Unevenness q = longest gap x (capacity + 1) / elapsed.

        Args:
            now: Current learner step, not before the newest snapshot; the newest snapshot's step if left out.

        Returns:
            q in [0, capacity + 1]: 1 for perfectly even gaps around a full history, 0 before any time has elapsed.

        Raises:
            ValueError: `now` lies before the newest snapshot.
        """
        newest = self._steps[-1] if self._steps else 0
        now = newest if now is None else now
        if now < newest:
            raise ValueError(f"now must not be before the newest snapshot at {newest}, got {now}")
        return max((*self.gaps, now - newest)) * (self.capacity + 1) / now if now else 0.0

    def state(self) -> dict[str, Any]:
        """All that a resumed history needs, ready for JSON: `capacity` and `steps`."""
        return {"capacity": self.capacity, "steps": list(self._steps)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replaces the content by a `state()`; from here on every answer is that of the uninterrupted history.

        Args:
            state: What `state()` returned, also after a round trip through JSON.

        Raises:
            KeyError: `capacity` or `steps` is missing.
            ValueError: The state was taken at another capacity, or its steps are too many or not ascending.
        """
        capacity, steps = state["capacity"], [operator.index(step) for step in state["steps"]]
        if capacity != self.capacity:
            raise ValueError(f"capacity of the saved history must be {self.capacity} as this one's, got {capacity!r}")
        if len(steps) > capacity:
            raise ValueError(f"steps of the saved history must be at most {capacity}, got {len(steps)}")
        if any(later <= earlier for earlier, later in pairwise((-1, *steps))):
            raise ValueError(f"steps of the saved history must be non-negative and ascending, got {steps}")
        self._steps = steps

    def _most_dispensable(self, step: int) -> int:
        """Index of the snapshot to drop from a full history when one at `step` arrives.

        The head stays if it is nearer than `step` to its target, `_spacing` times the snapshot before it: if their
        midpoint has passed the target. Otherwise `step` takes its place. Of equal gaps the oldest merge first, which
        keeps the pairs aligned.
        """
        before, head = self._steps[-2:]
        if (head + step) / 2 <= self._spacing * before:
            return len(self._steps) - 1
        line = (0, *self._steps, step)
        return min(range(len(self._steps)), key=lambda i: line[i + 2] - line[i])
