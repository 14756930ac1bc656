"""How strong is each player? Online Elo while training, a Bradley-Terry fit with intervals over the match log.

Both put strength on one scale: 400 points are odds of 10 : 1, and an outcome is win 1, draw 1/2, loss 0. Ratings are
known only up to a constant, so one player, the anchor, stays where it is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

SCALE = 400.0  # Elo points that make odds of 10 : 1.
POINTS_PER_NAT = SCALE / math.log(10.0)  # Elo points of one unit of log odds, about 173.7.
Z_95 = 1.959963984540054  # The normal distribution's 97.5 % quantile: two-sided 95 %.
NEWTON_ITERATIONS = 100
NEWTON_TOLERANCE = 1e-7  # Nats, in the largest step; convergence is quadratic, so the next would be about its square.


def expected_score(rating: float, other: float) -> float:
    """Predicts the mean outcome of a player against another, in [0, 1]: 1 / (1 + 10^((other - rating) / 400))."""
    return 0.5 * (1.0 + math.tanh(0.5 * (rating - other) / POINTS_PER_NAT))


class EloTable:
    """Online Elo ratings: after each game, both sides move by K x (outcome - expected score).

    The anchor never moves, so that a rating keeps its meaning over a run; its opponents move in full all the same.
    """

    def __init__(self, anchor: str, k: float = 32.0, initial: float = 1200.0) -> None:
        """Starts with the anchor as the only player.

        Args:
          anchor: the player whose rating is fixed at `initial`.
          k: most points that one match can move a player, above 0.
          initial: rating of a player that nothing is known of.

        Raises:
          ValueError: if `k` is not above 0.
        """
        if not k > 0.0:
            raise ValueError(f"k: {k!r} is not above 0")
        self._anchor, self._k, self._initial = anchor, k, initial
        self._ratings: dict[str, float] = {anchor: initial}

    @property
    def ratings(self) -> dict[str, float]:
        """A copy of all ratings by player, in Elo points."""
        return dict(self._ratings)

    def rating(self, player: str) -> float:
        """The player's rating in Elo points; the initial one for a player never seen."""
        return self._ratings.get(player, self._initial)

    def add(self, player: str, rating: float) -> None:
        """Enters or resets a player, such as a new snapshot with the rating that the learner has reached.

        Raises:
          ValueError: if the player is the anchor or the rating is not finite.
        """
        if player == self._anchor:
            raise ValueError(f"player: {player!r} is the anchor, whose rating is fixed at {self._initial}")
        if not math.isfinite(rating):
            raise ValueError(f"rating: {rating!r} of {player!r} is not a finite number")
        self._ratings[player] = rating

    def remove(self, player: str) -> None:
        """Forgets a player, such as an evicted snapshot; nothing happens for the anchor or a player never seen."""
        if player != self._anchor:
            self._ratings.pop(player, None)

    def update(self, player: str, other: str, outcome: float) -> None:
        """Takes in one game of two.

        Args:
          player: one side.
          other: the other side; a player against itself changes nothing.
          outcome: from the side of `player`, in [0, 1].

        Raises:
          ValueError: if `outcome` lies outside [0, 1].
        """
        self.update_pairwise([player, other], [[0.5, outcome], [1.0 - outcome, 0.5]])

    def update_pairwise(self, players: Sequence[str], outcomes: Sequence[Sequence[float]] | FloatArray) -> None:
        """Takes in a match of two or more sides as one game for each pair, all judged by the ratings before the match.

        Each game has the weight 1 / (P - 1), so a match moves no player by more than K, however many take part.

        Args:
          players: `P` sides; the same player may take several of them.
          outcomes: `[P, P]`, entry (i, j) the outcome of i against j in [0, 1]; the diagonal is ignored, and so are
            pairs with NaN, which have no outcome.

        Raises:
          ValueError: if there are fewer than two sides, the shape is another or an outcome lies outside [0, 1].
        """
        size = len(players)
        if size < 2 or len(outcomes) != size or any(len(row) != size for row in outcomes):
            raise ValueError(f"outcomes: shape {np.shape(outcomes)} for {size} players; [P, P] with P of at least 2 is")
        if any(outcome < 0.0 or outcome > 1.0 for row in outcomes for outcome in row):
            raise ValueError(f"outcomes: {np.asarray(outcomes).tolist()} are not all in [0, 1]")
        before = [self.rating(player) for player in players]
        after = dict(zip(players, before, strict=True))
        for player, rating, row in zip(players, before, outcomes, strict=True):
            for other, others_rating, outcome in zip(players, before, row, strict=True):
                if player != other and not math.isnan(outcome):
                    after[player] += self._k / (size - 1) * (float(outcome) - expected_score(rating, others_rating))
        after.pop(self._anchor, None)
        self._ratings.update(after)

    def get_state(self) -> dict[str, Any]:
        """Everything there is to know, fit for JSON; `from_state` takes it back."""
        return {"anchor": self._anchor, "k": self._k, "initial": self._initial, "ratings": self.ratings}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "EloTable":
        """Builds the table that `get_state` described."""
        table = cls(state["anchor"], state["k"], state["initial"])
        table._ratings.update(state["ratings"])
        return table


