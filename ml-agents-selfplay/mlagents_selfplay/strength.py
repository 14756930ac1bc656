"""How strong was each player of a run? A Bradley-Terry fit over the whole match log.

The fit needs players that stay as they are, and the learner does not. So its matches are attributed to the snapshots.
One that began at learner step t belongs to the first snapshot taken at t or later, the one that ended the interval in
which it was played; matches after the newest snapshot belong to the learner as it is now. At step 0 the learner still
is the initial policy, the anchor. Evicted snapshots take part as long as they have been an opponent. So the rating of a
snapshot says how well its weights did as an opponent, and how well the learner did on the way to them.

The work is bounded: at most `MOST_SNAPSHOTS` snapshots of a behavior are told apart, the kept ones first, the others
evenly chosen; a match of any other counts for the next one taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlagents_selfplay.matchlog import MatchLog
from mlagents_selfplay.selfplay.matches import CURRENT
from mlagents_selfplay.selfplay.ratings import bradley_terry
from mlagents_selfplay.selfplay.scorebook import INITIAL

MOST_SNAPSHOTS = 300  # of one behavior in a fit, which takes time and memory of their number cubed and squared


@dataclass(frozen=True)
class Estimate:
    """A rating with its 95 % interval, in Elo points above the anchor, and the number of games behind it."""

    rating: float
    low: float
    high: float
    games: float

    def above(self, points: float) -> Estimate:
        """Returns the same with `points` added, the rating that the anchor is to have."""
        return Estimate(self.rating + points, self.low + points, self.high + points, self.games)


@dataclass(frozen=True, eq=False)
class LearnerLog:
    """What the learner of one behavior has played.

    Attributes:
      behavior: its name.
      opponents: name of the behavior whose players it met: its own, or the other one of an asymmetric game.
      kept: learner steps of its snapshots in the history.
      pinned: names of its pinned players.
      log: its matches.
    """

    behavior: str
    opponents: str
    kept: Sequence[int]
    pinned: Sequence[str]
    log: MatchLog


class _Players:
    """The players of one behavior in the table of a fit: snapshots by step, the learner now, then those with names."""

    def __init__(self, first: int, steps: npt.NDArray[np.int64], names: list[str]) -> None:
        self.first = first
        self._steps = steps
        self._names = names
        self.count = len(steps) + 1 + len(names)

    def at(self, steps: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
        """Returns the player that stands for the behavior at each of the learner steps, as an index into the table."""
        return self.first + np.searchsorted(self._steps, steps)

    def named(self, player: str) -> int:
        """Returns the index of a player by its name."""
        if player == CURRENT:
            return self.first + len(self._steps)
        if player in self._names:
            return self.first + len(self._steps) + 1 + self._names.index(player)
        return int(self.at(np.array(_step(player))))


@dataclass(frozen=True)
class Strengths:
    """What a fit found.

    Attributes:
      anchor: behavior and player whose rating is 0. That is the initial policy of the first behavior. Where a delta
        above 0 kept it from ever being met, nothing ties it to the others; then it is the oldest kept snapshot with
        games.
      estimates: by behavior, by player: snapshots kept (named by their step), `initial`, pinned ones, and `current`.
    """

    anchor: tuple[str, str]
    estimates: dict[str, dict[str, Estimate]]


def fit(logs: Sequence[LearnerLog]) -> Strengths:
    """Rates all players of behaviors that play each other, at least one."""
    players: dict[str, _Players] = {}
    size = 0
    for side in logs:
        met = {name for other in logs if other.opponents == side.behavior for name in other.log.players}
        names = sorted({*side.pinned, *met} - {CURRENT, INITIAL} - {name for name in met if name.isdigit()})
        steps = _told_apart(set(side.kept), {_step(name) for name in met if name.isdigit()})
        players[side.behavior] = _Players(size, steps, names)
        size += players[side.behavior].count
    wins = np.zeros((size, size))
    for side in logs:
        _count(wins, side.log, players[side.behavior], players[side.opponents])
    np.fill_diagonal(wins, 0.0)
    games = (wins + wins.T).sum(axis=1)
    main = logs[0]
    index_of = players[main.behavior].named
    anchor = next((name for name in (INITIAL, *map(str, main.kept)) if games[index_of(name)]), INITIAL)
    result = bradley_terry(wins, anchor=index_of(anchor))

    def estimate(index: int) -> Estimate:
        low, high = result.intervals[index]
        return Estimate(float(result.ratings[index]), float(low), float(high), float(games[index]))

    estimates = {
        side.behavior: {
            name: estimate(players[side.behavior].named(name))
            for name in (INITIAL, *map(str, side.kept), *side.pinned, CURRENT)
        }
        for side in logs
    }
    return Strengths((main.behavior, anchor), estimates)


def _count(wins: npt.NDArray[np.float64], log: MatchLog, learner: _Players, opponents: _Players) -> None:
    """Adds the games of a log to the table `wins` `[N, N]`."""
    rated = log.rated
    index_of = np.array([opponents.named(player) for player in log.players], dtype=np.intp)
    own, other = learner.at(log.steps[rated]), index_of[log.opponents[rated]]
    won = log.weights[rated] * log.outcomes[rated]
    size = len(wins)
    for row, column, weight in ((own, other, won), (other, own, log.weights[rated] - won)):
        wins += np.bincount(row * size + column, weights=weight, minlength=size * size).reshape(size, size)


def _told_apart(kept: set[int], evicted: set[int]) -> npt.NDArray[np.int64]:
    """Returns the steps of the snapshots that take part by themselves, ascending, the initial policy first."""
    first_choice = _thinned(kept - {0}, MOST_SNAPSHOTS)
    rest = _thinned(evicted - kept - {0}, MOST_SNAPSHOTS - len(first_choice))
    return np.array(sorted({0, *first_choice, *rest}), dtype=np.int64)


def _thinned(steps: Iterable[int], room: int) -> list[int]:
    """Returns at most `room` of the steps, evenly chosen from all, the latest among them."""
    ordered = sorted(steps)
    places = np.linspace(len(ordered) - 1, 0, min(room, len(ordered))).round().astype(int)
    return [ordered[place] for place in places]


def _step(player: str) -> int:
    return 0 if player == INITIAL else int(player)
