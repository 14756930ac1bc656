"""How is a file of a run replaced as a whole, and read back with one clear error if it is damaged?"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, load_file, save

FORMAT_VERSION = 1

Weights = dict[str, np.ndarray[Any, np.dtype[Any]]]


class DamagedFile(Exception):
    """A file of a run cannot be read; the message names it and says why."""


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Replaces `path` by what `write` puts into a binary file, or leaves it as it was.

    Raises:
      OSError: if it cannot be written, as on a full disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_bytes_atomically(path: Path, blob: bytes) -> None:
    """As `write_atomically`, with all that the file holds."""
    write_atomically(path, lambda file: file.write(blob))


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON file of a run.

    Raises:
      DamagedFile: if it cannot be read, is not a JSON object, or is of another format version.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedFile(
            f"{path} is damaged or not readable ({error}). Put back a copy, or start over with --force."
        ) from error
    if version != FORMAT_VERSION:
        raise DamagedFile(
            f"{path} has format version {version!r}; this version of mlagents-selfplay reads {FORMAT_VERSION}."
        )
    return dict(content)


def weights_as_bytes(weights: Weights, header: dict[str, str]) -> bytes:
    """Returns the safetensors file that `weights_from_bytes` and `load_weights` read."""
    # np.ascontiguousarray would give a scalar, as a normaliser has, a dimension.
    return save({name: np.asarray(value, order="C") for name, value in weights.items()}, header)


def weights_from_bytes(blob: bytes) -> Weights:
    """Reads actor weights, 16 bits widened to 32."""
    return _widened(load(blob))


def load_weights(path: Path) -> Weights:
    """Reads a safetensors file of actor weights, 16 bits widened to 32.

    Raises:
      DamagedFile: if the file is missing or is not a whole safetensors file.
    """
    try:
        weights = load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise DamagedFile(f"{path} is damaged or missing ({error})") from error
    return _widened(weights)


def _widened(weights: Weights) -> Weights:
    return {name: value.astype(np.float32) if value.dtype == np.float16 else value for name, value in weights.items()}
