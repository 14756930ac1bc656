"""Which behaviors of a run were trained by self-play, and what do their result files hold?"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlagents_selfplay.files import DamagedFile, read_json
from mlagents_selfplay.matchlog import MatchLog, read_match_log

ReadLog = Callable[[Path, Collection[str]], MatchLog]  # as `read_match_log`


class NoSuchRun(Exception):
    """There is nothing to read; the message says what was looked for."""


@dataclass(frozen=True)
class Entry:
    """A player in history.json.

    Attributes:
      player: the step of a snapshot as text, or the name of a pinned player.
      rating: online Elo rating in points; None if it has none.
      bytes: size of a snapshot's file; 0 for pinned players.
    """

    player: str
    rating: float | None
    bytes: int = 0


@dataclass(frozen=True)
class BehaviorResults:
    """History and match log of one behavior, the former as it was at the last checkpoint.

    Attributes:
      name: of the behavior.
      step: learner steps.
      rating: the learner's online Elo rating in points.
      capacity: most snapshots of the history.
      delta: older share of the run that is forgotten, in [0, 1].
      discrepancy: longest gap x (capacity + 1) / elapsed; 1 is even.
      snapshots: in the history, oldest first.
      pinned: players outside the history's budget.
      log: finished matches, also those since the checkpoint.
    """

    name: str
    step: int
    rating: float
    capacity: int
    delta: float
    discrepancy: float
    snapshots: list[Entry]
    pinned: list[Entry]
    log: MatchLog

    @property
    def steps(self) -> list[int]:
        """Learner steps of the snapshots, ascending."""
        return [int(entry.player) for entry in self.snapshots]

    @property
    def teams(self) -> set[int]:
        """Teams that the learner has played."""
        return set(np.unique(self.log.teams).tolist())

    def elo(self, player: str) -> float:
        """Returns the rating of a snapshot or pinned player, 0 if it has none."""
        return next((e.rating for e in (*self.pinned, *self.snapshots) if e.player == player), None) or 0.0


def behavior_folders(run: Path) -> list[Path]:
    """Finds the behaviors of a run that have a history.

    Args:
      run: `results/<run-id>`, or the folder of a behavior in it, which is then the only one.

    Raises:
      NoSuchRun: if there is no such folder, no data of self-play, or no snapshot yet.
    """
    if not run.is_dir():
        raise NoSuchRun(f"There is no folder {run}.")
    found = [run] if (run / "selfplay").is_dir() else sorted(folder.parent for folder in run.glob("*/selfplay"))
    if not found:
        raise NoSuchRun(f"{run} has no <behavior>/selfplay in it: it is no run of trainer_type: selfplay.")
    begun = [folder for folder in found if (folder / "selfplay" / "history.json").exists()]
    if not begun:
        raise NoSuchRun(f"{found[0] / 'selfplay' / 'history.json'} is not there yet: the first snapshot brings it.")
    return begun


def read_behavior(folder: Path, read_log: ReadLog = read_match_log) -> BehaviorResults:
    """Reads `<behavior>/selfplay/history.json` and `matches.csv`, the latter by `read_log`.

    Raises:
      DamagedFile: if one cannot be read or is of another format version.
    """
    path = folder / "selfplay" / "history.json"
    history = read_json(path)
    try:
        snapshots = [Entry(str(int(e["step"])), float(e["rating"]), int(e["bytes"])) for e in history["snapshots"]]
        pinned = [Entry(str(e["name"]), _optional_float(e["rating"])) for e in history["pinned"]]
        return BehaviorResults(
            name=folder.name,
            step=int(history["step"]),
            rating=float(history["rating"]),
            capacity=int(history["capacity"]),
            delta=float(history["delta"]),
            discrepancy=float(history["discrepancy"]),
            snapshots=snapshots,
            pinned=pinned,
            log=read_log(path.with_name("matches.csv"), {entry.player for entry in pinned}),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFile(f"{path} is damaged ({error!r}). Put back a copy, or start over with --force.") from error


def _optional_float(value: Any) -> float | None:
    return None if value is None else float(value)
