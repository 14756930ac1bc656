"""What is one run: its settings, its rating, its history, and whom it met?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, no_update

from mlagents_selfplay.dashboard import figures, parts
from mlagents_selfplay.dashboard.library import Library, Run, is_live
from mlagents_selfplay.dashboard.meetings import BY_SCORE, draws_from, meetings
from mlagents_selfplay.dashboard.parts import Children
from mlagents_selfplay.report import BehaviorReport
from mlagents_selfplay.results import NoSuchRun
from mlagents_selfplay.selfplay.matches import CURRENT

TABS = ("Overview", "Rating", "History", "Opponents")
WINDOWS = {"the last tenth": 0.1, "the last half": 0.5, "the whole run": 1.0}
UNKNOWN = "–"


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
                    dmc.SegmentedControl(id="run-window", data=list(WINDOWS), value="the whole run", size="xs"),
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
            return _rating(library, run, _report(library, run, behavior))
        if tab == "History":
            return _history(library, run, _report(library, run, behavior))
        if tab == "Opponents":
            return _opponents(library, run, _report(library, run, behavior), window)
        return _overview(library, run, run.path / behavior)

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


def _overview(library: Library, run: Run, behavior: Path) -> Children:
    summary = library.summary(run, behavior)
    curves = library.events.read(behavior).curves
    reward = curves.get("Environment/Cumulative Reward")
    step = summary.step or max((int(curve.steps[-1]) for curve in curves.values()), default=None)
    entries = [
        ("Learner steps", UNKNOWN if step is None else f"{step:,}", _of(summary.max_steps)),
        ("Elo", UNKNOWN if summary.rating is None else f"{summary.rating:,.0f}", "online, at the last checkpoint"),
        ("Snapshots", UNKNOWN if summary.snapshots is None else str(summary.snapshots), _at_most(summary.capacity)),
        (
            "Mean reward",
            UNKNOWN if reward is None else f"{reward.values[-1]:.3g}",
            "an episode, last summary; near 0 in zero-sum games",
        ),
    ]
    problems = [parts.problem("A file cannot be read", summary.problem)] if summary.problem else []
    return dmc.Stack(
        [
            *problems,
            parts.figures(entries),
            parts.card("About this run", _pairs(_metadata(library, run))),
            parts.card("Settings", _settings(library, run, behavior)),
        ],
        gap="md",
    )


def _of(max_steps: int | None) -> str:
    return "at the last checkpoint" if max_steps is None else f"of {max_steps:,}"


def _at_most(capacity: int | None) -> str:
    return "in the history" if capacity is None else f"of at most {capacity}"


def _metadata(library: Library, run: Run) -> Iterator[tuple[str, str]]:
    timers = library.mapping(run.path / "run_logs" / "timers.json").get("metadata") or {}
    yield "Folder", str(run.path)
    yield "Last change", parts.when(run.changed)
    for key, label in (
        ("command_line_arguments", "Command"),
        ("mlagents_version", "ML-Agents"),
        ("pytorch_version", "PyTorch"),
        ("numpy_version", "NumPy"),
        ("python_version", "Python"),
    ):
        if timers.get(key):
            yield label, str(timers[key])
    begun, ended = timers.get("start_time_seconds"), timers.get("end_time_seconds")
    if begun and ended:
        yield "Begun", parts.when(float(begun))
        yield "Took", f"{float(ended) - float(begun):,.0f} s"


def _settings(library: Library, run: Run, behavior: Path) -> Children:
    settings = library.settings(run, behavior.name)
    if settings:
        everything = library.mapping(run.path / "configuration.yaml")
        others = {key: value for key, value in everything.items() if key.endswith("_settings") and value}
        return dmc.Box(
            [
                dmc.Box([dmc.Text(title, fw=600, size="sm", mb=4), _pairs(iter(pairs))], className="block")
                for title, pairs in [*_sections(behavior.name, settings), *_sections("", others)]
                if pairs
            ],
            className="blocks",
        )
    reported = library.events.read(behavior).hyperparameters
    if not reported:
        return dmc.Text("ML-Agents writes configuration.yaml when the run ends.", size="sm", c="dimmed")
    return dmc.Box(
        [
            dmc.Text(
                "The learner's, as reported at the beginning; all come when the run ends.",
                size="sm",
                c="dimmed",
                mb="xs",
            ),
            parts.code(reported.replace("\t", " ")),
        ]
    )


def _sections(title: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yields each block of settings by itself, with the keys that it gives a value, then the blocks in it."""
    blocks = {key: value for key, value in settings.items() if isinstance(value, Mapping)}
    yield title, [(key, _shown(value)) for key, value in settings.items() if key not in blocks and value is not None]
    for key, block in blocks.items():
        yield from _sections(key.replace("_", " "), block)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pairs(entries: Iterator[tuple[str, str]]) -> dmc.Table:
    rows = [dmc.TableTr([dmc.TableTd(key, className="key"), dmc.TableTd(value)]) for key, value in entries]
    return dmc.Table(dmc.TableTbody(rows), className="pairs", verticalSpacing=4)


