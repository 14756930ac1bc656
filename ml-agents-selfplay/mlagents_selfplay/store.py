"""What does a run leave on disk, and how does a kill at any moment leave it whole?

    <behavior>/selfplay/
        history.json                    what is kept, for people and programs to read
        snapshots/<step>.safetensors    actor weights only
        guests/<name>.safetensors       actor weights of opponents from other members of a population
        matches.csv                     one row per finished seat of the learner
        state.json                      all that a resumed run needs beside ML-Agents' checkpoint
        state.next.json                 the same for the checkpoint that is being written

Every file but the match log is written aside, synced and renamed. A checkpoint takes three steps: `state.next.json` is
written, ML-Agents' `checkpoint.pt` is replaced, the state is renamed, and only then are the snapshots deleted that left
the history. Whichever of the two checkpoints a resume finds, the state of that learner step is there, with every
snapshot it names; the match log is cut back to the length it had then. A thread of its own writes the snapshots and
checkpoints of a run in training, in this order; what is not on disk yet is read from memory.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from mlagents_selfplay.disk import Disk
from mlagents_selfplay.files import (
    FORMAT_VERSION,
    DamagedFile,
    Weights,
    load_weights,
    read_json,
    weights_as_bytes,
    weights_from_bytes,
    write_bytes_atomically,
)
from mlagents_selfplay.selfplay.scorebook import MatchRow

WEIGHTS_SUFFIX = ".safetensors"
COLUMNS = ("step", "team", "opponent", "outcome", "return", "length")


class RunFolder:
    """The `selfplay` folder of one behavior of one run.

    Args:
      path: the folder; made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.disk = Disk()
        self._log: IO[bytes] | None = None
        self._unwritten: dict[int, bytes] = {}  # snapshots on their way to the disk, by learner step
        self._lost: dict[int, OSError] = {}  # those that did not get there, and why
        self._told: set[int] = set()  # those of them that `take_lost` has returned
        self._bytes: dict[int, int] = {}  # sizes of snapshots

    def clear(self) -> None:
        """Deletes what an overwritten run left here."""
        shutil.rmtree(self.path, ignore_errors=True)

    def snapshot_file(self, step: int) -> Path:
        """Where the snapshot of learner step `step` is, or would be."""
        return self.path / "snapshots" / f"{step}{WEIGHTS_SUFFIX}"

    def snapshot_bytes(self, step: int) -> int:
        """Size of a snapshot's file as last written or looked at, also of one on its way; 0 if there was none."""
        if step not in self._bytes:
            file = self.snapshot_file(step)
            self._bytes[step] = file.stat().st_size if file.exists() else 0
        return self._bytes[step]

    def save_snapshot(self, step: int, weights: Weights, half: bool) -> None:
        """Writes actor weights.

        Args:
          step: learner step at which they were taken.
          weights: by name; not changed.
          half: whether to store matrices and higher in 16 bits; running statistics and scalars stay as they are.

        Raises:
          OSError: if it cannot be written.
        """
        blob = _snapshot(step, weights, half)
        write_bytes_atomically(self.snapshot_file(step), blob)
        self._bytes[step] = len(blob)

    def save_snapshot_later(self, step: int, weights: Weights, half: bool) -> None:
        """As `save_snapshot`, without waiting for the disk; `take_lost` tells of a failure."""
        blob = self._unwritten[step] = _snapshot(step, weights, half)
        self._bytes[step] = len(blob)

        def write() -> None:
            try:
                write_bytes_atomically(self.snapshot_file(step), blob)
            except OSError as error:
                self._lost[step] = error
            del self._unwritten[step]

        self.disk.later(write)

    def take_lost(self) -> dict[int, OSError]:
        """Returns, once each, the snapshots that could not be written and why."""
        new = {step: self._lost[step] for step in list(self._lost) if step not in self._told}
        self._told.update(new)
        return new

    def load_snapshot(self, step: int) -> Weights:
        """Reads actor weights, 16 bits widened to 32.

        Raises:
          DamagedFile: if the file is missing or is not a whole safetensors file.
        """
        blob = self._unwritten.get(step)
        return load_weights(self.snapshot_file(step)) if blob is None else weights_from_bytes(blob)

    def save_guests(self, guests: Mapping[str, Weights], kept: Iterable[str]) -> None:
        """Writes actor weights of guests by name; deletes those of all others but `kept`.

        Raises:
          OSError: if one cannot be written.
        """
        for name, weights in guests.items():
            write_bytes_atomically(self._guest_file(name), weights_as_bytes(weights, {}))
        needed = {self._guest_file(name) for name in (*guests, *kept)}
        for file in (self.path / "guests").glob(f"*{WEIGHTS_SUFFIX}"):
            if file not in needed:
                file.unlink()

    def load_guest(self, name: str) -> Weights:
        """Reads actor weights of a guest.

        Raises:
          DamagedFile: if the file is missing or is not a whole safetensors file.
        """
        return load_weights(self._guest_file(name))

    def set_aside(self, step: int) -> Path:
        """Renames a damaged snapshot out of the way, and returns its new name."""
        file = self.snapshot_file(step)
        aside = file.with_suffix(".damaged")
        if file.exists():
            os.replace(file, aside)
        self._bytes.pop(step, None)
        return aside

    def append(self, rows: Iterable[MatchRow]) -> None:
        """Adds rows to the match log, past any buffer of this process.

        Raises:
          OSError: if they cannot be written; then none of them is.
        """
        log = self._open_log()
        before = log.tell()
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            [
                r.step,
                r.team,
                r.opponent,
                "" if r.outcome is None else f"{r.outcome:g}",
                f"{r.episode_return:g}",
                r.length,
            ]
            for r in rows
        )
        try:
            blob = text.getvalue().encode()
            if log.write(blob) != len(blob):
                raise OSError(f"{self.path / 'matches.csv'}: only a part of the rows could be written")
        except OSError:
            log.truncate(before)
            raise

    def write_history(self, history: Mapping[str, Any]) -> None:
        """Writes history.json, for people to read as well."""
        write_bytes_atomically(
            self.path / "history.json", json.dumps({"format": FORMAT_VERSION, **history}, indent=1).encode()
        )

    def saving(
        self, step: int, state: Mapping[str, Any], kept_steps: Iterable[int], write_checkpoint: Callable[[], None]
    ) -> Callable[[], None]:
        """Returns a function that writes a checkpoint and the state that goes with it, both of now.

        It makes them what a resume finds and then deletes all snapshots but those of `kept_steps`. It raises `OSError`
        if that cannot be written, or if one of these snapshots could not.

        Args:
          step: learner step of the checkpoint.
          state: ready for JSON; may change later.
          kept_steps: learner steps.
          write_checkpoint: replaces ML-Agents' checkpoint, as a whole.
        """
        log, staged, kept = self._open_log(), self.path / "state.next.json", set(kept_steps)
        entry = {"format": FORMAT_VERSION, "step": step, "matches_bytes": log.tell(), "state": state}
        blob = json.dumps(entry).encode()
        names = {f"{step}{WEIGHTS_SUFFIX}" for step in kept}

        def save() -> None:
            for lost in kept & self._lost.keys():
                raise OSError(f"snapshot {lost}, which belongs to it, could not be written: {self._lost[lost]}")
            os.fsync(log.fileno())
            write_bytes_atomically(staged, blob)
            write_checkpoint()
            os.replace(staged, self.path / "state.json")
            for file in (self.path / "snapshots").glob(f"*{WEIGHTS_SUFFIX}"):
                if file.name not in names:
                    file.unlink()

        return save

    def read_state(self, step: int) -> dict[str, Any]:
        """Returns the state that was saved with the checkpoint of learner step `step`.

        Raises:
          DamagedFile: if there is none, or it cannot be read.
        """
        return dict(self._entry(step)["state"])

    def rewind(self, step: int) -> None:
        """Takes the folder back to the checkpoint of learner step `step`: commits its state and cuts later matches.

        What a killed process left half written goes as well.

        Raises:
          DamagedFile: as `read_state`.
        """
        entry = self._entry(step)
        write_bytes_atomically(self.path / "state.json", json.dumps(entry).encode())
        (self.path / "state.next.json").unlink(missing_ok=True)
        for half_written in self.path.rglob("*.part"):
            half_written.unlink()
        log = self._open_log()
        log.truncate(min(entry["matches_bytes"], log.seek(0, os.SEEK_END)))
        log.seek(0, os.SEEK_END)

    def _guest_file(self, name: str) -> Path:
        return self.path / "guests" / f"{name}{WEIGHTS_SUFFIX}"

    def _entry(self, step: int) -> dict[str, Any]:
        found = {}
        for name in ("state.json", "state.next.json"):
            if (self.path / name).exists():
                entry = read_json(self.path / name)
                if not entry.keys() >= {"step", "matches_bytes", "state"}:
                    raise DamagedFile(f"{self.path / name} is damaged. Put back a copy, or start over with --force.")
                if entry["step"] == step:
                    return entry
                found[name] = entry["step"]
        raise DamagedFile(
            f"{self.path} holds no state for learner step {step}, at which the checkpoint was taken "
            f"(found: {found or 'none'}). Put back the files of one moment, or start over with --force."
        )

    def _open_log(self) -> IO[bytes]:
        if self._log is None:
            path = self.path / "matches.csv"
            if not path.exists():
                write_bytes_atomically(path, (",".join(COLUMNS) + "\n").encode())
            self._log = path.open("ab", buffering=0)
        return self._log


def _snapshot(step: int, weights: Weights, half: bool) -> bytes:
    if half:
        weights = {k: v.astype(np.float16) if v.dtype == np.float32 and v.ndim > 1 else v for k, v in weights.items()}
    return weights_as_bytes(weights, {"step": str(step)})
