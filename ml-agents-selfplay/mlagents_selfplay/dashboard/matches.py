"""Who met whom, when, and with which outcome, of a match log that grows while one looks?

A log may have many millions of rows. It is read once, in blocks, and condensed to counts of rows that are alike: the
same learner step when they began, team, opponent and outcome. When there are more than `MOST_CELLS` kinds of rows,
steps are rounded, by two, four and so on, until there are fewer. So memory is bounded, and a refresh reads new rows.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from mlagents_selfplay.files import DamagedFile
from mlagents_selfplay.matchlog import MatchLog
from mlagents_selfplay.store import COLUMNS

BLOCK_BYTES = 1 << 23
MOST_CELLS = 200_000
MOST_LOGS = 8  # kept in memory, the least recently read goes first
TAIL_BYTES = 1 << 20  # read from the end of a log for its last episodes

_CELL = ["step", "team", "opponent", "outcome"]
_TYPES: Mapping[Hashable, str] = {
    "step": "int64",
    "team": "int32",
    "opponent": "str",
    "outcome": "float64",
    "return": "float64",
    "length": "int64",
}
_SEAM = 256  # bytes before the place reached, by which a log that was rewritten is recognised


class CondensedLog:
    """Counts of the rows of one matches.csv, brought up to date by `update`.

    Args:
      path: the file; it may not be there yet.
      most_cells: kinds of rows above which learner steps are rounded.
    """

    def __init__(self, path: Path, most_cells: int = MOST_CELLS) -> None:
        self.path = path
        self._most_cells = most_cells
        self._lock = threading.Lock()
        self._restart()

    def _restart(self) -> None:
        self._read = 0  # bytes
        self._seam = b""
        self._rows = 0
        self._width = 1  # learner steps that count as one
        self._cells = pd.DataFrame(
            {name: pd.Series(dtype=_TYPES[name]) for name in _CELL} | {"rows": pd.Series(dtype="int64")}
        )

    @property
    def rounded_to(self) -> int:
        """Learner steps to which the beginning of a match is rounded down; 1 is exact."""
        return self._width

    def update(self, names: Collection[str] = ()) -> MatchLog:
        """Reads what is new and returns the whole log, condensed, in the order of learner steps.

        Args:
          names: of players that are one although they contain a `+`, which otherwise joins several.

        Raises:
          DamagedFile: if it cannot be read or a line is not what the trainer writes; the message names the line.
        """
        with self._lock:
            try:
                with self.path.open("rb") as file:
                    self._read_on(file)
            except FileNotFoundError:
                self._restart()
            except OSError as error:
                raise DamagedFile(f"{self.path} cannot be read: {error}") from error
            return self._log(names)

    def _read_on(self, file: BinaryIO) -> None:
        if not self._is_continued(file):
            self._restart()
        file.seek(self._read)
        while block := file.read(BLOCK_BYTES):
            whole = block[: block.rfind(b"\n") + 1]
            if not whole:
                return  # a line that is still being written
            self._take(whole)
            self._read += len(whole)
            self._seam = (self._seam + whole)[-_SEAM:]
            file.seek(self._read)

    def _is_continued(self, file: BinaryIO) -> bool:
        file.seek(max(0, self._read - len(self._seam)))
        return file.read(len(self._seam)) == self._seam

    def _take(self, block: bytes) -> None:
        if self._read == 0:
            header, _, block = block.partition(b"\n")
            _check_header(self.path, header)
        rows = _parse(self.path, block, self._rows + 2)
        self._rows += len(rows)
        rows["step"] -= rows["step"] % self._width
        counted = rows.groupby(_CELL, dropna=False, sort=False).size().reset_index(name="rows")
        self._cells = _merged(pd.concat([self._cells, counted], ignore_index=True))
        while len(self._cells) > self._most_cells and self._width < 1 << 40:
            self._width *= 2
            self._cells["step"] -= self._cells["step"] % self._width
            self._cells = _merged(self._cells)

    def _log(self, names: Collection[str]) -> MatchLog:
        cells = self._cells.sort_values("step", kind="stable")
        apart = [[name] if name in names else name.split("+") for name in cells["opponent"]]
        sizes = np.array([len(several) for several in apart], dtype=np.int64)
        codes, players = pd.factorize(np.array([player for several in apart for player in several], dtype=object))
        games = np.repeat(cells["rows"].to_numpy(np.int64), sizes)
        return MatchLog(
            seats=self._rows,
            steps=np.repeat(cells["step"].to_numpy(np.int64), sizes),
            teams=np.repeat(cells["team"].to_numpy(np.int32), sizes),
            players=list(players),
            opponents=codes.astype(np.intp),
            outcomes=np.repeat(cells["outcome"].to_numpy(np.float64), sizes),
            games=games,
            weights=games / np.repeat(sizes, sizes),
        )


class MatchLogs:
    """Condensed logs by path; `read` stands wherever `mlagents_selfplay.matchlog.read_match_log` would."""

    def __init__(self, most: int = MOST_LOGS) -> None:
        self._most = most
        self._logs: OrderedDict[Path, CondensedLog] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, path: Path, names: Collection[str] = ()) -> MatchLog:
        """Returns the log as it is now; see `CondensedLog.update`."""
        with self._lock:
            log = self._logs.setdefault(path, CondensedLog(path))
            self._logs.move_to_end(path)
            while len(self._logs) > self._most:
                self._logs.popitem(last=False)
        return log.update(names)


def last_episodes(path: Path, count: int) -> pd.DataFrame:
    """Reads the last rows of a match log, at most `count` and at most those of its last megabyte.

    Returns:
      Columns step, team, opponent, outcome (NaN if truncated), return, length; no row if there is no file.

    Raises:
      DamagedFile: if a line is not what the trainer writes.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            block = file.read()
    except FileNotFoundError:
        block = b""
    except OSError as error:
        raise DamagedFile(f"{path} cannot be read: {error}") from error
    lines = block[: block.rfind(b"\n") + 1].splitlines(keepends=True)[1:]  # without the header, or a line cut in two
    return _parse(path, b"".join(lines[-count:]), None)


def _check_header(path: Path, header: bytes) -> None:
    text = header.decode(errors="replace").strip()
    if text != ",".join(COLUMNS):
        raise DamagedFile(f"{path}, line 1: {text!r} is not {','.join(COLUMNS)}")


def _parse(path: Path, block: bytes, first_line: int | None) -> pd.DataFrame:
    place = f"{path}, in its last lines" if first_line is None else f"{path}, counting from line {first_line}"
    try:
        rows = pd.read_csv(
            io.BytesIO(block or b"\n"),
            names=list(COLUMNS),
            dtype=_TYPES,
            keep_default_na=False,
            na_values={"outcome": [""]},
            index_col=False,
        )
    except ValueError as error:  # what pandas raises for a wrong number of columns as well
        raise DamagedFile(f"{place}: {error}") from error
    wrong = np.flatnonzero((rows["outcome"] < 0.0) | (rows["outcome"] > 1.0))
    if len(wrong):
        raise DamagedFile(f"{place}, row {wrong[0]}: outcome {rows['outcome'][wrong[0]]:g} is not in [0, 1]")
    return rows


def _merged(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.groupby(_CELL, dropna=False, sort=False)["rows"].sum().reset_index()
