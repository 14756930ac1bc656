"""What did the matches come to? Rows for the match log, ratings, and the learner's win rate against each opponent."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .matchmaking import CURRENT, Match, Role, Side
from .outcomes import DegenerateWatch, OutcomeSettings, pairwise_outcomes, seat_outcome, seat_score
from .ratings import EloTable
from .samplers import quality_after_win

INITIAL = "initial"  # the player that is the policy before its first update, the ratings' anchor

MEMORY = 0.99  # of a win rate, per game: the learner of a hundred games ago counts for about a third
NO_SCORE = float("nan")


class MatchRow(NamedTuple):
    """A finished seat of the learner, as the match log has it."""

    step: int  # learner steps when the match began
    team: int
    opponent: str  # its player; several are joined by +
    outcome: float | None  # win 1, draw 1/2, loss 0; None for a truncated episode
    episode_return: float
    length: int  # agent steps


class Ratings:
    """One Elo table for all behaviors of a run, so that those of an asymmetric game are rated against each other.

    The anchor is the initial policy of the behavior whose name sorts first, whichever is met first.
    """

    def __init__(self, k: float, initial: float) -> None:
        self._k, self._initial = k, initial
        self._behaviors: list[str] = []
        self._table: EloTable | None = None

    def enter(self, behavior: str) -> None:
        """Makes room for the players of `behavior`."""
        old = {} if self._table is None else self._table.ratings
        self._behaviors = sorted({*self._behaviors, behavior})
        anchor = _key(self._behaviors[0], INITIAL)
        self._table = EloTable(anchor, self._k, self._initial)
        for player, rating in old.items():
            if player != anchor:
                self._table.add(player, rating)

    @property
    def table(self) -> EloTable:
        """The table; at least one behavior has been entered before."""
        assert self._table is not None
        return self._table

    def rating(self, behavior: str, player: str) -> float:
        """The rating of a player of `behavior`, in Elo points."""
        return self.table.rating(_key(behavior, player))

    def put(self, behavior: str, player: str, rating: float) -> None:
        """Enters a player of `behavior`; the anchor keeps its rating."""
        if _key(behavior, player) != _key(self._behaviors[0], INITIAL):
            self.table.add(_key(behavior, player), rating)

    def remove(self, behavior: str, player: str) -> None:
        """Forgets a player of `behavior`."""
        self.table.remove(_key(behavior, player))


class Scorebook:
    """Keeps the learner's results of one behavior; `ratings` is shared with the other behaviors and updated."""

    def __init__(self, behavior: str, outcome: OutcomeSettings, ratings: Ratings) -> None:
        self.behavior = behavior
        self.ratings = ratings
        self.games = 0  # with an outcome, against another player than the learner itself
        self.changes = 0  # of what `win_rate` and `quality` answer; never goes back
        self._outcome = outcome
        self._recent: dict[str, tuple[float, float]] = {}  # by opponent: wins (draws count half) and games, both fading
        self._qualities: dict[str, float] = {}
        self._watch = DegenerateWatch()
        ratings.enter(behavior)

    def win_rate(self, player: str) -> tuple[float, float]:
        """Returns the learner's recent mean outcome against `player` and the faded number of games behind it."""
        wins, games = self._recent.get(player, (0.0, 0.0))
        return (wins / games if games else NO_SCORE), games

    def quality(self, player: str) -> float:
        """Returns the quality score of an opponent; a new one starts with the best there is."""
        own = self._qualities.get(player)
        return max(self._qualities.values(), default=0.0) if own is None else own

    def keep(self, players: set[str]) -> None:
        """Forgets opponents that can no longer be met, all but `players`."""
        self.changes += 1
        for scores in (self._recent, self._qualities):
            for player in set(scores) - players:
                del scores[player]

    def record(self, role: Role, match: Match) -> tuple[list[MatchRow], str | None]:
        """Takes in a match that is over, from the side of the learner in `role`.

        A group has one outcome, that of its member which ended last; a match of more than two teams is judged pair by
        pair and its row shows the mean. Mirror matches are logged but move no rating and no win rate.

        Returns:
          A row for each of the learner's seats, and a warning when outcomes turn out to say nothing.
        """
        own, opponents = match.sides[role], match.opponents(role)
        if not opponents:
            return [], None
        versus = dict(zip(opponents, self._outcomes(own, list(opponents.values())), strict=True))
        known = [outcome for outcome in versus.values() if outcome is not None]
        outcome = sum(known) / len(known) if known else None
        met = {other: value for other, value in versus.items() if opponents[other].player != CURRENT}
        self._rate({_key(other.behavior, opponents[other].player): value for other, value in met.items()})
        for other, value in met.items():
            if value is not None:
                self._score(opponents[other].player, value)
        label = "+".join(side.player for side in opponents.values())
        step = match.steps[role.behavior]
        rows = [MatchRow(step, role.team, label, outcome, seat.episode_return, seat.length) for seat in own.results]
        return rows, self._watch.add(self._sides_outcomes(own, opponents)) if known else None

    def state(self) -> dict[str, Any]:
        """Returns everything a resumed scorebook needs, ready for JSON."""
        own = f"{self.behavior}/"
        ratings = {key[len(own) :]: rating for key, rating in self.ratings.table.ratings.items() if key.startswith(own)}
        return {"games": self.games, "ratings": ratings, "recent": self._recent, "qualities": self._qualities}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from `state()`."""
        self.changes += 1
        self.games = state["games"]
        self._recent = {player: (wins, games) for player, (wins, games) in state["recent"].items()}
        self._qualities = dict(state["qualities"])
        for player, rating in state["ratings"].items():
            self.ratings.put(self.behavior, player, rating)

    def _outcomes(self, own: Side, others: list[Side]) -> list[float | None]:
        last = own.results[-1]
        if len(others) == 1:
            return [seat_outcome(last.last_reward, last.episode_return, last.truncated, self._outcome)]
        against = pairwise_outcomes([self._score_of(side) for side in (own, *others)])[0, 1:]
        return [None if np.isnan(outcome) else float(outcome) for outcome in against]

    def _score_of(self, side: Side) -> float:
        if not side.results or side.results[-1].truncated:
            return NO_SCORE
        return seat_score(side.results[-1].last_reward, side.results[-1].episode_return, self._outcome)

    def _sides_outcomes(self, own: Side, opponents: dict[Role, Side]) -> list[float]:
        ends = [side.results[-1] for side in (own, *opponents.values()) if side.results]
        outcomes = [seat_outcome(end.last_reward, end.episode_return, end.truncated, self._outcome) for end in ends]
        return [outcome for outcome in outcomes if outcome is not None]

    def _rate(self, met: dict[str, float | None]) -> None:
        if not met:
            return
        own = [NO_SCORE if outcome is None else outcome for outcome in met.values()]
        among_others = [NO_SCORE] * len(own)
        pairs = [[NO_SCORE, *own], *([1.0 - outcome, *among_others] for outcome in own)]
        self.ratings.table.update_pairwise([_key(self.behavior, CURRENT), *met], pairs)

    def _score(self, player: str, outcome: float) -> None:
        self.games += 1
        self.changes += 1
        wins, games = self._recent.get(player, (0.0, 0.0))
        self._recent[player] = (MEMORY * wins + outcome, MEMORY * games + 1.0)
        if outcome == 1.0:
            self._qualities[player] = self.quality(player)
            self._qualities[player] = quality_after_win(self._qualities[player], self._qualities.values())


def _key(behavior: str, player: str) -> str:
    return f"{behavior}/{player}"
