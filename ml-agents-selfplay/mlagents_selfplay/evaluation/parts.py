"""What is one part of an experiment or a study, a training or a tournament, when may it begin, and who does it?"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from mlagents_selfplay.evaluation import tournament
from mlagents_selfplay.evaluation.environment import EnvironmentSettings
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.pictures import draw_tournament
from mlagents_selfplay.evaluation.players import Player
from mlagents_selfplay.files import write_bytes_atomically
from mlagents_selfplay.training import Training, TrainingError, train

Show = Callable[[str, int, int], None]
"""Is told what is being done, and how far that is, of how much."""


PORTS = 10  # that a part may try before it comes to those of the next
_SECONDS = "seconds.json"  # in the folder of a training


@dataclass(frozen=True)
class Part:
    """One piece of work.

    Attributes:
      name: what it is called while it is done; no other part is called so.
      needs: names of the parts that must have ended before it begins.
    """

    name: str
    needs: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.name


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
    finished: Collection[str],
    hands: Hands,
    begin: Callable[[Part], Work],
    show: Show,
) -> Iterator[Done]:
    """Does the parts, the first that may begin first, and yields each when it has come to its end.

    Args:
      parts: of the whole.
      finished: names of those that need not be done.
      hands: who does them.
      begin: is called when a part begins; says what there is to do.
      show: is told of progress.
    """
    waiting = [part for part in parts if part.name not in finished]
    ended = set(finished)
    under_way = 0
    while waiting or under_way:
        able = [part for part in waiting if part.needs <= ended]
        for part in able[: max(0, hands.at_once - under_way)]:
            waiting.remove(part)
            hands.start(part, begin(part))
            under_way += 1
        found = hands.wait(show)
        under_way -= 1
        ended.add(found.part.name)
        yield found


def do_training(part: Part, training: Training, last: int, show: Show) -> float:
    """Trains, and returns the seconds that it took, over all its starts.

    Args:
      part: which it is.
      training: what to run; its folder gets a note of the seconds.
      last: learner steps in all.
      show: is told of progress.

    Raises:
      EvaluationError: if `mlagents-learn` fails.
    """
    show(part.name, 0, last)
    before, began = _noted(training), time.monotonic()
    try:
        train(training, lambda summary: show(part.name, min(summary.step, last), last))
    except TrainingError as error:
        raise EvaluationError(str(error)) from error
    finally:
        training.folder.mkdir(exist_ok=True)
        text = json.dumps(before + time.monotonic() - began)
        write_bytes_atomically(training.folder / _SECONDS, text.encode())
    return seconds_of(training)


def seconds_of(training: Training) -> float:
    """Returns the seconds that a finished training took; killed before they were noted, those of its last start."""
    return _noted(training) or training.seconds


def _noted(training: Training) -> float:
    file = training.folder / _SECONDS
    return float(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else 0.0


@dataclass(frozen=True)
class Games:
    """A tournament that is one part.

    Attributes:
      folder: of the tournament.
      players: who plays.
      environment: where.
      settings: how.
    """

    folder: Path
    players: tuple[Player, ...]
    environment: EnvironmentSettings
    settings: tournament.TournamentSettings


def do_games(part: Part, games: Games, show: Show) -> dict[str, Any]:
    """Plays a tournament, draws it, and returns the content of its `tournament.json`.

    Raises:
      EvaluationError: see `tournament.run`.
    """
    content = tournament.run(
        games.folder,
        games.players,
        games.environment,
        games.settings,
        lambda done, planned: show(part.name, done, planned),
    )
    draw_tournament(games.folder, content)
    return content
