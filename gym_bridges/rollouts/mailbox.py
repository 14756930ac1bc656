"""How do the bridge and the trainer exchange arrays? By letters in a folder that only this user can read.

A letter is one file: the length of its header (8 bytes, little endian), the header (JSON), and the arrays one after
another as plain bytes, each at a multiple of 8. It is written under another name and renamed, so whoever sees it sees
all of it; it is gone once it has been read. Nobody ever waits for the other end inside a call, so nothing can block.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

DOOR = "GYM_BRIDGE_ROLLOUTS"
"""Environment variable with the folder in which mailboxes are made; a trainer that wants rollouts sets it."""

OPEN = "open"
"""File in that folder: there is a trainer behind the door, and it will answer."""

PROTOCOL = 3
"""Version of all that letters say; both ends name theirs, and must agree."""


class Letter(NamedTuple):
    """A header that JSON can hold, and arrays by name."""

    header: dict[str, Any]
    arrays: dict[str, np.ndarray]


class Mailbox:
    """The letters between one bridge and its trainer.

    Args:
      folder: where they lie; made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)

    def post(self, name: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Writes a letter."""
        listed = [(key, np.ascontiguousarray(value)) for key, value in arrays.items()]
        contents = [{"name": key, "dtype": value.dtype.str, "shape": value.shape} for key, value in listed]
        head = json.dumps({**header, "arrays": contents}).encode()
        head += b" " * (-len(head) % 8)
        aside = self.folder / f".{name}"
        with aside.open("wb") as file:
            file.write(len(head).to_bytes(8, "little"))
            file.write(head)
            for _, value in listed:
                file.write(value.tobytes())
                file.write(bytes(-value.nbytes % 8))
        os.replace(aside, self.folder / name)

    def take(self, name: str) -> Letter | None:
        """Reads a letter and throws it away; None if there is none."""
        file = self.folder / name
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            return None
        file.unlink()
        at = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:at])
        arrays = {}
        for entry in header.pop("arrays"):
            array = np.frombuffer(data, entry["dtype"], int(np.prod(entry["shape"])), at).reshape(entry["shape"])
            arrays[entry["name"]] = array
            at += array.nbytes + -array.nbytes % 8
        return Letter(header, arrays)


def door_maker() -> int | None:
    """Returns the process that made the door, which is a trainer; None if there is no door.

    The name of the folder holds it: `mlagents-selfplay-<process>-...`.
    """
    maker = Path(os.environ.get(DOOR, "")).name.removeprefix("mlagents-selfplay-").partition("-")[0]
    return int(maker) if maker.isdigit() else None


def knock(port: int) -> Mailbox | None:
    """Makes the mailbox of this process, if a trainer has left the door ajar; None if there is no door.

    Args:
      port: on which the trainer listens for this process.
    """
    door = os.environ.get(DOOR)
    if not door or not Path(door).is_dir():
        return None
    return Mailbox(Path(door) / f"{port}-{os.getpid()}")
