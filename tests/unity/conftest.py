"""What do the tests of the Unity project share? Its folders, and its scripts compiled once."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "unity-project"
TOOLS = PROJECT / "Tools~"


@pytest.fixture(scope="session")
def compiled() -> Path:
    """Returns the folder of the compiled player; compiles what has changed."""
    done = subprocess.run([sys.executable, ROOT / "tools" / "unity.py", "build"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return TOOLS / "build" / "player"
