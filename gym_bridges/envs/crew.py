"""On which thread is an area stepped, and for how long may it take? Every area has a thread of its own for life.

Graphics contexts belong to threads, so an area never changes its thread. The thread that asks does its share, too: to
wake another one for all of the work costs a busy machine a millisecond a step.

A step that does not come back: in the asking thread an alarm interrupts it (only a main thread on Unix has one; where
there is none, other threads do all of the work); another thread cannot be stopped, and is left behind.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


class StepTimeoutError(TimeoutError):
    """An environment did not come back in time."""


def num_cores() -> int:
    """Returns how many cores this process may use; only Linux says that it may not use all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Crew:
    """Runs tasks for areas. All calls come from one thread.

    Args:
      num_areas: areas 0 .. num_areas - 1; all are on one thread until `spread` is called.
      timeout: how long one area may take for one task, in seconds; None runs everything in the thread that asks, and
        nothing is timed.
    """

    def __init__(self, num_areas: int, timeout: float | None) -> None:
        self._timeout = timeout
        self._hands: list[_Hand | None] = [None if timeout is None or _has_alarm() else _Hand()]  # None: who asks
        self._hand_of = [0] * num_areas

    def spread(self, num_threads: int) -> None:
        """Spreads the areas evenly over that many threads; the first area keeps its own."""
        num_areas = len(self._hand_of)
        self._hands += [_Hand() for _ in range(len(self._hands), min(num_threads, num_areas))]
        self._hand_of = [area * len(self._hands) // num_areas for area in range(num_areas)]

    def run(self, task: Callable[[int], T], areas: Sequence[int]) -> list[T]:
        """Returns `task(area)` for each of the areas, in their order; areas of one thread run one after the other.

        Raises:
          StepTimeoutError: if an area takes too long; if that was in another thread, all areas on it are lost.
          Exception: the first that a task raised, once all threads are done.
        """
        shares: list[list[int]] = [[] for _ in self._hands]
        for area in areas:
            shares[self._hand_of[area]].append(area)
        for hand, share in zip(self._hands, shares, strict=True):
            if hand is not None:
                hand.begin(task, share)
        results: dict[int, Any] = {}
        failures: list[Exception] = []
        for hand, share in zip(self._hands, shares, strict=True):
            try:
                if hand is not None:
                    results.update(hand.finish(self._timeout))
                else:
                    with _alarm(self._timeout) as restart:
                        for area in share:
                            restart(area)
                            results[area] = task(area)
            except Exception as failure:
                failures.append(failure)
        if failures:
            raise failures[0]
        return [results[area] for area in areas]

    @property
    def usable(self) -> list[int]:
        """The areas whose threads have not been lost."""
        lost = [index for index, hand in enumerate(self._hands) if hand is not None and hand.is_lost]
        return [area for area, index in enumerate(self._hand_of) if index not in lost]

    def close(self) -> None:
        """Lets the threads end; lost ones stay behind until the process ends."""
        for hand in self._hands:
            if hand is not None:
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
        if share:
            self._given.put((task, share))

    def finish(self, timeout: float | None) -> dict[int, Any]:
        """Returns what the task returned for each area of the share, or raises what it raised."""
        finished = -1
        while self._share and len(self._results) > finished:  # one more area has come back within the time
            finished = len(self._results)
            with contextlib.suppress(queue.Empty):
                failure = self._done.get(timeout=timeout)
                if failure is not None:
                    raise failure
                return self._results
        if self._share:
            self.is_lost = True
            raise _late(self._share[finished], timeout)
        return {}

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


def _late(area: int, timeout: float | None) -> StepTimeoutError:
    return StepTimeoutError(f"area {area} did not come back within {timeout:g} s")


def _has_alarm() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def _alarm(timeout: float | None) -> Iterator[Callable[[int], None]]:
    """Yields a function that (re)starts the clock for an area; when it has run out, StepTimeoutError is raised here.

    Whoever had set an alarm before gets it back, later by the time that was spent here.
    """
    if timeout is None:
        yield lambda area: None
        return
    current = 0

    def ring(number: int, frame: FrameType | None) -> None:
        raise _late(current, timeout)

    def restart(area: int) -> None:
        nonlocal current
        current = area
        signal.setitimer(signal.ITIMER_REAL, timeout, timeout)  # again and again, should the environment swallow it

    handler = signal.signal(signal.SIGALRM, ring)
    pending = signal.getitimer(signal.ITIMER_REAL)
    try:
        yield restart
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *pending)
