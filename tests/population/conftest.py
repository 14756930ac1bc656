"""What do the tests of a population share? Populations in the arena, trained by the command that users type."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.on_ray import ray_environment  # noqa: F401, the fixture
from tests.trainer.conftest import arena, free_ports  # noqa: F401, the fixture
from tests.trainer.runs import behavior

ROOT = Path(__file__).parents[2]


def small_population(folder: Path, build: Path, **keys: Any) -> dict[str, Any]:
    """Returns the YAML of two members that learn next to nothing in the arena; writes their trainer's into `folder`."""
    trainer = folder / "trainer.yaml"
    trainer.write_text(yaml.safe_dump({"behaviors": {"Arena": behavior(max_steps=1)}}))
    small = {
        "trainer_config": str(trainer),
        "behavior": "Arena",
        "env": str(build),
        "members": 2,
        "num_areas": 8,
        "max_steps": 600,
        "interval": 100,
        "base_port": free_ports(20),
        "cpus_per_member": 0.5,
        "evolution": {"start_after": 100, "change_after": 100, "parent_below": 0.9},
        "hyperparameters": {"learning_rate": {"low": 1e-5, "high": 1e-2, "scale": "log"}},
    }
    return {**small, **keys}


class Population:
    """A population that may be training.

    Attributes:
      folder: its results.
      process: the command.
      base_port: first of those at which its trainers wait for their environments.
    """

    def __init__(self, folder: Path, command: list[str], environment: dict[str, str], base_port: int) -> None:
        self.folder, self.base_port = folder, base_port
        self._command, self._environment = command, environment
        self._said = folder.with_suffix(".txt")
        self.process = self._start("--force")

    def resume(self, *words: str) -> None:
        """Starts the command again, to go on."""
        self.process = self._start("--resume", *words)

    def wait(self) -> list[dict[str, Any]]:
        """Waits for the end and returns the standings."""
        code = self.process.wait()
        said = self._said.read_text()
        assert code == 0, said[-4000:] + self._last_words()
        return json.loads(said[said.index('{\n  "population"') :])["members"]

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Waits until something has happened, while the command is running."""
        while not happened():
            assert self.process.poll() is None, self._said.read_text()[-4000:] + self._last_words()
            time.sleep(0.05)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Returns the events of a kind that are on disk."""
        file = self.folder / "league" / "events.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [event for event in map(json.loads, lines) if event["event"] == kind]

    def trainers(self) -> list[psutil.Process]:
        """Returns the running `mlagents-learn` of the members."""
        return [process for process in psutil.process_iter() if str(self.folder / "members") in _words_of(process)]

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        with self._said.open("wb") as said:
            return subprocess.Popen(
                [*self._command, *words], cwd=ROOT, env=self._environment, stdout=said, stderr=subprocess.STDOUT
            )

    def _last_words(self) -> str:
        return "".join(file.read_text()[-1500:] for file in (self.folder / "members").glob("*.txt"))


def _words_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.fixture
def train(
    tmp_path: Path,
    arena: Path,  # noqa: F811, the fixture
    ray_environment: dict[str, str],  # noqa: F811, the fixture
) -> Iterator[Callable[..., Population]]:
    """Returns a function that starts a population in the arena.

    Its arguments: words of the command line; keys of the population beside those of a small one.
    """
    started: list[Population] = []

    def start(*words: str, **keys: Any) -> Population:
        config = tmp_path / "population.yaml"
        block = small_population(tmp_path, arena, **keys)
        config.write_text(yaml.safe_dump(block))
        command = [sys.executable, "-m", "mlagents_selfplay.cli", "population", str(config), "--json"]
        command += ["--results-dir", str(tmp_path), "--run-id", "p", *words]
        started.append(Population(tmp_path / "p", command, ray_environment, block["base_port"]))
        return started[-1]

    yield start
    for population in started:
        if population.process.poll() is None:
            population.process.kill()
            population.process.wait()
