"""What do the figures of a study look like? For each game the arms, who beats whom, and strength over time."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mlagents_selfplay.evaluation import pictures
from mlagents_selfplay.evaluation.pictures import Curve
from mlagents_selfplay.evaluation.study_settings import StudySettings

KINDS = (
    ("against_all", "final policies of the other arms", "tab:blue"),
    ("against_pool", "the pool of earlier policies of all arms", "tab:orange"),
)


def draw(
    folder: Path,
    settings: StudySettings,
    game: str,
    content: Mapping[str, Any],
    seconds: Mapping[str, Mapping[str, float]],
) -> None:
    """Draws `arms`, `head_to_head`, `strength` over learner steps and `strength_over_minutes`, each .svg and .png.

    Args:
      folder: of the game.
      settings: of the study.
      game: name.
      content: its figures, as in `study.json`.
      seconds: that trainings of the game took, by arm and seed.
    """
    arms = content["arms"]
    pictures.save(arm_picture(arms, f"{game}, {settings.seeds} seeds"), folder / "arms")
    matrix = np.array(content["head_to_head"], dtype=float)
    pictures.save(pictures.heat_map(list(arms), matrix, f"Final policies in {game}"), folder / "head_to_head")
    compared = [arm for arm in (settings.ours, settings.stock) if arm in arms]
    steps = settings.games[game].steps
    minutes = {arm: statistics.median(seconds[arm].values()) / 60.0 for arm in compared}
    label = "mean outcome against all final policies"
    over_steps = [_strength(arm, arms[arm], steps) for arm in compared]
    pictures.save(pictures.curves(over_steps, "learner steps", label, shares=True, title=game), folder / "strength")
    over_time = [_strength(arm, arms[arm], minutes[arm]) for arm in compared]
    in_minutes = pictures.curves(over_time, "minutes of training (median of seeds)", label, shares=True, title=game)
    pictures.save(in_minutes, folder / "strength_over_minutes")


def arm_picture(arms: Mapping[str, Any], title: str) -> Figure:
    """Draws mean outcomes of all arms with their intervals, the best on top.

    Args:
      arms: figures by arm, as in `study.json`.
      title: above the picture.
    """
    ordered = sorted(arms, key=lambda arm: arms[arm]["against_all"]["mean"])
    figure = Figure(figsize=(7.0, 1.3 + 0.32 * len(ordered)), layout="constrained")
    axes = figure.add_subplot()
    for number, (kind, label, colour) in enumerate(KINDS):
        values = np.array([arms[arm][kind]["mean"] for arm in ordered])
        ends = [[arms[arm][kind][end] for arm in ordered] for end in ("low", "high")]
        errors = np.abs(np.array(ends, dtype=float) - values)
        places = np.arange(len(ordered)) + 0.12 - 0.24 * number
        axes.errorbar(values, places, xerr=errors, fmt="o", markersize=4, capsize=2, color=colour, label=label)
    axes.set_yticks(range(len(ordered)), ordered, fontsize=8)
    axes.axvline(0.5, color="grey", linestyle="--", linewidth=0.9)
    axes.set_xlabel("mean outcome against ..., with 95 % intervals over seeds", fontsize=8)
    axes.set_title(title, fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    figure.legend(fontsize=8, loc="outside lower center", ncols=len(KINDS))
    return figure


def _strength(arm: str, figures: Mapping[str, Any], whole: float) -> Curve:
    points = [*figures["curve"], [1.0, figures["against_all"]["mean"]]]
    values = [value for _, value in points]
    return Curve(arm, [share * whole for share, _ in points], values, values, values)
