"""What can be set about a match of RoboSumo, and within which limits?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gym_bridges.envs.robosumo.rules import Parts


@dataclass(frozen=True)
class RoboSumoSettings:
    """The options of the game; the defaults are those of the registered environments of RoboSumo.

    Attributes:
      tatami_size: distance of the border lines from the centre, m; a torso 0.1 m beyond them is out.
      timestep_limit: steps; the first step beyond it ends the match with a draw.
      ant_density, bug_density, spider_density: units of mass per cubic metre of each kind of robot.
      adjust_z: m, added to the height of a torso where it is observed and where it decides who has fallen, below
        0.29. With 0, heights are above the floor, half a metre under the mat; with -0.5 they are above the mat, and a
        torso (radius 0.25) that lies on it has fallen.
      reward_scale: factor of all rewards, above 0.
      shaping_scale: factor of the shaping (control, push and move) beside the main reward, at least 0.
      threads: that step the areas of one process; 0 for as many as there are cores.
    """

    tatami_size: float = 2.0
    timestep_limit: int = 500
    ant_density: float = 13.0
    bug_density: float = 10.0
    spider_density: float = 39.0
    adjust_z: float = 0.0
    reward_scale: float = 1.0
    shaping_scale: float = 1.0
    threads: int = 0

    def __post_init__(self) -> None:
        # Robots begin up to 1.25 m from the centre, noise included.
        self._require("tatami_size", lambda value: 1.5 <= value <= 10.0, "a number of metres in [1.5, 10]")
        self._require("timestep_limit", lambda value: value >= 1 and value == int(value), "a whole number >= 1")
        self._require("threads", lambda value: value >= 0 and value == int(value), "a whole number >= 0")
        for name in ("ant_density", "bug_density", "spider_density", "reward_scale"):
            self._require(name, lambda value: value > 0, "a finite number above 0")
        self._require("adjust_z", lambda value: -0.5 <= value <= 0.5, "a number of metres in [-0.5, 0.5]")
        self._require("shaping_scale", lambda value: value >= 0, "a finite number >= 0")

    def _require(self, name: str, is_allowed: Callable[[float], bool], allowed: str) -> None:
        value = getattr(self, name)
        if not np.isfinite(value) or not is_allowed(value):
            raise ValueError(f"{name} is {value}, but takes {allowed}")

    def density(self, species: str) -> float:
        """Returns the density of a kind of robot, given by its name."""
        return float(getattr(self, f"{species}_density"))

    def paid(self, parts: Parts) -> float:
        """Returns the reward of a seat for one step."""
        return self.reward_scale * (parts.main + self.shaping_scale * parts.shaping)


@dataclass(frozen=True)
class TrainingSettings(RoboSumoSettings):
    """The same options, with the defaults of the bridge: whoever lies on the mat has fallen, and a win is worth 2.

    With rewards of this size, ML-Agents' value function, whose steps are clipped to 0.2, gets there in time.

    Attributes:
      record: file for a video of the first area (.mp4, .gif); empty for none.
    """

    adjust_z: float = -0.5
    reward_scale: float = 0.001
    record: str = ""
