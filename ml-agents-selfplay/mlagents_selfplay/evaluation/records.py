"""What does a tournament leave on disk, and what can be read of it after a kill? See docs/evaluation.md."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.matches import Fixture, GameResult
from mlagents_selfplay.files import FORMAT_VERSION, DamagedFile, read_json, write_bytes_atomically

KIND = "tournament"
COLUMNS = ("first", "second", "seating", "outcome", "first_return", "second_return", "length")


def plain(matrix: np.ndarray[Any, Any]) -> list[list[float | None]]:
    """Returns a matrix as lists, ready for JSON: NaN becomes None."""
    return [[None if np.isnan(value) else float(value) for value in row] for row in matrix]


def read_tournament(folder: Path) -> dict[str, Any]:
    """Reads `tournament.json`.

    Raises:
      EvaluationError: if it is missing, damaged, of another version, or of something else.
    """
    try:
        content = read_json(folder / "tournament.json")
    except DamagedFile as error:
        raise EvaluationError(str(error)) from error
    if content.get("kind") != KIND:
        raise EvaluationError(f"{folder / 'tournament.json'} is of kind {content.get('kind')!r}, not {KIND!r}.")
    return content


class TournamentFolder:
    """The files of one tournament.

    Args:
      path: the folder; made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log: IO[bytes] | None = None
        self._former: dict[str, str] = {}

    def compatible(self, described: Mapping[str, Any]) -> dict[str, Any] | None:
        """Reads what an earlier session left, after a look at whether it can go on with these settings.

        Args:
          described: `environment`, `settings` and `players` of this session, as in `tournament.json`.

        Returns:
          The content of `tournament.json`; None if there is nothing yet.

        Raises:
          EvaluationError: if something else is there, it is damaged, or other games were played there.
        """
        if not (self.path / "tournament.json").exists():
            if self.path.exists() and any(self.path.iterdir()):
                raise EvaluationError(
                    f"{self.path} is not empty, and there is no tournament.json in it. Take another name, or --force, "
                    "which deletes it."
                )
            return None
        before = read_tournament(self.path)
        try:
            old = {
                **{key: before["environment"][key] for key in ("path", "arguments", "parameters")},
                **{key: before["settings"][key] for key in ("actions", "outcome")},
            }
            known = {**before.get("former", {}), **{p["name"]: p["fingerprint"] for p in before["players"]}}
            float(before["seconds"]), int(before["environment"]["teams"]), list(before["environment"]["behaviors"])
        except (KeyError, TypeError, ValueError) as error:
            raise EvaluationError(f"{self.path / 'tournament.json'} is damaged ({error!r}).") from error
        new = {**described["environment"], **described["settings"]}
        for key, value in old.items():
            if new[key] != value:
                raise EvaluationError(
                    f"{self.path}: its games were played with {key} {value!r}, not {new[key]!r}. Take another name, or "
                    "--force, which deletes them."
                )
        for player in described["players"]:
            if known.get(player["name"], player["fingerprint"]) != player["fingerprint"]:
                raise EvaluationError(
                    f"{self.path}: player {player['name']} has other weights than in the games that it has played "
                    "there. Give it another name (NAME=SOURCE), or --force, which deletes them."
                )
        self._former = known
        return before

    def games(self) -> Iterator[GameResult]:
        """Yields all games in `games.csv`; a last line that a kill cut short is cut off.

        Raises:
          EvaluationError: if a line cannot be read, or another process is playing.
        """
        path = self.path / "games.csv"
        if not path.exists():
            return
        self._open_log()  # from now on nobody else adds to it
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with path.open("r+b") as file:
                file.truncate(len(whole))
        rows = csv.reader(io.StringIO(whole.decode("utf-8", "replace")))
        if tuple(next(rows, ())) != COLUMNS:
            raise EvaluationError(f"{path} does not begin with the columns {','.join(COLUMNS)}.")
        for number, row in enumerate(rows, start=2):
            try:
                first, second, seating, outcome, own, other, length = row
                yield GameResult(
                    Fixture(first, second, int(seating)),
                    float(outcome) if outcome else None,
                    float(own),
                    float(other),
                    int(length),
                )
            except ValueError as error:
                raise EvaluationError(f"{path}, line {number}, is damaged: {','.join(row)!r} ({error}).") from error

    def append(self, result: GameResult) -> None:
        """Adds a game to `games.csv`, past any buffer of this process.

        Raises:
          EvaluationError: if another process is playing the same tournament.
        """
        log = self._open_log()
        outcome = "" if result.outcome is None else f"{result.outcome:g}"
        row = [*result.fixture, outcome, f"{result.first_return:g}", f"{result.second_return:g}", result.length]
        log.write(_csv([row]))

    def write(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Replaces `tournament.json`; returns what it holds now."""
        whole = {"format": FORMAT_VERSION, "kind": KIND, "name": self.path.name, **content, "former": self._former}
        write_bytes_atomically(self.path / "tournament.json", json.dumps(whole, indent=1).encode())
        return whole

    def write_tables(self, content: Mapping[str, Any]) -> None:
        """Writes `payoff.csv` and `ratings.csv`."""
        names = [player["name"] for player in content["players"]]
        payoff = [["", *names], *([name, *map(_cell, row)] for name, row in zip(names, content["payoff"], strict=True))]
        ratings = [list(content["ratings"][0]), *([_cell(v) for v in row.values()] for row in content["ratings"])]
        write_bytes_atomically(self.path / "payoff.csv", _csv(payoff))
        write_bytes_atomically(self.path / "ratings.csv", _csv(ratings))

    def _open_log(self) -> IO[bytes]:
        if self._log is None:
            path = self.path / "games.csv"
            if not path.exists():
                write_bytes_atomically(path, (",".join(COLUMNS) + "\n").encode())
            self._log = path.open("ab", buffering=0)
            _lock(self._log, path)
        return self._log

    def close(self) -> None:
        """Makes sure that all games are on disk."""
        if self._log is not None:
            os.fsync(self._log.fileno())
            self._log.close()
            self._log = None


def _lock(file: IO[bytes], path: Path) -> None:
    """Keeps other processes from a file until this one closes it, where the operating system has such locks."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise EvaluationError(f"{path}: another process is playing this tournament.") from error


def _cell(value: Any) -> Any:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else value


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
