"""How does one line train? It writes a YAML, has a build made, and runs `mlagents-learn` on both."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

_STEP_LINE = re.compile(r"\] (?P<behavior>.+)\. Step: (?P<step>\d+)\.(?:.* Mean Reward: (?P<reward>-?\d+(?:\.\d+)?))?")
_TAIL = 20  # lines of output that an error shows


class TrainingError(RuntimeError):
    """A run that did not come about or failed; the message holds the end of what it said."""


@dataclass(frozen=True)
class Run:
    """A run that is to be made.

    Attributes:
      name: its id, and the name of its folder.
      results: where that folder is made.
      build: the executable.
      block: settings of every behavior that the build shows.
      seed: of `mlagents-learn`.
      num_areas: copies of the environment in one process.
      flags: further words for `mlagents-learn`, such as --force.
    """

    name: str
    results: Path
    build: Path
    block: dict[str, Any]
    seed: int
    num_areas: int
    flags: Sequence[str] = ()

    @property
    def folder(self) -> Path:
        """What the run leaves."""
        return self.results / self.name

    @property
    def config(self) -> Path:
        """The YAML, beside the folder."""
        return self.results / f"{self.name}.yaml"

    @property
    def command(self) -> list[str]:
        """Returns the command line that makes it."""
        words = [str(self.config), "--env", str(self.build), "--run-id", self.name, "--seed", str(self.seed)]
        words += ["--results-dir", str(self.results), "--num-areas", str(self.num_areas), "--no-graphics", *self.flags]
        return [str(beside_python("mlagents-learn")), *words]


@dataclass(frozen=True)
class Result:
    """What a run came to.

    Attributes:
      name: of the run.
      seed: it was made with.
      rewards: (learner steps, mean reward of the episodes that ended since) of every summary, by behavior.
      models: what was exported, by behavior.
    """

    name: str
    seed: int
    rewards: dict[str, list[tuple[int, float]]]
    models: dict[str, str]


def beside_python(script: str) -> Path:
    """Returns where a command of this environment lies."""
    return Path(sys.executable).with_name(script)


def build_of(environment: str, folder: Path, options: Sequence[str] = ()) -> Path:
    """Returns an executable: the one at a path, or a bridge to an environment that `gym-bridge` knows.

    Args:
      environment: path of a build, or an id.
      folder: where a bridge is written.
      options: for the environment.

    Raises:
      TrainingError: if `gym-bridge` refuses, with what it says.
    """
    given = Path(environment)
    if given.exists() or any(given.parent.glob(f"{given.name}.*")):
        return given
    target = folder / re.sub(r"[^\w-]+", "_", environment)
    command = [str(beside_python("gym-bridge")), "build", environment, str(target), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise TrainingError(f"{environment!r} is no build, and gym-bridge says: {done.stderr.strip()}")
    return target


def train(run: Run, watch: Callable[[int, float | None], None] = lambda step, reward: None) -> Result:
    """Makes a run, and blocks until it is over.

    Args:
      run: what is to be made. Its YAML is written; its folder must not exist unless `flags` say otherwise.
      watch: is told learner steps and mean reward (None if no episode has ended) of every summary.

    Raises:
      TrainingError: if `mlagents-learn` fails.
      KeyboardInterrupt: passed on once `mlagents-learn` has saved its model.
    """
    run.results.mkdir(parents=True, exist_ok=True)
    run.config.write_text(yaml.safe_dump({"default_settings": run.block}, sort_keys=False), encoding="utf-8")
    tail: list[str] = []
    rewards: dict[str, list[tuple[int, float]]] = {}
    process = subprocess.Popen(
        run.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            tail = [*tail, line][-_TAIL:]
            found = _STEP_LINE.search(line)
            if found:
                reward = float(found["reward"]) if found["reward"] else None
                watch(int(found["step"]), reward)
                if reward is not None:
                    rewards.setdefault(found["behavior"], []).append((int(found["step"]), reward))
        code = process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    finally:
        if process.poll() is None:  # a run that is given up takes its environment with it
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if code != 0:
        raise TrainingError(f"mlagents-learn ended with {code} ({' '.join(run.command)}):\n{''.join(tail)}")
    models = {file.stem: str(file) for file in sorted(run.folder.glob("*.onnx"))}
    return Result(run.name, run.seed, rewards, models)


def train_all(runs: Sequence[Run]) -> list[Result]:
    """Makes runs one after another under a progress bar on standard error; raises what `train` raises."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[reward]}"),
    )
    results = []
    with Progress(*columns, console=Console(stderr=True)) as progress:
        for run in runs:
            task = progress.add_task(run.name, total=int(run.block["max_steps"]), reward="")

            def watch(step: int, reward: float | None, task: Any = task) -> None:
                shown = "" if reward is None else f"mean reward {reward:.2f}"
                progress.update(task, completed=step, reward=shown)

            results.append(train(run, watch))
    return results
