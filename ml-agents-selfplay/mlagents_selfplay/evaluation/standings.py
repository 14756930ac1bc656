"""How do all players stand? Ratings, equilibrium, evolution and cycles of a table of games; arrays in, figures out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlagents_selfplay.evaluation.schedule import FloatArray, Table
from mlagents_selfplay.selfplay import metagame
from mlagents_selfplay.selfplay.elo_of_games import elo_of_games
from mlagents_selfplay.selfplay.ratings import bradley_terry

ANCHOR_RATING = 1200.0  # Elo points, of the anchor on both scales


@dataclass(frozen=True)
class Standing:
    """One player.

    Attributes:
      player: name.
      games: rated ones.
      score: mean of its mean outcomes against each player that it met; None without games.
      bradley_terry, bradley_terry_low, bradley_terry_high: rating with its 95 % interval, in points.
      elo, elo_low, elo_high: the same by Elo's rule over the games in random order; None without games at all.
      nash: probability in the maximum-entropy equilibrium.
      nash_skill: payoff against that equilibrium, in [-1, 1]; below 0 for who does not take part.
      alpha_rank: share of the stationary distribution of evolution.
      beaten_by: who does best against it.
      best_response: that one's mean outcome, in [0.5, 1]: what the players at hand gain by knowing this one.
      exploitability: exact, per round; None where it is not known.
    """

    player: str
    games: int
    score: float | None
    bradley_terry: float
    bradley_terry_low: float
    bradley_terry_high: float
    elo: float | None
    elo_low: float | None
    elo_high: float | None
    nash: float
    nash_skill: float
    alpha_rank: float
    beaten_by: str
    best_response: float
    exploitability: float | None


@dataclass(frozen=True)
class Structure:
    """What the whole table looks like.

    Attributes:
      transitive: share of the log odds that ratings explain, in [0, 1]; None without games.
      cyclic: the rest.
      cycles: players that beat each other in a circle for certain, the clearest first, at most `MOST_CYCLES`.
    """

    transitive: float | None
    cyclic: float | None
    cycles: list[tuple[str, str, str]]


MOST_CYCLES = 20


def standings(
    table: Table, anchor: int, rng: np.random.Generator, exploitability: dict[str, float] | None = None
) -> list[Standing]:
    """Rates all players of a table.

    Args:
      table: of at least one player.
      anchor: index of the player whose ratings are fixed at `ANCHOR_RATING`.
      rng: for the bootstrap; advanced.
      exploitability: by name, where it is known.
    """
    payoff = table.payoff()
    strength = bradley_terry(table.wins, anchor)
    elo, elo_bounds = _elo(table, anchor, rng)
    margins = metagame.antisymmetric(payoff)
    nash = metagame.nash_average(margins)
    evolution = metagame.alpha_rank((margins + 1.0) / 2.0)
    known = np.where(np.isnan(payoff), 0.5, payoff)
    best = metagame.best_responses(known)
    scores = _scores(payoff)
    return [
        Standing(
            player=name,
            games=int(table.games[i].sum()),
            score=_or_none(scores[i]),
            bradley_terry=ANCHOR_RATING + float(strength.ratings[i]),
            bradley_terry_low=ANCHOR_RATING + float(strength.intervals[i, 0]),
            bradley_terry_high=ANCHOR_RATING + float(strength.intervals[i, 1]),
            elo=_or_none(elo[i]),
            elo_low=_or_none(elo_bounds[i, 0]),
            elo_high=_or_none(elo_bounds[i, 1]),
            nash=float(nash.probabilities[i]),
            nash_skill=float(nash.skills[i]),
            alpha_rank=float(evolution[i]),
            beaten_by=table.players[best[i]],
            best_response=float(known[best[i], i]),
            exploitability=(exploitability or {}).get(name),
        )
        for i, name in enumerate(table.players)
    ]


def structure(table: Table) -> Structure:
    """Tells the transitive part of a table from its cycles."""
    share = _or_none(metagame.transitive_share(table.wins))
    circles = metagame.cycles(table.bounds()[0])[:MOST_CYCLES]
    names = [(table.players[a], table.players[b], table.players[c]) for a, b, c in circles]
    return Structure(share, None if share is None else 1.0 - share, names)


def _elo(table: Table, anchor: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    size = len(table.players)
    if not table.order:
        return np.full(size, np.nan), np.full((size, 2), np.nan)
    first, second, outcomes = (np.array(column) for column in zip(*table.order, strict=True))
    return elo_of_games(first, second, outcomes, size, anchor, rng, initial=ANCHOR_RATING)


def _scores(payoff: FloatArray) -> FloatArray:
    others = payoff.copy()
    np.fill_diagonal(others, np.nan)
    met = ~np.isnan(others)
    return np.where(met.any(axis=1), np.nansum(others, axis=1) / np.maximum(met.sum(axis=1), 1), np.nan)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
