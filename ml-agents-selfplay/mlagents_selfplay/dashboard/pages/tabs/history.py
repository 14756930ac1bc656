"""Which snapshots did a run take, and which did it keep?"""

from __future__ import annotations

import dash_mantine_components as dmc

from mlagents_selfplay.dashboard import parts
from mlagents_selfplay.dashboard.figures.history import discrepancy, gaps, snapshot_lives
from mlagents_selfplay.dashboard.library import Library, Run
from mlagents_selfplay.dashboard.parts import Children
from mlagents_selfplay.report import BehaviorReport


def render(library: Library, run: Run, report: BehaviorReport) -> Children:
    """Lives of snapshots, the gaps between those that are kept, and how even they have been."""
    history = library.lives(run, report)
    curve = library.events.read(run.path / report.behavior).curves.get("Self-play/History Discrepancy")
    longest = max([*(snapshot.gap for snapshot in report.snapshots), report.step - max(history.taken, default=0)])
    entries = [
        ("Snapshots", str(len(report.snapshots)), f"of at most {report.capacity}, {report.bytes / 1e6:.1f} MB"),
        ("Taken so far", f"{'' if history.exact else 'at least '}{len(history.taken):,}", "since the run began"),
        ("Discrepancy", f"{report.discrepancy:.2f}", "longest gap × (capacity + 1) / elapsed"),
        ("Longest gap", f"{longest:,}", f"learner steps, of {report.step:,}"),
    ]
    note = "One line for each snapshot, from the moment it is taken to its eviction: read any vertical cut. " + (
        "Evictions are replayed by the history's own rule, and the replay ends with the snapshots that are kept."
        if history.exact
        else "Some snapshots came and went unmet, so evicted ones are drawn only until they were last met."
    )
    lives = snapshot_lives(history, report.step, report.delta)
    content = [
        parts.figures(entries),
        parts.card("Lives of snapshots", parts.graph("lives-figure", lives), note=note),
        parts.card(
            "Gaps now",
            parts.graph("gaps-figure", gaps(report)),
            note="As wide and as high as the gap before each snapshot; the open one up to now in orange.",
        ),
    ]
    if curve is not None:
        note = "1 is a full history, evenly spaced; while the history fills, it is larger."
        content.append(parts.card("Discrepancy", parts.graph("discrepancy-figure", discrepancy(curve)), note=note))
    return dmc.Stack(content, gap="md")
