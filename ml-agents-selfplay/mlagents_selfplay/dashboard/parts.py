"""Which small parts do the pages consist of?"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import Dash, Input, Output, Patch, State, dcc, html, no_update, set_props
from dash.development.base_component import Component

from mlagents_selfplay.dashboard.theme import GRAPH_CONFIG
from mlagents_selfplay.files import DamagedFile
from mlagents_selfplay.results import NoSuchRun

TICK = "tick"  # the clock of the page; whatever follows a live run listens to it
Children = Any  # what Dash takes as children
UNKNOWN = "–"  # in place of a figure


def follow(
    app: Dash,
    body: str,
    inputs: Sequence[Input],
    stamp: Callable[..., object],
    render: Callable[..., Children],
) -> None:
    """Keeps a part of a page up to date: drawn again when a control or the files behind it change, else left alone.

    Where only the files have changed, pictures stay in place with their zoom, and whatever has an id gets its new
    content, so that nothing flickers. What changes beside a picture must therefore have an id.

    Args:
      app: gets the callback.
      body: id of the part, as made by `followed`.
      inputs: controls; their values are the arguments of the two functions.
      stamp: says in which state the files are.
      render: returns the part's content. What it cannot read is shown as a message in its place.
    """

    @app.callback(
        Output(body, "children"),
        Output(f"{body}-seen", "data"),
        Input(TICK, "n_intervals"),
        *inputs,
        State(f"{body}-seen", "data"),
    )
    def update(_: int, *values: Any) -> tuple[Children, Any]:
        *asked, seen = values
        now = {"asked": repr(asked), "stamp": repr(stamp(*asked)), "pieces": []}
        if seen and (seen["asked"], seen["stamp"]) == (now["asked"], now["stamp"]):
            return no_update, no_update
        try:
            content = render(*asked)
        except NoSuchRun as nothing_yet:
            return empty("Nothing to see yet", str(nothing_yet)), now
        except (DamagedFile, OSError) as error:
            return problem("This cannot be shown", str(error)), now
        pieces = list(_pieces(content))
        if any(isinstance(piece, dcc.Graph) for _, piece in pieces):
            now["pieces"] = [name for name, _ in pieces]
        if not now["pieces"] or not seen or (seen["asked"], seen["pieces"]) != (now["asked"], now["pieces"]):
            return content, now
        for name, piece in pieces:
            changed = "figure" if isinstance(piece, dcc.Graph) else "children"
            new = getattr(piece, changed)
            set_props(name, {changed: redrawn(new) if isinstance(new, go.Figure) else new})
        return no_update, now


def redrawn(picture: go.Figure) -> Patch:
    """Returns what changes a picture that is shown into another, but for the ranges of its axes.

    The ranges are then those that a reader has zoomed to, or else found by Plotly. (Its `uirevision` is no help: after
    a zoom Dash gives the picture explicit ranges, and Plotly takes these for new ones.)
    """
    patch, plain = Patch(), picture.to_plotly_json()
    patch["data"] = plain["data"]
    for key, value in plain["layout"].items():
        if re.fullmatch(r"[xy]axis\d*", key):
            for name in value.keys() - {"range", "autorange"}:
                patch["layout"][key][name] = value[name]
        else:
            patch["layout"][key] = value
    return patch


def _pieces(content: Children) -> Iterator[tuple[Any, Component]]:
    """Yields every component with an id (a text, or a mapping), but none that lies in such a one."""
    if isinstance(content, (list, tuple)):
        for part in content:
            yield from _pieces(part)
    elif isinstance(content, Component):
        name = getattr(content, "id", None)
        if name is not None:
            yield name, content
        else:
            yield from _pieces(getattr(content, "children", None))


def followed(body: str) -> html.Div:
    """The part of a page that `follow` fills."""
    return html.Div([dcc.Store(id=f"{body}-seen"), html.Div(id=body)])


def card(title: str, *content: Children, note: Children = None, aside: Children = None) -> dmc.Paper:
    """A titled box; `note` says in a sentence how to read it, `aside` stands at the right of the title."""
    head = dmc.Group([dmc.Title(title, order=4), aside], justify="space-between", mb=4 if note else "xs")
    note_id = "note-" + re.sub(r"[^a-z0-9]+", "-", title.lower())
    lines = [dmc.Text(note, id=note_id, size="sm", c="dimmed", mb="xs")] if note else []
    return dmc.Paper([head, *lines, *content], withBorder=True, radius="md", p="md", className="card")


def graph(graph_id: str, picture: go.Figure, min_width: int = 0) -> dcc.Graph:
    """A picture, as wide as its place, but not narrower than `min_width` pixels."""
    style = {"height": picture.layout.height, "minWidth": min_width}
    return dcc.Graph(id=graph_id, figure=picture, config=GRAPH_CONFIG, style=style)


def figures(entries: Sequence[tuple[str, str, str]]) -> dmc.SimpleGrid:
    """A row of figures: label, value, and what it means in small print."""
    return dmc.SimpleGrid(
        [
            dmc.Paper(
                [
                    dmc.Text(label, size="xs", c="dimmed", tt="uppercase", fw=600, className="label"),
                    dmc.Text(value, size="xl", fw=650, className="figure"),
                    dmc.Text(meaning, size="xs", c="dimmed"),
                ],
                withBorder=True,
                radius="md",
                p="sm",
                className="card",
            )
            for label, value, meaning in entries
        ],
        id="figures",
        cols={"base": 2, "sm": 3, "lg": len(entries)},
        spacing="sm",
    )


def empty(title: str, *lines: Children) -> dmc.Paper:
    """Says what is missing, and how to get it."""
    return dmc.Paper(
        dmc.Stack([dmc.Title(title, order=4), *(dmc.Text(line, size="sm", c="dimmed") for line in lines)], gap="xs"),
        radius="md",
        p="xl",
        className="empty",
    )


def problem(title: str, text: str) -> dmc.Alert:
    """Says what went wrong."""
    return dmc.Alert(text, title=title, color="red", variant="light", radius="md", className="problem")


def code(text: str) -> dmc.Code:
    """A command, on lines of its own."""
    return dmc.Code(text, block=True, className="command")


def page(title: str, *content: Children, note: Children = None) -> dmc.Stack:
    """A page with its heading."""
    head = [dmc.Title(title, order=2), *([dmc.Text(note, c="dimmed", size="sm", maw=720)] if note else [])]
    return dmc.Stack([dmc.Stack(head, gap=2), *content], gap="md")


def run_href(run_id: str) -> str:
    """The address of a run's page."""
    return f"/run/{quote(run_id, safe='')}"


def when(seconds: float) -> str:
    """A moment, in seconds since 1970, as local time: the hour if it was today."""
    moment = time.localtime(seconds)
    today = time.localtime()[:3] == moment[:3]
    return time.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M", moment)


def live_badge() -> dmc.Badge:
    """Says that a run is going on."""
    return dmc.Badge("live", color="teal", variant="light", size="sm", className="live")