def _rating(library: Library, run: Run, report: BehaviorReport) -> Children:
    elo = library.events.read(run.path / report.behavior).curves.get("Self-play/ELO")
    rated = [s for s in [*report.snapshots, report.learner] if s.bradley_terry is not None]
    last = rated[-1] if rated else None
    fitted = last.bradley_terry if last else None
    entries = [
        (
            "Elo now",
            UNKNOWN if report.learner.elo is None else f"{report.learner.elo:,.0f}",
            "online, at the last checkpoint",
        ),
        (
            "Bradley-Terry",
            f"{fitted.rating:,.0f}" if fitted else UNKNOWN,
            f"95 %: {fitted.low:,.0f} to {fitted.high:,.0f}; {_who(last.name)}"
            if fitted and last
            else "no rated match yet",
        ),
        ("Rated matches", f"{report.matches.rated:,}", f"{report.matches.mirror:,} seats in mirror matches are not"),
        ("Anchor", _who(report.anchor.rpartition("/")[2]), "the player whose rating is fixed"),
    ]
    note = (
        "Only differences mean something: 400 points are odds of 10 to 1. The fit takes all matches together; a "
        "snapshot's rating says how well the learner did on the way to it, and how well it did as an opponent."
    )
    content = [parts.figures(entries)]
    if not rated and elo is None:
        return dmc.Stack([*content, parts.empty("No rating yet", "The first rated matches bring it.")])
    content.append(parts.card("Rating", parts.graph("rating-figure", figures.rating_over_time(report, elo)), note=note))
    if report.recent is not None and report.recent.win_rates:
        games, since = report.recent.games, report.recent.since_step
        note = f"Of the {games:,} rated matches since step {since:,}, with 95 % intervals."
        content.append(
            parts.card(
                "Win rates lately", parts.graph("rates-figure", figures.win_rates(report.recent.win_rates)), note=note
            )
        )
    return dmc.Stack(content, gap="md")


def _who(player: str) -> str:
    if player.isdigit():
        return f"snapshot {int(player):,}"
    return "the learner now" if player == CURRENT else player


def _history(library: Library, run: Run, report: BehaviorReport) -> Children:
    history = library.lives(run, report)
    curve = library.events.read(run.path / report.behavior).curves.get("Self-play/History Discrepancy")
    longest = max([*(snapshot.gap for snapshot in report.snapshots), report.step - max(history.taken, default=0)])
    entries = [
        ("Snapshots", str(len(report.snapshots)), f"of at most {report.capacity}, {report.bytes / 1e6:.1f} MB"),
        ("Taken so far", f"{'' if history.exact else 'at least '}{len(history.taken):,}", "since the run began"),
        ("Discrepancy", f"{report.discrepancy:.2f}", "longest gap × (capacity + 1) / elapsed"),
        ("Longest gap", f"{longest:,}", f"learner steps, of {report.step:,}"),
    ]
    note = "One line for each snapshot, from the moment it is taken to its eviction: read any vertical cut. " + (
        "Evictions are replayed by the history's own rule, and the replay ends with the snapshots that are kept."
        if history.exact
        else "Some snapshots came and went unmet, so evicted ones are drawn only until they were last met."
    )
    lives = figures.snapshot_lives(history, report.step, report.delta)
    content = [
        parts.figures(entries),
        parts.card("Lives of snapshots", parts.graph("lives-figure", lives), note=note),
        parts.card(
            "Gaps now",
            parts.graph("gaps-figure", figures.gaps(report)),
            note="As wide and as high as the gap before each snapshot; the open one up to now in orange.",
        ),
    ]
    if curve is not None:
        note = "1 is a full history, evenly spaced; while the history fills, it is larger."
        content.append(
            parts.card("Discrepancy", parts.graph("discrepancy-figure", figures.discrepancy(curve)), note=note)
        )
    return dmc.Stack(content, gap="md")


def _opponents(library: Library, run: Run, report: BehaviorReport, window: str) -> Children:
    log = library.log(run, report)
    if not log.seats:
        return parts.empty("No match is over yet", "The match log says who was met; its first rows bring this page.")
    opposite = next((one for one in library.reports(run) if one.behavior == report.opponents), None)
    if opposite is None:
        return parts.empty("Several behaviors play here", "The match log does not say whose players were met.")
    recent = log.last(math.ceil(WINDOWS[window] * log.games.sum()))
    draws = draws_from(library.mapping(run.path / opposite.behavior / "selfplay" / "history.json"))
    state = library.mapping(run.path / report.behavior / "selfplay" / "state.json")
    book = (state.get("state") or {}).get("book") or {}
    met = meetings(recent, library.lives(run, opposite), draws, book, report.step)
    within = (met.said >= met.low) & (met.said <= met.high)
    if draws is None:
        note: Children = (
            "history.json does not say how this run draws its opponents, so there is nothing to compare with."
        )
        kind, agreement = UNKNOWN, UNKNOWN
    else:
        note = (
            f"Sampler {draws.sampler.kind}, delta {draws.sampler.delta:g}, "
            f"latest_ratio {draws.sampler.latest_ratio:g}. Matches per draw: {draws.matches_per_draw}, which "
            "the intervals allow for. "
        )
        note += (
            "It goes by results, so the line is what it says now, not over the matches shown."
            if draws.sampler.kind in BY_SCORE
            else "The line is its probability, averaged over the moments at which these matches began."
        )
        kind, agreement = draws.sampler.kind, f"{within.mean():.0%}"
    entries = [
        ("Matches", f"{met.matches:,.0f}", f"{window}, since step {int(recent.steps.min()):,}"),
        ("Opponents met", f"{int((met.met > 0).sum()):,}", "different ones"),
        ("Sampler", kind, "among those that delta allows"),
        ("Agreement", agreement, "opponents whose interval holds what the sampler says; 95 % is right"),
    ]
    content = [parts.figures(entries)]
    if any(player.isdigit() for player in met.players):
        content.append(parts.card("Snapshots met", parts.graph("met-figure", figures.opponents(met)), note=note))
    content.append(
        parts.card(
            "Everybody else",
            parts.graph("others-figure", figures.others_met(met)),
            note="The current policy is met in mirror matches.",
        )
    )
    return dmc.Stack(content, gap="md")
