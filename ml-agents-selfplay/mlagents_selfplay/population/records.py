"""What do a member and its league tell each other, and what does the league remember of a member?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mlagents_selfplay.selfplay.history import SnapshotHistory


class Meeting(NamedTuple):
    """A finished match of a member against a guest, `<member>@<step>`; the outcome is the member's, in [0, 1]."""

    guest: str
    outcome: float


@dataclass(frozen=True)
class Report:
    """What a member has done up to a checkpoint.

    Attributes:
      member: who.
      step: learner steps at the checkpoint.
      opened: number of the last letter that it has followed.
      awaiting: whether it waits for its next letter.
      matches_bytes: length of its match log at the checkpoint.
      meetings: matches against guests since the last report, in order.
      snapshot_step: learner steps at its newest snapshot.
      snapshot: the file of that snapshot, if the league has not seen it.
      checkpoint: the file.
      final: whether it has made all of its steps.
    """

    member: str
    step: int
    opened: int
    awaiting: bool
    matches_bytes: int
    meetings: list[Meeting]
    snapshot_step: int
    snapshot: bytes | None
    checkpoint: bytes
    final: bool


@dataclass
class Pending:
    """A letter that a member has not yet followed: its number, whom it inherits from, and what it is to become."""

    number: int
    parent: str | None
    hyperparameters: dict[str, float]


@dataclass
class Record:
    """What the league knows of a member.

    Attributes:
      hyperparameters: in force.
      step: learner steps at the last report.
      changed_at: learner steps at which it last changed; 0 if never.
      matches_bytes: of its match log that are rated.
      opened: number of the last letter that it followed.
      letters: number of the last letter to it.
      pending: the letter that it has not yet followed.
      history: its snapshots that the league keeps.
      stand_ins: guests that stand for another member as it was when they were invited.
      best_rating: highest rating at a snapshot; None before the first.
      best_step: learner steps of that snapshot.
      awaiting: whether it waits for its next letter.
      finished: whether it has made all of its steps.
    """

    hyperparameters: dict[str, float]
    history: SnapshotHistory
    step: int = 0
    changed_at: int = 0
    matches_bytes: int = 0
    opened: int = 0
    letters: int = 0
    pending: Pending | None = None
    stand_ins: set[str] = field(default_factory=set)
    best_rating: float | None = None
    best_step: int = 0
    awaiting: bool = False
    finished: bool = False

    def state(self) -> dict[str, Any]:
        """Returns everything, ready for JSON."""
        pending = None if self.pending is None else vars(self.pending)
        return {**vars(self), "history": self.history.state(), "pending": pending, "stand_ins": sorted(self.stand_ins)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Record:
        """Takes back what `state()` returned."""
        history = SnapshotHistory(state["history"]["capacity"])
        history.restore(state["history"])
        pending = None if state["pending"] is None else Pending(**state["pending"])
        return cls(**{**state, "history": history, "pending": pending, "stand_ins": set(state["stand_ins"])})
