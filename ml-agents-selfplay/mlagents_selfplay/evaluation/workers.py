"""Where are games played? In this process, or in several at once that each have an environment and all players."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np
from mlagents.torch_utils import torch

from mlagents_selfplay.evaluation.environment import EnvironmentSettings, Means, opened
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.lineup import Lineup
from mlagents_selfplay.evaluation.matches import Fixture, GameResult, make_lineups, play, roles_of, wait_for_teams
from mlagents_selfplay.evaluation.players import Player
from mlagents_selfplay.selfplay.matches import Role
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings

PORTS = 10  # that a process may try before it comes to those of the next
SECONDS_TO_END = 10.0  # for a process and its environment
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
        port = self.environment.base_port + PORTS * number
        environment = replace(self.environment, seed=self.environment.seed + number, base_port=port)
        return replace(self, environment=environment, seed=self.seed + number)


class Worker:
    """An environment that has been started, and everybody who can play in it. To be closed in the end.

    Attributes:
      means: of what the environment tells of itself.

    Raises:
      EvaluationError: if the environment does not start, or a player does not fit it.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self.means = Means()
        self._open = contextlib.ExitStack()
        torch.manual_seed(task.seed)
        rng = np.random.default_rng(task.seed)
        try:
            self._environment = self._open.enter_context(opened(task.environment, self.means))
            wait_for_teams(self._environment)
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


Spread = Callable[[Task, Iterable[Fixture], int], Iterator[GameResult]]
"""Plays games of a task by as many workers that are elsewhere, and yields each when it is known to have ended."""


def batches(task: Task, fixtures: Iterable[Fixture]) -> Iterator[list[Fixture]]:
    """Yields what a worker is sent at a time, until there are no games left to deal."""
    dealt = iter(fixtures)
    while batch := list(itertools.islice(dealt, BATCH * task.environment.num_areas)):
        yield batch


def play_in_processes(task: Task, fixtures: Iterable[Fixture], workers: int) -> Iterator[GameResult]:
    """Plays games in several processes of this machine; each takes the next batch when it is done with one.

    Raises:
      EvaluationError: as `Worker`, or if a process dies.
    """
    dealt = batches(task, fixtures)
    context = multiprocessing.get_context("spawn")
    idle: list[Connection] = []
    processes = []
    for number in range(workers):
        ours, theirs = context.Pipe()
        processes.append(context.Process(target=_serve, args=(task.of_worker(number), theirs), daemon=True))
        processes[-1].start()
        theirs.close()  # so that its end is noticed
        idle.append(ours)
    busy: list[Connection] = []
    try:
        while True:
            while idle and (batch := next(dealt, None)):
                busy.append(idle.pop())
                busy[-1].send(batch)
            if not busy:
                return
            for connection in wait(busy):
                assert isinstance(connection, Connection)
                busy.remove(connection)
                yield from _received(connection)
                idle.append(connection)
    finally:
        for connection in (*idle, *busy):
            connection.close()  # which a process takes for the end
        for process in processes:
            process.join(SECONDS_TO_END)
            process.terminate()


def _received(connection: Connection) -> list[GameResult]:
    try:
        answer = connection.recv()
    except EOFError as error:
        raise EvaluationError("One of the processes that play games was ended from outside.") from error
    if isinstance(answer, EvaluationError):
        raise answer
    return list(answer)


def _serve(task: Task, connection: Connection) -> None:
    """Plays batch after batch, until nobody sends any more."""
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        try:
            with Worker(task) as worker:
                while True:
                    connection.send(list(worker.play(connection.recv())))
        except EvaluationError as error:
            connection.send(error)
