"""What do tests share that start Ray? Where it writes, which processes it starts, and who could reach them."""

from __future__ import annotations

import ipaddress
import os
import secrets
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]
DAEMONS = {"raylet", "gcs_server"}


@pytest.fixture(scope="session")
def ray_environment() -> Iterator[dict[str, str]]:
    """The environment of a process whose Ray writes neither to the home nor to the temporary folder.

    Ray's sockets stand in its folder, and the path of a socket must be short.
    """
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="ray", dir=memory if os.access(memory, os.W_OK) else None)
    yield {
        **os.environ,
        "RAY_TMPDIR": folder,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # clusters of tests stay on loopback, too
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }
    shutil.rmtree(folder, ignore_errors=True)


def started_by(process: int) -> list[psutil.Process]:
    """Returns all that a process has started, and they in turn."""
    return psutil.Process(process).children(recursive=True)


def name_of(process: psutil.Process) -> str:
    """Returns the name of a process; an empty one if it has ended."""
    try:
        return process.name()
    except psutil.Error:
        return ""


def reachable_from_elsewhere(process: int, of_ml_agents: Collection[int] = ()) -> set[tuple[str, str, int]]:
    """Returns (name, address, port) of all that listens on more than loopback, of a process and all it has started.

    Args:
      process: its id.
      of_ml_agents: ports at which ML-Agents waits for environments; it does so on every address, and nobody asks us.
    """
    found = set()
    for one in [psutil.Process(process), *started_by(process)]:
        try:
            sockets = [socket for socket in one.net_connections("inet") if socket.status == psutil.CONN_LISTEN]
            found |= {(one.name(), socket.laddr.ip, socket.laddr.port) for socket in sockets}
        except psutil.Error:
            continue
    return {entry for entry in found if not _is_loopback(entry[1]) and entry[2] not in of_ml_agents}


def _is_loopback(address: str) -> bool:
    found = ipaddress.ip_address(address)
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback
