"""How is a copy of an environment built, whichever library it is from?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium

from gym_bridges.envs.crew import num_cores
from gym_bridges.envs.game import Game
from gym_bridges.envs.gymnasium_areas import GymnasiumGame
from gym_bridges.envs.pettingzoo_areas import AecGame, ParallelGame
from gym_bridges.envs.seats import safe_name


@dataclass(frozen=True)
class Blueprint:
    """What every area builds its copy from.

    Attributes:
      id: of the environment, for people.
      make: `make(**arguments)` returns a gymnasium environment, or a ParallelEnv or AECEnv of PettingZoo.
      defaults: the constructor's arguments and their defaults.
      arguments: those that were given.
    """

    id: str
    make: Callable[..., Any]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def behavior(self) -> str:
        """The name under which a trainer configuration lists it."""
        return safe_name(self.id)

    @property
    def known_arguments(self) -> dict[str, Any]:
        """Every constructor argument with its present value."""
        return {**self.defaults, **self.arguments}

    def build(self, render_mode: str | None = None, changed: Mapping[str, Any] | None = None) -> Game:
        """Builds a copy; `changed` arguments come before the given ones.

        Raises:
          TypeError: if what is made is of none of the three kinds.
        """
        mode = {} if render_mode is None else {"render_mode": render_mode}
        return as_game(self.make(**{**self.arguments, **(changed or {}), **mode}))


def as_game(env: Any) -> Game:
    """Returns the `Game` of an environment of gymnasium or PettingZoo.

    Raises:
      TypeError: if it is neither.
    """
    if isinstance(env, gymnasium.Env):
        return GymnasiumGame(env)
    if hasattr(env, "agent_iter"):
        return AecGame(env)
    if hasattr(env, "possible_agents"):
        return ParallelGame(env)
    kind = type(env)
    raise TypeError(f"{kind.__module__}.{kind.__qualname__} is neither a gymnasium environment nor one of PettingZoo's")


def threads_that_pay(game: Game) -> int:
    """Returns how many threads to step areas with: one for each core if the simulator lets others run meanwhile."""
    model = getattr(game.env.unwrapped, "model", None)
    return num_cores() if type(model).__module__.startswith("mujoco") else 1
