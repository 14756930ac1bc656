"""What became of the members of a population? Read from `league/events.jsonl`, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlagents_selfplay.files import DamagedFile

RATED = {"snapshot", "changed", "finished"}


@dataclass(frozen=True)
class Change:
    """Hyperparameters that came into force.

    Attributes:
      step: learner steps of the member.
      hyperparameters: all of them, by name.
      parent: whose weights it took over then, or None.
      before: its rating before, Elo points.
      after: its rating after, Elo points.
    """

    step: int
    hyperparameters: Mapping[str, float]
    parent: str | None = None
    before: float = 0.0
    after: float = 0.0


@dataclass
class Member:
    """What became of a member.

    Attributes:
      ratings: (learner steps, Elo points), in order; everybody begins with 0.
      changes: in order; the first is the beginning.
    """

    ratings: list[tuple[int, float]] = field(default_factory=lambda: [(0, 0.0)])
    changes: list[Change] = field(default_factory=list)

    @property
    def last_step(self) -> int:
        """Learner steps that are known of."""
        return self.ratings[-1][0]


def take_in(members: dict[str, Member], event: Mapping[str, Any]) -> None:
    """Adds to `members`, by name in the order in which they entered, what one event says.

    Raises:
      KeyError: if the event is not whole, or its member has never entered.
    """
    kind, name = event["event"], event["member"]
    if kind == "entered":
        members[name] = Member(changes=[Change(0, event["hyperparameters"])])
    elif kind in RATED:
        member, step, rating = members[name], event["step"], event["rating"]
        if kind == "changed":
            before = member.ratings[-1][1]
            member.changes.append(Change(step, event["hyperparameters"], event["parent"], before, rating))
        member.ratings.append((step, rating))


def read(path: Path) -> dict[str, Member]:
    """Reads a log of events; a last line that is still being written is left out.

    Raises:
      DamagedFile: if it cannot be read.
    """
    members: dict[str, Member] = {}
    try:
        *lines, _ = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise DamagedFile(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        try:
            take_in(members, json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedFile(f"{path}, line {number}, is damaged ({error!r})") from error
    return members
