"""What is one part of an experiment, a training or a benchmark, when may it begin, and who does it?"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from mlagents_selfplay.evaluation import tournament
from mlagents_selfplay.evaluation.environment import EnvironmentSettings
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.experiment_settings import Job
from mlagents_selfplay.evaluation.networks import outcome_rule
from mlagents_selfplay.evaluation.pictures import draw_tournament
from mlagents_selfplay.evaluation.players import Player, nearest
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings
from mlagents_selfplay.training import Training, TrainingError, train

Show = Callable[[str, int, int], None]
"""Is told what is being done, and how far that is, of how much."""


@dataclass(frozen=True)
class Part:
    """A training (`of` is the job) or a benchmark (`of` is the iteration, in learner steps) of a run."""

    run: int
    of: Job | int

    def __str__(self) -> str:
        what = f"{self.of.name} learns" if isinstance(self.of, Job) else f"benchmark at {self.of}"
        return f"run {self.run}: {what}"


Work = Callable[[Show], Any]
"""Does a part, in whichever process; returns what came out, raises `EvaluationError`. It has to be picklable."""


class Done(NamedTuple):
    """A part that has come to its end: with a result, or with an error."""

    part: Part
    result: Any = None
    error: EvaluationError | None = None


class Hands(Protocol):
    """Who does the work."""

    @property
    def at_once(self) -> int:
        """Parts that may be under way at once, at least 1."""

    def start(self, part: Part, work: Work) -> None:
        """Takes on a part."""

    def wait(self, show: Show) -> Done:
        """Waits until one of the parts that were taken on has come to its end."""


class Here:
    """Does one part after another in this process."""

    at_once = 1

    def __init__(self) -> None:
        self._next: list[tuple[Part, Work]] = []

    def start(self, part: Part, work: Work) -> None:
        """See `Hands`."""
        self._next.append((part, work))

    def wait(self, show: Show) -> Done:
        """See `Hands`."""
        part, work = self._next.pop(0)
        return done(part, lambda: work(show))


def done(part: Part, result: Callable[[], Any]) -> Done:
    """Returns the end of a part."""
    try:
        return Done(part, result())
    except EvaluationError as error:
        return Done(part, error=error)


def do_all(
    parts: Sequence[Part],
    finished: Collection[Part],
    hands: Hands,
    begin: Callable[[Part], Work],
    show: Show,
) -> Iterator[Done]:
    """Does the parts, the first that may begin first, and yields each when it has come to its end.

    Args:
      parts: of the whole experiment.
      finished: those that need not be done.
      hands: who does them.
      begin: is called when a part begins; says what there is to do.
      show: is told of progress.
    """
    waiting = [part for part in parts if part not in finished]
    ended = set(finished)
    under_way = 0
    while waiting or under_way:
        able = [part for part in waiting if _may_begin(part, parts, ended)]
        for part in able[: max(0, hands.at_once - under_way)]:
            waiting.remove(part)
            hands.start(part, begin(part))
            under_way += 1
        found = hands.wait(show)
        under_way -= 1
        ended.add(found.part)
        yield found


def _may_begin(part: Part, parts: Sequence[Part], ended: Collection[Part]) -> bool:
    """A benchmark needs all trainings of its run."""
    trainings = [other for other in parts if isinstance(other.of, Job) and other.run == part.run]
    return isinstance(part.of, Job) or all(training in ended for training in trainings)


def do_training(part: Part, training: Training, last: int, show: Show) -> float:
    """Trains, and returns the seconds that it took.

    Args:
      part: which it is.
      training: what to run.
      last: learner steps in all.
      show: is told of progress.

    Raises:
      EvaluationError: if `mlagents-learn` fails.
    """
    show(str(part), 0, last)
    began = time.monotonic()
    try:
        train(training, lambda summary: show(str(part), min(summary.step, last), last))
    except TrainingError as error:
        raise EvaluationError(str(error)) from error
    return time.monotonic() - began


@dataclass(frozen=True)
class Benchmark:
    """A tournament of what was trained, and of fixed agents.

    Attributes:
      folder: of the tournament.
      trained: by name, folders of the trainings that take part.
      fixed: who else does.
      environment: where it is played.
      games: of each pair.
    """

    folder: Path
    trained: Mapping[str, Path]
    fixed: tuple[Player, ...]
    environment: EnvironmentSettings
    games: int


def do_benchmark(part: Part, benchmark: Benchmark, show: Show) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Plays the policies that were kept nearest to the part's iteration.

    Returns:
      `[N, N]` mean outcomes, row against column.

    Raises:
      EvaluationError: see `tournament.run`.
    """
    assert isinstance(part.of, int)
    trained = [replace(nearest(run, part.of), name=name) for name, run in benchmark.trained.items()]
    rule = outcome_rule(next(iter(benchmark.trained.values()))) or OutcomeSettings()
    content = tournament.run(
        benchmark.folder,
        [*trained, *benchmark.fixed],
        benchmark.environment,
        tournament.TournamentSettings(benchmark.games, outcome=rule, seed=benchmark.environment.seed),
        lambda done, planned: show(str(part), done, planned),
    )
    draw_tournament(benchmark.folder, content)
    return np.array(content["payoff"], dtype=float)
