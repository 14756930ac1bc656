"""Which snapshots does a run keep? Their lives, the gaps between them, and how even those are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from mlagents_selfplay.dashboard.curves import Curve
from mlagents_selfplay.dashboard.lives import Lives
from mlagents_selfplay.dashboard.theme import ACCENT, GOOD, INK, MAIN, QUIET, STEPS, faded, figure
from mlagents_selfplay.report import BehaviorReport

LN_4 = 1.386  # no rule for a bounded history stays below it for large capacities, see docs/history.md


def snapshot_lives(history: Lives, now: int, delta: float) -> go.Figure:
    """One line for each snapshot, from the moment it is taken to its eviction."""
    ends = np.where(history.left < 0, now, history.left)
    nothing = np.full(len(ends), np.nan)
    kept = history.left < 0
    traces = [
        go.Scatter(
            x=np.stack([history.taken, ends, nothing], axis=1).ravel(),
            y=np.stack([history.taken, history.taken, nothing], axis=1).ravel(),
            mode="lines",
            line={"color": MAIN, "width": 1.4},
            name="in the history",
            hoverinfo="skip",
        ),
        go.Scatter(
            x=[0, now],
            y=[0, delta * now],
            mode="lines",
            line={"color": ACCENT, "width": 1.5, "dash": "dash"},
            name=f"delta {delta:g}: opponents from above",
            hoverinfo="skip",
        ),
        go.Scatter(
            x=ends[kept],
            y=history.taken[kept],
            mode="markers",
            marker={"color": GOOD, "size": 6},
            name="kept now",
            hovertemplate="snapshot of step %{y:,}<extra></extra>",
            cliponaxis=False,
        ),
    ]
    result = figure("now (learner steps)", "taken at (learner steps)", traces, height=440)
    result.update_xaxes(tickformat="~s", rangemode="tozero")
    result.update_yaxes(tickformat="~s", rangemode="tozero")
    return result


def gaps(report: BehaviorReport) -> go.Figure:
    """The gap before each snapshot, and the open one up to now, beside a perfectly even history's."""
    steps = [snapshot.step for snapshot in report.snapshots]
    sizes = [snapshot.gap for snapshot in report.snapshots]
    starts = [step - gap for step, gap in zip(steps, sizes, strict=True)]
    newest = max(steps, default=0)
    bars = go.Bar(
        x=[*starts, newest],
        y=[*sizes, report.step - newest],
        width=[*sizes, report.step - newest],
        offset=0,
        marker={
            "color": [faded(MAIN, 0.75)] * len(sizes) + [faded(ACCENT, 0.75)],
            "line": {"color": "white", "width": 1},
        },
        hovertemplate="gap of %{y:,} learner steps<br>from step %{x:,} on<extra></extra>",
        name="gaps between neighbours",
    )
    even = _level([0, report.step], report.step / (report.capacity + 1), "a full history, perfectly even", INK)
    result = figure(STEPS, "gap (learner steps)", [bars, even], height=320)
    result.update_yaxes(tickformat="~s", rangemode="tozero")
    return result


def discrepancy(curve: Curve) -> go.Figure:
    """Unevenness along the run, with the best that any rule can do for large capacities."""
    line = go.Scatter(
        x=curve.steps,
        y=curve.values,
        line={"color": MAIN, "width": 2},
        hovertemplate="%{y:.2f} at step %{x:,}<extra></extra>",
        name="this run",
    )
    ends = [0, int(curve.steps[-1])]
    best = _level(ends, LN_4, "ln 4: no rule stays below, for large capacities", ACCENT)
    even = _level(ends, 1.0, "1: full and perfectly even", QUIET)
    result = figure(STEPS, "discrepancy (1 is even)", [line, best, even], height=320)
    result.update_yaxes(type="log", dtick="D2")
    return result


def _level(ends: Sequence[int], value: float, label: str, line_colour: str) -> go.Scatter:
    return go.Scatter(
        x=list(ends),
        y=[value, value],
        mode="lines",
        line={"color": line_colour, "dash": "dash", "width": 1.5},
        name=label,
        hoverinfo="skip",
    )
