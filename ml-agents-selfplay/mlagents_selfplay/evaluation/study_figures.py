"""What does a study come to? Tables of two tournaments in, mean outcomes of arms with their intervals out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from mlagents_selfplay.evaluation.records import plain
from mlagents_selfplay.evaluation.study_settings import StudySettings

SAME_TIME = "at-the-same-time"  # stock's policy that was there when ours was finished
LESS_STOCK = "against_pool_less_stock"  # of what an arm comes to in the pool: what it has more than stock
CONFIDENCE = 0.95

FloatArray = npt.NDArray[np.float64]
Content = Mapping[str, Any]


def name_of(arm: str, seed: int, share: float | None = None) -> str:
    """Returns what a policy is called: of an arm and a seed, after a share of the steps; None for the final one."""
    return f"{arm}-{seed}" if share is None else f"{arm}-{seed}@{share:.2f}"


def shares(settings: StudySettings) -> list[float]:
    """Returns after which shares of its steps the policies of a training join the pool, ascending."""
    count = settings.pool_per_run
    return [(place + 1) / (count + 1) for place in range(count)]


def of_game(finals: Content, pool: Content, settings: StudySettings, game: str) -> dict[str, Any]:
    """Returns the figures of one game.

    Args:
      finals: tournament of the final policies, and of stock's at the same time.
      pool: tournament of the final policies with earlier ones.
      settings: of the study.
      game: name.

    Returns:
      `head_to_head`, `[arms, arms]` mean outcomes of final policies; and by arm `against_all` (other arms' final
      policies, each arm alike), `against_stock`, `against_stock_at_the_same_time` and `against_pool`, each as
      `estimate` has it; `against_pool_less_stock`, the same of the outcomes against the pool less those of stock with
      the same seed, in [-1, 1]; `curve`, mean outcomes of the policies after each share of the steps against all
      final ones; `exploitability` of the final policies, averaged, where it is known.
    """
    arms, seeds = settings.arms_of(game), settings.all_seeds
    payoff, place = _matrix(finals)
    rows = {arm: [place[name_of(arm, seed)] for seed in seeds] for arm in (*arms, SAME_TIME)}
    exact = {row["player"]: row["exploitability"] for row in finals["ratings"]}
    pooled, where = _matrix(pool)
    members = [where[name_of(arm, seed, share)] for arm in arms for seed in seeds for share in shares(settings)]
    everybody = [where[name_of(arm, seed)] for arm in arms for seed in seeds]

    def against(arm: str, others: Sequence[str]) -> FloatArray:
        """Mean outcomes of an arm's seeds, `[seeds]`, each of the others alike."""
        return np.array(
            [np.mean([payoff[row, rows[other]].mean() for other in others if other != arm]) for row in rows[arm]]
        )

    def against_pool(arm: str) -> FloatArray:
        """Mean outcomes of an arm's seeds, `[seeds]`."""
        return pooled[np.ix_([where[name_of(arm, seed)] for seed in seeds], members)].mean(axis=1)

    figures: dict[str, Any] = {}
    for arm in arms:
        figures[arm] = {
            "against_all": estimate(against(arm, arms)),
            "against_pool": estimate(against_pool(arm)),
            "exploitability": _mean_or_none([exact.get(name_of(arm, seed)) for seed in seeds]),
            "curve": [
                [share, float(pooled[np.ix_([where[name_of(arm, seed, share)] for seed in seeds], everybody)].mean())]
                for share in shares(settings)
            ],
        }
        if arm != settings.stock:
            figures[arm]["against_stock"] = estimate(against(arm, [settings.stock]))
            figures[arm]["against_stock_at_the_same_time"] = estimate(against(arm, [SAME_TIME]))
            figures[arm][LESS_STOCK] = estimate(against_pool(arm) - against_pool(settings.stock), -1.0)
    head_to_head = [
        [0.5 if arm == other else float(payoff[np.ix_(rows[arm], rows[other])].mean()) for other in arms]
        for arm in arms
    ]
    return {"arms": figures, "head_to_head": plain(np.array(head_to_head))}


def together(games: Mapping[str, Content]) -> dict[str, Any]:
    """Returns, by arm and kind of opponent, what the games come to in which the arm took part.

    The first seeds of all games are averaged, then the second ones and so on: the interval of the mean over games is
    that of these averages. `lowest` is the mean outcome of the worst game, `games` is how many there are.
    """
    found: dict[str, dict[str, list[list[float]]]] = {}
    for game in games.values():
        for arm, figures in game["arms"].items():
            for key, value in figures.items():
                if key.startswith("against"):
                    found.setdefault(arm, {}).setdefault(key, []).append(value["seeds"])
    return {arm: {key: _over_games(np.array(v), key) for key, v in of_arm.items()} for arm, of_arm in found.items()}


def estimate(values: FloatArray, lowest: float = 0.0) -> dict[str, Any]:
    """Returns a mean with its 95 % interval by Student's t, seeds being what was drawn; no interval for one seed.

    Args:
      values: `[seeds]`, in [`lowest`, 1], which the interval does not leave; returned under `seeds`.
      lowest: the smallest value that there can be.
    """
    mean, count = float(np.mean(values)), len(values)
    found: dict[str, Any] = {"mean": mean, "low": None, "high": None, "seeds": values.tolist()}
    if count > 1:
        margin = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * np.std(values, ddof=1) / math.sqrt(count))
        found |= {"low": max(lowest, mean - margin), "high": min(1.0, mean + margin)}
    return found


def _over_games(values: FloatArray, key: str) -> dict[str, Any]:
    """Returns what `[games, seeds]` come to."""
    over = estimate(values.mean(axis=0), -1.0 if key == LESS_STOCK else 0.0)
    return {**over, "lowest": float(values.mean(axis=1).min()), "games": len(values)}


def _matrix(content: Content) -> tuple[FloatArray, dict[str, int]]:
    names = [player["name"] for player in content["players"]]
    return np.array(content["payoff"], dtype=np.float64), {name: place for place, name in enumerate(names)}


def _mean_or_none(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
