"""What is a match? Roles, who plays them, and what came out."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

CURRENT = "current"  # the player that is the learner as it is now; every other player is named by its snapshot or pin

SeatId = Hashable


class Role(NamedTuple):
    """One team of one behavior."""

    behavior: str
    team: int


@dataclass
class SeatResult:
    """What a finished seat brought: rewards of its whole episode, in reward units and agent steps."""

    seat: SeatId
    last_reward: float
    episode_return: float
    length: int
    truncated: bool


@dataclass
class Side:
    """The seats that one role holds in a match."""

    player: str
    seated: int = 0  # seats that have not ended
    results: list[SeatResult] = field(default_factory=list)  # in the order in which they ended


@dataclass(eq=False)
class Match:
    """One match of one worker; learning team and players are fixed when it opens."""

    worker: int
    steps: dict[str, int]  # learner steps of each behavior when the match opened
    learning_team: int = 0
    players: dict[Role, str] = field(default_factory=dict)
    sides: dict[Role, Side] = field(default_factory=dict)
    seats_held: int = 0  # seats that have not ended, or whose result is still on the way

    @property
    def over(self) -> bool:
        """Whether every seat that was ever taken has ended."""
        return all(side.seated == 0 for side in self.sides.values())

    def opponents(self, role: Role) -> dict[Role, Side]:
        """Returns whom `role` played: the other teams of its behavior, or else of any behavior."""
        others = {other: side for other, side in self.sides.items() if other.team != role.team}
        own_kind = {other: side for other, side in others.items() if other.behavior == role.behavior}
        return own_kind or others


def opponents_in(players: Mapping[Role, str], team: int) -> list[str]:
    """Returns who plays the teams other than `team`, by team."""
    return [player for role, player in sorted(players.items()) if role.team != team]
