"""What do a behavior and the host of rollouts have to know of each other?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from mlagents_selfplay.rollouts.mailbox import Array


class Part(NamedTuple):
    """What one rollout brought for one behavior: arrays by name, as docs/rollouts.md lists them, and its seats' ends.

    episodes: of the learner's seats that teach: own return, return with the group's share, agent steps.
    agents: of each piece, the id of its agent, unique in the run.
    opponents: of each piece, who plays the other teams, by team; nobody if that is not known any more.
    """

    arrays: dict[str, Array]
    episodes: list[tuple[float, float, int]]
    agents: list[str]
    opponents: list[list[str]]


@dataclass(frozen=True)
class Member:
    """What the host has to know of a behavior.

    Attributes:
      behavior: its name.
      why_not: why its rollouts have to go over the wire, or None.
      steps_wanted: learner steps that it still lacks.
      arrays_of: returns the network of a player, as it travels.
      whole: whether it takes only pieces that have ended by themselves, so that others go on in the next rollout.
      version: learner steps of its weights.
      exploration: how its learner explores, as `gym_bridges.rollouts.exploration` has it.
      is_known: whether a player may still be drawn.
      horizon: longest piece of an episode, in agent steps.
      mirror: whether both sides of a match of the learner with itself teach.
      deterministic: whether its policies always do what is likeliest.
      draw_seed: draws the seed of a rollout.
    """

    behavior: str
    why_not: str | None
    steps_wanted: Callable[[], int]
    arrays_of: Callable[[str], dict[str, Array]]
    whole: bool
    version: Callable[[], int]
    exploration: Callable[[], dict[str, float]]
    is_known: Callable[[str], bool]
    horizon: int
    mirror: bool
    deterministic: bool
    draw_seed: Callable[[], int]
