"""How does a running trainer get to know what its population wants of it? By letters: files in its inbox.

A letter is one safetensors file, `inbox/<number>.safetensors` in the run folder of the behavior, written aside and
renamed. Its header says what is asked for; its tensors are weights:

    hyperparameters    values by key, in force from now on; those that are not named stay
    inherits           whether `checkpoint` is there: the bytes of another member's checkpoint.pt, to be taken over
    guests             opponents from other members' histories: their chances by name; `guest/<name>/...` are weights
    guest_ratio        share of the draws that go to the guests
    waits              whether the trainer waits for its next letter after each snapshot

The trainer opens letters in the order of their numbers, and throws one away only after its checkpoint names it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mlagents_selfplay.files import DamagedFile, Weights, write_bytes_atomically

INBOX = "inbox"
_GUEST = "guest"


@dataclass(frozen=True)
class Guest:
    """An opponent from another member's history.

    Attributes:
      chance: of being drawn among the guests, in (0, 1].
      weights: of its actor.
    """

    chance: float
    weights: Weights


@dataclass(frozen=True)
class Letter:
    """What a member is asked to do; see the module.

    Attributes:
      number: 1, 2, ... for each member.
      hyperparameters: new values by key.
      checkpoint: another member's checkpoint to take over, or None.
      guests: by name, in place of those before; None leaves them as they are.
      guest_ratio: in [0, 1].
      waits: whether to wait for the next letter after each snapshot; None leaves that as it is.
    """

    number: int
    hyperparameters: dict[str, float] = field(default_factory=dict)
    checkpoint: bytes | None = None
    guests: dict[str, Guest] | None = None
    guest_ratio: float = 0.0
    waits: bool | None = None


def post(inbox: Path, letter: Letter) -> None:
    """Puts a letter into an inbox."""
    header = {
        "hyperparameters": letter.hyperparameters,
        "guests": None if letter.guests is None else {name: guest.chance for name, guest in letter.guests.items()},
        "guest_ratio": letter.guest_ratio,
        "waits": letter.waits,
    }
    tensors = {
        f"{_GUEST}/{name}/{key}": np.asarray(value, order="C")
        for name, guest in (letter.guests or {}).items()
        for key, value in guest.weights.items()
    }
    if letter.checkpoint is not None:
        tensors["checkpoint"] = np.frombuffer(letter.checkpoint, np.uint8)
    blob = save(tensors, {"letter": json.dumps(header)})
    write_bytes_atomically(_file(inbox, letter.number), blob)


def waiting(inbox: Path) -> list[int]:
    """Returns the numbers of the letters in an inbox, ascending."""
    try:
        return sorted(int(path.stem) for path in inbox.iterdir() if path.suffix == ".safetensors")
    except FileNotFoundError:
        return []


def read(inbox: Path, number: int) -> Letter:
    """Reads a letter and leaves it where it is.

    Raises:
      DamagedFile: if it cannot be read.
    """
    path = _file(inbox, number)
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads(file.metadata()["letter"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, no mapping
        checkpoint = tensors.pop("checkpoint", None)
        weights: dict[str, Weights] = {name: {} for name in header["guests"] or ()}
        for name, value in tensors.items():
            _, guest, key = name.split("/", 2)
            weights[guest][key] = value
        return Letter(
            number,
            header["hyperparameters"],
            None if checkpoint is None else checkpoint.tobytes(),
            None
            if header["guests"] is None
            else {name: Guest(chance, weights[name]) for name, chance in header["guests"].items()},
            header["guest_ratio"],
            header["waits"],
        )
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DamagedFile(f"{path} is damaged or missing ({error!r})") from error


def discard(inbox: Path, number: int) -> None:
    """Throws a letter away, if it is there."""
    _file(inbox, number).unlink(missing_ok=True)


def _file(inbox: Path, number: int) -> Path:
    return inbox / f"{number}.safetensors"
