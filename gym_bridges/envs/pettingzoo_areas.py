"""How does one PettingZoo environment take its turns? Either all agents decide at once, or one after the other.

Agents may join and leave in mid-episode. In a game of turns only one agent decides at a time; what the others are paid
meanwhile is theirs at their next decision or at their end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gym_bridges.envs.game import Sight, Turn
from gym_bridges.envs.gymnasium_areas import mask_of
from gym_bridges.envs.seats import Spaces


class ParallelGame:
    """A `Game` of a ParallelEnv: all agents decide in every turn."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.agents = _agents(env)
        self._seen: dict[str, Any] = {}  # last observation of each agent that plays

    def reset(self, seed: int | None) -> Turn:
        """Begins an episode."""
        self._seen, infos = self.env.reset(seed=seed)
        return Turn([self._sight(agent, 0.0, infos) for agent in self.env.agents])

    def step(self, actions: Mapping[str, Any]) -> Turn:
        """Makes one step of all agents; who is no longer among the agents has ended, cut off unless terminated."""
        playing = list(self.env.agents)
        observations, rewards, terminations, truncations, infos = self.env.step(dict(actions))
        self._seen.update(observations)
        turn = Turn([])
        for agent in playing:
            terminated, truncated = terminations.get(agent, False), truncations.get(agent, False)
            if terminated or truncated or agent not in self.env.agents:
                sight = self._sight(agent, rewards.get(agent, 0.0), infos)
                turn.ended.append(sight._replace(truncated=not terminated))
                turn.infos.append(infos.get(agent, {}))
        gone = {sight.agent for sight in turn.ended}
        turn.deciding.extend(
            self._sight(agent, rewards.get(agent, 0.0), infos) for agent in self.env.agents if agent not in gone
        )
        return turn

    def _sight(self, agent: str, reward: float, infos: Mapping[str, Any]) -> Sight:
        if agent not in self._seen:
            raise KeyError(f"agent {agent!r} plays, but has no observation")
        observation = self._seen[agent]
        return Sight(agent, observation, reward, mask_of(observation, infos.get(agent, {})))


class AecGame:
    """A `Game` of an AECEnv: one agent decides in every turn."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.agents = _agents(env)

    def reset(self, seed: int | None) -> Turn:
        """Begins an episode."""
        self.env.reset(seed=seed)
        return self._advance()

    def step(self, actions: Mapping[str, Any]) -> Turn:
        """Makes the move of the agent whose turn it is."""
        (action,) = actions.values()
        self.env.step(action)
        return self._advance()

    def _advance(self) -> Turn:
        """Takes all agents that have ended off the board, and stops at the first that is to decide."""
        turn = Turn([])
        while self.env.agents and not turn.deciding:
            agent = self.env.agent_selection
            observation, reward, terminated, truncated, info = self.env.last()
            sight = Sight(agent, observation, reward, mask_of(observation, info), not terminated)
            if terminated or truncated:
                turn.ended.append(sight)
                turn.infos.append(info)
                self.env.step(None)
            else:
                turn.deciding.append(sight)
        return turn


def _agents(env: Any) -> dict[str, Spaces]:
    if not getattr(env, "possible_agents", None):
        raise ValueError(
            "the environment has no list `possible_agents`, and without it nobody knows which agents may play"
        )
    return {agent: (env.observation_space(agent), env.action_space(agent)) for agent in env.possible_agents}
