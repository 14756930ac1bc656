"""What do gymnasium and PettingZoo have in common, so that one object can play either? A game goes from turn to turn.

A turn says which agents decide next and whose episode has just ended. If nobody decides any more, the episode is over
for all, and the game wants a reset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, SupportsFloat

from gym_bridges.envs.seats import Spaces


class Sight(NamedTuple):
    """One agent in one turn.

    Attributes:
      agent: its name.
      observation: an element of its observation space.
      reward: what it was paid since it last decided.
      mask: 1 for each choice that is allowed and 0 for the others, see `spaces.Effectors.forbidden`; None allows all.
      truncated: for an ending: whether the episode was cut off, rather than over by the rules.
    """

    agent: str
    observation: Any
    reward: SupportsFloat = 0.0
    mask: Any = None
    truncated: bool = False


@dataclass(frozen=True)
class Turn:
    """What has become of one area.

    Attributes:
      deciding: the agents that decide next.
      ended: the agents whose episode ended in this turn, with their last observations.
      infos: what the environment told about each of `ended`.
    """

    deciding: list[Sight]
    ended: list[Sight] = field(default_factory=list)
    infos: list[Mapping[str, Any]] = field(default_factory=list)


class Game(Protocol):
    """One copy of an environment."""

    env: Any
    """The environment itself, as its author wrote it, with its wrappers."""

    @property
    def agents(self) -> Mapping[str, Spaces]:
        """Every agent that may ever play, and its spaces."""

    def reset(self, seed: int | None) -> Turn:
        """Begins an episode; None goes on with the present random state."""

    def step(self, actions: Mapping[str, Any]) -> Turn:
        """Moves on; `actions` holds an element of the action space for each agent of the last turn's `deciding`."""
