"""How good is a run's learner? Its rating over time, and whom it beats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mlagents_selfplay.dashboard.curves import Curve
from mlagents_selfplay.dashboard.theme import ACCENT, MAIN, QUIET, STEPS, faded, figure
from mlagents_selfplay.report import BehaviorReport, WinRate


def rating_over_time(report: BehaviorReport, elo: Curve | None) -> go.Figure:
    """The learner's rating along the run: online Elo as a line, the Bradley-Terry fit with its interval as a band."""
    fitted = [(s.step, s.bradley_terry) for s in report.snapshots if s.bradley_terry is not None]
    traces: list[Any] = []
    if elo is not None:
        traces.append(
            go.Scatter(
                x=elo.steps,
                y=elo.values,
                name="online Elo",
                line={"color": ACCENT, "width": 1.5, "dash": "dot"},
                hovertemplate="Elo %{y:.0f} at step %{x:,}<extra></extra>",
            )
        )
    if fitted:
        steps = [step for step, _ in fitted]
        low, high = [e.low for _, e in fitted], [e.high for _, e in fitted]
        band = go.Scatter(
            x=[*steps, *reversed(steps)],
            y=[*high, *reversed(low)],
            fill="toself",
            fillcolor=faded(MAIN, 0.15),
            line={"width": 0},
            hoverinfo="skip",
            name="its 95 % interval",
        )
        line = go.Scatter(
            x=steps,
            y=[e.rating for _, e in fitted],
            customdata=np.array([low, high, [e.games for _, e in fitted]]).T,
            name="Bradley-Terry fit",
            mode="lines+markers",
            line={"color": MAIN, "width": 2},
            marker={"size": 5},
            hovertemplate="%{y:.0f}, 95 % %{customdata[0]:.0f} to %{customdata[1]:.0f}<br>"
            "snapshot of step %{x:,}, %{customdata[2]:,.0f} games<extra></extra>",
        )
        traces = [band, *traces, line]
    return figure(STEPS, "rating (Elo points)", traces, height=380)


def win_rates(rates: Sequence[WinRate]) -> go.Figure:
    """Mean outcome against each opponent, a draw counting half, with Wilson's 95 % intervals."""
    labels = [
        f"{rate.opponent}<br>(step {int(rate.player):,})" if rate.player.isdigit() else rate.opponent for rate in rates
    ]
    dots = go.Scatter(
        x=[rate.rate for rate in rates],
        y=labels,
        mode="markers",
        marker={"color": MAIN, "size": 9},
        error_x={
            "array": [rate.high - rate.rate for rate in rates],
            "arrayminus": [rate.rate - rate.low for rate in rates],
            "color": MAIN,
            "thickness": 1.5,
        },
        customdata=[[rate.low, rate.high, rate.games] for rate in rates],
        hovertemplate="%{x:.1%}, 95 % %{customdata[0]:.1%} to %{customdata[1]:.1%}, "
        "%{customdata[2]:,} games<extra></extra>",
    )
    result = figure("win rate (draws count half)", "", [dots], height=120 + 48 * len(rates))
    result.update_xaxes(range=[-0.02, 1.02], tickformat=".0%")
    result.update_yaxes(autorange="reversed")
    result.add_vline(x=0.5, line={"color": QUIET, "dash": "dot", "width": 1})
    return result
