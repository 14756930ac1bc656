"""How good is the learner of a run, and whom does it beat?"""

from __future__ import annotations

import dash_mantine_components as dmc

from mlagents_selfplay.dashboard import parts
from mlagents_selfplay.dashboard.figures.ratings import rating_over_time, win_rates
from mlagents_selfplay.dashboard.library import Library, Run
from mlagents_selfplay.dashboard.parts import UNKNOWN, Children
from mlagents_selfplay.report import BehaviorReport
from mlagents_selfplay.selfplay.matches import CURRENT


def render(library: Library, run: Run, report: BehaviorReport) -> Children:
    """Ratings over the run, and win rates lately."""
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
    content.append(parts.card("Rating", parts.graph("rating-figure", rating_over_time(report, elo)), note=note))
    if report.recent is not None and report.recent.win_rates:
        games, since = report.recent.games, report.recent.since_step
        note = f"Of the {games:,} rated matches since step {since:,}, with 95 % intervals."
        content.append(
            parts.card("Win rates lately", parts.graph("rates-figure", win_rates(report.recent.win_rates)), note=note)
        )
    return dmc.Stack(content, gap="md")


def _who(player: str) -> str:
    if player.isdigit():
        return f"snapshot {int(player):,}"
    return "the learner now" if player == CURRENT else player
