"""Which pair plays next? All alike, or wherever the result is least certain."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlagents_selfplay.evaluation.matches import Fixture, GameResult, num_seatings
from mlagents_selfplay.selfplay.ratings import win_rate_interval

SCHEDULES = ("all", "widest")
FEWEST = 10  # games of every pair before the widest interval counts

FloatArray = npt.NDArray[np.float64]


class Table:
    """What all games have come to so far.

    Args:
      players: names, `N`.
      roles: of the environment; says how many seatings there are.
      apart: groups of players who do not meet each other.

    Attributes:
      pairs: all that meet, the smaller index first.
      wins: `[N, N]`, games that the row won against the column; a draw is half a win for each.
      games: `[N, N]`, games with an outcome, symmetric.
      draws: `[N, N]`, those that were drawn.
    """

    def __init__(self, players: list[str], roles: int, apart: Sequence[Collection[str]] = ()) -> None:
        size = len(players)
        self.players = players
        self.roles = roles
        self.wins = np.zeros((size, size))
        self.games = np.zeros((size, size), dtype=np.int64)
        self.draws = np.zeros((size, size), dtype=np.int64)
        self.order: list[tuple[int, int, float]] = []  # of all rated games: two players and the outcome of the first
        self._index = {name: number for number, name in enumerate(players)}
        together = np.array([[name in group for group in apart] for name in players], dtype=bool).reshape(size, -1)
        self.pairs = [
            (i, j) for i, j in itertools.combinations(range(size), 2) if not (together[i] & together[j]).any()
        ]
        self._played = np.zeros((size, size, num_seatings(roles)), dtype=np.int64)  # cut-off ones too; row above column

    def add(self, result: GameResult) -> bool:
        """Takes in a game; returns whether both players are in the table and the seating is known."""
        fixture = result.fixture
        i, j = self._index.get(fixture.first, -1), self._index.get(fixture.second, -1)
        if i < 0 or j < 0 or i == j or not 0 <= fixture.seating < self._played.shape[2]:
            return False
        first = (i, j, fixture.seating) if i < j else (j, i, self._mirrored(fixture.seating))
        self._played[first] += 1
        if result.outcome is not None:
            self.wins[i, j] += result.outcome
            self.wins[j, i] += 1.0 - result.outcome
            self.games[i, j] += 1
            self.games[j, i] += 1
            if result.outcome == 0.5:
                self.draws[i, j] += 1
                self.draws[j, i] += 1
            self.order.append((i, j, result.outcome))
        return True

    @property
    def played(self) -> npt.NDArray[np.int64]:
        """`[N, N, seatings]`: games of each pair (smaller index first) in each seating; a copy."""
        return self._played.copy()

    def payoff(self) -> FloatArray:
        """Returns mean outcomes of row against column, 1/2 on the diagonal, NaN where nothing was played."""
        with np.errstate(invalid="ignore"):
            payoff = np.asarray(self.wins / self.games, dtype=np.float64)
        np.fill_diagonal(payoff, 0.5)
        return payoff

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Returns lower and upper ends of Wilson's 95 % intervals, NaN where nothing was played."""
        ends: npt.NDArray[Any] = np.full((*self.games.shape, 2), np.nan)
        for i, j in zip(*np.nonzero(self.games), strict=True):
            ends[i, j] = win_rate_interval(float(self.wins[i, j]), float(self.games[i, j]))
        return ends[..., 0], ends[..., 1]

    def _mirrored(self, seating: int) -> int:
        """The seating of the same game, told by the other player; with two roles, 0 and 1 change places."""
        return (seating + self.roles) % (2 * self.roles) if self.roles != 2 else 1 - seating


def fixtures(table: Table, games: int, schedule: str) -> Iterator[Fixture]:
    """Deals the games that are left, one at a time.

    Args:
      table: looked at again before every deal; not changed.
      games: of each pair; with `widest`, on average.
      schedule: `all` gives every pair the same number, in rounds in which each seating comes once; `widest` does so for
        the first few and then deals rounds to the pair whose interval is the widest.

    Yields:
      Games between two players of the table.
    """
    dealt = table.played
    seatings = dealt.shape[2]
    equal = games if schedule == "all" else min(games, FEWEST)
    for target in [*range(seatings, equal, seatings), equal]:
        for i, j in table.pairs:
            for seating in _missing(dealt[i, j], target):
                dealt[i, j, seating] += 1
                yield Fixture(table.players[i], table.players[j], seating)
    while schedule == "widest" and dealt.sum() < games * len(table.pairs):
        i, j = max(table.pairs, key=lambda pair: _width(table, pair, int(dealt[pair].sum())))
        for seating in _missing(dealt[i, j], int(dealt[i, j].sum()) + seatings):
            dealt[i, j, seating] += 1
            yield Fixture(table.players[i], table.players[j], seating)


def _missing(played: npt.NDArray[np.int64], target: int) -> Iterator[int]:
    """Yields the seatings in which games are due until there are `target`, the rarest first."""
    counts = played.copy()
    while counts.sum() < target:
        seating = int(counts.argmin())
        counts[seating] += 1
        yield seating


def _width(table: Table, pair: tuple[int, int], dealt: int) -> float:
    """Width of the interval that a pair would have if its open games went as the finished ones did."""
    rate = table.wins[pair] / table.games[pair] if table.games[pair] else 0.5
    low, high = win_rate_interval(float(rate * dealt), float(dealt))
    return high - low
