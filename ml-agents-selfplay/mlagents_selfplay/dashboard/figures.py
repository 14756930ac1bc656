"""How is what a run left drawn? From figures to pictures, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from mlagents_selfplay.dashboard.curves import Curve, smoothed
from mlagents_selfplay.dashboard.lives import Lives
from mlagents_selfplay.dashboard.meetings import Meetings
from mlagents_selfplay.dashboard.theme import (
    ACCENT,
    GOOD,
    INK,
    MAIN,
    OUTCOMES,
    QUIET,
    STEPS,
    colour,
    faded,
    figure,
    line,
)
from mlagents_selfplay.report import BehaviorReport, WinRate
from mlagents_selfplay.selfplay.matches import CURRENT

MOST_CELLS_WITH_VALUES = 24  # players up to which a payoff matrix has its numbers written in
LN_4 = 1.386  # no rule for a bounded history stays below it for large capacities, see docs/history.md


def learning_curves(curves: Mapping[str, Curve], label: str, smoothing: float) -> go.Figure:
    """One line for each run; where smoothed, the raw values faintly behind.

    Args:
      curves: by run.
      label: what is shown, with its unit.
      smoothing: in [0, 1), as in `smoothed`.
    """
    traces = []
    for place, (name, curve) in enumerate(curves.items()):
        if smoothing:
            traces.append(
                go.Scatter(
                    x=curve.steps,
                    y=curve.values,
                    line={"color": faded(colour(place), 0.25), "width": 1},
                    hoverinfo="skip",
                    showlegend=False,
                    legendgroup=name,
                )
            )
        traces.append(
            go.Scatter(
                x=curve.steps,
                y=smoothed(curve.values, smoothing),
                name=name,
                legendgroup=name,
                line=line(place, width=2),
                mode="lines+markers" if len(curve.steps) < 3 else "lines",
                hovertemplate="%{y:.4~g} at step %{x:,}<extra>" + name + "</extra>",
            )
        )
    return figure(STEPS, label, traces, height=380, showlegend=True)


def boxes(samples: Mapping[str, npt.NDArray[np.float64]], label: str) -> go.Figure:
    """A box for each run: median and quartiles, whiskers to the furthest value within 1.5 times their distance.

    Args:
      samples: by run, one value an episode.
      label: what is shown, with its unit.
    """
    traces = []
    for place, (name, values) in enumerate(samples.items()):
        quarters = np.quantile(values, (0.25, 0.5, 0.75))
        reach = 1.5 * (quarters[2] - quarters[0])
        within = values[(values >= quarters[0] - reach) & (values <= quarters[2] + reach)]
        traces.append(
            go.Box(
                x=[name],
                name=name,
                q1=[quarters[0]],
                median=[quarters[1]],
                q3=[quarters[2]],
                lowerfence=[within.min()],
                upperfence=[within.max()],
                mean=[values.mean()],
                boxmean=True,
                line={"color": colour(place)},
                fillcolor=faded(colour(place), 0.2),
                showlegend=False,
                width=0.4,
            )
        )
    result = figure("", label, traces, height=340)
    result.update_xaxes(range=[-0.5, max(len(samples), 3) - 0.5])  # a single box is no wider than one of three
    return result


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


def opponents(met: Meetings) -> go.Figure:
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


def lineage(agents: Mapping[str, Sequence[float]], x: str, label: str, *, logarithmic: bool = False) -> go.Figure:
    """One stepped line for each member of a population: the values it had, one `x` after another."""
    traces = [
        go.Scatter(y=list(values), name=name, mode="lines+markers", line=line(place, shape="hv"))
        for place, (name, values) in enumerate(agents.items())
    ]
    result = figure(x, label, traces, height=320, showlegend=True)
    if logarithmic:
        result.update_yaxes(type="log", exponentformat="power")
    return result
