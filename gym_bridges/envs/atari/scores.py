"""How well is the game played? The points and lives of every game, gathered for TensorBoard."""

from __future__ import annotations

import numpy as np

from gym_bridges.areas import Statistic


class Scoreboard:
    """Follows `count` games.

    Args:
      name: of the game, for the statistics.
      count: number of games side by side.
    """

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._running = np.zeros(count)  # points so far
        self._forget()

    def begin(self) -> None:
        """Drops the running games."""
        self._running[:] = 0

    def add(self, points: np.ndarray, lives: np.ndarray, ended: np.ndarray) -> None:
        """Counts a step: points scored, lives left, and which games have come to their end, `[count]` each."""
        self._running += points
        self._lives_sum += lives.sum()
        self._lives_count += len(lives)
        self._finished += self._running[ended].tolist()
        self._running[ended] = 0

    def statistics(self) -> list[Statistic]:
        """Returns the scores of the games that ended since the last call, and the lives left in an average step since.

        Nothing until a game has ended; nothing about lives in a game without lives.
        """
        if not self._finished:
            return []
        statistics = [Statistic(f"{self._name}/Score", score) for score in self._finished]
        if self._lives_sum:
            statistics.append(Statistic(f"{self._name}/Lives", self._lives_sum / self._lives_count))
        self._forget()
        return statistics

    def _forget(self) -> None:
        self._finished: list[float] = []
        self._lives_sum, self._lives_count = 0.0, 0
