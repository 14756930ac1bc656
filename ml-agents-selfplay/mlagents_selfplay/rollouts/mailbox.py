"""How do the trainer and a bridge exchange arrays? By letters in a folder that only this user can read.

This is the trainer's end; the bridge has one of its own, and docs/rollouts.md says what both agree on. A letter is one
file: the length of its header (8 bytes, little endian), the header (JSON), and the arrays one after another as plain
bytes, each at a multiple of 8. It is written under another name and renamed, so whoever sees it sees all of it.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

DOOR = "GYM_BRIDGE_ROLLOUTS"  # environment variable that tells bridges the folder
OPEN = "open"  # file in it: bridges that knock will be answered
PROTOCOL = 3

_PREFIX = "mlagents-selfplay-"
_MEMORY = Path("/dev/shm")  # a file system in memory, where there is one

Array = np.ndarray[Any, np.dtype[Any]]


class Letter(NamedTuple):
    """A header that JSON can hold, and arrays by name."""

    header: dict[str, Any]
    arrays: dict[str, Array]


_door: tuple[int, str] | None = None  # the process that has made one, and where


def make_door() -> None:
    """Makes the folder and names it to all processes that this one will start; it goes when this process ends.

    A door that the environment names already is that of the process that started this one: another trainer.
    """
    global _door
    if _door is not None and _door[0] == os.getpid():
        return
    within = str(_MEMORY) if os.access(_MEMORY, os.W_OK) else tempfile.gettempdir()
    _remove_left_behind(Path(within))
    _door = (os.getpid(), tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=within))  # mode 0700
    os.environ[DOOR] = _door[1]
    atexit.register(_remove, *_door)


def _remove_left_behind(within: Path) -> None:
    """Removes the doors of this user's processes that were killed, where a process can be asked after."""
    for folder in within.glob(f"{_PREFIX}*") if os.name == "posix" else ():
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        try:
            os.kill(int(owner), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except (PermissionError, ValueError):
            continue


def _remove(owner: int, folder: str) -> None:
    if os.getpid() == owner:  # a process forked from it goes earlier
        shutil.rmtree(folder, ignore_errors=True)


def post(folder: Path, name: str, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Writes a letter into a mailbox."""
    listed = [(key, np.ascontiguousarray(value)) for key, value in arrays.items()]
    contents = [{"name": key, "dtype": value.dtype.str, "shape": value.shape} for key, value in listed]
    head = json.dumps({**header, "arrays": contents}).encode()
    head += b" " * (-len(head) % 8)
    parts = [len(head).to_bytes(8, "little"), head]
    for _, value in listed:
        parts += [value.tobytes(), bytes(-value.nbytes % 8)]
    aside = folder / f".{name}"
    aside.write_bytes(b"".join(parts))
    os.replace(aside, folder / name)


def take(folder: Path, name: str) -> Letter | None:
    """Reads a letter and throws it away; None if there is none."""
    file = folder / name
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
