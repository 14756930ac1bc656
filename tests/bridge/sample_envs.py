"""Which environments do the tests of the wrappers play? Small ones whose every number is known, and broken ones."""

import threading
import time
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv


class Counting(gymnasium.Env):
    """Observes how often it was stepped, and a number that the seed decides; every step pays 1 + `bonus`."""

    metadata = {"render_modes": ["human", "rgb_array"], "render_fps": 10}
    observation_space = spaces.Box(0, 100, (2,), np.float64)
    action_space = spaces.Box(-3, 5, (1,))

    def __init__(self, length: int = 3, bonus: float = 0.0, cut: bool = False, render_mode: str | None = None) -> None:
        self.length, self.bonus, self.cut, self.render_mode = length, bonus, cut, render_mode
        self.gravity = 9.8
        self.lives = 3
        self.is_closed = False

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self._count, self._luck = 0, self.np_random.integers(100)
        return self._seen(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        assert self.action_space.contains(action)
        self._count += 1
        is_over = self._count == self.length
        info = {"is_success": True, "gravity": self.gravity, "episode": {"r": 7.0}, "color": "red", "bad": np.nan}
        return self._seen(), 1.0 + self.bonus, is_over and not self.cut, is_over and self.cut, info

    def render(self) -> np.ndarray:
        return np.full((33, 48, 3), self._count, np.uint8)

    def close(self) -> None:
        self.is_closed = True

    def _seen(self) -> np.ndarray:
        return np.array([self._count, self._luck], float)


class Hooked(Counting):
    """Takes its parameters itself."""

    def set_environment_parameters(self, parameters: dict[str, float]) -> None:
        if set(parameters) != {"wind"}:
            raise ValueError(f"unknown parameters {sorted(parameters)}; known is wind")
        self.length = int(parameters["wind"])


class Broken(Counting):
    """Fails in its second step, in the way of `how`."""

    def __init__(self, how: str = "raise", render_mode: str | None = None) -> None:
        super().__init__()
        self.how = how

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        if self.how == "raise in reset":
            raise RuntimeError("no ground to stand on")
        return super().reset(seed=seed)

    def step(self, action: np.ndarray) -> tuple[Any, Any, bool, bool, dict]:
        observation, reward, terminated, truncated, info = super().step(action)
        if self._count == 2:
            if self.how == "raise":
                raise RuntimeError("the arm fell off")
            if self.how == "hang":
                time.sleep(3600)
            observation = {"nan": np.array([np.nan, 0.0]), "shape": np.zeros(3)}.get(self.how, observation)
            reward = {"reward": "much", "infinite reward": np.inf}.get(self.how, reward)
        return observation, reward, terminated, truncated, info


def broken(how: str = "raise") -> Broken:
    return Broken(how)


MADE: list[tuple[str | None, str]] = []
"""Render mode and thread of every `watched` environment, in the order in which they were made."""


def watched(render_mode: str | None = None) -> Counting:
    MADE.append((render_mode, threading.current_thread().name))
    return Counting(render_mode=render_mode)


def something_else() -> dict:
    return {}


class Nim(AECEnv):
    """Two players take one to three of `matches` in turn; who takes the last one wins. The first turn is random.

    Taking more than are left is forbidden by the mask. Who is not on turn is paid 0.25 for every move of the other.
    """

    metadata = {"render_modes": [], "name": "nim"}

    def __init__(self, matches: int = 5, tip: float = 0.25, render_mode: str | None = None) -> None:
        super().__init__()
        self.matches, self.tip = matches, tip
        self.possible_agents = ["anna", "bert"]

    def observation_space(self, agent: str) -> spaces.Space:
        return spaces.Dict({"observation": spaces.Box(0, 100, (1,), np.int64), "action_mask": spaces.MultiBinary(3)})

    def action_space(self, agent: str) -> spaces.Space:
        return spaces.Discrete(3)

    def reset(self, seed: int | None = None, options: dict | None = None) -> None:
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.agents = list(self.possible_agents)
        self.left = self.matches
        for name, value in (("rewards", 0.0), ("_cumulative_rewards", 0.0), ("terminations", False)):
            setattr(self, name, dict.fromkeys(self.agents, value))
        self.truncations, self.infos = dict.fromkeys(self.agents, False), {agent: {} for agent in self.agents}
        self.agent_selection = self.agents[self._rng.integers(2)]

    def observe(self, agent: str) -> dict[str, np.ndarray]:
        mask = np.arange(1, 4) <= self.left
        return {"observation": np.array([self.left]), "action_mask": mask.astype(np.int8)}

    def step(self, action: int | None) -> None:
        mover = self.agent_selection
        if self.terminations[mover]:
            self._was_dead_step(action)
            return
        assert action is not None
        assert action + 1 <= self.left, "took more than there are"
        self._cumulative_rewards[mover] = 0.0
        other = next(agent for agent in self.agents if agent != mover)
        self.left -= action + 1
        self.rewards = {mover: 0.0, other: self.tip}
        if self.left == 0:
            self.rewards = {mover: 1.0, other: -1.0}
            self.terminations = dict.fromkeys(self.agents, True)
            self.infos = {agent: {"won": agent == mover} for agent in self.agents}
        self.agent_selection = other
        self._accumulate_rewards()

    def close(self) -> None:
        pass


class Relay(ParallelEnv):
    """`red_0` and `blue_0` begin; `red_0` leaves after step 1, `red_1` joins in step 2; all is over after step 3."""

    metadata = {"render_modes": [], "name": "relay"}

    def __init__(self, render_mode: str | None = None) -> None:
        self.possible_agents = ["red_0", "red_1", "blue_0"]

    def observation_space(self, agent: str) -> spaces.Space:
        return spaces.Box(0, 9, (1 if agent.startswith("red") else 2,))

    def action_space(self, agent: str) -> spaces.Space:
        return spaces.Discrete(2)

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        self.agents, self._count = ["red_0", "blue_0"], 0
        return self._seen(self.agents), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, int]) -> tuple[dict, dict, dict, dict, dict]:
        assert set(actions) == set(self.agents)
        self._count += 1
        acted = list(self.agents)
        terminations, truncations = dict.fromkeys(acted, False), dict.fromkeys(acted, False)
        if self._count == 1:
            terminations["red_0"] = True
            self.agents = ["blue_0"]
        elif self._count == 2:
            self.agents = ["red_1", "blue_0"]
        else:
            truncations, self.agents = dict.fromkeys(acted, True), []
        rewards = {agent: float(self._count) for agent in acted}
        infos = {agent: {"action_mask": np.array([1, 0])} if agent == "blue_0" else {} for agent in acted}
        return self._seen([*acted, *self.agents]), rewards, terminations, truncations, infos

    def _seen(self, agents: list[str]) -> dict[str, np.ndarray]:
        return {agent: np.full(self.observation_space(agent).shape, self._count, np.float32) for agent in agents}


class Nobody(ParallelEnv):
    """Does not say who may play."""

    possible_agents: list[str] = []
