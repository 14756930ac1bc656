"""What has self-play in a run come to? Figures from its result files alone; a run in progress will do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlagents_selfplay.matchlog import MatchLog, read_match_log
from mlagents_selfplay.results import BehaviorResults, Entry, ReadLog, behavior_folders, read_behavior
from mlagents_selfplay.selfplay.matches import CURRENT
from mlagents_selfplay.selfplay.ratings import win_rate_interval
from mlagents_selfplay.selfplay.scorebook import INITIAL
from mlagents_selfplay.strength import Estimate, LearnerLog, fit

RECENT_SHARE = 0.2  # of the match log: its last part, for win rates and the age of opponents


@dataclass(frozen=True)
class Player:
    """Anybody with a rating.

    Attributes:
      name: the step of a snapshot, the name of a pinned player, or `current`.
      elo: online Elo rating in points; None if it is not known.
      bradley_terry: rating on the same scale, fitted to all matches; None without matches, or if they are not rated.
    """

    name: str
    elo: float | None
    bradley_terry: Estimate | None


@dataclass(frozen=True)
class Snapshot(Player):
    """A snapshot in the history; `step` and the `gap` to the one before in learner steps, size in bytes."""

    step: int
    gap: int
    bytes: int


@dataclass(frozen=True)
class WinRate:
    """The learner's mean outcome against a player with Wilson's 95 % interval; a draw is half a win."""

    opponent: str
    player: str
    games: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Recent:
    """The last part of the match log.

    Attributes:
      since_step: learner steps when its first match began.
      games: rated ones.
      mean_opponent_age: learner steps between an opponent and the learner that meets it, mirror matches counting 0;
        None if nobody with a step was met, or the opponents are of another behavior.
      win_rates: against the initial policy, the oldest and newest snapshot met, each pinned player met, and all.
    """

    since_step: int
    games: int
    mean_opponent_age: float | None
    win_rates: list[WinRate]


@dataclass(frozen=True)
class Matches:
    """Rows of the match log: all, and those of mirror matches, of truncated episodes, and rated ones among them."""

    seats: int
    mirror: int
    truncated: int
    rated: int


@dataclass(frozen=True)
class BehaviorReport:
    """One behavior of a run.

    Attributes:
      behavior: its name.
      opponents: name of the behavior whose players it meets; None if they are several, which are not rated.
      step: learner steps at the last checkpoint.
      capacity: most snapshots of the history.
      delta: older share of the run that is forgotten, in [0, 1].
      discrepancy: longest gap x (capacity + 1) / elapsed, at the last checkpoint; 1 is even.
      bytes: of all snapshot files in the history.
      anchor: behavior and player that has the same rating by Elo and by Bradley-Terry; see `strength`.
      learner: the policy as it is now; rated as the newest snapshot if it has played no match since.
      snapshots: in the history, oldest first.
      pinned: players outside the history's budget, the initial policy first.
      matches: what the match log holds.
      recent: its last part; None without matches.
    """

    behavior: str
    opponents: str | None
    step: int
    capacity: int
    delta: float
    discrepancy: float
    bytes: int
    anchor: str
    learner: Player
    snapshots: list[Snapshot]
    pinned: list[Player]
    matches: Matches
    recent: Recent | None


def report(run: Path, read_log: ReadLog = read_match_log) -> list[BehaviorReport]:
    """Reports on every behavior of a run, or on the one whose folder is given.

    Args:
      run: `results/<run-id>`, or the folder of a behavior in it.
      read_log: reads a match log; one that keeps counts suits whoever asks again and again.

    Raises:
      NoSuchRun: if there is no such folder, no data of self-play, or no snapshot yet.
      DamagedFile: if a file cannot be read or is of another format version.
    """
    wanted = behavior_folders(run)
    siblings = behavior_folders(wanted[0].parent)  # the other side of an asymmetric game is rated along
    behaviors = {folder.name: read_behavior(folder, read_log) for folder in siblings}
    opponents = {name: _opponents_of(behavior, behaviors) for name, behavior in behaviors.items()}
    return [_report(behaviors[folder.name], behaviors, opponents) for folder in wanted]


def _opponents_of(behavior: BehaviorResults, behaviors: Mapping[str, BehaviorResults]) -> str | None:
    """Returns the behavior whose players it meets: its own, unless it has one team and others have the other teams."""
    others = [other.name for other in behaviors.values() if other.teams and not other.teams & behavior.teams]
    if len(behavior.teams) != 1 or not others:
        return behavior.name
    return others[0] if len(others) == 1 else None


def _report(
    behavior: BehaviorResults, behaviors: Mapping[str, BehaviorResults], opponents: Mapping[str, str | None]
) -> BehaviorReport:
    name = behavior.name
    group = sorted({name, opponents[name] or name})
    logs = [_learner_log(behaviors[member], opponents[member] or member) for member in group]
    strengths = fit(logs)
    anchor = behaviors[strengths.anchor[0]].elo(strengths.anchor[1])
    is_rated = all(opponents[member] in group for member in group)

    def player(entry: Entry) -> tuple[str, float | None, Estimate | None]:
        estimate = strengths.estimates[name][entry.player]
        return entry.player, entry.rating, estimate.above(anchor) if estimate.games and is_rated else None

    learner = Player(*player(Entry(CURRENT, behavior.rating)))
    steps = behavior.steps
    if learner.bradley_terry is None and steps:  # no match since the newest snapshot, which it therefore still is
        learner = Player(*player(Entry(str(steps[-1]), behavior.rating)))
    return BehaviorReport(
        behavior=name,
        opponents=opponents[name],
        step=behavior.step,
        capacity=behavior.capacity,
        delta=behavior.delta,
        discrepancy=behavior.discrepancy,
        bytes=sum(entry.bytes for entry in behavior.snapshots),
        anchor="/".join(strengths.anchor),
        learner=learner,
        snapshots=[
            Snapshot(*player(entry), step, step - before, entry.bytes)
            for entry, step, before in zip(behavior.snapshots, steps, [0, *steps], strict=False)
        ],
        pinned=[Player(*player(entry)) for entry in behavior.pinned],
        matches=_matches(behavior.log),
        recent=_recent(behavior, opponents[name]),
    )


def _learner_log(behavior: BehaviorResults, opponents: str) -> LearnerLog:
    return LearnerLog(
        behavior.name, opponents, behavior.steps, [entry.player for entry in behavior.pinned], behavior.log
    )


def _matches(log: MatchLog) -> Matches:
    def count(entries: np.ndarray[Any, np.dtype[np.bool_]]) -> int:
        return round(float(log.weights[entries].sum()))

    return Matches(log.seats, count(log.against(CURRENT)), count(np.isnan(log.outcomes)), count(log.rated))


def _recent(behavior: BehaviorResults, opponents: str | None) -> Recent | None:
    if not behavior.log.seats:
        return None
    log = behavior.log.last(math.ceil(RECENT_SHARE * behavior.log.games.sum()))
    rated = log.rated
    met = [log.players[code] for code in np.unique(log.opponents[rated])]
    snapshots = sorted(int(player) for player in met if player.isdigit())
    asked = {"initial policy": INITIAL}
    if snapshots:
        asked |= {"oldest snapshot met": str(snapshots[0]), "newest snapshot met": str(snapshots[-1])}
    asked |= {f"pinned {entry.player}": entry.player for entry in behavior.pinned if entry.player != INITIAL}
    rates = [_win_rate(log, rated & log.against(player), label, player) for label, player in asked.items()]
    rates.append(_win_rate(log, rated, "all of them", ""))
    return Recent(
        since_step=int(log.steps[0]),
        games=round(float(log.weights[rated].sum())),
        mean_opponent_age=_mean_age(log) if opponents == behavior.name else None,
        win_rates=[rate for rate in rates if rate.games],
    )


def _win_rate(log: MatchLog, entries: np.ndarray[Any, np.dtype[np.bool_]], label: str, player: str) -> WinRate:
    games, wins = int(log.games[entries].sum()), float((log.games * log.outcomes)[entries].sum())
    return WinRate(label, player, games, wins / games if games else math.nan, *win_rate_interval(wins, games))


def _mean_age(log: MatchLog) -> float | None:
    taken_at = np.array([_taken_at(player) for player in log.players])[log.opponents]
    age = np.where(log.against(CURRENT), 0.0, log.steps - taken_at)
    dated = ~np.isnan(age)
    return float(np.average(age[dated], weights=log.weights[dated])) if dated.any() else None


def _taken_at(player: str) -> float:
    """Returns the learner step of a snapshot; NaN for an opponent that has none."""
    return 0.0 if player == INITIAL else float(player) if player.isdigit() else math.nan
