"""What has happened, by member, as `store.json` has it? It follows from the events alone, in their order.

The schema is that of Liu et al.'s program for populations: for each member the lists `hyperparameters` (by key) and
`step` (learner steps at which these came into force), one entry for the beginning and one for each change; and
`opponent`, `score` (mean outcome of the matches of one report, 0 to 1) and `rating` (Elo points, after them), one entry
for the beginning and one for each opponent of a report, whichever of the two sides reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOBODY = "NA"  # the opponent of the entry before the first match

Store = dict[str, dict[str, Any]]


def enter(store: Store, event: Mapping[str, Any]) -> None:
    """Adds to a store what one event says; events that say nothing of it leave it as it is.

    Args:
      store: is changed.
      event: of the league's log.

    Raises:
      KeyError: if the event is not whole, or its member has never entered.
    """
    member = event["member"]
    if event["event"] == "entered":
        first = {key: [value] for key, value in event["hyperparameters"].items()}
        store[member] = {"hyperparameters": first, "opponent": [NOBODY], "score": [0], "rating": [0.0], "step": [0]}
    elif event["event"] == "met":
        other, score = event["opponent"], event["score"]
        _enter_meeting(store[member], other, score, event["rating"])
        if other in store:
            _enter_meeting(store[other], member, 1.0 - score, event["opponent_rating"])
    elif event["event"] == "changed":
        for key, value in event["hyperparameters"].items():
            store[member]["hyperparameters"][key].append(value)
        store[member]["step"].append(event["step"])


def _enter_meeting(entry: dict[str, Any], opponent: str, score: float, rating: float) -> None:
    entry["opponent"].append(opponent)
    entry["score"].append(score)
    entry["rating"].append(rating)
