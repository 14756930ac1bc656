"""Which Atari games are there, and what are they called? `MsPacman` to a person, `ms_pacman` to the emulator."""

from __future__ import annotations

import difflib

_FOR_TWO = {"combat", "joust", "maze_craze", "warlords"}  # listed by ale-py, but its emulator ends the process on them


def names() -> list[str]:
    """Returns the names of all games, sorted: `Adventure`, `AirRaid`, ..."""
    return sorted(_by_name())


def rom_id(name: str) -> str:
    """Returns the emulator's id of a game.

    Raises:
      KeyError: if there is no game of that name, the message names the nearest one; or no emulator.
    """
    known = _by_name()
    if name not in known:
        by_lower = {one.lower(): one for one in known}
        near = difflib.get_close_matches(name.lower().replace("_", ""), by_lower, n=1, cutoff=0.5)
        hint = f"did you mean {by_lower[near[0]]!r}?" if near else f"known are {', '.join(names())}"
        raise KeyError(f"there is no Atari game {name!r}; {hint}")
    return known[name]


def _by_name() -> dict[str, str]:
    try:
        from ale_py import roms
    except ModuleNotFoundError as error:
        raise KeyError("the Atari games need the package ale-py, which the extra [gym] installs") from error
    played = set(roms.get_all_rom_ids()) - _FOR_TWO
    return {rom.title().replace("_", ""): rom for rom in played}  # the names that gymnasium uses, too
