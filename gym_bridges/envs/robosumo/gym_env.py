"""How does one match look to Python code? Both robots in one gymnasium environment, as the original has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from gym_bridges.envs.robosumo import rules
from gym_bridges.envs.robosumo.match import STEP_SECONDS, Match
from gym_bridges.envs.robosumo.settings import RoboSumoSettings
from gym_bridges.envs.robosumo.species import SPECIES

Pair = tuple[np.ndarray, np.ndarray]
"""One array for each seat."""


class RoboSumoEnv(gymnasium.Env[Any, Any]):
    """One match; observations, actions and rewards are tuples with an entry for each seat.

    `terminated` is one bool, since a match ends for both; nothing is ever truncated. `info["seats"]` holds one
    dictionary for each seat, with the parts of its reward before scaling: `ctrl_reward`, `push_opp_reward`,
    `move_to_opp_reward` and their sum `shaping_reward`; `win_reward`, `lose_penalty`, `draw_penalty` and their sum
    `main_reward`. The seat that has won, and no other, has `winner`, which is True.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": round(1 / STEP_SECONDS)}

    def __init__(self, home: str, away: str, render_mode: str | None = None, **settings: Any) -> None:
        """Prepares a match.

        Args:
          home: kind of the robot of seat 0: "ant", "bug" or "spider".
          away: the same for seat 1.
          render_mode: "rgb_array", or None if `render` is never called.
          settings: see `RoboSumoSettings`.

        Raises:
          ValueError: for a setting out of range, or an unknown mode or kind of robot.
        """
        for name in (home, away):
            if name not in SPECIES:
                raise ValueError(f"there is no robot {name!r}; known are {', '.join(SPECIES)}")
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode is {render_mode!r}, but takes None or 'rgb_array'")
        self.render_mode = render_mode
        self.settings = RoboSumoSettings(**settings)
        self.match = Match(home, away)
        sizes = [species.observation_size for species in self.match.species]
        self.observation_space = spaces.Tuple([spaces.Box(-np.inf, np.inf, (size,), np.float32) for size in sizes])
        self.action_space = spaces.Tuple(
            [spaces.Box(-1.0, 1.0, (species.num_actions,), np.float32) for species in self.match.species]
        )

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Pair, dict[str, Any]]:
        """Begins a match; there are no `options`."""
        super().reset(seed=seed)
        self.match.begin(self.settings, self.np_random)
        return self.match.observations, {"seats": ({}, {})}

    def step(  # type: ignore[override]  # two rewards
        self, action: Sequence[np.ndarray]
    ) -> tuple[Pair, tuple[float, float], bool, bool, dict[str, Any]]:
        """Moves on by 0.05 s.

        Args:
          action: for each seat `[its number of actions]`, nominally in [-1, 1]; the motors hold it to that, the cost
            of control counts it as it is.

        Raises:
          ValueError: if an action has another shape or is not finite.
        """
        verdict = self.match.step(action)
        paid = (self.settings.paid(verdict.seats[0]), self.settings.paid(verdict.seats[1]))
        return self.match.observations, paid, verdict.over, False, {"seats": _explain(verdict)}

    def render(self) -> np.ndarray:
        """Returns a picture of the match, `[240, 320, 3]` uint8."""
        if self.render_mode is None:
            raise ValueError("render() needs an environment that was made with render_mode='rgb_array'")
        return self.match.render()

    def close(self) -> None:
        """Frees the renderer."""
        self.match.close()


def _explain(verdict: rules.Verdict) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the parts of the reward for each seat, under the names of the original."""
    first, second = (
        {
            "ctrl_reward": parts.control,
            "push_opp_reward": parts.push,
            "move_to_opp_reward": parts.move,
            "shaping_reward": parts.shaping,
            "win_reward": parts.win,
            "lose_penalty": parts.lose,
            "draw_penalty": parts.draw,
            "main_reward": parts.main,
        }
        for parts in verdict.seats
    )
    if verdict.winner is not None:
        (first, second)[verdict.winner]["winner"] = True
    return first, second
