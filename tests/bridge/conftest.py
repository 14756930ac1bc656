"""What do the bridge's tests share? Real builds, driven by ML-Agents' own UnityEnvironment on a free port."""

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlagents_envs.environment import UnityEnvironment
from mlagents_envs.side_channel.stats_side_channel import StatsSideChannel

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
sys.path.append(str(HERE))  # for sample_areas, here and in the builds
SMALL_TIMEOUT = 19  # seconds; UnityEnvironment looks for a dead process every tenth of it, in whole seconds


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def rock_paper_scissors() -> Path:
    return REPOSITORY / "gym_bridges" / "builds" / "RockPaperScissors"


@pytest.fixture
def build_of(tmp_path: Path) -> Callable[[str], Path]:
    """Returns a function that writes a build of an entry in `sample_areas`."""

    def write(entry: str) -> Path:
        path = tmp_path / entry
        command = f"PYTHONPATH={HERE}:{REPOSITORY} exec {sys.executable} -m gym_bridges.launch sample_areas:{entry}"
        path.write_text(f'#!/bin/sh\n{command} "$@"\n')
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., UnityEnvironment]]:
    """Returns a function that starts a build as `mlagents-learn` would; the log is `Player-0.log` in `tmp_path`."""
    running: list[UnityEnvironment] = []

    def start_one(build: Path, **options: object) -> UnityEnvironment:
        options = {"side_channels": [StatsSideChannel()], "timeout_wait": SMALL_TIMEOUT, **options}
        environment = UnityEnvironment(str(build), base_port=free_port(), log_folder=str(tmp_path), **options)
        running.append(environment)
        return environment

    yield start_one
    for environment in running:
        environment._close(timeout=5)
