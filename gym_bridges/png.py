"""How do images travel? As PNG files of three channels each, several behind one another if there are more channels."""

from __future__ import annotations

import struct
import zlib

import numpy as np

CHANNELS = 3
"""Channels of one PNG file; the trainer reads red, green and blue only."""

_LEVEL = 1  # of zlib, 0 to 9: speed matters more than the last bytes, both ends are on one machine
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode(image: np.ndarray) -> bytes:
    """Returns `image` `[channels, height, width]` uint8 as PNG files; the last one is filled up with zeros."""
    channels, height, width = image.shape
    padded = np.zeros((channels + -channels % CHANNELS, height, width), np.uint8)
    padded[:channels] = image
    return b"".join(_encode_three(padded[first : first + CHANNELS]) for first in range(0, len(padded), CHANNELS))


def channel_mapping(channels: int) -> list[int]:
    """Returns for each channel of the files which channel of the image it is; -1 marks one that is to be dropped."""
    return [*range(channels), *[-1] * (-channels % CHANNELS)]


def _encode_three(image: np.ndarray) -> bytes:
    _, height, width = image.shape
    lines = np.zeros((height, 1 + CHANNELS * width), np.uint8)  # each line begins with its filter, 0: none
    lines[:, 1:] = image.transpose(1, 2, 0).reshape(height, CHANNELS * width)
    depth, true_color = 8, 2
    header = struct.pack(">IIBBBBB", width, height, depth, true_color, 0, 0, 0)
    pixels = zlib.compress(lines.tobytes(), _LEVEL)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
