"""Who plays which agent? The trainer deals matches; agents take their seats in them in the order in which they come.

The rule is that of the trainer's own matchmaking on the wire: an agent that decides for the first time joins the oldest
match that still lacks its role, or begins the next one dealt; group mates share a place; a seat is kept to the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Role(NamedTuple):
    """One team of one behavior."""

    behavior: str
    team: int


class Result(NamedTuple):
    """What a seat's episode came to: rewards with the group's share, the agent's own, agent steps, and how it ended."""

    last_reward: float
    episode_return: float
    own_return: float
    length: int
    truncated: bool


class OutOfMatches(Exception):
    """More matches begin than were dealt: the rollout is over early."""


@dataclass(eq=False)
class Match:
    """A match as it was dealt, and what became of it.

    Attributes:
      number: the trainer's.
      learning_team: the team whose seats teach.
      players: who plays each role.
      taken: roles that somebody has taken a seat in.
      seats: that have not ended.
      results: of seats that have ended, in that order.
    """

    number: int
    learning_team: int
    players: dict[Role, str]
    taken: set[Role] = field(default_factory=set)
    seats: int = 0
    results: list[tuple[Role, Result]] = field(default_factory=list)


class Seats:
    """The matches of one process."""

    def __init__(self) -> None:
        self._dealt: deque[Match] = deque()
        self._lacking: list[Match] = []
        self._groups: dict[tuple[Role, int], tuple[Match, int]] = {}
        self.over: list[Match] = []
        self.begun = 0  # matches, since the last `take_over`

    def deal(self, matches: Iterable[dict[str, Any]]) -> None:
        """Takes in matches that may begin, in this order; each as the trainer's letter describes it."""
        for match in matches:
            players = {Role(behavior, team): player for behavior, team, player in match["players"]}
            self._dealt.append(Match(match["number"], match["learning_team"], players))

    @property
    def left(self) -> int:
        """Matches that were dealt and have not begun."""
        return len(self._dealt)

    def clear(self) -> None:
        """Forgets everything, as after a reset of the environments."""
        self.__init__()  # type: ignore[misc]

    def sit(self, role: Role, group: int) -> Match:
        """Seats an agent of `role`; `group` > 0 names its mates.

        Raises:
          OutOfMatches: if a new match would be needed and none is left.
        """
        place = (role, group)
        if group > 0 and place in self._groups:
            match, mates = self._groups[place]
        else:
            match, mates = self._match_that_lacks(role), 0
        if group > 0:
            self._groups[place] = (match, mates + 1)
        match.taken.add(role)
        match.seats += 1
        return match

    def rise(self, match: Match, role: Role, group: int, result: Result) -> None:
        """Ends a seat."""
        match.results.append((role, result))
        match.seats -= 1
        if group > 0:
            _, mates = self._groups.pop((role, group))
            if mates > 1:
                self._groups[role, group] = (match, mates - 1)
        if match.seats == 0:
            self.over.append(match)
            if match in self._lacking:
                self._lacking.remove(match)

    def take_over(self) -> tuple[list[Match], int]:
        """Returns the matches that are over since the last call, and how many have begun."""
        over, begun = self.over, self.begun
        self.over, self.begun = [], 0
        return over, begun

    def _match_that_lacks(self, role: Role) -> Match:
        for match in self._lacking:
            if role in match.players and role not in match.taken:
                if len(match.taken) + 1 == len(match.players):
                    self._lacking.remove(match)
                return match
        if not self._dealt:
            raise OutOfMatches
        match = self._dealt.popleft()
        self.begun += 1
        if len(match.players) > 1:
            self._lacking.append(match)
        return match
