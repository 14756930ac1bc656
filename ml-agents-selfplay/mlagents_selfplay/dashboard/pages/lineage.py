"""Which hyperparameters did the members of a population have, one after another?

`league/store.json` in a population's folder holds, by member, `hyperparameters` (by name, a list with one value an
evolution), `opponent`, `score` and `rating` (a list with one entry a match each) and `step`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import Dash

from mlagents_selfplay.dashboard import parts
from mlagents_selfplay.dashboard.figures.population import lineage
from mlagents_selfplay.dashboard.files import stamp as stamp_of
from mlagents_selfplay.dashboard.library import Library
from mlagents_selfplay.dashboard.parts import Children
from mlagents_selfplay.files import DamagedFile

TITLE = "Lineage"


def layout(library: Library) -> Children:
    """All populations of the results folder, one after another."""
    return parts.page(
        TITLE,
        parts.followed("lineage-body"),
        note="Hyperparameters of the members of a population, evolution after evolution.",
    )


def register(app: Dash, library: Library) -> None:
    """Adds the content."""

    def render() -> Children:
        found = library.populations()
        if not found:
            return parts.empty(
                "No population yet",
                f"Nothing in {library.root} holds a league/store.json, which population-based training writes.",
            )
        return dmc.Stack(
            [_population(place, path.parents[1].name, library.mapping(path)) for place, path in enumerate(found)],
            gap="md",
        )

    parts.follow(app, "lineage-body", [], lambda: stamp_of(library.populations()), render)


def _population(place: int, name: str, members: Mapping[str, Any]) -> Children:
    try:
        keys = sorted({key for member in members.values() for key in member["hyperparameters"]})
        curves = {key: {who: member["hyperparameters"].get(key, []) for who, member in members.items()} for key in keys}
        ratings = {who: member["rating"] for who, member in members.items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedFile(f"league/store.json of {name} is damaged or half written ({error!r}).") from error
    return parts.card(
        name,
        *(
            parts.graph(f"lineage-{place}-{key}", lineage(curve, "evolution", key, logarithmic=_spans_decades(curve)))
            for key, curve in curves.items()
        ),
        parts.graph(f"lineage-{place}-rating", lineage(ratings, "match", "rating (Elo points)")),
        note=f"{len(members)} members.",
    )


def _spans_decades(curve: Mapping[str, list[float]]) -> bool:
    values = [value for one in curve.values() for value in one]
    return bool(values) and min(values) > 0.0 and max(values) > 10.0 * min(values)
