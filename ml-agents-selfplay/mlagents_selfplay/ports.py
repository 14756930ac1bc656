"""Which ports of this machine are free for ML-Agents, one for each environment process?"""

from __future__ import annotations

import socket
import sys

HIGHEST = 65_535


class NoFreePort(RuntimeError):
    """There are not as many free ports in a row as are needed; the message says where they were looked for."""


def is_free(port: int) -> bool:
    """Returns whether ML-Agents could listen on a port; tries it in the way that ML-Agents does."""
    with socket.socket() as tried:
        if sys.platform.startswith("linux"):
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("localhost", port))
        except OSError:
            return False
    return True


def free_ports(count: int = 1, first: int | None = None, stride: int = 1) -> int:
    """Returns the first of `count` free ports in a row.

    Args:
      count: how many.
      first: port to begin with; None lets the system propose where to look, so that programs that are started at the
        same time look in different places.
      stride: ports between two places to look at.

    Raises:
      NoFreePort: if there are none.
    """
    begin = _proposed() if first is None else first
    for base in range(begin, HIGHEST + 2 - count, stride):
        if all(is_free(base + offset) for offset in range(count)):
            return base
    raise NoFreePort(f"there are no {count} free ports in a row from {begin} on")


def _proposed() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])
