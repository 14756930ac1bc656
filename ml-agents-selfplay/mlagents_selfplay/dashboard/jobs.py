"""Which commands has the dashboard started, what do they say, and how are they stopped?"""

from __future__ import annotations

import atexit
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

RUNNING, STOPPING, FINISHED, STOPPED, FAILED = "running", "stopping", "finished", "stopped", "failed"
GRACE_SECONDS = 30.0  # between Ctrl-C, on which a trainer saves its checkpoint, and the end by force
TAIL_BYTES = 1 << 16

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Job:
    """One command that was started.

    Attributes:
      number: counts from 1.
      command: its words.
      began: seconds since 1970.
    """

    def __init__(self, number: int, command: Sequence[str], output: Path) -> None:
        self.number = number
        self.command = list(command)
        self.began = time.time()
        self._output = output
        self._asked_to_stop = False
        program = Path(sys.executable).with_name(command[0])  # the one of this environment
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                [str(program) if program.exists() else command[0], *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                preexec_fn=_hear_ctrl_c if os.name == "posix" else None,
            )

    @property
    def status(self) -> str:
        """One of running, stopping, finished, stopped and failed."""
        code = self._process.poll()
        if code is None:
            return STOPPING if self._asked_to_stop else RUNNING
        if self._asked_to_stop:
            return STOPPED
        return FINISHED if code == 0 else FAILED

    @property
    def exit_code(self) -> int | None:
        """What the command returned; None as long as it runs."""
        return self._process.poll()

    @property
    def size(self) -> int:
        """Bytes that it has printed."""
        return self._output.stat().st_size

    def console(self) -> str:
        """Returns the last part of what it has printed, without the control codes of a terminal."""
        with self._output.open("rb") as file:
            file.seek(max(0, self.size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
        lines = _ESCAPES.sub("", text).replace("\r\n", "\n").split("\n")
        return "\n".join(line.rpartition("\r")[2] for line in lines)  # a progress bar: as it is now

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Presses Ctrl-C, also for what it has started; uses force if that has not helped in time. Returns at once."""
        if self._process.poll() is None and not self._asked_to_stop:
            self._asked_to_stop = True
            self._signal(signal.SIGINT)
            threading.Thread(target=self._end_by_force, args=(grace_seconds,), daemon=True).start()

    def wait(self, timeout_seconds: float) -> None:
        """Waits for its end.

        Raises:
          subprocess.TimeoutExpired: if it has not ended by then.
        """
        self._process.wait(timeout_seconds)

    def kill(self) -> None:
        """Ends it by force, with all that it has started."""
        self._signal(signal.SIGKILL)

    def _end_by_force(self, grace_seconds: float) -> None:
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)  # it leads a group of its own
        except ProcessLookupError:
            return


def _hear_ctrl_c() -> None:
    """Makes a child hear Ctrl-C, also that of a dashboard which a shell put into the background, deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Jobs:
    """All jobs of this dashboard. They end with it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="selfplay-dashboard-")
        self._jobs: list[Job] = []
        self._lock = threading.Lock()
        atexit.register(self.stop_all)

    def start(self, command: Sequence[str]) -> Job:
        """Starts a command.

        Raises:
          OSError: if there is no such program.
        """
        with self._lock:
            number = len(self._jobs) + 1
            job = Job(number, command, Path(self._folder.name) / f"{number}.log")
            self._jobs.append(job)
            return job

    def __iter__(self) -> Iterator[Job]:
        return iter(list(self._jobs))

    def find(self, number: int) -> Job | None:
        """Returns the job with this number, None if there is none."""
        return next((job for job in self if job.number == number), None)

    def stop_all(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Stops all jobs and waits until they have ended."""
        for job in self:
            job.stop(grace_seconds)
        for job in self:
            job.wait(grace_seconds + 5.0)
