"""Which scripted opponents do the tests play against? Those that an environment's log tells apart."""

from __future__ import annotations

import numpy as np
from mlagents_envs.base_env import BehaviorSpec
from mlagents_selfplay.opponents import Actions, Decisions


class Constant:
    """Answers every decision with the same numbers: `value` for what is continuous, 0 for what is discrete."""

    def __init__(self, value: float, *, spec: BehaviorSpec, rng: np.random.Generator) -> None:
        self._value, self._spec = value, spec.action_spec

    def act(self, decisions: Decisions) -> Actions:
        """Decides for every row."""
        n = len(decisions.agents)
        continuous = np.full((n, self._spec.continuous_size), self._value, np.float32)
        return Actions(continuous, np.zeros((n, self._spec.discrete_size), np.int32), decisions.memories)

    def forget(self, agent: str) -> None:
        """Nothing is remembered."""


def constant(value: float, *, spec: BehaviorSpec, rng: np.random.Generator) -> Constant:
    """A player who can be told by `value`."""
    return Constant(value, spec=spec, rng=rng)
