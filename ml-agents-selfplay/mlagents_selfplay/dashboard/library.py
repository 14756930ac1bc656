"""What is in a results folder: which runs, tournaments, experiments and populations?"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlagents_selfplay.dashboard import populations
from mlagents_selfplay.dashboard.curves import EVENT_FILE, Events
from mlagents_selfplay.dashboard.files import Kept, Stamp, read_mapping, stamp
from mlagents_selfplay.dashboard.lives import Lives, last_met, lives
from mlagents_selfplay.dashboard.matches import MatchLogs
from mlagents_selfplay.dashboard.populations import Member
from mlagents_selfplay.files import DamagedFile
from mlagents_selfplay.matchlog import MatchLog
from mlagents_selfplay.report import BehaviorReport, report

LIVE_SECONDS = 20.0  # a run whose files have changed within so long is said to be live
LISTED_SECONDS = 1.0  # for which a list of runs holds
RUN_PATTERNS = ("*/run_logs", "*/*/run_logs", "experiments/*/run-*/training/*/run_logs")
TOURNAMENT_PATTERNS = ("evaluations/*/tournament.json", "experiments/*/run-*/benchmarks/*/tournament.json")
EXPERIMENT_PATTERN = "experiments/*/experiment.json"
POPULATION_PATTERN = "*/league/events.jsonl"


@dataclass(frozen=True)
class Behavior:
    """One behavior of a run in the list of runs; what is not known yet is None.

    Attributes:
      name: of the behavior.
      trainer: trainer type, and its learner behind a slash.
      step: learner steps.
      max_steps: learner steps at which training ends.
      rating: online Elo rating of the learner in points.
      snapshots: in the history.
      capacity: most of them.
      problem: why a file could not be read, or empty.
    """

    name: str
    trainer: str | None = None
    step: int | None = None
    max_steps: int | None = None
    rating: float | None = None
    snapshots: int | None = None
    capacity: int | None = None
    problem: str = ""


class Run:
    """One run.

    Attributes:
      id: its folder, relative to the results folder.
      path: the folder.
    """

    def __init__(self, root: Path, path: Path) -> None:
        self.id = path.relative_to(root).as_posix()
        self.path = path

    @property
    def behaviors(self) -> list[Path]:
        """Folders of the behaviors, those that were trained or are about to be."""
        return [self.path / name for name, children in self._folders() if _is_behavior(children)]

    @property
    def files(self) -> list[Path]:
        """All that a page about the run is made from."""
        found = [self.path / "configuration.yaml", self.path / "run_logs" / "training_status.json"]
        for folder, children in self._folders():
            if _is_behavior(children):
                parts = ("history.json", "matches.csv", "state.json")
                found += [self.path / folder / "selfplay" / name for name in parts]
                found += [self.path / folder / name for name in children if name.startswith(EVENT_FILE)]
        return found

    def _folders(self) -> list[tuple[str, list[str]]]:
        """Names of the folders in it, and of what is in each. Runs are listed by the hundred: no patterns here."""
        with os.scandir(self.path) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir())
        return [(name, sorted(os.listdir(self.path / name))) for name in names]

    @property
    def stamp(self) -> Stamp:
        """Changes whenever a page about the run would."""
        return stamp(self.files)

    @property
    def changed(self) -> float:
        """When one of its files last changed, in seconds since 1970."""
        return max((entry[2] / 1e9 for entry in stamp([self.path, *self.files])), default=0.0)


class Library:
    """Reads a results folder and keeps what it has read until the files change.

    Args:
      root: the folder; it may not be there yet.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.logs = MatchLogs()
        self.events = Events()
        self._runs: Kept[list[Run]] = Kept(1)
        self._places: Kept[set[Path]] = Kept(1)
        self._mappings: Kept[dict[str, Any]] = Kept(1024)
        self._populations: Kept[dict[str, Member]] = Kept(64)
        self._reports: Kept[list[BehaviorReport]] = Kept(64)

    def runs(self) -> list[Run]:
        """All runs, the last changed first."""
        return self._runs.get("runs", _now(), self._newest_runs)

    def run(self, run_id: str) -> Run | None:
        """Returns the run with this id, None if there is none. Only what `runs` lists is ever found."""
        path = self.root / run_id
        return Run(self.root, path) if path in self._places.get("places", _now(), self._find) else None

    def _newest_runs(self) -> list[Run]:
        return sorted((Run(self.root, path) for path in self._find()), key=lambda run: -run.changed)

    def _find(self) -> set[Path]:
        found = {path.parent for pattern in RUN_PATTERNS for path in self.root.glob(pattern)}
        return found | {path.parents[1] for path in self.root.glob("*/*/selfplay")}

    def mapping(self, path: Path) -> dict[str, Any]:
        """Reads a JSON or YAML file, see `read_mapping`.

        Raises:
          DamagedFile: if it cannot be read.
        """
        return self._mappings.get(path, stamp([path]), lambda: read_mapping(path))

    def settings(self, run: Run, behavior: str) -> dict[str, Any]:
        """The behavior's settings as ML-Agents writes them when a run ends; empty as long as it has not.

        Raises:
          DamagedFile: if configuration.yaml cannot be read.
        """
        behaviors = self.mapping(run.path / "configuration.yaml").get("behaviors") or {}
        return dict(behaviors.get(behavior) or {})

    def summary(self, run: Run, behavior: Path) -> Behavior:
        """Sums up a behavior in a line, without reading its matches or curves."""
        try:
            history = self.mapping(behavior / "selfplay" / "history.json")
            settings = self.settings(run, behavior.name)
            status = self.mapping(run.path / "run_logs" / "training_status.json").get(behavior.name) or {}
        except DamagedFile as error:
            return Behavior(behavior.name, problem=str(error))
        checkpoints = [*status.get("checkpoints", []), status.get("final_checkpoint") or {}]
        learner = (settings.get("hyperparameters") or {}).get("learner")
        trainer = settings.get("trainer_type") or ("selfplay" if history else None)
        return Behavior(
            name=behavior.name,
            trainer=f"{trainer} / {learner}" if learner else trainer,
            step=history.get("step") or max((point.get("steps", 0) for point in checkpoints), default=0) or None,
            max_steps=settings.get("max_steps"),
            rating=history.get("rating"),
            snapshots=len(history["snapshots"]) if "snapshots" in history else None,
            capacity=history.get("capacity"),
        )

    def reports(self, run: Run) -> list[BehaviorReport]:
        """What `mlagents-selfplay history` says.

        Raises:
          NoSuchRun: if the run has no snapshot yet, or is not one of self-play.
          DamagedFile: if a file cannot be read.
        """
        files = [path for path in run.files if path.name in ("history.json", "matches.csv")]
        return self._reports.get(run.id, stamp(files), lambda: report(run.path, self.logs.read))

    def lives(self, run: Run, behavior: BehaviorReport) -> Lives:
        """The lives of the snapshots of a behavior, from the logs of those who meet them.

        Raises:
          NoSuchRun, DamagedFile: as `reports`.
        """
        met = [self.log(run, other) for other in self.reports(run) if other.opponents == behavior.behavior]
        return lives([snapshot.step for snapshot in behavior.snapshots], behavior.capacity, last_met(met))

    def log(self, run: Run, behavior: BehaviorReport) -> MatchLog:
        """The condensed match log of a behavior.

        Raises:
          DamagedFile: if it cannot be read.
        """
        names = {player.name for player in behavior.pinned}
        return self.logs.read(run.path / behavior.behavior / "selfplay" / "matches.csv", names)

    def tournaments(self) -> list[Path]:
        """All tournament.json, the last changed first."""
        return self._newest_first(*TOURNAMENT_PATTERNS)

    def experiments(self) -> list[Path]:
        """All experiment.json, the last changed first."""
        return self._newest_first(EXPERIMENT_PATTERN)

    def populations(self) -> list[Path]:
        """The log of events of each population, the last changed first."""
        return self._newest_first(POPULATION_PATTERN)

    def members(self, path: Path) -> dict[str, Member]:
        """What became of the members of a population, from its log of events.

        Raises:
          DamagedFile: if it cannot be read.
        """
        return self._populations.get(path, stamp([path]), lambda: populations.read(path))

    def _newest_first(self, *patterns: str) -> list[Path]:
        found = [path for pattern in patterns for path in self.root.glob(pattern)]
        return sorted(found, key=lambda path: -path.stat().st_mtime)


def _is_behavior(children: list[str]) -> bool:
    return "selfplay" in children or any(name.startswith(EVENT_FILE) for name in children)


def _now() -> int:
    """Changes once in `LISTED_SECONDS`: several parts of a page ask for the list at the same time."""
    return int(time.monotonic() / LISTED_SECONDS)


def is_live(run: Run) -> bool:
    """Returns whether the run's files have changed a moment ago."""
    return time.time() - run.changed < LIVE_SECONDS
