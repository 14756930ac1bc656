"""On which thread is an area stepped, and for how long may it take? Every area has a thread of its own choice for life.

Graphics contexts belong to threads, so an area never changes its thread. A step that does not come back cannot be
stopped; whoever waits for it gets an error, and the thread is left behind.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class StepTimeoutError(TimeoutError):
    """An environment did not come back in time."""


def num_cores() -> int:
    """Returns how many cores this process may use; only Linux says that it may not use all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Crew:
    """Runs tasks for areas.

    Args:
      num_areas: areas 0 .. num_areas - 1; all are on one thread until `spread` is called.
      timeout: how long one area may take for one task, in seconds; None runs everything in the thread that asks, where
        nothing can be timed.
    """

    def __init__(self, num_areas: int, timeout: float | None) -> None:
        self._timeout = timeout
        self._hands = [] if timeout is None else [_Hand()]
        self._hand_of = [0] * num_areas

    def spread(self, num_threads: int) -> None:
        """Spreads the areas evenly over that many threads; the first area keeps its own."""
        num_areas = len(self._hand_of)
        self._hands += [_Hand() for _ in range(len(self._hands), min(num_threads, num_areas))]
        self._hand_of = [area * len(self._hands) // num_areas for area in range(num_areas)]

    def run(self, task: Callable[[int], T], areas: Sequence[int]) -> list[T]:
        """Returns `task(area)` for each of the areas, in their order; areas of one thread run one after the other.

        Raises:
          StepTimeoutError: if an area takes too long; its thread, and all areas on it, are lost.
          Exception: the first that a task raised, once all threads are done.
        """
        if self._timeout is None:
            return [task(area) for area in areas]
        shares: dict[int, list[int]] = {}
        for area in areas:
            shares.setdefault(self._hand_of[area], []).append(area)
        for index, share in shares.items():
            self._hands[index].begin(task, share)
        results: dict[int, Any] = {}
        failures: list[Exception] = []
        for index in shares:
            done, failure = self._hands[index].finish(self._timeout)
            results.update(done)
            failures += [failure] if failure is not None else []
        if failures:
            raise failures[0]
        return [results[area] for area in areas]

    @property
    def usable(self) -> list[int]:
        """The areas whose threads have not been lost."""
        lost = [index for index, hand in enumerate(self._hands) if hand.is_lost]
        return [area for area, index in enumerate(self._hand_of) if index not in lost]

    def close(self) -> None:
        """Lets the threads end; lost ones stay behind until the process ends."""
        for hand in self._hands:
            hand.dismiss()


class _Hand:
    """One thread and the tasks that it is given."""

    def __init__(self) -> None:
        self.is_lost = False
        self._given: queue.SimpleQueue[tuple[Callable[[int], Any], list[int]] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        self._share: list[int] = []
        self._results: dict[int, Any] = {}  # filled by the thread, area by area
        threading.Thread(target=self._work, daemon=True).start()

    def begin(self, task: Callable[[int], Any], share: list[int]) -> None:
        self._share, self._results = share, {}
        self._given.put((task, share))

    def finish(self, timeout: float) -> tuple[dict[int, Any], Exception | None]:
        """Returns what the task returned for each area, and the exception that ended it early, if any."""
        finished = -1
        while len(self._results) > finished:  # one more area has come back within the time
            finished = len(self._results)
            try:
                failure = self._done.get(timeout=timeout)
            except queue.Empty:
                continue
            return self._results, failure
        self.is_lost = True
        return {}, StepTimeoutError(f"area {self._share[finished]} did not come back within {timeout:g} s")

    def dismiss(self) -> None:
        self._given.put(None)

    def _work(self) -> None:
        while (given := self._given.get()) is not None:
            task, share = given
            failure = None
            try:
                for area in share:
                    self._results[area] = task(area)
            except Exception as error:
                failure = error
            self._done.put(failure)
