"""Who beats whom, and by how much?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, no_update

from mlagents_selfplay.dashboard import parts
from mlagents_selfplay.dashboard.figures.tournaments import experiment_win_rates, payoff_matrix, tournament_ratings
from mlagents_selfplay.dashboard.files import stamp as stamp_of
from mlagents_selfplay.dashboard.library import Library
from mlagents_selfplay.dashboard.parts import UNKNOWN, Children
from mlagents_selfplay.files import DamagedFile

TITLE = "Payoff matrix"
FORMAT_VERSION = 1
MOST_ROWS = 200  # of the table of ratings


def layout(library: Library) -> Children:
    """A tournament or an experiment, chosen from a list."""
    names = _names(library)
    return parts.page(
        TITLE,
        dmc.Select(
            id="tournament",
            label="Tournament or experiment",
            data=names,
            value=names[0] if names else None,
            searchable=True,
            allowDeselect=False,
            placeholder="None yet",
            maw=480,
        ),
        parts.followed("tournament-body"),
        note="Mean outcome of the row player against the column player: 1 is a win in every game, 0.5 is even.",
    )


def register(app: Dash, library: Library) -> None:
    """Adds the choice and the content."""

    def stamp(name: str | None) -> object:
        return stamp_of([library.root / name]) if name in _names(library) else None

    def render(name: str | None) -> Children:
        if name is None or name not in _names(library):
            return parts.empty(
                "No tournament yet",
                f"{library.root} holds no evaluations. Start a test under Launch: it lets the snapshots of one or "
                "several runs play each other.",
            )
        path = library.root / name
        content = library.mapping(path)
        if content.get("format") != FORMAT_VERSION:
            raise DamagedFile(f"{path} has format version {content.get('format')!r}; {FORMAT_VERSION} is what is read.")
        try:
            return _experiment(content) if path.name == "experiment.json" else _tournament(content)
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedFile(f"{path} is damaged or half written ({error!r}).") from error

    parts.follow(app, "tournament-body", [Input("tournament", "value")], stamp, render)

    @app.callback(
        Output("tournament", "data"),
        Output("tournament", "value"),
        Input(parts.TICK, "n_intervals"),
        State("tournament", "value"),
        State("tournament", "data"),
    )
    def choices(_: int, chosen: str | None, offered: list[str]) -> Any:
        names = _names(library)
        if names == offered:
            return no_update, no_update
        return names, chosen if chosen in names else (names[0] if names else None)


def _updated(content: Mapping[str, Any]) -> str:
    moment = datetime.fromisoformat(content["updated"].replace("Z", "+00:00"))  # Python 3.10 does not know the Z
    return f"updated {parts.when(moment.timestamp())}"


def _names(library: Library) -> list[str]:
    return [path.relative_to(library.root).as_posix() for path in (*library.tournaments(), *library.experiments())]


def _tournament(content: Mapping[str, Any]) -> Children:
    names = [player["name"] for player in content["players"]]
    environment = content["environment"]
    structure = content.get("structure") or {}
    transitive = structure.get("transitive")
    entries = [
        ("Status", str(content["status"]), content.get("message") or _updated(content)),
        (
            "Games",
            f"{content['games_done']:,}",
            f"of {content['games_planned']:,}, in {content['seconds'] or 0:,.0f} s",
        ),
        ("Players", str(len(names)), f"in {Path(environment['path']).name}"),
        (
            "Transitive",
            UNKNOWN if transitive is None else f"{transitive:.0%}",
            "of the differences; the rest is cyclic",
        ),
    ]
    # On a narrow screen the matrix is pushed sideways rather than squeezed until its values overlap.
    width = min(200 + 36 * len(names), 900)  # pixels
    matrix = parts.graph("payoff-figure", payoff_matrix(names, content), min_width=width)
    cards = [
        parts.figures(entries),
        parts.card("Payoff matrix", dmc.Box(matrix, className="scrolls")),
    ]
    ratings = content.get("ratings") or []
    if any(rating["bradley_terry"] is not None for rating in ratings):
        note = f"With 95 % intervals; {content['anchor']} is fixed."
        cards.append(parts.card("Ratings", parts.graph("tournament-ratings", tournament_ratings(ratings)), note=note))
    if ratings:
        cards.append(parts.card("Figures", dmc.Box(_table(ratings), id="tournament-table")))
    return dmc.Stack(cards, gap="md")


def _table(ratings: list[Mapping[str, Any]]) -> dmc.TableScrollContainer:
    columns = (
        ("player", "Player", "{}"),
        ("games", "Games", "{:,}"),
        ("score", "Mean outcome", "{:.3f}"),
        ("nash", "Nash", "{:.3f}"),
        ("nash_skill", "Nash skill", "{:+.3f}"),
        ("alpha_rank", "α-rank", "{:.3f}"),
        ("beaten_by", "Beaten by", "{}"),
        ("exploitability", "Exploitability", "{:.3f}"),
    )
    ordered = sorted(ratings, key=lambda rating: -(rating["score"] or 0.0))[:MOST_ROWS]
    rows = [
        dmc.TableTr(
            [
                dmc.TableTd(UNKNOWN if rating.get(key) is None else shape.format(rating[key]))
                for key, _, shape in columns
            ]
        )
        for rating in ordered
    ]
    head = dmc.TableThead(dmc.TableTr([dmc.TableTh(label) for _, label, _ in columns]))
    return dmc.TableScrollContainer(dmc.Table([head, dmc.TableTbody(rows)]), minWidth=720)


def _experiment(content: Mapping[str, Any]) -> Children:
    trainings, benchmarks = content["trainings"], content["benchmarks"]
    entries = [
        ("Status", str(content["status"]), content.get("message") or _updated(content)),
        ("Trainings", _finished(trainings), f"of {len(trainings)} finished"),
        ("Benchmarks", _finished(benchmarks), f"of {len(benchmarks)} finished"),
        ("Jobs", str(len(content["jobs"])), "schemes × algorithms"),
    ]
    rates = {name: points for name, points in content["win_rates"].items() if points}
    if not rates:
        body = parts.empty("No benchmark is finished yet", "The first checkpoint that was played brings a point.")
    else:
        note = "Against all players of the benchmark; bars are one standard deviation over the runs."
        body = parts.card(
            "Mean outcome by iteration",
            parts.graph("experiment-figure", experiment_win_rates(rates)),
            note=note,
        )
    return dmc.Stack([parts.figures(entries), body], gap="md")


def _finished(entries: list[Mapping[str, Any]]) -> str:
    return str(sum(entry["status"] == "finished" for entry in entries))
