"""What does the league know, and what does it ask of its members? It rates, keeps, and writes everything down.

Nothing here knows of Ray or of processes: a member reports what it has done, and is given its next letter. A report is
answered only when all that follows from it is on disk, and may be sent again: it is then answered as before.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from typing import Any

import numpy as np

from mlagents_selfplay.mail.letters import Letter
from mlagents_selfplay.population.folder import LeagueFolder
from mlagents_selfplay.population.records import Meeting, Pending, Record, Report
from mlagents_selfplay.population.settings import PopulationSettings
from mlagents_selfplay.population.store import Store, enter
from mlagents_selfplay.selfplay.history import SnapshotHistory
from mlagents_selfplay.selfplay.ratings import EloTable

ANCHOR = "initial"  # never met: ratings are relative to 0, where everybody starts
STORE_EVERY_SECONDS = 10.0  # it grows with the run and is written as a whole
STORE_AT_ONCE = {"entered", "changed", "finished", "league restarted"}


class League:
    """What all modes share; a mode decides what a member is asked for.

    Args:
      folder: goes on from what is there.
      settings: of the population.

    Raises:
      DamagedFile: if the folder cannot be read.
    """

    def __init__(self, folder: LeagueFolder, settings: PopulationSettings) -> None:
        self.folder, self.settings = folder, settings
        self.rng = np.random.default_rng(settings.seed)
        self.ratings = EloTable(ANCHOR, settings.elo_k, 0.0)
        self.records: dict[str, Record] = {}
        self.store: Store = {}
        self._store_written = -math.inf  # by time.monotonic(), seconds
        self._events: list[dict[str, Any]] = []
        state = folder.read_state()
        if state is None:
            self._begin()
        else:
            self._restore(state)
        self._save()

    def start_of(self, member: str, node: str) -> tuple[dict[str, float], int]:
        """Says with which hyperparameters a member starts, and how many bytes of its match log have been rated.

        Args:
          member: that starts, or starts again.
          node: where.
        """
        record = self.records[member]
        first = {key: values[0] for key, values in self.store[member]["hyperparameters"].items()}
        self._note("started", member, step=record.step, node=node)
        self._save()
        return first, record.matches_bytes

    def report(self, report: Report) -> Letter | None:
        """Takes in what a member has done, and returns what it is asked to do next, if anything.

        Raises:
          OSError: if it cannot be written down; then the report has to be sent again, to a league that starts anew.
        """
        member, record = report.member, self.records[report.member]
        told_before = (report.step, report.opened, report.final) == (record.step, record.opened, record.finished)
        told_before = told_before and report.awaiting == record.awaiting
        if told_before:
            return self.pending(member)
        if report.step < record.step:
            self._note("went back", member, step=report.step, before=record.step)
        if report.matches_bytes > record.matches_bytes:
            self._rate(member, report.meetings)
        record.step, record.matches_bytes, record.opened = report.step, report.matches_bytes, report.opened
        if record.pending is not None and report.opened >= record.pending.number:
            self._acknowledge(member, record, record.pending)
        self._keep(record, report)
        record.awaiting, record.finished = report.awaiting, report.final
        if report.final:
            self._note("finished", member, step=report.step, rating=self.rating_of(member))
        self._decide(report, record)
        self._save()
        self.folder.keep_only(member, record.history.steps, record.pending.number if record.pending else None)
        return self.pending(member)

    def pending(self, member: str) -> Letter | None:
        """Returns the letter that a member has not yet followed, if there is one."""
        waiting = self.records[member].pending
        return None if waiting is None else self.folder.letter(member, waiting.number)

    def is_finished(self, member: str) -> bool:
        """Says whether a member has made all of its steps."""
        return self.records[member].finished

    def rating_of(self, player: str) -> float:
        """Returns the rating of a member, or of an older snapshot of one, `<member>@<step>`, in Elo points."""
        return float(self.ratings.rating(player))

    def standings(self) -> list[dict[str, Any]]:
        """Returns a row for each member, the best first."""
        rows = [
            {
                "member": member,
                "rating": self.rating_of(member),
                "step": record.step,
                "best_rating": record.best_rating,
                "best_step": record.best_step,
                "changes": len(self.store[member]["step"]) - 1,
                "hyperparameters": record.hyperparameters,
                "finished": record.finished,
            }
            for member, record in self.records.items()
        ]
        return sorted(rows, key=lambda row: -row["rating"])

    # What a mode decides

    def _initial_hyperparameters(self) -> dict[str, float]:
        """Draws what a member starts with."""
        return {}

    def _decide(self, report: Report, record: Record) -> None:
        """Asks for something, by `_ask`, or for nothing."""

    def _ask(self, member: str, letter: Letter, parent: str | None) -> None:
        record = self.records[member]
        record.pending = Pending(letter.number, parent, {**record.hyperparameters, **letter.hyperparameters})
        record.letters = letter.number
        self.folder.post(member, letter)

    def _note(self, event: str, member: str, **details: Any) -> None:
        self._events.append({"time": time.time(), "event": event, "member": member, **details})
        enter(self.store, self._events[-1])

    # What happened

    def _rate(self, member: str, meetings: list[Meeting]) -> None:
        """Moves the ratings of both sides, match by match, and notes one meeting for each opponent."""
        stand_ins, outcomes = self.records[member].stand_ins, defaultdict(list)
        for guest, outcome in meetings:
            other = guest.partition("@")[0] if guest in stand_ins else guest
            self.ratings.update(member, other, outcome)
            outcomes[other].append(outcome)
        for other, scores in outcomes.items():
            self._note(
                "met",
                member,
                opponent=other,
                games=len(scores),
                score=sum(scores) / len(scores),
                rating=self.rating_of(member),
                opponent_rating=self.rating_of(other),
            )

    def _acknowledge(self, member: str, record: Record, followed: Pending) -> None:
        record.pending = None
        changed = followed.hyperparameters != record.hyperparameters
        if not changed and followed.parent is None:
            return
        record.hyperparameters, record.changed_at = followed.hyperparameters, record.step
        if followed.parent is not None:
            self.ratings.add(member, self.rating_of(followed.parent))  # whose play is now its own
            for other in self.records.values():
                other.stand_ins = {guest for guest in other.stand_ins if guest.partition("@")[0] != member}
        self._note(
            "changed",
            member,
            step=record.step,
            parent=followed.parent,
            rating=self.rating_of(member),
            hyperparameters=followed.hyperparameters,
        )

    def _keep(self, record: Record, report: Report) -> None:
        self.folder.save_checkpoint(report.member, report.checkpoint)
        newest = max(record.history.steps, default=-1)
        if report.snapshot is None or report.snapshot_step <= newest:
            return
        rating = self.rating_of(report.member)
        for step in record.history.add(report.snapshot_step):
            self.ratings.remove(f"{report.member}@{step}")
        self.ratings.add(f"{report.member}@{report.snapshot_step}", rating)
        best = record.best_rating is None or rating >= record.best_rating
        if best:
            record.best_rating, record.best_step = rating, report.snapshot_step
        self.folder.save_snapshot(report.member, report.snapshot_step, report.snapshot, best)
        self._note("snapshot", report.member, step=report.snapshot_step, rating=rating, best=best)

    # On disk

    def _begin(self) -> None:
        for member in self.settings.names:
            values = self._initial_hyperparameters()
            self.records[member] = Record(values, SnapshotHistory(self.settings.history_capacity))
            self.ratings.add(member, 0.0)
            self._note("entered", member, hyperparameters=values)

    def _restore(self, state: dict[str, Any]) -> None:
        self.rng.bit_generator.state = state["rng"]
        self.ratings = EloTable.from_state(state["ratings"])
        self.records = {member: Record.from_state(record) for member, record in state["records"].items()}
        for event in self.folder.events():
            enter(self.store, event)
        self._note("league restarted", "")

    def _save(self) -> None:
        state = {
            "rng": self.rng.bit_generator.state,
            "ratings": self.ratings.get_state(),
            "records": {member: record.state() for member, record in self.records.items()},
        }
        self.folder.save(state, self._events)
        now = time.monotonic()
        at_once = any(event["event"] in STORE_AT_ONCE for event in self._events)
        if at_once or now - self._store_written >= STORE_EVERY_SECONDS:
            self.folder.save_store(self.store)
            self._store_written = now
        self._events = []
