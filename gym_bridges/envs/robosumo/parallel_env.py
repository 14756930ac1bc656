"""How does one match look to PettingZoo? Two agents, named by robot and seat, that move at the same time."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

from gym_bridges.envs.robosumo.gym_env import RoboSumoEnv


class RoboSumoParallelEnv(ParallelEnv):
    """By agent what `RoboSumoEnv` has by seat; agents are named by robot and seat, such as `ant_0` and `spider_1`."""

    metadata = {**RoboSumoEnv.metadata, "name": "robosumo_v0", "is_parallelizable": True}

    def __init__(self, home: str = "ant", away: str = "ant", render_mode: str | None = None, **settings: Any) -> None:
        """Prepares a match; for the arguments see `RoboSumoEnv`."""
        self._both = both = RoboSumoEnv(home, away, render_mode, **settings)
        self.render_mode = render_mode
        self.possible_agents = [f"{species.name}_{seat}" for seat, species in enumerate(both.match.species)]
        self.agents: list[str] = []
        self.observation_spaces = self._by_agent(both.observation_space)
        self.action_spaces = self._by_agent(both.action_space)

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Returns the same object each time."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Returns the same object each time."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Begins a match; there are no `options`."""
        observations, info = self._both.reset(seed=seed, options=options)
        self.agents = list(self.possible_agents)
        return self._by_agent(observations), self._by_agent(info["seats"])

    def step(self, actions: dict[str, np.ndarray]) -> tuple[dict[str, Any], ...]:
        """Moves both; when the match is over, `agents` is empty."""
        observations, rewards, over, _, info = self._both.step([actions[agent] for agent in self.possible_agents])
        if over:
            self.agents = []
        returned = (observations, rewards, (over, over), (False, False), info["seats"])
        return tuple(self._by_agent(values) for values in returned)

    def render(self) -> np.ndarray:
        """Returns a picture of the match, `[240, 320, 3]` uint8."""
        return self._both.render()

    def close(self) -> None:
        """Frees the renderer."""
        self._both.close()

    def _by_agent(self, values: Any) -> dict[str, Any]:
        return dict(zip(self.possible_agents, values, strict=True))


parallel_env = RoboSumoParallelEnv
"""The name by which PettingZoo's modules offer their environment."""
