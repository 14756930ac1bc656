"""How is a run of `mlagents-learn` started, watched, and taken up again where it was interrupted?"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mlagents_selfplay.files import write_bytes_atomically
from mlagents_selfplay.ports import free_ports

_STEP_LINE = re.compile(r"\] (?P<behavior>.+)\. Step: (?P<step>\d+)\.(?:.* Mean Reward: (?P<reward>-?\d+(?:\.\d+)?))?")
_LAST_LINES = 15  # of the log, in the message about a run that failed
_WHEN_PARENT_DIES = 1  # PR_SET_PDEATHSIG of Linux' prctl

FORCE, RESUME = "--force", "--resume"
# Unbuffered: else an error stands above the banner in the log, and the last lines say nothing.
MLAGENTS_LEARN = (sys.executable, "-u", "-m", "mlagents.trainers.learn")


class TrainingError(RuntimeError):
    """A run that did not come about or failed; the message holds the end of what it said."""


@dataclass(frozen=True)
class Training:
    """One run of `mlagents-learn`.

    Attributes:
      folder: of the run; its name is the run id, its parent the results folder. `<folder>.yaml` and `<folder>.log` are
        written beside it.
      config: what stands in the trainer configuration: `behaviors` or `default_settings`, and whatever else.
      environment: the executable.
      arguments: for the environment itself.
      seed: of `mlagents-learn`.
      num_areas: areas in each environment process.
      num_envs: environment processes.
      base_port: first port to try; None takes free ones.
      flags: `--force`, `--resume` or nothing, as for `mlagents-learn`; None goes on with what has been begun.
      words: whatever else `mlagents-learn` is told.
    """

    folder: Path
    config: Mapping[str, Any]
    environment: str
    arguments: tuple[str, ...] = ()
    seed: int = 0
    num_areas: int = 32
    num_envs: int = 1
    base_port: int | None = None
    flags: tuple[str, ...] | None = None
    words: tuple[str, ...] = ()

    @property
    def is_finished(self) -> bool:
        """Whether `mlagents-learn` came to its end: it writes its timers last."""
        return self._timers.exists()

    @property
    def seconds(self) -> float:
        """What `mlagents-learn` says that its last start took, once it is finished."""
        return float(json.loads(self._timers.read_text(encoding="utf-8"))["total"])

    @property
    def _timers(self) -> Path:
        return self.folder / "run_logs" / "timers.json"

    @property
    def config_file(self) -> Path:
        """The configuration that is written."""
        return self.folder.with_name(f"{self.folder.name}.yaml")

    @property
    def log_file(self) -> Path:
        """All that `mlagents-learn` says."""
        return self.folder.with_name(f"{self.folder.name}.log")

    def command(self) -> list[str]:
        """Returns the command line."""
        flags = self.flags
        if flags is None:
            flags = (RESUME if any(self.folder.glob("*/checkpoint.pt")) else FORCE,)
        command = [*MLAGENTS_LEARN, str(self.config_file), "--env", self.environment]
        command += ["--run-id", self.folder.name, "--results-dir", str(self.folder.parent), "--seed", str(self.seed)]
        command += ["--num-areas", str(self.num_areas), "--num-envs", str(self.num_envs), "--no-graphics"]
        command += ["--base-port", str(free_ports(self.num_envs, self.base_port)), *flags, *self.words]
        return [*command, "--env-args", *self.arguments] if self.arguments else command


@dataclass(frozen=True)
class Summary:
    """What the console shows now and then: mean reward of the episodes since the last one, or None if none ended."""

    behavior: str
    step: int
    reward: float | None


@dataclass(frozen=True)
class Result:
    """What a run has come to.

    Attributes:
      name: of the run.
      seed: it was made with.
      rewards: (learner steps, mean reward of the episodes that ended since) of every summary, by behavior.
      models: what was exported, by behavior.
    """

    name: str
    seed: int
    rewards: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)


def train(
    training: Training,
    watch: Callable[[Summary], None] = lambda summary: None,
    on_start: Callable[[subprocess.Popen[str]], None] = lambda process: None,
) -> None:
    """Runs `mlagents-learn` to its end.

    The process ends with this one, also if this one is killed (on Linux).

    Args:
      training: what to run.
      watch: is told every summary.
      on_start: is given the process once.

    Raises:
      TrainingError: if it fails; the message holds the end of its output.
      KeyboardInterrupt: passed on once `mlagents-learn` has saved its model.
    """
    training.folder.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(dict(training.config), sort_keys=False)
    write_bytes_atomically(training.config_file, text.encode())
    last: list[str] = []
    with training.log_file.open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            training.command(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )
        try:
            on_start(process)
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                log.flush()
                last = [*last, line][-_LAST_LINES:]
                found = _STEP_LINE.search(line)
                if found:
                    reward = float(found["reward"]) if found["reward"] else None
                    watch(Summary(found["behavior"], int(found["step"]), reward))
            code = process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
        finally:
            if process.poll() is None:  # given up: it takes its environment with it
                _end_group(process)
    if code != 0 or not training.is_finished:
        said = "".join(last)
        raise TrainingError(f"mlagents-learn ended with {code}; all it said is in {training.log_file}:\n{said}")


def train_all(trainings: Sequence[Training], steps: int) -> list[Result]:
    """Runs them one after another under a progress bar on standard error; raises what `train` raises.

    Args:
      trainings: what to run.
      steps: learner steps of each.
    """
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
        for training in trainings:
            result = Result(training.folder.name, training.seed)
            task = progress.add_task(result.name, total=steps, reward="")

            def watch(summary: Summary, task: Any = task, result: Result = result) -> None:
                progress.update(task, completed=summary.step)
                if summary.reward is not None:
                    progress.update(task, reward=f"mean reward {summary.reward:.2f}")
                    result.rewards.setdefault(summary.behavior, []).append((summary.step, summary.reward))

            train(training, watch)
            result.models.update({file.stem: str(file) for file in sorted(training.folder.glob("*.onnx"))})
            results.append(result)
    return results


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


def beside_python(script: str) -> Path:
    """Returns where a command of this environment lies."""
    return Path(sys.executable).with_name(script)


def end_with_parent() -> Callable[[], None] | None:
    """Returns what a child has to call so that it is killed with the process that starts it, where that is possible.

    Otherwise a trainer whose owner was killed would go on, beside the one that takes its place.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def prepare() -> None:
        libc.prctl(_WHEN_PARENT_DIES, signal.SIGKILL)
        if os.getppid() != parent:  # it died in between
            os.kill(os.getpid(), signal.SIGKILL)

    return prepare


def _end_group(process: subprocess.Popen[str]) -> None:
    if os.name == "posix":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
