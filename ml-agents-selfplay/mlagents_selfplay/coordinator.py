"""What the behaviors of one run share: the game they play against each other, and one scale of ratings."""

from __future__ import annotations

from pathlib import Path
from weakref import WeakValueDictionary

from mlagents_selfplay.rollouts.host import Host
from mlagents_selfplay.selfplay.matchmaking import Game
from mlagents_selfplay.selfplay.pool import OpponentPool
from mlagents_selfplay.selfplay.scorebook import Ratings, Scorebook


class Coordinator:
    """One for each run; ML-Agents makes a trainer for each behavior and tells them nothing of each other.

    Attributes:
      game: seats and matches of all behaviors.
      ratings: of all their players.
      books: results by behavior.
      pools: who can be drawn, by behavior.
      host: of the bridges that play whole rollouts.
    """

    def __init__(self, elo_k: float, initial_elo: float) -> None:
        self.game = Game()
        self.ratings = Ratings(elo_k, initial_elo)
        self.books: dict[str, Scorebook] = {}
        self.pools: dict[str, OpponentPool] = {}
        self.host = Host(self.game)

    def opposite(self, behavior: str) -> str:
        """Returns the behavior that meets `behavior`: itself where it has several teams, else one of another team."""
        teams = {role.team for role in self.game.entrants if role.behavior == behavior}
        others = [role.behavior for role in self.game.entrants if role.team not in teams]
        return others[0] if others and len(teams) == 1 else behavior

    def forget_the_evicted(self) -> None:
        """Drops all results against opponents that no behavior can meet any more."""
        met = [pool.players | self.game.players_on(behavior) for behavior, pool in self.pools.items()]
        for book in self.books.values():
            book.keep(set().union(*met))


_of_run: WeakValueDictionary[Path, Coordinator] = WeakValueDictionary()


def coordinator(run: Path, behavior: str, elo_k: float, initial_elo: float) -> Coordinator:
    """Returns the coordinator of the run that writes to `run`; the first behavior that asks brings the settings.

    A behavior that has a book there already is one of another run, which begins in this process after the old one.
    """
    found = _of_run.get(run)
    if found is None or behavior in found.books:
        found = Coordinator(elo_k, initial_elo)
        _of_run[run] = found
    return found
