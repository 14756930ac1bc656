"""Elo ratings of a list of games whose order means nothing."""

import numpy as np
import pytest
from mlagents_selfplay.selfplay.elo_of_games import elo_of_games


def test_one_game_moves_the_winner_by_half_of_k() -> None:
    # Equal ratings expect 1/2, so a win moves 16 x (1 - 1/2) = 8 points; the anchor, who lost, stays.
    ratings, bounds = elo_of_games(
        np.array([1]), np.array([0]), np.array([1.0]), 2, 0, np.random.default_rng(0), k=16.0, initial=1200.0
    )
    assert ratings.tolist() == [1200, 1208]
    assert bounds.tolist() == [[1200, 1200], [1208, 1208]]


def test_long_lists_end_up_at_the_odds_of_the_games_whatever_their_order() -> None:
    # 3 of 4 games won are odds of 3 : 1, 400 log10(3) = 190.8 points.
    wins = np.tile([1.0, 1.0, 1.0, 0.0], 500)
    for outcomes in (wins, np.sort(wins)):
        ratings, bounds = elo_of_games(
            np.ones(2000, int), np.zeros(2000, int), outcomes, 2, 0, np.random.default_rng(1), replicates=200
        )
        assert ratings[1] == pytest.approx(1390.8, abs=15)
        assert bounds[1, 0] < 1390.8 < bounds[1, 1]


def test_only_draws_leave_everybody_where_they_are() -> None:
    ratings, _ = elo_of_games(
        np.array([0, 1]), np.array([1, 2]), np.array([0.5, 0.5]), 3, 2, np.random.default_rng(0), initial=1000.0
    )
    assert ratings.tolist() == [1000, 1000, 1000]
