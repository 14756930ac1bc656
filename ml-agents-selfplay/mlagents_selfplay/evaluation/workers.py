"""Where are games played? In this process, or in several at once that each have an environment and all players."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mlagents.torch_utils import torch

from mlagents_selfplay.evaluation.environment import EnvironmentSettings, opened
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.lineup import Lineup
from mlagents_selfplay.evaluation.matches import Fixture, GameResult, make_lineups, play, roles_of
from mlagents_selfplay.evaluation.players import Player
from mlagents_selfplay.selfplay.matchmaking import Role
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings

BATCH = 4  # games for each area that a process is sent at a time


@dataclass(frozen=True)
class Task:
    """What a process has to know to play games.

    Attributes:
      environment: what to start.
      players: who may be asked to play.
      outcome: what counts as a win.
      deterministic: whether networks take their likeliest action and do not sample.
      seed: of sampled actions and of scripts; the environment has a seed of its own.
    """

    environment: EnvironmentSettings
    players: tuple[Player, ...]
    outcome: OutcomeSettings
    deterministic: bool = False
    seed: int = 0

    def of_worker(self, number: int) -> Task:
        """Returns the task of one of several processes: other ports and other random numbers."""
        environment = replace(
            self.environment, seed=self.environment.seed + number, base_port=self.environment.base_port + number
        )
        return replace(self, environment=environment, seed=self.seed + number)


class Worker:
    """An environment that has been started, and everybody who can play in it. To be closed in the end.

    Raises:
      EvaluationError: if the environment does not start, or a player does not fit it.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._open = contextlib.ExitStack()
        torch.manual_seed(task.seed)
        rng = np.random.default_rng(task.seed)
        try:
            self._environment = self._open.enter_context(opened(task.environment))
            self.lineups = make_lineups(
                self._environment,
                lambda behavior, spec: Lineup(behavior, spec, task.players, task.deterministic, rng),
            )
            self.roles: list[Role] = list(roles_of(self._environment).values())
        except BaseException:
            self._open.close()
            raise

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)

    def play(self, fixtures: Iterable[Fixture]) -> Iterator[GameResult]:
        """Plays games and yields each when it ends, see `matches.play`."""
        return play(self._environment, self.lineups, fixtures, self._task.outcome)


def play_in_processes(task: Task, fixtures: Iterable[Fixture], workers: int) -> Iterator[GameResult]:
    """Plays games in several processes of this machine; each takes the next batch when it is done with one.

    Raises:
      EvaluationError: as `Worker`, or if a process dies.
    """
    dealt = iter(fixtures)
    size = BATCH * task.environment.num_areas
    numbers = multiprocessing.get_context("spawn").Value("i", 0)
    with ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_start, initargs=(task, numbers)
    ) as pool:
        running: set[Future[list[GameResult]]] = set()
        try:
            while True:
                while len(running) < workers and (batch := list(itertools.islice(dealt, size))):
                    running.add(pool.submit(_play, batch))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield from future.result()
        except BrokenProcessPool as error:
            raise EvaluationError("One of the processes that play games was ended from outside.") from error
        finally:
            pool.shutdown(cancel_futures=True)


_task: Task | None = None  # of this process, if it was started to play
_worker: Worker | None = None


def _start(task: Task, numbers: Any) -> None:
    global _task
    with numbers.get_lock():
        number, numbers.value = numbers.value, numbers.value + 1
    _task = task.of_worker(number)


def _play(fixtures: list[Fixture]) -> list[GameResult]:
    global _worker
    assert _task is not None
    if _worker is None:  # not before, so that what goes wrong is told as the result of a batch
        _worker = Worker(_task)
    return list(_worker.play(fixtures))
