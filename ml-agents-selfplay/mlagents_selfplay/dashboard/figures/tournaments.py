"""Who won, in a tournament or over an experiment?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mlagents_selfplay.dashboard.theme import ACCENT, MAIN, OUTCOMES, QUIET, STEPS, figure, line

MOST_CELLS_WITH_VALUES = 24  # players up to which a payoff matrix has its numbers written in


def payoff_matrix(names: Sequence[str], content: Mapping[str, Any]) -> go.Figure:
    """Heat map of mean outcomes, row against column, each cell with its value; hovering adds interval and games.

    Args:
      names: `[N]`.
      content: `payoff`, `low`, `high` and `games`, each `[N][N]` with None where nothing was played.
    """
    payoff = np.array(content["payoff"], dtype=np.float64)
    details = np.stack([np.array(content[key], dtype=np.float64) for key in ("low", "high", "games")], axis=-1)
    few = len(names) <= MOST_CELLS_WITH_VALUES
    heat = go.Heatmap(
        x=list(names),
        y=list(names),
        z=payoff,
        zmin=0.0,
        zmax=1.0,
        colorscale=OUTCOMES,
        customdata=details,
        xgap=1,
        ygap=1,
        texttemplate="%{z:.2f}" if few else None,
        textfont={"size": 12 if len(names) <= 12 else 9},
        hoverongaps=False,
        hovertemplate="%{y} against %{x}: %{z:.3f}<br>95 % %{customdata[0]:.3f} to %{customdata[1]:.3f}, "
        "%{customdata[2]:,.0f} games<extra></extra>",
        colorbar={"title": {"text": "mean outcome", "side": "right"}, "thickness": 10, "len": 0.9, "outlinewidth": 0},
    )
    height = max(360, 150 + 34 * len(names)) if few else 640
    result = figure("column player", "row player", [heat], height=height)
    result.update_xaxes(type="category", tickangle=-45, showgrid=False, ticks="", showline=False)
    result.update_yaxes(type="category", autorange="reversed", showgrid=False)
    return result


def tournament_ratings(ratings: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Bradley-Terry and Elo ratings with 95 % intervals, the strongest first."""
    known = sorted((r for r in ratings if r["bradley_terry"] is not None), key=lambda r: r["bradley_terry"])
    traces = []
    for key, label, mark, shift in (("elo", "Elo", ACCENT, 0.16), ("bradley_terry", "Bradley-Terry", MAIN, -0.16)):
        rows = [(place, r) for place, r in enumerate(known) if r[key] is not None]
        middle = np.array([r[key] for _, r in rows], dtype=np.float64)
        low = np.array([r[f"{key}_low"] for _, r in rows], dtype=np.float64)
        high = np.array([r[f"{key}_high"] for _, r in rows], dtype=np.float64)
        traces.append(
            go.Scatter(
                x=middle,
                y=[place + shift for place, _ in rows],
                mode="markers",
                marker={"size": 8, "color": mark},
                error_x={"array": high - middle, "arrayminus": middle - low, "color": mark, "thickness": 1.5},
                name=f"{label}, 95 %",
                customdata=[r["player"] for _, r in rows],
                hovertemplate="%{customdata}: %{x:.0f}<extra></extra>",
            )
        )
    result = figure("rating (Elo points)", "", traces, height=130 + 36 * len(known))
    result.update_yaxes(tickvals=list(range(len(known))), ticktext=[r["player"] for r in known])
    return result


def experiment_win_rates(rates: Mapping[str, Sequence[Mapping[str, Any]]]) -> go.Figure:
    """Mean outcome of each player against all, by iteration, with one standard deviation over runs."""
    traces = []
    for place, (name, points) in enumerate(rates.items()):
        traces.append(
            go.Scatter(
                x=[point["iteration"] for point in points],
                y=[point["mean"] for point in points],
                error_y={"array": [point["deviation"] for point in points], "thickness": 1.2},
                name=name,
                line=line(place, width=2),
                mode="lines+markers",
            )
        )
    result = figure(STEPS, "mean outcome, one deviation", traces, height=340 + 12 * len(traces))
    result.update_yaxes(range=[0, 1])
    result.add_hline(y=0.5, line={"color": QUIET, "dash": "dot", "width": 1})
    return result
