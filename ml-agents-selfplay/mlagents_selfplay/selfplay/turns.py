"""Which team learns in the next match? A team keeps its turn for some matches, then comes the next one that learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class Turns:
    """Whose turn it is, and how much of it is left.

    Args:
      learns: says whether a team still learns, whenever it is asked.
      length: matches for which a team that begins its turn keeps it, at least 1.
    """

    def __init__(self, learns: Callable[[int], bool], length: Callable[[int], int]) -> None:
        self._learns, self._length = learns, length
        self._team: int | None = None
        self._left = 0

    def coming(self, teams: Sequence[int]) -> int:
        """Returns the team that learns in the match that opens next.

        Args:
          teams: that meet, ascending, at least one; where none learns any more, they take turns all the same.
        """
        if self._team is not None and self._left > 0 and self._learns(self._team):
            return self._team
        learning = [team for team in teams if self._learns(team)] or list(teams)
        if self._team not in learning:
            return learning[0]
        if self._left > 0:
            return self._team
        return learning[(learning.index(self._team) + 1) % len(learning)]

    def take(self, teams: Sequence[int]) -> int:
        """Returns the same, and counts one match of its turn."""
        team = self.coming(teams)
        if self._left == 0 or team != self._team:
            self._team, self._left = team, self._length(team)
        self._left -= 1
        return team

    def state(self) -> dict[str, Any]:
        """Returns the turn, ready for JSON."""
        return {"turn_team": self._team, "turn_left": self._left}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on with the turn that `state()` wrote."""
        self._team, self._left = state["turn_team"], state["turn_left"]
