"""Whom did a run meet, beside what its sampler says?"""

from __future__ import annotations

import plotly.graph_objects as go

from mlagents_selfplay.dashboard.meetings import Meetings
from mlagents_selfplay.dashboard.theme import ACCENT, MAIN, faded, figure
from mlagents_selfplay.selfplay.matches import CURRENT


def snapshots_met(met: Meetings) -> go.Figure:
    """Shares of the matches by snapshot, with 95 % intervals, beside what the sampler says."""
    at = [place for place, player in enumerate(met.players) if player.isdigit()]
    steps = [int(met.players[place]) for place in at]
    bars = go.Scatter(
        x=steps,
        y=met.met[at],
        mode="markers",
        marker={"color": MAIN, "size": 6},
        error_y={
            "array": met.high[at] - met.met[at],
            "arrayminus": met.met[at] - met.low[at],
            "color": faded(MAIN, 0.5),
            "thickness": 1.5,
            "width": 0,
        },
        name="met, with 95 % interval",
        hovertemplate="snapshot of step %{x:,}<br>met in %{y:.2%} of the matches<extra></extra>",
    )
    line = go.Scatter(
        x=steps,
        y=met.said[at],
        mode="lines",
        line={"color": ACCENT, "width": 2, "shape": "hvh"},
        name="what the sampler says",
        hovertemplate="snapshot of step %{x:,}<br>%{y:.2%} expected<extra></extra>",
    )
    result = figure("snapshot taken at (learner steps)", "share of the matches", [line, bars], height=380)
    result.update_xaxes(tickformat="~s")
    result.update_yaxes(tickformat=".1~%", rangemode="tozero")
    return result


def others_met(met: Meetings) -> go.Figure:
    """The same for everybody who is no snapshot: the current policy, the initial one, pinned opponents."""
    at = [place for place, player in enumerate(met.players) if not player.isdigit()]
    labels = ["the current policy" if met.players[place] == CURRENT else met.players[place] for place in at]
    dots = go.Scatter(
        x=met.met[at],
        y=labels,
        mode="markers",
        marker={"color": MAIN, "size": 9},
        error_x={"array": met.high[at] - met.met[at], "arrayminus": met.met[at] - met.low[at], "color": MAIN},
        name="met, with 95 % interval",
        hovertemplate="met in %{x:.2%} of the matches<extra></extra>",
    )
    lines = go.Scatter(
        x=met.said[at],
        y=labels,
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 18, "color": ACCENT, "line": {"width": 2.5}},
        name="what the sampler says",
        hovertemplate="%{x:.2%} expected<extra></extra>",
    )
    result = figure("share of the matches", "", [lines, dots], height=130 + 44 * len(at))
    result.update_xaxes(tickformat=".0%", rangemode="tozero")
    return result
