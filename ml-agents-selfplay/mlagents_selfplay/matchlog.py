"""What does the match log of a run say, in arrays: who met whom, when, and with which outcome?"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import chain, takewhile
from operator import methodcaller
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlagents_selfplay.files import DamagedFile
from mlagents_selfplay.selfplay.matches import CURRENT
from mlagents_selfplay.store import COLUMNS

ROWS_AT_A_TIME = 1 << 17  # bounds the memory that text takes while a log is read

_READ = ("step", "team", "opponent", "outcome")
_READ_AS = [("step", np.int64), ("team", np.int32), ("opponent", object), ("outcome", object)]


@dataclass(frozen=True, eq=False)
class MatchLog:
    """Finished seats of one behavior's learner, with one entry for each opponent of a seat, in the order of the file.

    Attributes:
      seats: rows of the file.
      steps: `[m]`, learner steps when the match began.
      teams: `[m]`, the learner's team.
      players: names of all opponents, those of a match of several taken apart.
      opponents: `[m]`, index into `players`.
      outcomes: `[m]` in [0, 1]; NaN for a truncated episode. A seat with several opponents has their mean.
      games: `[m]`, how many alike the entry stands for: 1, unless somebody has condensed the log.
      weights: `[m]`, games / number of opponents of the seat.
    """

    seats: int
    steps: npt.NDArray[np.int64]
    teams: npt.NDArray[np.int32]
    players: list[str]
    opponents: npt.NDArray[np.intp]
    outcomes: npt.NDArray[np.float64]
    games: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]

    @property
    def rated(self) -> npt.NDArray[np.bool_]:
        """`[m]`, true where there is an outcome against another player than the learner itself."""
        return ~np.isnan(self.outcomes) & ~self.against(CURRENT)

    def against(self, player: str) -> npt.NDArray[np.bool_]:
        """Returns `[m]`, true where the opponent is `player`."""
        if player not in self.players:
            return np.zeros(len(self.steps), dtype=bool)
        return self.opponents == self.players.index(player)

    def last(self, games: int) -> MatchLog:
        """Returns a log of the last `games` games, or a few more; `seats` are those of the whole file."""
        first = int(np.searchsorted(-self.games[::-1].cumsum()[::-1], -games, side="right")) - 1
        recent = slice(max(first, 0), None)
        return replace(
            self,
            steps=self.steps[recent],
            teams=self.teams[recent],
            opponents=self.opponents[recent],
            outcomes=self.outcomes[recent],
            games=self.games[recent],
            weights=self.weights[recent],
        )


def read_match_log(path: Path, names: Collection[str] = ()) -> MatchLog:
    """Reads matches.csv; a missing file is an empty log, and a last line that is still being written is left out.

    Args:
      path: the file.
      names: of players that are one although they contain a `+`, which otherwise joins several.

    Raises:
      DamagedFile: if it cannot be read or a line is not what the trainer writes; the message names the line.
    """
    labels, texts = _Codes(), _Codes()
    columns: list[list[np.ndarray[Any, Any]]] = [
        [np.zeros(0, np.int64)],
        [np.zeros(0, np.int32)],
        [labels.of([])],
        [texts.of([])],
    ]
    for rows in _chunks(path):
        read = (rows["step"].copy(), rows["team"].copy(), labels.of(rows["opponent"]), texts.of(rows["outcome"]))
        for column, part in zip(columns, read, strict=True):
            column.append(part)
    steps, teams, label, text = (np.concatenate(parts) for parts in columns)
    outcomes = np.array([_outcome(known) for known in texts])
    damaged = np.flatnonzero(outcomes[text] < 0.0) if len(text) else text
    if len(damaged):
        line, found = damaged[0] + 2, list(texts)[text[damaged[0]]]  # the header is line 1
        raise DamagedFile(f"{path}, line {line}: outcome {found!r} is neither empty nor a number in [0, 1]")

    parts = [[known] if known in names else known.split("+") for known in labels]
    players = _Codes()
    flat = players.of([player for part in parts for player in part])
    sizes = np.array([len(part) for part in parts], dtype=np.intp)
    first = np.cumsum(sizes) - sizes  # where a label's players begin in `flat`
    entries = sizes[label]  # of each row
    row = np.repeat(np.arange(len(label)), entries)
    place = np.arange(len(row)) - np.repeat(np.cumsum(entries) - entries, entries)  # among those of its row
    return MatchLog(
        seats=len(steps),
        steps=steps[row],
        teams=teams[row],
        players=list(players),
        opponents=flat[first[label[row]] + place],
        outcomes=outcomes[text[row]],
        games=np.ones(len(row), dtype=np.int64),
        weights=1.0 / entries[row],
    )


def _chunks(path: Path) -> Iterator[np.ndarray[Any, np.dtype[Any]]]:
    """Yields the rows of the file, some at a time; none if there is no file."""
    if not path.exists():
        return
    line = 2
    try:
        with path.open(encoding="utf-8", newline="") as file:
            whole = takewhile(methodcaller("endswith", "\n"), file)
            header = next(whole, "").strip()
            if header != ",".join(COLUMNS):
                raise DamagedFile(f"{path}, line 1: {header!r} is not {','.join(COLUMNS)}")
            for first in whole:
                rows = np.loadtxt(
                    chain([first], whole),
                    dtype=_READ_AS,
                    delimiter=",",
                    comments=None,
                    quotechar='"',
                    usecols=[COLUMNS.index(name) for name in _READ],
                    max_rows=ROWS_AT_A_TIME,
                    ndmin=1,
                )
                yield rows
                line += len(rows)
    except (OSError, ValueError) as error:
        raise DamagedFile(f"{path} is damaged, counting from line {line}: {error}") from error


def _outcome(text: str) -> float:
    """Returns the number, NaN for an empty text, and -1 for what is no outcome."""
    if not text:
        return float("nan")
    try:
        return float(text) if 0.0 <= float(text) <= 1.0 else -1.0
    except ValueError:
        return -1.0


class _Codes(dict[str, int]):
    """Numbers texts in the order in which they are first seen."""

    def __missing__(self, text: str) -> int:
        self[text] = len(self)
        return self[text]

    def of(self, texts: Collection[str]) -> npt.NDArray[np.intp]:
        """Returns the number of each text."""
        return np.fromiter(map(self.__getitem__, texts), dtype=np.intp, count=len(texts))
