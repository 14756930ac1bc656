"""How is a report of a run shown on a terminal?"""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mlagents_selfplay.report import BehaviorReport, Player, Recent
from mlagents_selfplay.selfplay.scorebook import INITIAL

UNKNOWN = "-"


def tables(report: BehaviorReport) -> Iterator[RenderableType]:
    """Yields what there is to print of one behavior, top to bottom."""
    yield Text(f"{report.behavior} at learner step {report.step:,}", style="bold")
    yield _history(report)
    yield Text("\n".join(_remarks(report)))
    if report.recent is not None:
        recent = report.recent
        age = recent.mean_opponent_age
        yield Text(
            f"\nSince step {recent.since_step:,}: {recent.games:,} rated games"
            + ("" if age is None else f"; opponents are {age:,.0f} learner steps old on average, itself included")
        )
        yield _win_rates(recent)


def _history(report: BehaviorReport) -> Table:
    table = _table("snapshot", "gap", "bytes", "Elo", "Bradley-Terry", "95 %", "games")
    for player in report.pinned:
        table.add_row(f"{player.name}, pinned", "", "", *_ratings(player))
    for snapshot in report.snapshots:
        table.add_row(f"{snapshot.step:,}", f"{snapshot.gap:,}", f"{snapshot.bytes:,}", *_ratings(snapshot))
    newest = report.snapshots[-1].step if report.snapshots else 0
    table.add_row("the learner now", f"{report.step - newest:,}", "", *_ratings(report.learner))
    return table


def _ratings(player: Player) -> tuple[str, str, str, str]:
    elo = UNKNOWN if player.elo is None else f"{player.elo:.0f}"
    fitted = player.bradley_terry
    if fitted is None:
        return elo, UNKNOWN, UNKNOWN, "0"
    interval = "anchor" if fitted.low == fitted.high else f"{fitted.low:.0f} to {fitted.high:.0f}"
    return elo, f"{fitted.rating:.0f}", interval, f"{fitted.games:,.0f}"


def _remarks(report: BehaviorReport) -> Iterator[str]:
    matches = report.matches
    yield (
        f"{len(report.snapshots)} of at most {report.capacity} snapshots, {report.bytes / 1e6:.1f} MB. "
        f"Discrepancy {report.discrepancy:.2f} (1: a full history, evenly spaced), delta {report.delta:g}."
    )
    yield (
        f"{matches.seats:,} finished seats: {matches.rated:,} rated, {matches.mirror:,} in mirror matches, "
        f"{matches.truncated:,} truncated."
    )
    if report.opponents is None:
        yield "Several behaviors play here, so the match log does not say who beat whom: no Bradley-Terry ratings."
    elif matches.rated and not report.anchor.endswith(f"/{INITIAL}"):
        yield (
            f"The initial policy was never met, so the anchor of Bradley-Terry is {report.anchor}. "
            "List initial in pinned_opponents to measure progress from the start."
        )


def _win_rates(recent: Recent) -> Table:
    table = _table("against", "games", "win rate", "95 %")
    for rate in recent.win_rates:
        label = f"{rate.opponent}, {int(rate.player):,}" if rate.player.isdigit() else rate.opponent
        table.add_row(label, f"{rate.games:,}", f"{rate.rate:.1%}", f"{rate.low:.1%} to {rate.high:.1%}")
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(first)  # the only one that wraps where the terminal is narrow
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table
