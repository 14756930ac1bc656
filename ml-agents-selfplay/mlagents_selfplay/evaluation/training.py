"""How is a run of `mlagents-learn` started, watched, and taken up again where it was interrupted?"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.store import write_atomically

_STEP_LINE = re.compile(r"\. Step: (\d+)\.")
_LAST_LINES = 15  # of the log, in the message about a run that failed
_WHEN_PARENT_DIES = 1  # PR_SET_PDEATHSIG of Linux' prctl


@dataclass(frozen=True)
class Training:
    """One run of `mlagents-learn`.

    Attributes:
      folder: of the run; its name is the run id, its parent the results folder. `<folder>.yaml` and `<folder>.log` are
        written beside it.
      config: what stands in the trainer configuration: `behaviors`, and whatever else.
      environment: the executable.
      arguments: for the environment itself.
      seed: of `mlagents-learn`.
      num_areas: areas in the environment process.
      base_port: first port of the environment process.
    """

    folder: Path
    config: Mapping[str, Any]
    environment: str
    arguments: tuple[str, ...] = ()
    seed: int = 0
    num_areas: int = 32
    base_port: int = 5005

    @property
    def is_finished(self) -> bool:
        """Whether `mlagents-learn` came to its end: it writes its timers last."""
        return (self.folder / "run_logs" / "timers.json").exists()

    def command(self) -> list[str]:
        """Returns the command that begins the run, or goes on with it."""
        begun = any(self.folder.glob("*/checkpoint.pt"))
        command = [
            sys.executable,
            "-m",
            "mlagents.trainers.learn",
            str(self.folder.with_name(self.folder.name + ".yaml")),
        ]
        command += ["--env", self.environment, "--run-id", self.folder.name]
        command += ["--results-dir", str(self.folder.parent), "--seed", str(self.seed)]
        command += ["--num-areas", str(self.num_areas), "--base-port", str(self.base_port), "--no-graphics"]
        command += ["--resume" if begun else "--force"]
        return [*command, "--env-args", *self.arguments] if self.arguments else command


def train(training: Training, on_step: Callable[[int], None] = lambda step: None) -> None:
    """Runs `mlagents-learn` to its end; one that has been interrupted goes on from its last checkpoint.

    The process ends with this one, also if this one is killed (on Linux).

    Args:
      training: what to run; nothing happens if it is finished.
      on_step: called with the learner steps of every summary that the console shows.

    Raises:
      EvaluationError: if it fails; the message holds the end of its output.
    """
    if training.is_finished:
        return
    training.folder.parent.mkdir(parents=True, exist_ok=True)
    beside = training.folder.with_name(training.folder.name + ".yaml")
    text = yaml.safe_dump(dict(training.config), sort_keys=False)
    write_atomically(beside, lambda file: file.write(text.encode()))
    log = beside.with_suffix(".log")
    last: list[str] = []
    with log.open("a", encoding="utf-8") as output:
        process = subprocess.Popen(
            training.command(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:
                output.write(line)
                output.flush()
                last = [*last, line][-_LAST_LINES:]
                found = _STEP_LINE.search(line)
                if found:
                    on_step(int(found[1]))
            code = process.wait()
        finally:
            if process.poll() is None:  # given up: it takes its environment with it
                _end_group(process)
    if code != 0 or not training.is_finished:
        raise EvaluationError(f"mlagents-learn ended with {code}; all it said is in {log}:\n{''.join(last)}")


def _end_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_WHEN_PARENT_DIES, signal.SIGKILL)


def _end_group(process: subprocess.Popen[str]) -> None:
    if os.name == "posix":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
