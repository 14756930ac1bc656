"""Was everybody met as often as the sampler says?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlagents_selfplay.dashboard.lives import Lives
from mlagents_selfplay.matchlog import MatchLog
from mlagents_selfplay.selfplay.matches import CURRENT
from mlagents_selfplay.selfplay.ratings import win_rate_interval
from mlagents_selfplay.selfplay.samplers import Candidates, SamplerSettings, probabilities
from mlagents_selfplay.selfplay.scorebook import INITIAL

MOST_MOMENTS = 200  # of the window at which the sampler is asked
BY_SCORE = ("pfsp", "quality")  # samplers that ask how the learner fares now, which only the last checkpoint says


@dataclass(frozen=True)
class DrawRule:
    """How a run draws its opponents; `draws` of history.json.

    Attributes:
      sampler: among the snapshots and the current policy.
      pinned: names of the pinned opponents that are listed.
      pinned_ratio: probability in [0, 1] that one of them is drawn, each alike.
      matches_per_draw: matches that one draw serves.
    """

    sampler: SamplerSettings
    pinned: Sequence[str]
    pinned_ratio: float
    matches_per_draw: int


@dataclass(frozen=True)
class Meetings:
    """Shares of the matches, for each of `N` opponents.

    Attributes:
      players: snapshots by their step, oldest first, then pinned opponents, then `current`.
      met: `[N]`, share of the matches.
      low: `[N]`, lower end of its 95 % interval (Wilson), with as many trials as there were draws.
      high: `[N]`, its upper end.
      said: `[N]`, share that the sampler says; NaN where it is not known.
      matches: in the window.
    """

    players: list[str]
    met: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    said: npt.NDArray[np.float64]
    matches: float


def draw_rule_from(history: Mapping[str, Any]) -> DrawRule | None:
    """Reads `draws` of history.json; None if it is not there or is not what this version writes."""
    try:
        draws = history["draws"]
        return DrawRule(
            SamplerSettings(**draws["sampler"]),
            list(draws["pinned"]),
            float(draws["pinned_ratio"]),
            int(draws["matches_per_draw"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def meetings(log: MatchLog, history: Lives, draws: DrawRule | None, scores: Mapping[str, Any], now: int) -> Meetings:
    """Compares the matches of a log with what the sampler says about the moments at which they began.

    Args:
      log: at least one match.
      history: of the behavior that provides the opponents.
      draws: None if the settings are not known.
      scores: `book` of state.json, for samplers that go by how the learner fares: `recent` and `qualities`.
      now: learner steps at the checkpoint that `scores` belong to.
    """
    counts = _matches(log)
    by_player = np.bincount(log.opponents, weights=counts, minlength=len(log.players))
    met = dict(zip(log.players, by_player.tolist(), strict=True))
    said = {} if draws is None else _said(log, counts, history, draws, scores, now)
    total = float(counts.sum())
    trials = total / (1 if draws is None else draws.matches_per_draw)
    players = sorted({*met, *said}, key=_order)
    shares = np.array([met.get(player, 0.0) / total for player in players])
    bounds = np.array([win_rate_interval(min(share, 1.0) * trials, trials) for share in shares])
    expected = np.array([said.get(player, 0.0) if said else np.nan for player in players])
    return Meetings(players, shares, bounds[:, 0], bounds[:, 1], expected, total)


def _matches(log: MatchLog) -> npt.NDArray[np.float64]:
    """`[m]`, matches that each entry stands for: both sides of a mirror match are in the log of their behavior."""
    sides = max(1, len(np.unique(log.teams)))
    return np.where(log.against(CURRENT), log.weights / sides, log.weights)


def _said(
    log: MatchLog,
    counts: npt.NDArray[np.float64],
    history: Lives,
    draws: DrawRule,
    scores: Mapping[str, Any],
    now: int,
) -> dict[str, float]:
    if draws.sampler.kind in BY_SCORE:
        moments, shares = np.array([now]), np.ones(1)
    else:
        moments, shares = _moments(log.steps, counts)
    said = {name: draws.pinned_ratio / len(draws.pinned) for name in draws.pinned}
    rest = 1.0 - sum(said.values())
    for moment, share in zip(moments.tolist(), shares.tolist(), strict=True):
        names, chances = _distribution(history.at(moment), moment, draws.sampler, scores)
        for name, chance in zip(names, chances.tolist(), strict=True):
            if chance:
                said[name] = said.get(name, 0.0) + rest * share * chance
    return said


def _moments(
    steps: npt.NDArray[np.int64], counts: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Returns at most `MOST_MOMENTS` learner steps that stand for all, and the share of the matches of each."""
    distinct, place = np.unique(steps, return_inverse=True)
    group = place * min(MOST_MOMENTS, len(distinct)) // len(distinct)
    shares = np.bincount(group, weights=counts)
    means = np.bincount(group, weights=counts * steps) / shares
    nearest = distinct[np.searchsorted(distinct, means).clip(max=len(distinct) - 1)]
    return nearest, shares / shares.sum()


def _distribution(
    kept: npt.NDArray[np.int64], now: int, sampler: SamplerSettings, scores: Mapping[str, Any]
) -> tuple[list[str], npt.NDArray[np.float64]]:
    """As the trainer's pool does, the initial policy counts as the snapshot of step 0."""
    steps = np.unique(np.append(kept, 0))
    names = [INITIAL if step == 0 else str(step) for step in steps.tolist()]
    recent, qualities = scores.get("recent", {}), scores.get("qualities", {})
    wins, games = np.array([recent.get(name, (0.0, 0.0)) for name in names]).T
    best = max(qualities.values(), default=0.0)
    candidates = Candidates(
        steps=steps,
        now=max(now, int(steps[-1])),
        win_rates=np.divide(wins, games, out=np.zeros(len(names)), where=games > 0),
        games=games,
        qualities=np.array([qualities.get(name, best) for name in names]),
    )
    return [*names, CURRENT], probabilities(candidates, sampler)


def _order(player: str) -> tuple[int, int, str]:
    place = 0 if player.isdigit() or player == INITIAL else 2 if player == CURRENT else 1
    return place, int(player) if player.isdigit() else 0, player
