"""How does one gymnasium environment take its turns? It has one agent, which decides in every turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium

from gym_bridges.envs.game import Sight, Turn
from gym_bridges.envs.seats import Spaces
from gym_bridges.spaces import MASK_KEY

AGENT = "agent"


class GymnasiumGame:
    """A `Game` of one agent; terminated and truncated arrive as what they are."""

    def __init__(self, env: gymnasium.Env) -> None:
        self.env = env
        self.agents: Mapping[str, Spaces] = {AGENT: (env.observation_space, env.action_space)}

    def reset(self, seed: int | None) -> Turn:
        """Begins an episode."""
        observation, info = self.env.reset(seed=seed)
        return Turn([Sight(AGENT, observation, mask=mask_of(observation, info))])

    def step(self, actions: Mapping[str, Any]) -> Turn:
        """Makes one step."""
        observation, reward, terminated, truncated, info = self.env.step(actions[AGENT])
        if terminated or truncated:
            return Turn([], [Sight(AGENT, observation, reward, truncated=not terminated)], [info])
        return Turn([Sight(AGENT, observation, reward, mask_of(observation, info))])


def mask_of(observation: Any, info: Mapping[str, Any]) -> Any:
    """Returns the action mask that an observation or its info holds; None if there is none."""
    if isinstance(observation, Mapping) and MASK_KEY in observation:
        return observation[MASK_KEY]
    return info.get(MASK_KEY)
