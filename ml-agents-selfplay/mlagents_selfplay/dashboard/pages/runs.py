"""Which runs are there, and how far are they?"""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import Dash, Input, Output, dcc

from mlagents_selfplay.dashboard import parts
from mlagents_selfplay.dashboard.files import Stamp
from mlagents_selfplay.dashboard.library import Behavior, Library, Run, is_live
from mlagents_selfplay.dashboard.parts import UNKNOWN, Children

TITLE = "Runs"
RUNS_A_PAGE = 25
HEADS = ("Run", "Behavior", "Trainer", "Learner steps", "Elo", "Snapshots", "Changed")
WIDE_ONLY = {"Behavior", "Trainer", "Snapshots", "Changed"}


def layout(library: Library) -> Children:
    """The list of runs, with a filter."""
    return parts.page(
        TITLE,
        dmc.Group(
            [
                dmc.TextInput(id="runs-filter", placeholder="Filter by name", w=260, debounce=300),
                dmc.Text(id="runs-count", size="sm", c="dimmed"),
            ],
            justify="space-between",
        ),
        parts.followed("runs-table"),
        dmc.Pagination(id="runs-page", total=1, value=1, size="sm"),
        dcc.Store(id="runs-shown"),
        note=f"What mlagents-learn has left in {library.root}, the last changed first.",
    )


def register(app: Dash, library: Library) -> None:
    """Adds filter, pages and the live list."""

    def chosen(words: str | None) -> list[Run]:
        return [run for run in library.runs() if (words or "").lower() in run.id.lower()]

    def page_of(words: str | None, page: int | None) -> list[Run]:
        first = ((page or 1) - 1) * RUNS_A_PAGE
        return chosen(words)[first : first + RUNS_A_PAGE]

    def stamps(words: str | None, page: int | None) -> list[Stamp]:
        return [(*run.stamp, ("live", int(is_live(run)), 0)) for run in page_of(words, page)]

    def table(words: str | None, page: int | None) -> Children:
        shown = page_of(words, page)
        if not shown:
            return _nothing(library, words)
        rows = [row for run in shown for row in _rows(library, run)]
        return dmc.Paper(
            dmc.Table(
                [dmc.TableThead(dmc.TableTr([_head(name) for name in HEADS])), dmc.TableTbody(rows)],
                highlightOnHover=True,
                verticalSpacing="sm",
            ),
            withBorder=True,
            radius="md",
            className="card table",
        )

    parts.follow(
        app,
        "runs-table",
        [Input("runs-filter", "value"), Input("runs-page", "value")],
        stamps,
        table,
    )

    @app.callback(
        Output("runs-page", "total"),
        Output("runs-page", "style"),
        Output("runs-count", "children"),
        Input("runs-filter", "value"),
        Input(parts.TICK, "n_intervals"),
    )
    def count(words: str | None, _: int) -> tuple[int, dict[str, str], str]:
        runs = len(chosen(words))
        pages = max(1, -(-runs // RUNS_A_PAGE))
        return pages, {} if pages > 1 else {"display": "none"}, f"{runs:,} run{'' if runs == 1 else 's'}"

    @app.callback(Output("runs-page", "value"), Input("runs-filter", "value"), prevent_initial_call=True)
    def back_to_the_first(_: str | None) -> int:
        return 1


def _head(name: str) -> dmc.TableTh:
    return dmc.TableTh(name, visibleFrom="sm" if name in WIDE_ONLY else None)


def _rows(library: Library, run: Run) -> list[dmc.TableTr]:
    behaviors = [library.summary(run, folder) for folder in run.behaviors] or [Behavior("")]
    return [_row(run, behavior, first=place == 0) for place, behavior in enumerate(behaviors)]


def _row(run: Run, behavior: Behavior, *, first: bool) -> dmc.TableTr:
    if behavior.problem:
        said: Children = dmc.Text(behavior.problem, size="xs", c="red")
    else:
        said = dmc.Text(
            " · ".join(filter(None, (behavior.name, behavior.trainer))), size="xs", c="dimmed", hiddenFrom="sm"
        )
    name = [
        dmc.Group(
            [dmc.Anchor(run.id, href=parts.run_href(run.id), fw=600), *([parts.live_badge()] if is_live(run) else [])],
            gap="xs",
        )
        if first
        else None,
        said,
    ]
    snapshots = f"{behavior.snapshots} of {behavior.capacity}" if behavior.snapshots is not None else UNKNOWN
    return dmc.TableTr(
        [
            dmc.TableTd(name),
            dmc.TableTd(behavior.name, visibleFrom="sm"),
            dmc.TableTd(behavior.trainer or UNKNOWN, visibleFrom="sm"),
            dmc.TableTd(_progress(behavior)),
            dmc.TableTd(UNKNOWN if behavior.rating is None else f"{behavior.rating:,.0f}"),
            dmc.TableTd(snapshots, visibleFrom="sm"),
            dmc.TableTd(parts.when(run.changed), visibleFrom="sm"),
        ]
    )


def _progress(behavior: Behavior) -> Children:
    if behavior.step is None:
        return UNKNOWN
    share = None if not behavior.max_steps else min(100.0, 100.0 * behavior.step / behavior.max_steps)
    bar = [] if share is None else [dmc.Progress(value=share, size="xs", maw=140, mt=4)]
    return [dmc.Text(f"{behavior.step:,}", size="sm"), *bar]


def _nothing(library: Library, words: str | None) -> Children:
    if words:
        return parts.empty("No run has this name", f"Nothing in {library.root} matches {words!r}.")
    if not library.root.is_dir():
        return parts.empty("There is no results folder yet", f"{library.root} comes with the first training.")
    return parts.empty(
        "No runs yet",
        f"{library.root} holds no run. Start a training under Launch, or on a terminal:",
        parts.code(
            "mlagents-learn config/trainer_config.yaml --env gym_bridges/builds/RockPaperScissors --run-id first "
            "--num-areas 32 --no-graphics"
        ),
    )
