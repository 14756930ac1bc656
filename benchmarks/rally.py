"""A ball game for two who see nothing but pictures: whoever misses the ball has lost.

    gym-bridge build benchmarks.rally:Rally builds/Rally

The field is 84 x 84. Each player keeps one side with a bat of 16 and sees the field from there, its own side on the
left: bat, the other's bat and ball, each in a colour of its own. The ball gets faster with every hit; where on the bat
it is hit decides at which angle it leaves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete
from pettingzoo import ParallelEnv

SIZE = 84  # pixels
BAT = 16  # pixels
BALL = 4  # pixels
BAT_SPEED = 3.0  # pixels a step
FIRST_SPEED, FASTER, TOP_SPEED = 2.0, 1.1, 5.0  # of the ball, pixels a step; the middle one is a factor for each hit
LONGEST = 500  # steps; then it is a draw
UP, STAY, DOWN = range(3)


class Rally(ParallelEnv[str, np.ndarray, int]):
    """Two players, `left` and `right`; the winner is paid 1, the loser -1, with the last step."""

    metadata = {"name": "rally", "render_modes": ["rgb_array"]}
    possible_agents = ["left", "right"]

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.agents: list[str] = []
        self._rng = np.random.default_rng()

    def observation_space(self, agent: str) -> Box:
        """Pictures, `[84, 84, 3]` bytes."""
        return Box(0, 255, (SIZE, SIZE, 3), np.uint8)

    def action_space(self, agent: str) -> Discrete:
        """Up, stay, down."""
        return Discrete(3)

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict[str, Any], dict]:
        """Begins a rally in the middle, towards either side with the same chance."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.agents = list(self.possible_agents)
        self._bats = np.full(2, SIZE / 2)  # centres
        self._ball = np.full(2, SIZE / 2)  # centre: across, down
        self._speed = FIRST_SPEED
        self._way = self._direction(self._rng.choice([-1.0, 1.0]), self._rng.uniform(-0.8, 0.8))
        self._steps = 0
        return self._seen(), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, int]) -> tuple[dict, dict, dict, dict, dict]:
        """Moves bats, then the ball."""
        moves = np.array([actions[agent] - STAY for agent in self.possible_agents], float)
        self._bats = np.clip(self._bats + BAT_SPEED * moves, BAT / 2, SIZE - BAT / 2)
        self._ball = self._ball + self._speed * self._way
        if not BALL / 2 <= self._ball[1] <= SIZE - BALL / 2:
            self._way[1] *= -1.0
            self._ball[1] = np.clip(self._ball[1], BALL / 2, SIZE - BALL / 2)
        self._steps += 1
        loser = self._miss()
        rewards = {
            agent: 0.0 if loser is None else -1.0 if place == loser else 1.0 for place, agent in enumerate(self.agents)
        }
        over, cut_off = loser is not None, loser is None and self._steps >= LONGEST
        seen = self._seen()
        infos: dict[str, dict[str, Any]] = {agent: {} for agent in self.agents}
        ends = dict.fromkeys(self.agents, over), dict.fromkeys(self.agents, cut_off)
        if over or cut_off:
            self.agents = []
        return seen, rewards, *ends, infos

    def render(self) -> np.ndarray:
        """Returns what the left player sees."""
        return self._picture(0)

    def close(self) -> None:
        """There is nothing to free."""

    def _direction(self, across: float, slope: float) -> np.ndarray:
        way = np.array([across, slope])
        return way / np.linalg.norm(way)

    def _miss(self) -> int | None:
        """Returns the side that has missed the ball, after turning it round if it was hit."""
        for side, line in enumerate((BALL / 2, SIZE - BALL / 2)):
            towards = 2 * side - 1
            if self._way[0] * towards > 0 and (self._ball[0] - line) * towards >= 0:
                off = (self._ball[1] - self._bats[side]) / (BAT / 2)
                if abs(off) > 1.0 + BALL / BAT:
                    return side
                self._ball[0] = line
                self._speed = min(TOP_SPEED, FASTER * self._speed)
                self._way = self._direction(-towards, off)
        return None

    def _seen(self) -> dict[str, np.ndarray]:
        return {agent: self._picture(side) for side, agent in enumerate(self.possible_agents)}

    def _picture(self, side: int) -> np.ndarray:
        picture = np.zeros((SIZE, SIZE, 3), np.uint8)
        for colour, bat in enumerate((self._bats[side], self._bats[1 - side])):
            top = int(bat - BAT / 2)
            picture[top : top + BAT, 0 if colour == 0 else SIZE - BALL : BALL if colour == 0 else SIZE, colour] = 255
        left, top = (int(np.clip(place - BALL / 2, 0, SIZE - BALL)) for place in self._ball)
        left = left if side == 0 else SIZE - BALL - left
        picture[top : top + BALL, left : left + BALL, 2] = 255
        return picture
