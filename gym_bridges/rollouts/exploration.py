"""How does the learner try what it does not think best? By the chances and the noise that the trainer sends along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gym_bridges.rollouts.networks import Acted, best_of_each


class Exploration(NamedTuple):
    """What is added to the learner's own actions.

    uniform: chance that the whole action of an agent is drawn evenly from all that are allowed, in [0, 1].
    keep: share of the last step's noise that is left in this one, in [0, 1]; 0 draws it anew in every step.
    push: standard deviation of what is added to the noise in a step; 1 is half of an action's range.
    """

    uniform: float = 0.0
    keep: float = 0.0
    push: float = 0.0


def explore(
    acted: Acted,
    allowed: np.ndarray | None,
    branches: Sequence[int],
    noise: np.ndarray,
    how: Exploration,
    rng: np.random.Generator,
) -> tuple[Acted, np.ndarray]:
    """Returns what `n` agents do after all, and what their noise has become.

    Args:
      acted: what the policies would do, numbers in [-1, 1]; stays as it is.
      allowed: `[n, sum of branches]` bool, or None if everything is.
      branches: choices of each branch.
      noise: `[n, size]`, of the last step; 0 at the beginning of an episode.
      how: the chances and the noise.
      rng: advanced.
    """
    count = len(acted.sent)
    numbers, choices = acted.sent, acted.discrete
    if how.push and how.uniform < 1.0:
        noise = how.keep * noise + how.push * rng.standard_normal(noise.shape)
        numbers = np.clip(numbers + noise, -1.0, 1.0).astype(np.float32)
    if how.uniform:
        tried = rng.random((count, 1)) < how.uniform
        numbers = np.where(tried, rng.uniform(-1.0, 1.0, numbers.shape), numbers).astype(np.float32)
        drawn = rng.random((count, sum(branches)))
        choices = np.where(
            tried, best_of_each(drawn if allowed is None else np.where(allowed, drawn, -1.0), branches), choices
        )
    return Acted(numbers, numbers, choices), noise
