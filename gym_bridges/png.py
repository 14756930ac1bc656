"""How do images travel? As PNG files of up to four channels each, several in a row if there are more channels.

Unity puts three channels into each file. The trainer takes as many as a file has, and time is what counts here: two
files of three cost it twice as much as one of four.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

_COLOR_TYPE = {2: 4, 3: 2, 4: 6}  # of PNG: gray and alpha, red green blue, red green blue alpha
_CHANNELS = max(_COLOR_TYPE)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode(image: np.ndarray, level: int = 0) -> bytes:
    """Returns `image` `[channels, height, width]` uint8 as PNG files; a lone channel gets one of zeros beside it.

    Args:
      image: what is to be seen.
      level: of zlib, 0 to 9; 0 does not compress, which is by far the fastest at both ends.
    """
    parts = [image[first : first + _CHANNELS] for first in range(0, len(image), _CHANNELS)]
    return b"".join(_encode(part, level) for part in parts)


def channel_mapping(channels: int) -> list[int]:
    """Returns for each channel of the files which channel of the image it is; -1 marks one that is to be dropped.

    Empty where the trainer needs no help: it takes the files' channels in order, and drops what is left over, but of a
    single channel it would take the mean with those that are not there.
    """
    return [0, -1] if channels == 1 else []


def _encode(image: np.ndarray, level: int) -> bytes:
    channels, height, width = image.shape
    filled = max(channels, 2)
    lines = np.zeros((height, 1 + filled * width), np.uint8)  # each line begins with its filter, 0: none
    pixels = lines[:, 1:].reshape(height, width, filled)
    for channel, plane in enumerate(image):  # three times as fast as one transposed copy
        pixels[:, :, channel] = plane
    depth = 8
    header = struct.pack(">IIBBBBB", width, height, depth, _COLOR_TYPE[filled], 0, 0, 0)
    data = zlib.compress(lines.tobytes(), level)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
