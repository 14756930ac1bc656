"""Who changes, whom do they learn from, and what do they become? Pure functions of ratings, steps and a generator.

Source of the flow: Liu et al. 2019, arXiv:1902.07151, "Emergent coordination through competition", and Jaderberg et al.
2017, arXiv:1711.09846.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlagents_selfplay.population.ranges import Range
from mlagents_selfplay.selfplay.ratings import expected_score

Hyperparameters = dict[str, float]


class Age(NamedTuple):
    """How much a member has lived through, in its own learner steps: since its start, and since it last changed."""

    since_start: int
    since_change: int


@dataclass(frozen=True)
class EvolutionSettings:
    """When and how members change.

    Attributes:
      start_after: learner steps that a member makes before it may change for the first time.
      change_after: learner steps between two changes of a member; as many a parent has behind it since its own.
      parent_below: in [0, 1]; a candidate becomes the parent if the member's expected score against it is below this.
        0.47 asks for about 21 points more than the member has.
      inherit_probability: in [0, 1], for each hyperparameter by itself: the chance that it is taken from the parent.
      perturb_probability: in [0, 1], for each hyperparameter by itself.
      resample_probability: in [0, 1], for each hyperparameter by itself; who is resampled is not perturbed.
      factors: the two factors of a perturbation, equally likely; above 0.

    Raises:
      ValueError: if a value is outside what is allowed; the message names the key.
    """

    start_after: int = 40_000
    change_after: int = 20_000
    parent_below: float = 0.47
    inherit_probability: float = 0.5
    perturb_probability: float = 1.0
    resample_probability: float = 0.1
    factors: tuple[float, float] = (0.8, 1.2)

    def __post_init__(self) -> None:
        for key in ("start_after", "change_after"):
            if getattr(self, key) < 0:
                raise ValueError(f"{key}: {getattr(self, key)!r} is not allowed; it must be at least 0")
        for key in ("parent_below", "inherit_probability", "perturb_probability", "resample_probability"):
            if not 0.0 <= getattr(self, key) <= 1.0:
                raise ValueError(f"{key}: {getattr(self, key)!r} is not in [0, 1]")
        if min(self.factors) <= 0.0:
            raise ValueError(f"factors: {self.factors!r} are not both above 0")


def may_change(age: Age, settings: EvolutionSettings) -> bool:
    """Says whether a member has lived through enough to be judged."""
    return age.since_start >= settings.start_after and age.since_change >= settings.change_after


def may_be_parent(age: Age, settings: EvolutionSettings) -> bool:
    """Says whether a member has kept what it is for long enough to pass it on."""
    return age.since_change >= settings.change_after


def choose_parent(
    member: str, ratings: Mapping[str, float], parents: Sequence[str], below: float, rng: np.random.Generator
) -> str | None:
    """Draws one candidate, each alike, and takes it if it is enough better than the member.

    Args:
      member: who wants to change.
      ratings: Elo points by member.
      parents: who may be a parent; the member itself is left out.
      below: in [0, 1], highest expected score (exclusive) of the member against its parent.
      rng: advanced by one number, if there is a candidate.

    Returns:
      The parent, or None if the candidate is not better by so much or there is no candidate.
    """
    candidates = [other for other in parents if other != member]
    if not candidates:
        return None
    candidate = candidates[int(rng.integers(len(candidates)))]
    return candidate if expected_score(ratings[member], ratings[candidate]) < below else None


def inherit(
    own: Hyperparameters, parents: Hyperparameters, probability: float, rng: np.random.Generator
) -> Hyperparameters:
    """Crosses two sets of hyperparameters; each key is the parent's with `probability`, by a draw of its own."""
    return {key: parents[key] if rng.random() < probability else value for key, value in own.items()}


def mutate(
    values: Hyperparameters, ranges: Mapping[str, Range], settings: EvolutionSettings, rng: np.random.Generator
) -> Hyperparameters:
    """Resamples, perturbs or keeps each hyperparameter, by draws of its own; `rng` is advanced."""
    return {key: _mutated(value, ranges[key], settings, rng) for key, value in values.items()}


def _mutated(value: float, range_: Range, settings: EvolutionSettings, rng: np.random.Generator) -> float:
    if rng.random() < settings.resample_probability:
        return range_.sample(rng)
    if rng.random() < settings.perturb_probability:
        return range_.perturbed(value, settings.factors[int(rng.integers(2))])
    return value


def meeting_chances(member: str, ratings: Mapping[str, float], by_rating: bool) -> dict[str, float]:
    """Returns the probability with which a member meets each of the others.

    Args:
      member: who is going to play.
      ratings: Elo points by member.
      by_rating: prefers equals: x (1 - x), x being the member's expected score. Otherwise all others are alike.

    Returns:
      By every other member, sum 1; empty if there is none.
    """
    others = [other for other in ratings if other != member]
    weights = {other: _closeness(ratings[member], ratings[other]) if by_rating else 1.0 for other in others}
    total = sum(weights.values())
    return {other: weight / total for other, weight in weights.items()}


def _closeness(rating: float, other: float) -> float:
    chance = expected_score(rating, other)
    return max(chance * (1.0 - chance), 1e-9)  # a sum of zeros would be no distribution
