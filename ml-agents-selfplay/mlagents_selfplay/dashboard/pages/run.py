"""The page of a run: its tabs, and what keeps them up to date."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, no_update

from mlagents_selfplay.dashboard import parts
from mlagents_selfplay.dashboard.library import Library, Run, is_live
from mlagents_selfplay.dashboard.pages.tabs import history, opponents, overview, rating
from mlagents_selfplay.dashboard.parts import Children
from mlagents_selfplay.report import BehaviorReport
from mlagents_selfplay.results import NoSuchRun

TABS = ("Overview", "Rating", "History", "Opponents")


def layout(library: Library, run_id: str) -> Children:
    """The page of a run; says so if there is none of this name."""
    run = library.run(run_id)
    if run is None:
        return parts.empty(f"There is no run {run_id}", f"Nothing of this name is in {library.root}.")
    names = [folder.name for folder in run.behaviors]
    return dmc.Stack(
        [
            dcc.Store(id="run-id", data=run_id),
            dmc.Group(
                [
                    dmc.Title(run_id, order=2),
                    dmc.Box(id="run-live"),
                    dmc.Select(
                        id="run-behavior",
                        data=names,
                        value=names[0] if names else None,
                        allowDeselect=False,
                        w=240,
                        style={} if len(names) > 1 else {"display": "none"},
                        comboboxProps={"shadow": "md"},
                        **{"aria-label": "Behavior"},
                    ),
                ],
                gap="sm",
            ),
            dmc.Tabs(
                dmc.TabsList([dmc.TabsTab(name, value=name) for name in TABS]), id="run-tab", value=TABS[0], mb="xs"
            ),
            dmc.Group(
                [
                    dmc.Text("Matches of", size="sm"),
                    dmc.SegmentedControl(
                        id="run-window", data=list(opponents.WINDOWS), value="the whole run", size="xs"
                    ),
                ],
                id="run-window-row",
                gap="xs",
            ),
            parts.followed("run-body"),
        ],
        gap="sm",
    )


def register(app: Dash, library: Library) -> None:
    """Adds the tabs."""

    def stamp(run_id: str, *_: Any) -> object:
        run = library.run(run_id)
        return None if run is None else run.stamp

    def render(run_id: str, tab: str, behavior: str | None, window: str) -> Children:
        run = library.run(run_id)
        if run is None:
            return parts.empty(f"The run {run_id} is gone", "Its folder has been removed.")
        if behavior is None or not (run.path / behavior).is_dir():
            return parts.empty("Nothing yet", "The run has begun; its first summary or snapshot brings the first data.")
        if tab == "Rating":
            return rating.render(library, run, _report(library, run, behavior))
        if tab == "History":
            return history.render(library, run, _report(library, run, behavior))
        if tab == "Opponents":
            return opponents.render(library, run, _report(library, run, behavior), window)
        return overview.render(library, run, run.path / behavior)

    parts.follow(
        app,
        "run-body",
        [
            Input("run-id", "data"),
            Input("run-tab", "value"),
            Input("run-behavior", "value"),
            Input("run-window", "value"),
        ],
        stamp,
        render,
    )

    @app.callback(Output("run-live", "children"), Input(parts.TICK, "n_intervals"), State("run-id", "data"))
    def live(_: int, run_id: str) -> Children:
        run = library.run(run_id)
        return parts.live_badge() if run is not None and is_live(run) else None

    @app.callback(Output("run-window-row", "style"), Input("run-tab", "value"))
    def show_window(tab: str) -> dict[str, str]:
        return {} if tab == "Opponents" else {"display": "none"}

    @app.callback(
        Output("run-behavior", "data"),
        Output("run-behavior", "value"),
        Output("run-behavior", "style"),
        Input(parts.TICK, "n_intervals"),
        State("run-id", "data"),
        State("run-behavior", "value"),
        State("run-behavior", "data"),
        prevent_initial_call=True,
    )
    def behaviors(_: int, run_id: str, chosen: str | None, offered: list[str]) -> Any:
        run = library.run(run_id)
        names = [] if run is None else [folder.name for folder in run.behaviors]
        if names == offered:
            return no_update, no_update, no_update
        value = chosen if chosen in names else (names[0] if names else None)
        return names, value, {} if len(names) > 1 else {"display": "none"}


def _report(library: Library, run: Run, behavior: str) -> BehaviorReport:
    found = next((one for one in library.reports(run) if one.behavior == behavior), None)
    if found is None:
        raise NoSuchRun(f"{behavior} has no snapshots: it is not trained by self-play.")
    return found
