"""How are pictures kept? As the bytes that they came as, a quarter of the size; networks get floats in [0, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from mlagents.torch_utils import default_device, torch

Array = np.ndarray[Any, np.dtype[Any]]

WHITE = 255


def as_bytes(seen: Array) -> Array | None:
    """Returns pictures as bytes, or None if they hold values that are none; bytes are returned as they are."""
    if seen.dtype == np.uint8:
        return seen
    scaled = seen * np.float32(WHITE)
    whole = np.rint(scaled)
    if not seen.size or (np.abs(scaled - whole).max() < 1e-2 and whole.min() >= 0 and whole.max() <= WHITE):
        return whole.astype(np.uint8)
    return None


def as_floats(seen: Array) -> Array:
    """Returns what was seen as float32, bytes as numbers in [0, 1]."""
    return seen.astype(np.float32) / np.float32(WHITE) if seen.dtype == np.uint8 else seen


def as_input(seen: Array | torch.Tensor) -> torch.Tensor:
    """Returns what was seen as a network takes it, float32 on the device that learns, bytes as numbers in [0, 1]."""
    tensor = torch.as_tensor(seen, device=default_device())
    return tensor.float().div_(WHITE) if tensor.dtype == torch.uint8 else tensor
