"""What do the side channels say? Bytes that ride along in the messages: parameters arrive, statistics leave.

One side-channel field holds any number of messages: a 16-byte channel id (little-endian UUID), the length as int32, and
that many bytes. Numbers are little-endian; a string is its length as int32 and ASCII. Messages for other channels
(engine configuration, training analytics) are skipped: there is no engine whose clock or window they could set.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from gym_bridges.areas import Statistic

ENVIRONMENT_PARAMETERS = uuid.UUID("534c891e-810f-11ea-a9d0-822485860400")
STATISTICS = uuid.UUID("a1d8f7b7-cec8-50f9-b78b-d3e165a78520")

Parameter = Callable[[], float]
"""An environment parameter: each call returns a value, the same one or, for a sampler, a new one."""

_CONSTANT = 0
_UNIFORM, _GAUSSIAN, _RANGES = 0, 1, 2


def messages(data: bytes) -> Iterator[tuple[uuid.UUID, bytes]]:
    """Yields (channel id, message) from the bytes of one side-channel field.

    Raises:
      ValueError: if the bytes end inside a message.
    """
    offset = 0
    while offset < len(data):
        body = offset + 20
        if len(data) < body or len(data) < body + struct.unpack_from("<i", data, offset + 16)[0]:
            raise ValueError(f"side-channel data of {len(data)} bytes end inside the message that begins at {offset}")
        end = body + struct.unpack_from("<i", data, offset + 16)[0]
        yield uuid.UUID(bytes_le=data[offset : offset + 16]), data[body:end]
        offset = end


def read_parameters(data: bytes) -> dict[str, Parameter]:
    """Returns the environment parameters in the bytes of one side-channel field, by name."""
    return dict(_read_parameter(message) for channel, message in messages(data) if channel == ENVIRONMENT_PARAMETERS)


def pack_statistics(statistics: Iterable[Statistic]) -> bytes:
    """Returns the side-channel bytes that hand `statistics` to the trainer; names must be ASCII."""
    packed = bytearray()
    for name, value, aggregation in statistics:
        encoded = name.encode("ascii")
        body = struct.pack("<i", len(encoded)) + encoded + struct.pack("<fi", value, aggregation)
        packed += STATISTICS.bytes_le + struct.pack("<i", len(body)) + body
    return bytes(packed)


def _read_parameter(message: bytes) -> tuple[str, Parameter]:
    """Returns the name and the value, or sampler, of one message of the environment-parameters channel.

    The samplers are ML-Agents': uniform, Gaussian, and uniform over several ranges (each as likely as it is wide). They
    draw from a generator of their own, seeded by the message.
    """
    (name_size,) = struct.unpack_from("<i", message)
    name = message[4 : 4 + name_size].decode("ascii")
    offset = 4 + name_size
    (kind,) = struct.unpack_from("<i", message, offset)
    if kind == _CONSTANT:
        (value,) = struct.unpack_from("<f", message, offset + 4)
        return name, lambda: value
    seed, distribution = struct.unpack_from("<ii", message, offset + 4)
    rng = np.random.default_rng(seed & 0xFFFFFFFF)
    offset += 12
    if distribution == _RANGES:
        (size,) = struct.unpack_from("<i", message, offset)
        ranges = np.frombuffer(message, "<f4", size, offset + 4).reshape(-1, 2).astype(float)
        return name, lambda: _draw_from_ranges(ranges, rng)
    first, second = struct.unpack_from("<ff", message, offset)
    if distribution == _UNIFORM:
        return name, lambda: float(rng.uniform(first, second))
    if distribution == _GAUSSIAN:
        return name, lambda: float(rng.normal(first, second))
    raise ValueError(f"environment parameter {name!r}: sampler type {distribution}, but known are 0, 1 and 2")


def _draw_from_ranges(ranges: np.ndarray, rng: np.random.Generator) -> float:
    widths = ranges[:, 1] - ranges[:, 0]
    low, high = ranges[rng.choice(len(ranges), p=widths / widths.sum())]
    return float(rng.uniform(low, high))