@dataclass(frozen=True, eq=False)
class BradleyTerryFit:
    """Strengths with their uncertainty, all as differences to the anchor in Elo points.

    Attributes:
      ratings: `[N]`, 0 for the anchor.
      standard_errors: `[N]`, 0 for the anchor; the error of the difference, not of each side.
      intervals: `[N, 2]`, 95 %: rating -+ 1.96 standard errors.
    """

    ratings: FloatArray
    standard_errors: FloatArray
    intervals: FloatArray


def bradley_terry(wins: FloatArray, anchor: int, prior_games: float = 1.0, prior_sd: float = 1000.0) -> BradleyTerryFit:
    """Fits P(i beats j) = 1 / (1 + exp(theta_j - theta_i)) to a table of games, in O(N^3) per Newton iteration.

    The prior has two parts. Each player has drawn `prior_games` virtual games more, shared evenly among all whom it
    met: so the rating of one that never lost is high, uncertain and finite. And a player that no chain of games
    ties to the anchor differs from it by a normal variable around 0 with `prior_sd`, which is then about all that is
    known. Drawing *every* player towards the anchor instead would add up along a history of small steps: 63 links of 16
    points and 100 games each, 1008 points in all, would come out as 441 at `prior_sd = 1000`.

    Args:
      wins: `[N, N]`, at least 0; entry (i, j) the games that i won against j, a draw being half a win for each. The
        diagonal is ignored.
      anchor: index of the player whose rating is 0.
      prior_games: games per player, above 0; the smaller, the nearer to maximum likelihood.
      prior_sd: Elo points, above 0.

    Returns:
      The posterior mode, with standard errors from the curvature there. Draws vary less than wins and losses do, so
      with many draws the intervals are too wide rather than too narrow.

    Raises:
      ValueError: if an argument is outside its range.
      ArithmeticError: if Newton's method does not converge.

    Source: Bradley and Terry 1952, Biometrika 39. The log posterior is strictly concave, so Newton's method climbs from
    any start once steps that would descend are halved.
    """
    table = np.array(wins, dtype=np.float64)
    size = len(table)
    if table.shape != (size, size) or not np.all(np.isfinite(table)) or np.any(table < 0.0):
        raise ValueError(f"wins: shape {table.shape} is not [N, N], or not all entries are finite and at least 0")
    if not 0 <= anchor < size:
        raise ValueError(f"anchor: {anchor!r} is not in [0, {size})")
    for key, value in (("prior_games", prior_games), ("prior_sd", prior_sd)):
        if not 0.0 < value < math.inf:
            raise ValueError(f"{key}: {value!r} is not a finite number above 0")
    np.fill_diagonal(table, 0.0)
    precision = np.where(_tied_to(anchor, table), 0.0, (POINTS_PER_NAT / prior_sd) ** 2)  # Per square nat.
    table += 0.5 * _virtual_games(table, prior_games)
    free = np.arange(size) != anchor

    theta = np.zeros(size)
    for _ in range(NEWTON_ITERATIONS):
        gradient, curvature = _derivatives(theta, table, precision)
        step = np.zeros(size)
        step[free] = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        height = _log_posterior(theta, table, precision)
        while np.max(np.abs(step)) > NEWTON_TOLERANCE and _log_posterior(theta + step, table, precision) < height:
            step *= 0.5
        theta = theta + step
        if np.max(np.abs(step)) <= NEWTON_TOLERANCE:
            break
    else:
        raise ArithmeticError(f"bradley_terry: no convergence in {NEWTON_ITERATIONS} iterations")

    curvature = _derivatives(theta, table, precision)[1]
    errors = np.zeros(size)
    errors[free] = np.sqrt(np.diag(np.linalg.inv(curvature[np.ix_(free, free)])))
    ratings, errors = POINTS_PER_NAT * theta, POINTS_PER_NAT * errors
    return BradleyTerryFit(ratings, errors, np.stack([ratings - Z_95 * errors, ratings + Z_95 * errors], axis=1))


