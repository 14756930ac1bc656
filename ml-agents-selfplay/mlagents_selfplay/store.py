"""What does a run leave on disk, and how does a kill at any moment leave it whole?

    <behavior>/selfplay/
        history.json                    what is kept, for people and programs to read
        snapshots/<step>.safetensors    actor weights only
        guests/<name>.safetensors       actor weights of opponents from other members of a population
        matches.csv                     one row per finished seat of the learner
        state.json                      all that a resumed run needs beside ML-Agents' checkpoint
        state.next.json                 the same for the checkpoint that is being written

Every file but the match log is written aside, synced and renamed. A checkpoint takes three steps: `stage` writes
`state.next.json`, ML-Agents' `checkpoint.pt` is replaced, `commit` renames the state and only then deletes the
snapshots that left the history. Whichever of the two checkpoints a resume finds, the state of that learner step is
there, with every snapshot it names; the match log is cut back to the length it had then.
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
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from mlagents_selfplay.selfplay.scorebook import MatchRow

FORMAT_VERSION = 1
COLUMNS = ("step", "team", "opponent", "outcome", "return", "length")

Weights = dict[str, np.ndarray[Any, np.dtype[Any]]]


class DamagedFile(Exception):
    """A file of a run cannot be read; the message names it and says why."""


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Replaces `path` by what `write` puts into a binary file, or leaves it as it was.

    Raises:
      OSError: if it cannot be written, as on a full disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


class RunFolder:
    """The `selfplay` folder of one behavior of one run.

    Args:
      path: the folder; made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log: IO[bytes] | None = None

    def clear(self) -> None:
        """Deletes what an overwritten run left here."""
        shutil.rmtree(self.path, ignore_errors=True)

    def snapshot_file(self, step: int) -> Path:
        """Where the snapshot of learner step `step` is, or would be."""
        return self.path / "snapshots" / f"{step}.safetensors"

    def snapshot_bytes(self, step: int) -> int:
        """Size of a snapshot's file; 0 if it is not there."""
        file = self.snapshot_file(step)
        return file.stat().st_size if file.exists() else 0

    def save_snapshot(self, step: int, weights: Weights, half: bool) -> None:
        """Writes actor weights.

        Args:
          step: learner step at which they were taken.
          weights: by name; not changed.
          half: whether to store matrices and higher in 16 bits; running statistics and scalars stay as they are.

        Raises:
          OSError: if it cannot be written.
        """
        if half:
            weights = {
                k: v.astype(np.float16) if v.dtype == np.float32 and v.ndim > 1 else v for k, v in weights.items()
            }
        _save_weights(self.snapshot_file(step), weights, {"step": str(step)})

    def load_snapshot(self, step: int) -> Weights:
        """Reads actor weights, 16 bits widened to 32.

        Raises:
          DamagedFile: if the file is missing or is not a whole safetensors file.
        """
        return load_weights(self.snapshot_file(step))

    def save_guests(self, guests: Mapping[str, Weights], kept: Iterable[str]) -> None:
        """Writes actor weights of guests by name; deletes those of all others but `kept`.

        Raises:
          OSError: if one cannot be written.
        """
        for name, weights in guests.items():
            _save_weights(self._guest_file(name), weights, {})
        needed = {self._guest_file(name) for name in (*guests, *kept)}
        for file in (self.path / "guests").glob("*.safetensors"):
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
        """Writes history.json."""
        self._write_json("history.json", {"format": FORMAT_VERSION, **history})

    def stage(self, step: int, state: Mapping[str, Any]) -> None:
        """Writes the state that goes with the checkpoint of learner step `step`, which is about to be written."""
        log = self._open_log()
        os.fsync(log.fileno())
        self._write_json(
            "state.next.json",
            {"format": FORMAT_VERSION, "step": step, "matches_bytes": log.tell(), "state": dict(state)},
        )

    def commit(self, kept_steps: Iterable[int]) -> None:
        """Makes the staged state the one to resume from; deletes all snapshots but those of `kept_steps`."""
        os.replace(self.path / "state.next.json", self.path / "state.json")
        kept = {self.snapshot_file(step).name for step in kept_steps}
        for file in (self.path / "snapshots").glob("*.safetensors"):
            if file.name not in kept:
                file.unlink()

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
        self._write_json("state.json", entry)
        (self.path / "state.next.json").unlink(missing_ok=True)
        for half_written in self.path.rglob("*.part"):
            half_written.unlink()
        log = self._open_log()
        log.truncate(min(entry["matches_bytes"], log.seek(0, os.SEEK_END)))
        log.seek(0, os.SEEK_END)

    def _guest_file(self, name: str) -> Path:
        return self.path / "guests" / f"{name}.safetensors"

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

    def _write_json(self, name: str, content: Mapping[str, Any]) -> None:
        write_atomically(self.path / name, lambda file: file.write(json.dumps(content, indent=1).encode()))

    def _open_log(self) -> IO[bytes]:
        if self._log is None:
            path = self.path / "matches.csv"
            if not path.exists():
                write_atomically(path, lambda file: file.write((",".join(COLUMNS) + "\n").encode()))
            self._log = path.open("ab", buffering=0)
        return self._log


def _save_weights(path: Path, weights: Weights, header: dict[str, str]) -> None:
    # np.ascontiguousarray would give a scalar, as a normaliser has, a dimension.
    blob = save({name: np.asarray(value, order="C") for name, value in weights.items()}, header)
    write_atomically(path, lambda file: file.write(blob))


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON file of a run.

    Raises:
      DamagedFile: if it cannot be read, is not a JSON object, or is of another format version.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedFile(
            f"{path} is damaged or not readable ({error}). Put back a copy, or start over with --force."
        ) from error
    if version != FORMAT_VERSION:
        raise DamagedFile(
            f"{path} has format version {version!r}; this version of mlagents-selfplay reads {FORMAT_VERSION}."
        )
    return dict(content)


def load_weights(path: Path) -> Weights:
    """Reads a safetensors file of actor weights, 16 bits widened to 32.

    Raises:
      DamagedFile: if the file is missing or is not a whole safetensors file.
    """
    try:
        weights = load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise DamagedFile(f"{path} is damaged or missing ({error})") from error
    return {name: value.astype(np.float32) if value.dtype == np.float16 else value for name, value in weights.items()}
