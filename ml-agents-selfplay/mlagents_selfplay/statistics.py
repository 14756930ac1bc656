"""Which figures of self-play go to TensorBoard and to the console?"""

from __future__ import annotations

from mlagents.trainers.stats import StatsReporter

from mlagents_selfplay.selfplay.history import SnapshotHistory
from mlagents_selfplay.selfplay.matches import CURRENT
from mlagents_selfplay.selfplay.pool import OpponentPool
from mlagents_selfplay.selfplay.scorebook import INITIAL, MatchRow, Scorebook
from mlagents_selfplay.store import RunFolder


def report_matches(
    reporter: StatsReporter, rows: list[MatchRow], book: Scorebook, rating: float, step: int, pool: OpponentPool
) -> None:
    """Reports finished matches: rating, outcomes, age of the opponents (learner steps) and win rates by opponent."""
    reporter.add_stat("Self-play/ELO", rating)  # the name that ML-Agents' console writer looks for
    for row in rows:
        if row.outcome is not None and row.opponent != CURRENT:
            reporter.add_stat("Self-play/Outcome", row.outcome)
        reporter.add_stat("Self-play/Mirror Match Share", float(row.opponent == CURRENT))
        if row.opponent in (CURRENT, INITIAL) or row.opponent.isdigit():
            met = {CURRENT: row.step, INITIAL: 0}.get(row.opponent)
            reporter.add_stat("Self-play/Opponent Age", float(row.step - (int(row.opponent) if met is None else met)))
    steps = pool.history.steps
    named = {"Initial": INITIAL, **{name: name for name in pool.pinned if name != INITIAL}}
    if steps:
        named |= {"Latest Snapshot": str(steps[-1]), "Oldest Snapshot": str(steps[0])}
    for label, player in named.items():
        rate, games = book.win_rate(player)
        if games:
            reporter.set_stat(f"Self-play/Win Rate against {label}", rate)


def report_history(reporter: StatsReporter, history: SnapshotHistory, step: int, folder: RunFolder) -> None:
    """Reports the history at learner step `step`: snapshots, discrepancy (1 is even) and size on disk (bytes)."""
    reporter.set_stat("Self-play/History Size", float(len(history.steps)))
    reporter.set_stat("Self-play/History Discrepancy", history.discrepancy(step))
    reporter.set_stat("Self-play/History Bytes", float(sum(map(folder.snapshot_bytes, history.steps))))
