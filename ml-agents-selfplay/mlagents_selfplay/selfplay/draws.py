"""For how many matches does a drawn opponent stay?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlagents_selfplay.selfplay.matches import CURRENT


class Draws:
    """One draw serves the next `interval` matches that start.

    Args:
      interval: matches that one draw serves, at least 1.
      draw: names the next opponent; called once for each `interval` matches.
      playable: whether a player can still be seated; a draw whose player has left the history is not used up.
    """

    def __init__(self, interval: int, draw: Callable[[], str], playable: Callable[[str], bool]) -> None:
        self.interval = interval
        self.playable = playable
        self._draw = draw
        self._player = CURRENT
        self._left = 0

    def next(self) -> str:
        """Returns the player for one more match; draws anew when the last draw is used up."""
        if self._left == 0 or not (self._player == CURRENT or self.playable(self._player)):
            self._player = self._draw()
            self._left = self.interval
        self._left -= 1
        return self._player

    def state(self) -> dict[str, Any]:
        """Returns the open draw, ready for JSON."""
        return {"player": self._player, "left": self._left}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes up the open draw that `state()` wrote."""
        self._player, self._left = state["player"], state["left"]
