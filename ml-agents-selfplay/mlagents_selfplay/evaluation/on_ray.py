"""How are games, trainings and benchmarks done on Ray? By actors that play, and by tasks that do one part each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.matches import Fixture, GameResult
from mlagents_selfplay.evaluation.parts import Done, Part, Show, Work, done
from mlagents_selfplay.evaluation.workers import Spread, Task, Worker, batches

SECONDS_TO_END = 10.0  # for a worker and its environment
SHOW_EVERY_SECONDS = 1.0


class _RemoteWorker:
    """A worker on whichever node Ray has put it. It starts with its first batch, so that an error is an answer."""

    def __init__(self, task: Task, where: Path) -> None:
        os.chdir(where)  # from where the paths of players and environments are meant
        self._task = task
        self._worker: Worker | None = None

    def play(self, fixtures: list[Fixture]) -> list[GameResult]:
        """Plays a batch to its end."""
        if self._worker is None:
            self._worker = Worker(self._task)
        return list(self._worker.play(fixtures))

    def close(self) -> None:
        """Ends the environment."""
        if self._worker is not None:
            self._worker.__exit__(None, None, None)


def spread_on(ray: Any) -> Spread:
    """Returns what lets actors of a connected Ray play, one core each; each takes the next batch when it is done."""

    def play(task: Task, fixtures: Iterable[Fixture], workers: int) -> Iterator[GameResult]:
        actor = ray.remote(_RemoteWorker).options(num_cpus=1, scheduling_strategy="SPREAD")
        actors = [actor.remote(task.of_worker(number), Path.cwd()) for number in range(workers)]
        dealt, idle, busy = batches(task, fixtures), list(actors), {}
        try:
            while True:
                while idle and (batch := next(dealt, None)):
                    worker = idle.pop()
                    busy[worker.play.remote(batch)] = worker
                if not busy:
                    return
                (answered, *_), _ = ray.wait(list(busy))
                idle.append(busy.pop(answered))
                yield from _answer(ray, answered)
        finally:
            ray.wait([worker.close.remote() for worker in actors], num_returns=workers, timeout=SECONDS_TO_END)
            for worker in actors:
                ray.kill(worker)

    return play


class RayHands:
    """Does parts of an experiment as tasks, as many at once as the cluster has cores; see `Hands`."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._under_way: dict[Any, Part] = {}
        self._task = ray.remote(_in_folder).options(num_cpus=1, scheduling_strategy="SPREAD")

    @property
    def at_once(self) -> int:
        """How many; more when nodes join."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1.0)))

    def start(self, part: Part, work: Work) -> None:
        """See `Hands`."""
        self._under_way[self._task.remote(Path.cwd(), work)] = part

    def wait(self, show: Show) -> Done:
        """See `Hands`."""
        ended: list[Any] = []
        while not ended:
            first, others = next(iter(self._under_way.values())), len(self._under_way) - 1
            show(f"{first}, {others} more beside it" if others else str(first), 0, 1)
            ended, _ = self._ray.wait(list(self._under_way), timeout=SHOW_EVERY_SECONDS)
        return done(self._under_way.pop(ended[0]), lambda: _answer(self._ray, ended[0]))


def _in_folder(where: Path, work: Work) -> Any:
    os.chdir(where)
    return work(lambda doing, done, planned: None)


def _answer(ray: Any, promise: Any) -> Any:
    """Returns what a worker answers.

    Raises:
      EvaluationError: as it does, or if it has died.
    """
    try:
        return ray.get(promise)
    except EvaluationError as error:
        raise EvaluationError(str(getattr(error, "cause", error))) from error
    except ray.exceptions.RayError as error:
        raise EvaluationError(f"A worker on Ray has died: {error}") from error
