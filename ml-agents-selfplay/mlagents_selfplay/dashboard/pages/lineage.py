"""How did the members of a population come to what they are?"""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import Dash

from mlagents_selfplay.dashboard import parts
from mlagents_selfplay.dashboard.figures.population import lineage, schedule
from mlagents_selfplay.dashboard.files import stamp as stamp_of
from mlagents_selfplay.dashboard.library import Library
from mlagents_selfplay.dashboard.parts import Children
from mlagents_selfplay.dashboard.populations import Member

TITLE = "Lineage"


def layout(library: Library) -> Children:
    """All populations of the results folder, one after another."""
    return parts.page(
        TITLE,
        parts.followed("lineage-body"),
        note="Ratings and hyperparameters of the members of a population. An arrow: a member took over the weights of "
        "the one that it names.",
    )


def register(app: Dash, library: Library) -> None:
    """Adds the content."""

    def render() -> Children:
        found = library.populations()
        if not found:
            return parts.empty(
                "No population yet",
                f"Nothing in {library.root} holds a league/events.jsonl, which population-based training writes.",
            )
        return dmc.Stack(
            [_population(place, path.parents[1].name, library.members(path)) for place, path in enumerate(found)],
            gap="md",
        )

    parts.follow(app, "lineage-body", [], lambda: stamp_of(library.populations()), render)


def _population(place: int, name: str, members: dict[str, Member]) -> Children:
    keys = sorted({key for member in members.values() for change in member.changes for key in change.hyperparameters})
    changes = sum(len(member.changes) - 1 for member in members.values())
    return parts.card(
        name,
        parts.graph(f"lineage-{place}-rating", lineage(members)),
        *(parts.graph(f"lineage-{place}-{key}", schedule(members, key)) for key in keys),
        note=f"{len(members)} members, {changes} changes.",
    )
