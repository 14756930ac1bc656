"""Whom did a run meet, and is that what its settings say?"""

from __future__ import annotations

import math

import dash_mantine_components as dmc

from mlagents_selfplay.dashboard import parts
from mlagents_selfplay.dashboard.figures.opponents import others_met, snapshots_met
from mlagents_selfplay.dashboard.library import Library, Run
from mlagents_selfplay.dashboard.meetings import BY_SCORE, draw_rule_from, meetings
from mlagents_selfplay.dashboard.parts import UNKNOWN, Children
from mlagents_selfplay.report import BehaviorReport

WINDOWS = {"the last tenth": 0.1, "the last half": 0.5, "the whole run": 1.0}


def render(library: Library, run: Run, report: BehaviorReport, window: str) -> Children:
    """Shares of the matches by opponent, beside what the sampler says. `window` is one of `WINDOWS`."""
    log = library.log(run, report)
    if not log.seats:
        return parts.empty("No match is over yet", "The match log says who was met; its first rows bring this page.")
    opposite = next((one for one in library.reports(run) if one.behavior == report.opponents), None)
    if opposite is None:
        return parts.empty("Several behaviors play here", "The match log does not say whose players were met.")
    recent = log.last(math.ceil(WINDOWS[window] * log.games.sum()))
    draws = draw_rule_from(library.mapping(run.path / opposite.behavior / "selfplay" / "history.json"))
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
        content.append(parts.card("Snapshots met", parts.graph("met-figure", snapshots_met(met)), note=note))
    content.append(
        parts.card(
            "Everybody else",
            parts.graph("others-figure", others_met(met)),
            note="The current policy is met in mirror matches.",
        )
    )
    return dmc.Stack(content, gap="md")
