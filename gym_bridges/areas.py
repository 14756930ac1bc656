"""What does an environment have to offer so that the bridge can play it? One `Areas` object, which speaks in arrays.

An `Areas` object holds *all* copies of an environment that one process runs ("areas", as in a Unity scene). In every
step each behavior hands over two batches: the agents that need a decision now, and the agents whose episode has just
ended. Any of the two may be empty, an agent may be absent from both while others move, and an agent whose episode has
ended may ask for its next decision under a new id in the same step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, NamedTuple, Protocol

import numpy as np


@dataclass(frozen=True)
class ObservationSpec:
    """One of the things that every agent of a behavior observes.

    Attributes:
      name: shown in the exported model.
      shape: of one agent's observation: `(size,)` for a vector, `(channels, height, width)` for an image.
      kind: "vector" travels as float32; "image" is uint8 in 0..255 here and in [0, 1] at the trainer.
      goal: true if this is the goal that the agent pursues, rather than the state it is in.
    """

    name: str
    shape: tuple[int, ...]
    kind: Literal["vector", "image"] = "vector"
    goal: bool = False

    def __post_init__(self) -> None:
        rank = {"vector": 1, "image": 3}[self.kind]
        if len(self.shape) != rank or min(self.shape) < 1:
            raise ValueError(f"observation {self.name!r}: shape {self.shape}, but {self.kind} takes {rank} sizes >= 1")


@dataclass(frozen=True)
class ActionSpec:
    """What an agent decides: `continuous` numbers, nominally in [-1, 1], and one choice in each of `branches`."""

    continuous: int = 0
    branches: tuple[int, ...] = ()


@dataclass(frozen=True)
class BehaviorSpec:
    """The observations and actions shared by all agents of one behavior id, `Name?team=K`."""

    observations: tuple[ObservationSpec, ...]
    actions: ActionSpec


@dataclass(frozen=True)
class Decisions:
    """`n` agents that need an action before the next step; the trainer answers in this order.

    Attributes:
      agent_ids: `[n]` int; an agent has a new id in every episode (see `EpisodeIds`).
      observations: one array `[n, *shape]` for each observation of the behavior, in its order.
      rewards: `[n]` float; what the agent was paid since its last decision, 0 at its first.
      group_ids: `[n]` int; agents with the same id > 0 share group rewards, 0 is no group; None stands for zeros.
      group_rewards: `[n]` float; paid to the group since the last decision; None stands for zeros.
      forbidden: None, or for each branch `[n, branch size]` bool: **True marks a choice that is not allowed**, as on
        the wire (gymnasium's and PettingZoo's action masks say the opposite).
    """

    agent_ids: np.ndarray
    observations: tuple[np.ndarray, ...]
    rewards: np.ndarray
    group_ids: np.ndarray | None = None
    group_rewards: np.ndarray | None = None
    forbidden: tuple[np.ndarray, ...] | None = None


@dataclass(frozen=True)
class Endings:
    """`n` agents whose episode ended in this step; their ids are never used again.

    Attributes:
      agent_ids, group_ids, group_rewards: as in `Decisions`.
      observations: the last of the episode (not the first of the next), `[n, *shape]` each.
      rewards: `[n]` float; what the agent was paid since its last decision.
      truncated: `[n]` bool; true if the episode was cut off, rather than over by the rules.
    """

    agent_ids: np.ndarray
    observations: tuple[np.ndarray, ...]
    rewards: np.ndarray
    truncated: np.ndarray
    group_ids: np.ndarray | None = None
    group_rewards: np.ndarray | None = None


class Step(NamedTuple):
    """What one behavior hands over in one step."""

    decisions: Decisions
    endings: Endings


class Actions(NamedTuple):
    """The trainer's answers to the `n` decisions of one behavior, in their order.

    Attributes:
      continuous: `[n, continuous]` float32.
      discrete: `[n, number of branches]` int32.
    """

    continuous: np.ndarray
    discrete: np.ndarray


class Aggregation(IntEnum):
    """What the trainer makes of several values of one statistic between two of its summaries."""

    AVERAGE = 0
    MOST_RECENT = 1
    SUM = 2
    HISTOGRAM = 3


class Statistic(NamedTuple):
    """One value for TensorBoard."""

    name: str
    value: float
    aggregation: Aggregation = Aggregation.AVERAGE


class Areas(Protocol):
    """All areas of one process.

    A behavior without agents in a step may be left out of what `reset` and `step` return. In both, the first decisions
    of one match have consecutive ids, area by area and team by team within an area: the trainer pairs seats into
    matches by this order.
    """

    @property
    def behaviors(self) -> Mapping[str, BehaviorSpec]:
        """The specs by behavior id, fixed for the life of the object.

        `Name?team=0` and `Name?team=1` are the two teams of the behavior `Name`; a plain `Name` has one team.
        """

    def reset(self, seed: int | None) -> Mapping[str, Step]:
        """Begins a new episode in every area; running ones are dropped without an ending.

        Args:
          seed: for the random state of all areas; None goes on with the present one.
        """

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Step]:
        """Moves every area on until someone needs a decision; `actions` has an entry for each behavior."""

    def set_parameters(self, parameters: Mapping[str, float]) -> None:
        """Takes environment parameters; an area reads them when its next episode begins.

        Raises:
          ValueError: for a name or a value that the environment does not know.
        """

    def statistics(self) -> list[Statistic]:
        """Returns what has been gathered since the last call, and forgets it."""

    def close(self) -> None:
        """Frees windows, simulators and files."""


class EpisodeIds:
    """Hands out agent ids: one counter for the whole process, so that no episode shares an id with another."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, count: int) -> np.ndarray:
        """Returns the next `count` ids, consecutive, `[count]` int64; moves the counter on."""
        first, self._next = self._next, self._next + count
        return np.arange(first, self._next)
