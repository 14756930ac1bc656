"""How does training go on while files are written? In order, in a thread that does nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

MOST_WAITING = 4  # jobs: two snapshots with their checkpoints


class Disk:
    """Does one job after the other, in the order in which they were handed over.

    What a job writes must not change until it is done. A job deals with its own `OSError`; anything else that it raises
    is a defect, and is raised again in the thread that hands over the next job or waits. Jobs that are left are done
    before the program ends.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="disk")
        self._waiting: deque[Future[None]] = deque()

    def later(self, job: Callable[[], None]) -> None:
        """Has a job done soon; waits while more than `MOST_WAITING` are not done yet, as on a disk that is too slow."""
        self._waiting.append(self._thread.submit(job))
        while self._waiting and (self._waiting[0].done() or len(self._waiting) > MOST_WAITING):
            self._waiting.popleft().result()

    def wait(self) -> None:
        """Waits until all jobs are done."""
        while self._waiting:
            self._waiting.popleft().result()
