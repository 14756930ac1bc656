"""What do the tests of the evaluation share? Environments that are started over the wire."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., str]:
    """Writes an executable that plays an environment of the bridge, with these options."""

    def write(environment: str, *options: str, before: str = "") -> str:
        path = tmp_path / f"build-{len(list(tmp_path.glob('build-*')))}"
        words = " ".join([sys.executable, "-m", "gym_bridges.launch", environment, *options])
        path.write_text(f'#!/bin/sh\n{before}\nPYTHONPATH={ROOT} exec {words} "$@"\n')
        path.chmod(0o755)
        return str(path)

    return write