def win_rate_interval(wins: float, games: float, z: float = Z_95) -> tuple[float, float]:
    """Bounds the true win rate by Wilson's score interval, which stays within [0, 1] and holds for few games too.

    Args:
      wins: in [0, games]; a draw is half a win.
      games: at least 0.
      z: half the interval's width in standard errors; 1.96 for 95 %.

    Returns:
      (low, high); (0, 1) if nothing has been played.

    Raises:
      ValueError: if `wins` lies outside [0, games].

    Source: Wilson 1927.
    """
    if not 0.0 <= wins <= games:
        raise ValueError(f"wins: {wins!r} is not in [0, games = {games!r}]")
    if games == 0:
        return 0.0, 1.0
    rate, shrink = wins / games, 1.0 + z * z / games
    centre = (rate + z * z / (2.0 * games)) / shrink
    half = z * math.sqrt(rate * (1.0 - rate) / games + (z / (2.0 * games)) ** 2) / shrink
    return max(0.0, centre - half), min(1.0, centre + half)


def _tied_to(anchor: int, wins: FloatArray) -> npt.NDArray[np.bool_]:
    """`[N]`, true for the anchor and for all that some chain of games ties to it."""
    met = (wins + wins.T) > 0.0
    tied, wider = np.zeros(len(wins), dtype=bool), np.arange(len(wins)) == anchor
    while np.any(wider != tied):
        tied = wider
        wider = tied | met[tied].any(axis=0)
    return tied


def _virtual_games(wins: FloatArray, per_player: float) -> FloatArray:
    """`[N, N]`, symmetric: each side shares its games evenly among those it met, and of a pair's, each brings half."""
    met = (wins + wins.T) > 0.0
    shares = met / np.maximum(met.sum(axis=1, keepdims=True), 1)
    return 0.5 * per_player * (shares + shares.T)


def _log_posterior(theta: FloatArray, wins: FloatArray, precision: FloatArray) -> float:
    difference = theta[:, None] - theta[None, :]
    return float(-np.sum(wins * np.logaddexp(0.0, -difference)) - 0.5 * np.sum(precision * theta**2))


def _derivatives(theta: FloatArray, wins: FloatArray, precision: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gradient `[N]` of the log posterior and the negative of its second derivative `[N, N]`."""
    games = wins + wins.T
    expected = 0.5 * (1.0 + np.tanh(0.5 * (theta[:, None] - theta[None, :])))
    gradient = np.sum(wins - games * expected, axis=1) - precision * theta
    information = games * expected * (1.0 - expected)
    return gradient, np.diag(information.sum(axis=1) + precision) - information
