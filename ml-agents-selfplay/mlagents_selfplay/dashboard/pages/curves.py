"""How do several runs compare, figure by figure, and episode by episode at their end?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
import numpy as np
import numpy.typing as npt
from dash import Dash, Input, Output, State, no_update

from mlagents_selfplay.dashboard import parts
from mlagents_selfplay.dashboard.curves import Curve
from mlagents_selfplay.dashboard.figures.curves import boxes, learning_curves
from mlagents_selfplay.dashboard.library import Library
from mlagents_selfplay.dashboard.matches import last_episodes
from mlagents_selfplay.dashboard.parts import Children

TITLE = "Learning curves"
FIRST_SHOWN = 3  # runs that are chosen when the page is opened
FIRST_TAG = "Environment/Cumulative Reward"
MOST_EPISODES = 10_000
UNITS = {
    FIRST_TAG: "mean episode return (reward)",
    "Environment/Episode Length": "mean episode length (agent steps)",
    "Self-play/ELO": "online Elo (points)",
    "Policy/Entropy": "policy entropy (nats)",
    "Self-play/Opponent Age": "age of opponents (learner steps)",
    "Self-play/History Bytes": "snapshots on disk (bytes)",
}
MEASURES = {
    "return": "episode return (reward)",
    "length": "episode length (agent steps)",
    "outcome": "outcome (win 1, draw ½, loss 0)",
}


def layout(library: Library) -> Children:
    """Curves of the chosen runs, and box plots of their last episodes."""
    runs = [run.id for run in library.runs()]  # the last changed first
    return parts.page(
        TITLE,
        dmc.MultiSelect(
            id="curves-runs",
            label="Runs",
            data=sorted(runs),
            value=runs[:FIRST_SHOWN],
            searchable=True,
            clearable=True,
            maxDropdownHeight=320,
            limit=100,
            placeholder="Choose runs",
        ),
        dmc.SimpleGrid(
            [
                dmc.Select(
                    id="curves-tag",
                    label="Figure",
                    data=[FIRST_TAG],
                    value=FIRST_TAG,
                    searchable=True,
                    allowDeselect=False,
                ),
                dmc.Stack(
                    [
                        dmc.Text("Smoothing", size="sm", fw=500),
                        dmc.Slider(id="curves-smoothing", min=0, max=0.95, step=0.05, value=0, updatemode="mouseup"),
                    ],
                    gap=10,
                ),
            ],
            cols={"base": 1, "sm": 2},
        ),
        parts.followed("curves-lines"),
        dmc.SimpleGrid(
            [
                dmc.Select(
                    id="curves-measure",
                    label="Box plots of",
                    data=[{"value": key, "label": label} for key, label in MEASURES.items()],
                    value="return",
                    allowDeselect=False,
                ),
                dmc.NumberInput(
                    id="curves-episodes",
                    label="Last episodes of each run",
                    value=1000,
                    min=1,
                    max=MOST_EPISODES,
                    step=100,
                    debounce=400,
                    thousandSeparator=",",
                ),
            ],
            cols={"base": 1, "sm": 2},
        ),
        parts.followed("curves-boxes"),
        note="Figures as the trainer reported them, against learner steps.",
    )


def register(app: Dash, library: Library) -> None:
    """Adds curves, boxes and the choices that depend on the runs."""

    def stamp(run_ids: Sequence[str] | None, *_: object) -> object:
        return [run.stamp for run_id in run_ids or [] if (run := library.run(run_id)) is not None]

    def lines(run_ids: Sequence[str] | None, tag: str, smoothing: float) -> Children:
        if not run_ids:
            return _choose_first(library)
        chosen = {name: curves[tag] for name, curves in _curves(library, run_ids) if tag in curves}
        if not chosen:
            return parts.empty(f"No {tag} yet", "Every summary (summary_freq learner steps) adds a point.")
        picture = learning_curves(chosen, UNITS.get(tag, tag), smoothing)
        return parts.card(tag, parts.graph("curves-figure", picture))

    def spreads(run_ids: Sequence[str] | None, measure: str, episodes: object) -> Children:
        if not run_ids:
            return None
        if not isinstance(episodes, int) or not 1 <= episodes <= MOST_EPISODES:
            return parts.problem("Number of episodes", f"A whole number from 1 to {MOST_EPISODES:,} is needed.")
        samples = {name: values for name, values in _samples(library, run_ids, measure, episodes) if len(values)}
        if not samples:
            return parts.empty(
                "No episodes yet",
                "Box plots are made from the match log (matches.csv), which runs of trainer_type: selfplay write.",
            )
        count = ", ".join(f"{name}: {len(values):,}" for name, values in samples.items())
        note = f"Median and quartiles, mean dashed; whiskers reach 1.5 box lengths at most. Episodes: {count}."
        return parts.card("Last episodes", parts.graph("boxes-figure", boxes(samples, MEASURES[measure])), note=note)

    runs = Input("curves-runs", "value")
    parts.follow(
        app, "curves-lines", [runs, Input("curves-tag", "value"), Input("curves-smoothing", "value")], stamp, lines
    )
    parts.follow(
        app, "curves-boxes", [runs, Input("curves-measure", "value"), Input("curves-episodes", "value")], stamp, spreads
    )

    @app.callback(
        Output("curves-tag", "data"),
        Input("curves-runs", "value"),
        Input(parts.TICK, "n_intervals"),
        State("curves-tag", "value"),
        State("curves-tag", "data"),
    )
    def tags(run_ids: Sequence[str] | None, _: int, tag: str, offered: list[str]) -> Any:
        found = sorted({tag, *(name for _, curves in _curves(library, run_ids or []) for name in curves)})
        return no_update if found == offered else found

    @app.callback(
        Output("curves-runs", "data"),
        Input(parts.TICK, "n_intervals"),
        State("curves-runs", "value"),
        State("curves-runs", "data"),
    )
    def choices(_: int, chosen: Sequence[str] | None, offered: list[str]) -> Any:
        found = sorted({*(chosen or []), *(run.id for run in library.runs())})
        return no_update if found == offered else found


def _choose_first(library: Library) -> Children:
    if library.runs():
        return parts.empty("No run is chosen", "Choose one or several above.")
    return parts.empty("No runs yet", f"{library.root} holds no run to draw.")


def _named(library: Library, run_ids: Sequence[str]) -> list[tuple[str, list]]:
    found = [(run_id, run) for run_id in run_ids if (run := library.run(run_id)) is not None]
    return [(run_id, run.behaviors) for run_id, run in found]


def _curves(library: Library, run_ids: Sequence[str]) -> list[tuple[str, dict[str, Curve]]]:
    """A run has as many lines as behaviors."""
    return [
        (run_id if len(folders) == 1 else f"{run_id}/{folder.name}", library.events.read(folder).curves)
        for run_id, folders in _named(library, run_ids)
        for folder in folders
    ]


def _samples(
    library: Library, run_ids: Sequence[str], measure: str, episodes: int
) -> list[tuple[str, npt.NDArray[np.float64]]]:
    found = []
    for run_id, folders in _named(library, run_ids):
        for folder in folders:
            values = last_episodes(folder / "selfplay" / "matches.csv", episodes)[measure].dropna().to_numpy(np.float64)
            found.append((run_id if len(folders) == 1 else f"{run_id}/{folder.name}", values))
    return found
