"""What does a population leave on disk, and how does a kill at any moment lose nothing that was acknowledged?

    results/<run-id>/
        league/
            events.jsonl                     everything that happened, one JSON object a line
            state.json                       what else a restarted league needs
            store.json                       what follows from the events, by member: see store.py; a little behind them
            snapshots/<member>/<step>.safetensors    each member's history, as others meet it
            best/<member>.safetensors        the snapshot with its highest rating
            checkpoints/<member>.pt          its last one
            letters/<member>/<n>.safetensors    asked for and not yet followed
        members/<member>.yaml, .txt          what mlagents-learn was started with, and what it said
        <member>/                            its results, as of any run

`state.json` is written last and names the length of the log; a restart cuts the log back to it. What is not needed any
more is deleted only then. Nothing that is written with every report grows with the run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlagents_selfplay.files import (
    FORMAT_VERSION,
    DamagedFile,
    Weights,
    load_weights,
    read_json,
    write_bytes_atomically,
)
from mlagents_selfplay.mail import letters
from mlagents_selfplay.mail.letters import Letter

LEAGUE = "league"


class LeagueFolder:
    """The `league` folder of a population.

    Args:
      path: the folder; made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read_state(self) -> dict[str, Any] | None:
        """Returns what was saved last and cuts the log of events back to it; None if nothing was ever saved.

        Raises:
          DamagedFile: if it cannot be read.
        """
        if not (self.path / "state.json").exists():
            (self.path / "events.jsonl").unlink(missing_ok=True)
            return None
        entry = read_json(self.path / "state.json")
        with self._log() as log:
            log.truncate(entry["events_bytes"])
        return dict(entry["state"])

    def events(self) -> Iterator[dict[str, Any]]:
        """Reads the log of events.

        Raises:
          DamagedFile: if it cannot be read.
        """
        file = self.path / "events.jsonl"
        with file.open(encoding="utf-8") as log:
            for number, line in enumerate(log, 1):
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise DamagedFile(f"{file}, line {number}, is damaged ({error})") from error

    def save(self, state: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> None:
        """Writes a state together with the events that led to it; on return they are on disk.

        Raises:
          OSError: if they cannot be written.
        """
        with self._log() as log:
            log.write("".join(json.dumps(event) + "\n" for event in events).encode())
            log.flush()
            os.fsync(log.fileno())
            length = log.tell()
        write_json(self.path / "state.json", {"format": FORMAT_VERSION, "events_bytes": length, "state": dict(state)})

    def save_store(self, store: Mapping[str, Any]) -> None:
        """Writes what follows from the events, for others to read."""
        write_json(self.path / "store.json", store)

    def save_snapshot(self, member: str, step: int, blob: bytes, best: bool) -> None:
        """Writes a snapshot of a member as it came."""
        write_bytes_atomically(self._snapshot(member, step), blob)
        if best:
            write_bytes_atomically(self.path / "best" / f"{member}.safetensors", blob)

    def load_snapshot(self, member: str, step: int) -> Weights:
        """Reads actor weights of a member.

        Raises:
          DamagedFile: if they cannot be read.
        """
        return load_weights(self._snapshot(member, step))

    def save_checkpoint(self, member: str, blob: bytes) -> None:
        """Writes a member's checkpoint as it came, in place of its last one."""
        write_bytes_atomically(self._checkpoint(member), blob)

    def load_checkpoint(self, member: str) -> bytes:
        """Returns the bytes of a member's last checkpoint."""
        return self._checkpoint(member).read_bytes()

    def post(self, member: str, letter: Letter) -> None:
        """Keeps a letter until it has been followed."""
        letters.post(self._letters(member), letter)

    def letter(self, member: str, number: int) -> Letter:
        """Returns a letter that is kept.

        Raises:
          DamagedFile: if it cannot be read.
        """
        return letters.read(self._letters(member), number)

    def keep_only(self, member: str, steps: Iterable[int], letter: int | None) -> None:
        """Deletes all snapshots of a member but those of `steps`, and all letters to it but number `letter`."""
        kept = {*(self._snapshot(member, step) for step in steps), self._letters(member) / f"{letter}.safetensors"}
        for folder in (self._snapshot(member, 0).parent, self._letters(member)):
            for file in set(folder.glob("*.safetensors")) - kept:
                file.unlink()

    def _log(self) -> Any:
        self.path.mkdir(parents=True, exist_ok=True)
        return (self.path / "events.jsonl").open("ab")

    def _snapshot(self, member: str, step: int) -> Path:
        return self.path / "snapshots" / member / f"{step}.safetensors"

    def _checkpoint(self, member: str) -> Path:
        return self.path / "checkpoints" / f"{member}.pt"

    def _letters(self, member: str) -> Path:
        return self.path / "letters" / member


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replaces a JSON file as a whole; all on one line, since what a long run has to say takes half the time so."""
    write_bytes_atomically(path, json.dumps(content).encode())
