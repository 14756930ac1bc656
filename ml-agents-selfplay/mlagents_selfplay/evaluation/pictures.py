"""What do the figures look like? Each picture as .svg and .png; arrays in, files out."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from mlagents_selfplay.evaluation.standings import ANCHOR_RATING
from mlagents_selfplay.files import write_atomically

MOST_LABELLED = 24  # players for which values still fit into the cells of a heat map
DOTS_PER_INCH = 130
LEGEND_INSIDE = 5  # curves at most; the legend of more would hide them, and stands beside the picture

matplotlib.rcParams["svg.hashsalt"] = "mlagents-selfplay"  # the same picture gives the same file


class Curve(NamedTuple):
    """Values over learner steps or episodes; `low` and `high` bound an interval or a deviation."""

    label: str
    steps: Sequence[float]
    values: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def save(figure: Figure, path: Path) -> None:
    """Writes a figure as `path`.svg and `path`.png; the same figure gives the same bytes."""
    for ending, metadata in ((".svg", {"Date": None}), (".png", {"Software": None})):
        content = io.BytesIO()
        figure.savefig(content, format=ending[1:], metadata=metadata, dpi=DOTS_PER_INCH)
        target = path.with_name(path.name + ending)
        write_atomically(target, lambda file, content=content: file.write(content.getvalue()))  # type: ignore[misc]


def heat_map(names: Sequence[str], payoff: np.ndarray[Any, Any], title: str) -> Figure:
    """Draws mean outcomes, row against column: blue above 1/2, red below, grey where nothing was played.

    Args:
      names: `N` players.
      payoff: `[N, N]` in [0, 1], NaN for nothing.
      title: above the picture.
    """
    size = max(3.6, 1.6 + 0.42 * len(names))
    figure = Figure(figsize=(size + 1.0, size), layout="constrained")
    axes = figure.add_subplot()
    colours = matplotlib.colormaps["RdBu"].with_extremes(bad="0.85")
    image = axes.imshow(np.ma.masked_invalid(payoff), cmap=colours, vmin=0.0, vmax=1.0)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    if len(names) <= MOST_LABELLED:
        for (row, column), value in np.ndenumerate(payoff):
            if not np.isnan(value):
                colour = "white" if abs(value - 0.5) > 0.3 else "black"
                axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
    figure.suptitle(title, fontsize=10)
    axes.set_ylabel("mean outcome of ...", fontsize=8)
    axes.set_xlabel("... against", fontsize=8)
    figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03)
    return figure


def ratings(standings: Sequence[Mapping[str, Any]], anchor: str) -> Figure:
    """Draws Bradley-Terry and Elo ratings with their 95 % intervals, the strongest on top.

    Args:
      standings: as in `tournament.json`.
      anchor: who has the same rating on both scales.
    """
    ordered = sorted(standings, key=lambda standing: standing["bradley_terry"])
    figure = Figure(figsize=(6.4, 1.2 + 0.3 * len(ordered)), layout="constrained")
    axes = figure.add_subplot()
    for key, label, colour, shift in (
        ("bradley_terry", "Bradley-Terry", "tab:blue", 0.12),
        ("elo", "Elo, games in random order", "tab:orange", -0.12),
    ):
        known = [(place, standing) for place, standing in enumerate(ordered) if standing[key] is not None]
        values = np.array([standing[key] for _, standing in known])
        ends = np.array([[standing[f"{key}_low"], standing[f"{key}_high"]] for _, standing in known]).reshape(-1, 2)
        errors = np.maximum(np.abs(ends.T - values), 0.0)
        places = [place + shift for place, _ in known]
        axes.errorbar(values, places, xerr=errors, fmt="o", markersize=4, capsize=2, color=colour, label=label)
    axes.set_yticks(range(len(ordered)), [standing["player"] for standing in ordered], fontsize=8)
    axes.set_xlabel(f"rating in points, {anchor} being {ANCHOR_RATING:.0f}", fontsize=8)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="best", fontsize=8)
    return figure


def curves(lines: Sequence[Curve], xlabel: str, ylabel: str, *, shares: bool, title: str = "") -> Figure:
    """Draws curves with shaded bounds.

    Args:
      lines: any number.
      xlabel: what `steps` count.
      ylabel: what the values are.
      shares: whether the values are mean outcomes: 0 to 1 is shown, with a dashed line at 1/2.
      title: above the picture.
    """
    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for line in lines:
        (drawn,) = axes.plot(
            line.steps, line.values, marker="o" if len(line.steps) < 40 else "", markersize=4, label=line.label
        )
        axes.fill_between(line.steps, line.low, line.high, color=drawn.get_color(), alpha=0.2)
    if shares:
        axes.axhline(0.5, color="grey", linestyle="--", linewidth=0.9)
        axes.set_ylim(0.0, 1.0)
        axes.set_yticks(np.linspace(0, 1, 11))
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    if len(lines) > LEGEND_INSIDE:
        figure.legend(fontsize=8, loc="outside right upper")
    elif lines:
        axes.legend(fontsize=8, loc="best")
    return figure


def draw_tournament(folder: Path, content: Mapping[str, Any]) -> None:
    """Draws all pictures of a tournament into its folder: payoff, ratings, and the progress of runs."""
    names = [player["name"] for player in content["players"]]
    payoff = np.array(content["payoff"], dtype=float)
    save(heat_map(names, payoff, f"Payoff matrix of {content['name']}"), folder / "payoff")
    save(ratings(content["ratings"], content["anchor"]), folder / "ratings")
    lines = [line for line in (_progress(content, run) for run in _runs(content)) if line is not None]
    if lines:
        label = "mean outcome against the run's first player"
        save(curves(lines, "learner steps", label, shares=True), folder / "progress")


def _runs(content: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(player["run"] for player in content["players"] if player["run"] is not None))


def _progress(content: Mapping[str, Any], run: str) -> Curve | None:
    """The later players of a run against its first one, which begins the curve at 1/2."""
    members = [
        (player["step"], number)
        for number, player in enumerate(content["players"])
        if player["run"] == run and player["step"] is not None
    ]
    (start, first), *later = sorted(members) or [(0, -1)]
    played = [(step, number) for step, number in later if content["payoff"][number][first] is not None]
    if len(played) < 2:
        return None
    columns = [[content[key][number][first] for _, number in played] for key in ("payoff", "low", "high")]
    return Curve(run, [start, *(step for step, _ in played)], *([0.5, *column] for column in columns))
