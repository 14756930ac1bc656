"""What is Ms. Pac-Man paid for a step? Six ways to turn points and deaths into rewards, chosen by name or number.

Source: the reward functions of rl-dash-days (Defense Unicorns 2024), as its README and its code meant them. What
differs: the last step of a game is paid like any other (there it was paid nothing); a step without a death is paid by
`death_tax`, too (there it had no reward); the two prices are used (there they never arrived); and the first ghost,
worth 200 points, counts as a ghost even if nothing else was eaten in the same step (there only more than 200 did).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

GHOST_POINTS = 200
"""Points of the first ghost; the next are worth 400, 800 and 1,600. Of the rest, only a fruit brings as many."""


class Prices(NamedTuple):
    """What may be set about the rewards.

    Attributes:
      death_penalty: subtracted for each life lost, in points.
      ghost_multiplier: multiplies the points of a step that brought at least `GHOST_POINTS`.
    """

    death_penalty: float = 500.0
    ghost_multiplier: float = 1.0


class Reward(NamedTuple):
    """What a step is paid: two streams, of which only `split_q` uses the second.

    Their sum is the reward of a learner that knows but one.
    """

    positive: float
    negative: float = 0.0


RewardFunction = Callable[[float, int, Prices], Reward]
"""`function(points scored in the step, lives lost in the step, prices)`."""


def vanilla(points: float, lives_lost: int, prices: Prices) -> Reward:
    """Pays the points."""
    return Reward(points)


def life_penalty(points: float, lives_lost: int, prices: Prices) -> Reward:
    """Pays the points less 1 for each step of life, so that time is not wasted."""
    return Reward(points - 1.0)


def death_tax(points: float, lives_lost: int, prices: Prices) -> Reward:
    """Pays the points less the penalty for each life lost."""
    return Reward(points - prices.death_penalty * lives_lost)


def ghostbusters(points: float, lives_lost: int, prices: Prices) -> Reward:
    """Pays the points, those of a step with a ghost multiplied."""
    return Reward(_with_ghosts(points, prices))


def split_q(points: float, lives_lost: int, prices: Prices) -> Reward:
    """Pays joy and pain apart: multiplied points and 1 for being alive; -1 and the penalty for each life lost.

    The sum of both streams is what `parameterized` pays.
    """
    return Reward(_with_ghosts(points, prices) + 1.0, -1.0 - prices.death_penalty * lives_lost)


def parameterized(points: float, lives_lost: int, prices: Prices) -> Reward:
    """Pays as `death_tax` and `ghostbusters` together."""
    return Reward(_with_ghosts(points, prices) - prices.death_penalty * lives_lost)


REWARD_FUNCTIONS: dict[str, RewardFunction] = {
    "vanilla": vanilla,
    "life_penalty": life_penalty,
    "death_tax": death_tax,
    "ghostbusters": ghostbusters,
    "split_q": split_q,
    "parameterized": parameterized,
}
"""By name; the number of a reward function is its place here, from 0."""


def _with_ghosts(points: float, prices: Prices) -> float:
    return points * prices.ghost_multiplier if points >= GHOST_POINTS else points
