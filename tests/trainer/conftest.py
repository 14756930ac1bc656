"""What do the tests of the trainer share? Real `mlagents-learn` processes that train in the arena."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.trainer.runs import Run
from tests.trainer.zygote import RUNNING

ROOT = Path(__file__).parents[2]


class Zygote:
    """The process from which runs are forked, see `zygote.py`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.trainer.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        self._process.stdout.readline()

    def ask(self, **request: Any) -> int:
        """Sends one request and returns the answer."""
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    zygote = Zygote()
    yield zygote
    zygote.close()


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build of the arena."""
    path = tmp_path_factory.mktemp("builds") / "arena"
    command = f"PYTHONPATH={ROOT} exec {sys.executable} -m gym_bridges.launch tests.environments.arena:ARENA"
    path.write_text(f'#!/bin/sh\n{command} "$@"\n')
    path.chmod(0o755)
    return path


def free_ports(count: int) -> int:
    """Returns the first of `count` neighbouring ports that nobody uses."""
    while True:
        first = random.randrange(20_000, 60_000)
        try:
            for port in range(first, first + count):
                with socket.socket() as listener:
                    listener.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first


class Started:
    """A run that may still be going on.

    Attributes:
      folder: its results.
      process: id of `mlagents-learn`.
    """

    def __init__(self, zygote: Zygote, folder: Path, process: int, output: Path) -> None:
        self.folder, self.process = folder, process
        self._zygote, self._output = zygote, output
        self._code = RUNNING

    def kill(self) -> None:
        """Ends it as `kill -9` does."""
        os.kill(self.process, signal.SIGKILL)

    def interrupt(self) -> None:
        """Ends it as Ctrl-C does."""
        os.kill(self.process, signal.SIGINT)

    def is_running(self) -> bool:
        """Returns whether it has not ended yet."""
        if self._code == RUNNING:
            self._code = self._zygote.ask(poll=self.process)
        return self._code == RUNNING

    def said_so_far(self) -> str:
        """Returns what it has printed by now."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    def wait(self, until: Callable[[], bool] = lambda: False) -> Run:
        """Waits for its end, or until something has happened."""
        while self.is_running() and not until():
            time.sleep(0.05)
        return Run(self.folder, self._code, self.said_so_far())


@pytest.fixture(scope="session")
def start_in(zygote: Zygote, arena: Path) -> Callable[..., Started]:
    """Returns a function that starts `mlagents-learn` with results in a folder.

    Its arguments: the folder; `behaviors` by name; words of the command line; `options` of the arena; `areas` and
    `envs`, numbers of copies and processes; `run_id`; `seed`; `first`, called in the process before anything else;
    `top`, further blocks of the configuration.
    """

    def start(
        folder: Path,
        behaviors: dict[str, dict],
        *words: str,
        options: dict[str, Any] | None = None,
        areas: int = 8,
        envs: int = 1,
        run_id: str = "x",
        seed: int = 1,
        first: str = "",
        top: dict[str, Any] | None = None,
    ) -> Started:
        configuration, output = folder / f"{run_id}.yaml", folder / f"{run_id}.txt"
        configuration.write_text(yaml.safe_dump({"behaviors": behaviors, **(top or {})}))
        output.unlink(missing_ok=True)
        argv = [str(configuration), "--env", str(arena), "--results-dir", str(folder), "--run-id", run_id]
        argv += ["--num-areas", str(areas), "--num-envs", str(envs), "--seed", str(seed), "--no-graphics"]
        argv += ["--base-port", str(free_ports(envs)), *words]
        if options:
            argv += ["--env-args", *(f"--{name.replace('_', '-')}={value}" for name, value in options.items())]
        process = zygote.ask(argv=argv, cwd=str(ROOT), output=str(output), first=first)
        return Started(zygote, folder / run_id, process, output)

    return start


@pytest.fixture
def start(start_in: Callable[..., Started], tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """Returns `start_in` for the test's own folder; what has not ended with the test is killed."""
    runs: list[Started] = []

    def start_here(*arguments: Any, **keys: Any) -> Started:
        runs.append(start_in(tmp_path, *arguments, **keys))
        return runs[-1]

    yield start_here
    for run in runs:
        if run.is_running():
            run.kill()
            run.wait()


@pytest.fixture
def learn(start: Callable[..., Started]) -> Callable[..., Run]:
    """Returns a function that runs `mlagents-learn` to its end; arguments as for `start`."""
    return lambda *arguments, **keys: start(*arguments, **keys).wait()
