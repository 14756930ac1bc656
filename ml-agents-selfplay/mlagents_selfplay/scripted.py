"""Scripted opponents that come with the package.

Name them in `pinned_opponents` as `python:mlagents_selfplay.scripted:NAME`. A factory takes its own arguments first and
then, by name, `spec` (the behavior's observations and actions) and `rng`; what it returns answers `act` and `forget` as
`mlagents_selfplay.opponents.Opponent` says. The fixed agents of rock-paper-scissors are mixed strategies over the first
branch: 0 rock, 1 paper, 2 scissors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mlagents.trainers.exception import TrainerConfigError
from mlagents_envs.base_env import BehaviorSpec

from mlagents_selfplay.opponents import Actions, Array, Decisions


class MixedStrategy:
    """Plays each action of the only discrete branch with a fixed probability, whatever it sees.

    Args:
      probabilities: one for each action, at least 0, sum 1.
      spec: the behavior, which must have one discrete branch of that size and no continuous actions.
      rng: advanced by one draw for each row.

    Raises:
      TrainerConfigError: if probabilities and behavior do not go together.
    """

    def __init__(self, *probabilities: float, spec: BehaviorSpec, rng: np.random.Generator) -> None:
        branches = spec.action_spec.discrete_branches
        if tuple(branches) != (len(probabilities),) or spec.action_spec.continuous_size:
            raise TrainerConfigError(
                f"a mixed strategy over {len(probabilities)} actions cannot play branches {branches}"
            )
        if min(probabilities) < 0 or abs(sum(probabilities) - 1) > 1e-6:
            raise TrainerConfigError(
                f"the probabilities of a mixed strategy are at least 0 and sum to 1, not {probabilities}"
            )
        self._probabilities = np.array(probabilities) / sum(probabilities)
        self._rng = rng

    def act(self, decisions: Decisions) -> Actions:
        """Draws an action for every row."""
        n = len(decisions.agents)
        drawn = self._rng.choice(len(self._probabilities), size=(n, 1), p=self._probabilities)
        return Actions(np.zeros((n, 0), dtype=np.float32), drawn.astype(np.int32), decisions.memories)

    def forget(self, agent: str) -> None:
        """Nothing is remembered."""


def mixed(*probabilities: float, spec: BehaviorSpec, rng: np.random.Generator) -> MixedStrategy:
    """Any mixed strategy, as in `python:mlagents_selfplay.scripted:mixed(0.5, 0.25, 0.25)`."""
    return MixedStrategy(*probabilities, spec=spec, rng=rng)


def rock(*, spec: BehaviorSpec, rng: np.random.Generator) -> MixedStrategy:
    """Always rock."""
    return MixedStrategy(1, 0, 0, spec=spec, rng=rng)


def paper(*, spec: BehaviorSpec, rng: np.random.Generator) -> MixedStrategy:
    """Always paper."""
    return MixedStrategy(0, 1, 0, spec=spec, rng=rng)


def scissors(*, spec: BehaviorSpec, rng: np.random.Generator) -> MixedStrategy:
    """Always scissors."""
    return MixedStrategy(0, 0, 1, spec=spec, rng=rng)


class Random:
    """Takes any allowed action with the same probability, continuous ones uniform in [-1, 1].

    Args:
      spec: the behavior, with any actions.
      rng: advanced while it plays.
    """

    def __init__(self, *, spec: BehaviorSpec, rng: np.random.Generator) -> None:
        self._spec = spec.action_spec
        self._rng = rng

    def act(self, decisions: Decisions) -> Actions:
        """Draws actions for every row; of each branch, the allowed action with the largest random number."""
        keys = np.where(decisions.masks > 0, self._rng.random(decisions.masks.shape), -1.0)
        continuous = self._rng.uniform(-1.0, 1.0, (len(decisions.agents), self._spec.continuous_size))
        return Actions(continuous.astype(np.float32), _largest(keys, self._spec.discrete_branches), decisions.memories)

    def forget(self, agent: str) -> None:
        """Nothing is remembered."""


class Still:
    """Does nothing: continuous actions are 0, and of each branch it takes the first allowed action.

    Args:
      spec: the behavior, with any actions.
      rng: not used.
    """

    def __init__(self, *, spec: BehaviorSpec, rng: np.random.Generator) -> None:
        self._spec = spec.action_spec

    def act(self, decisions: Decisions) -> Actions:
        """Takes the same actions for every row, but for those that are forbidden."""
        continuous = np.zeros((len(decisions.agents), self._spec.continuous_size), dtype=np.float32)
        return Actions(continuous, _largest(decisions.masks, self._spec.discrete_branches), decisions.memories)

    def forget(self, agent: str) -> None:
        """Nothing is remembered."""


def random(*, spec: BehaviorSpec, rng: np.random.Generator) -> Random:
    """Any allowed action, in any environment."""
    return Random(spec=spec, rng=rng)


def still(*, spec: BehaviorSpec, rng: np.random.Generator) -> Still:
    """No action, in any environment."""
    return Still(spec=spec, rng=rng)


def _largest(values: Array, branches: Sequence[int]) -> Array:
    """Returns the first action with the largest value of each branch, `[n, branches]`, of values `[n, sum]`."""
    starts = np.cumsum([0, *branches])
    parts = [values[:, start:end].argmax(axis=1) for start, end in zip(starts, starts[1:], strict=False)]
    return np.stack(parts, axis=1).astype(np.int32) if parts else np.zeros((len(values), 0), dtype=np.int32)
