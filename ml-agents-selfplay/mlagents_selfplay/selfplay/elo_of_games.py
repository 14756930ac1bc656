"""What Elo ratings does a list of games come to, whatever their order, and how sure are they?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .ratings import POINTS_PER_NAT, FloatArray


def elo_of_games(
    first: npt.NDArray[np.intp],
    second: npt.NDArray[np.intp],
    outcomes: FloatArray,
    size: int,
    anchor: int,
    rng: np.random.Generator,
    *,
    k: float = 16.0,
    initial: float = 1200.0,
    replicates: int = 100,
) -> tuple[FloatArray, FloatArray]:
    """Plays a list of games through Elo's rule many times, each time in another order and with games drawn anew.

    Online ratings depend on the order of the games, and here there is none. Every player starts at `initial`, and the
    anchor stays there, as in `ratings.EloTable`.

    Args:
      first: `[G]`, who played, in [0, size).
      second: `[G]`, against whom.
      outcomes: `[G]`, of the first, in [0, 1].
      size: number of players, `N`.
      anchor: the player whose rating is fixed.
      rng: draws the games, with replacement; advanced by `replicates` x G draws.
      k: most points that one game can move a player.
      initial: rating of the anchor, in Elo points.
      replicates: number of times, `R`.

    Returns:
      Mean ratings `[N]` and 95 % bootstrap intervals `[N, 2]`, in Elo points.
    """
    ratings = np.full((replicates, size), initial)
    row = np.arange(replicates)
    for drawn in rng.integers(len(first), size=(len(first), replicates)):
        one, other = first[drawn], second[drawn]
        expected = 0.5 * (1.0 + np.tanh(0.5 * (ratings[row, one] - ratings[row, other]) / POINTS_PER_NAT))
        change = k * (outcomes[drawn] - expected)
        ratings[row, one] += change
        ratings[row, other] -= change
        ratings[:, anchor] = initial
    low, high = np.percentile(ratings, [2.5, 97.5], axis=0)
    return ratings.mean(axis=0), np.stack([low, high], axis=1)
