"""How is one member trained? By an `mlagents-learn` of its own; its result files are read, its inbox is filled."""

from __future__ import annotations

import csv
import subprocess
import time
from pathlib import Path
from typing import Protocol

import yaml

from mlagents_selfplay.files import read_json, write_bytes_atomically
from mlagents_selfplay.mail import letters
from mlagents_selfplay.mail.letters import INBOX, Letter
from mlagents_selfplay.population.configuration import configuration
from mlagents_selfplay.population.records import Meeting, Report
from mlagents_selfplay.population.settings import PopulationSettings
from mlagents_selfplay.ports import NoFreePort, free_ports
from mlagents_selfplay.store import COLUMNS
from mlagents_selfplay.training import MLAGENTS_LEARN, end_with_parent

LOOK_AGAIN_SECONDS = 0.25
ATTEMPTS = 3  # starts in a row without any new checkpoint before a member is given up


class LeagueOf(Protocol):
    """What a member asks of its league."""

    def start_of(self, member: str, node: str) -> tuple[dict[str, float], int]:
        """See `League`."""

    def report(self, report: Report) -> Letter | None:
        """See `League`."""

    def pending(self, member: str) -> Letter | None:
        """See `League`."""

    def is_finished(self, member: str) -> bool:
        """See `League`."""


class MemberFailed(Exception):
    """A member's `mlagents-learn` ends again and again without getting anywhere; the message holds its last words."""


class Member:
    """One member of a population.

    Args:
      name: of the member.
      folder: of the population.
      settings: of the population.
      league: to which it reports.
      node: where it is trained, as the league is told.
    """

    def __init__(
        self, name: str, folder: Path, settings: PopulationSettings, league: LeagueOf, node: str = "here"
    ) -> None:
        self.name, self._settings, self._league, self._node = name, settings, league, node
        self._population = folder
        self._behavior = folder / name / settings.behavior
        self._state_file = self._behavior / "selfplay" / "state.json"
        self._about = folder / "members"
        self._hyperparameters: dict[str, float] = {}
        self._seen = (-1, -1)  # when state.json was last read, its size and time of change
        self._rated_bytes = 0  # of the match log
        self._told_snapshot = -1  # learner steps
        self._awaiting = False

    def train(self) -> None:
        """Trains until all steps are made; goes on from the last checkpoint if there is one.

        Raises:
          MemberFailed: if it cannot be kept running.
        """
        if self._league.is_finished(self.name):
            return
        attempts = 0
        while attempts < ATTEMPTS:
            self._hyperparameters, self._rated_bytes = self._league.start_of(self.name, self._node)
            before = self._checkpoint_time()
            self._post(self._league.pending(self.name))
            process = self._start()
            try:
                while process.poll() is None:
                    self._look()
                    time.sleep(LOOK_AGAIN_SECONDS)
            finally:
                process.kill()
                process.wait()
            if process.returncode == 0 and self._is_complete():
                self._report(final=True)
                return
            attempts = attempts + 1 if self._checkpoint_time() == before else 0
        words = self._log_file().read_text(encoding="utf-8", errors="replace")[-2000:]
        raise MemberFailed(f"{self.name} ended {ATTEMPTS} times without a new checkpoint; its last words:\n{words}")

    # The process

    def _start(self) -> subprocess.Popen[bytes]:
        settings, number = self._settings, self._settings.names.index(self.name)
        config = self._about / f"{self.name}.yaml"
        text = yaml.safe_dump(configuration(self._settings, self._hyperparameters), sort_keys=False)
        write_bytes_atomically(config, text.encode())
        words = [*MLAGENTS_LEARN, str(config), "--run-id", self.name]
        words += ["--results-dir", str(self._population), "--seed", str(settings.seed + number), "--no-graphics"]
        words += ["--num-areas", str(settings.num_areas), "--num-envs", str(settings.num_envs)]
        words += ["--env", settings.env] if settings.env else []
        first = settings.base_port + number * settings.num_envs
        words += ["--base-port", str(self._free_ports(first))]
        words += ["--resume"] if (self._behavior / "checkpoint.pt").exists() else ["--force"]
        with self._log_file().open("ab") as log:
            return subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, preexec_fn=end_with_parent())

    def _free_ports(self, first: int) -> int:
        settings = self._settings
        try:  # in strides, so that members who look at the same time look in different places
            return free_ports(settings.num_envs, first, settings.members * settings.num_envs)
        except NoFreePort as error:
            raise MemberFailed(f"base_port: {error}") from error

    def _log_file(self) -> Path:
        return self._about / f"{self.name}.txt"

    # What it leaves

    def _checkpoint_time(self) -> int:
        file = self._behavior / "checkpoint.pt"
        return file.stat().st_mtime_ns if file.exists() else 0

    def _is_complete(self) -> bool:
        return self._state_file.exists() and int(read_json(self._state_file)["step"]) >= self._settings.max_steps

    def _look(self) -> None:
        """Reports if there is a new checkpoint; asks for the next letter if the trainer waits for it."""
        if not self._state_file.exists():
            return
        found = self._state_file.stat()
        if (found.st_mtime_ns, found.st_size) != self._seen:
            self._seen = (found.st_mtime_ns, found.st_size)
            self._report(final=False)
        elif self._awaiting:
            self._post(self._league.pending(self.name))

    def _report(self, final: bool) -> None:
        entry = read_json(self._state_file)
        state, length = entry["state"], int(entry["matches_bytes"])
        newest = max(state["roster"]["pool"]["history"]["steps"], default=-1)
        meetings = self._meetings(length)
        self._awaiting = bool(state["inbox"]["awaiting"])
        report = Report(
            member=self.name,
            step=int(entry["step"]),
            opened=int(state["inbox"]["opened"]),
            awaiting=self._awaiting,
            matches_bytes=length,
            meetings=meetings,
            snapshot_step=newest,
            snapshot=self._snapshot(newest) if newest > self._told_snapshot else None,
            checkpoint=(self._behavior / "checkpoint.pt").read_bytes(),
            final=final,
        )
        letter = self._league.report(report)
        self._rated_bytes, self._told_snapshot = length, newest
        self._post(letter)

    def _snapshot(self, step: int) -> bytes | None:
        file = self._state_file.parent / "snapshots" / f"{step}.safetensors"
        return file.read_bytes() if file.exists() else None  # evicted in the meantime: the next one is on its way

    def _meetings(self, end: int) -> list[Meeting]:
        """Reads the match log from what has been rated up to a checkpoint's end of it."""
        begin = min(self._rated_bytes, end)
        file = self._state_file.parent / "matches.csv"
        with file.open("rb") as log:
            log.seek(begin)
            lines = log.read(end - begin).decode().splitlines()
        rows = csv.DictReader(lines if begin else lines[1:], COLUMNS)
        return [
            Meeting(row["opponent"], float(row["outcome"]))
            for row in rows
            if "@" in row["opponent"] and "+" not in row["opponent"] and row["outcome"]
        ]

    def _post(self, letter: Letter | None) -> None:
        if letter is not None:
            letters.post(self._behavior / INBOX, letter)
