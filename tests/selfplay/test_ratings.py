"""Do ratings and intervals have the right digits, signs and widths?"""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlagents_selfplay.selfplay import ratings
from mlagents_selfplay.selfplay.ratings import EloTable, bradley_terry, expected_score, win_rate_interval
from scipy import stats

some_ratings = st.floats(-5000, 5000)


# Elo


@pytest.mark.parametrize(
    ("rating", "other", "expected"),
    [
        (1200.0, 1200.0, 0.5),
        (1600.0, 1200.0, 10 / 11),  # 400 points: 10 to 1.
        (1200.0, 1600.0, 1 / 11),
        (2000.0, 1200.0, 100 / 101),  # 800 points: 100 to 1.
        (1613.0, 1609.0, 0.505756),  # 1 / (1 + 10^(-0.01)), 10^(-0.01) = 0.977237
    ],
)
def test_400_points_are_odds_of_ten_to_one(rating, other, expected):
    assert expected_score(rating, other) == pytest.approx(expected, abs=1e-6)


@given(some_ratings, some_ratings)
def test_the_two_expected_scores_share_one_point(rating, other):
    assert expected_score(rating, other) + expected_score(other, rating) == pytest.approx(1)


@pytest.mark.parametrize(
    ("outcome", "player", "other"),
    [
        # 1600 against 1200 expects 10/11; K = 32: +32/11, -32 x 9/22, -320/11.
        (1.0, 1602.909, 1197.091),
        (0.5, 1586.909, 1213.091),
        (0.0, 1570.909, 1229.091),
    ],
)
def test_both_sides_move_by_the_same_amount_in_opposite_directions(outcome, player, other):
    table = EloTable(anchor="first")
    table.add("strong", 1600.0)
    table.update("strong", "newcomer", outcome)
    assert table.rating("strong") == pytest.approx(player, abs=1e-3)
    assert table.rating("newcomer") == pytest.approx(other, abs=1e-3)


def test_the_anchor_never_moves_but_its_opponents_do():
    table = EloTable(anchor="first", k=20.0)
    table.update("first", "learner", 0.0)
    table.update("learner", "first", 1.0)
    # Equal at first: + 10; then 10 points ahead: + 20 x (1 - 0.514387) = 9.712.
    assert table.ratings == {"first": 1200.0, "learner": pytest.approx(1219.712, abs=1e-3)}


def test_three_sides_are_rated_pair_by_pair_from_the_ratings_before():
    table = EloTable(anchor="first")
    table.update_pairwise(["a", "b", "c"], np.array([[0.5, 1.0, 1.0], [0.0, 0.5, 0.5], [0.0, 0.5, 0.5]]))
    # All equal before. a: 32/2 x (1/2 + 1/2) = 16; b and c: 32/2 x (-1/2 + 0) = -8.
    assert table.ratings == {"first": 1200.0, "a": 1216.0, "b": 1192.0, "c": 1192.0}


def test_a_pair_without_outcome_moves_nobody():
    table = EloTable(anchor="first")
    table.update_pairwise(["a", "b", "c"], np.array([[0.5, np.nan, 1.0], [np.nan] * 3, [0.0, np.nan, 0.5]]))
    assert table.ratings == {"first": 1200.0, "a": 1208.0, "b": 1200.0, "c": 1192.0}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.floats(0, 1)), max_size=30))
def test_points_are_neither_made_nor_lost_while_the_anchor_stays_out(games):
    table = EloTable(anchor="first")
    for player, other, outcome in games:
        table.update(player, other, outcome)
    assert sum(table.rating(player) for player in "abc") == pytest.approx(3600)


def test_elo_finds_the_strength_that_outcomes_come_from():
    rng, table = np.random.default_rng(0), EloTable(anchor="first", k=8.0)
    seen = []
    for _ in range(4000):
        table.update("learner", "first", float(rng.random() < 10 / 11))
        seen.append(table.rating("learner"))
    assert np.mean(seen[1000:]) == pytest.approx(1600, abs=25)


def test_the_state_survives_json():
    table = EloTable(anchor="first", k=16.0, initial=1000.0)
    table.update("a", "b", 1.0)
    twin = EloTable.from_state(json.loads(json.dumps(table.get_state())))
    for each in (table, twin):
        each.update("a", "new", 0.0)
    assert twin.get_state() == table.get_state()


def test_a_removed_player_is_a_stranger_again_and_the_anchor_stays():
    table = EloTable(anchor="first")
    table.add("a", 1500.0)
    for player in ("a", "first", "never seen"):
        table.remove(player)
    assert table.ratings == {"first": 1200.0}
    assert table.rating("a") == 1200.0


def test_elo_refuses_what_it_cannot_use():
    table = EloTable(anchor="first")
    with pytest.raises(ValueError, match="k: 0.0 is not above 0"):
        EloTable(anchor="first", k=0.0)
    with pytest.raises(ValueError, match="player: 'first' is the anchor"):
        table.add("first", 1300.0)
    with pytest.raises(ValueError, match="rating: nan of 'a' is not a finite number"):
        table.add("a", math.nan)
    with pytest.raises(ValueError, match=r"outcomes: .* are not all in \[0, 1\]"):
        table.update("a", "b", 1.5)
    with pytest.raises(ValueError, match=r"outcomes: shape \(2, 2\) for 3 players"):
        table.update_pairwise(["a", "b", "c"], np.zeros((2, 2)))


# Bradley-Terry


def test_two_players_are_apart_by_the_log_odds():
    # 30 to 10: 400 log10(3) = 190.848 points; standard error 400 / ln 10 x sqrt(1 / (40 x 3/4 x 1/4)) = 63.433.
    fit = bradley_terry(np.array([[0.0, 10.0], [30.0, 0.0]]), anchor=0, prior_games=1e-6)
    np.testing.assert_allclose(fit.ratings, [0.0, 190.848], atol=0.01)
    np.testing.assert_allclose(fit.standard_errors, [0.0, 63.433], atol=0.01)
    # -+ 1.95996 x 63.433 = 124.326
    np.testing.assert_allclose(fit.intervals, [[0.0, 0.0], [66.522, 315.174]], atol=0.02)


def test_draws_are_half_a_win_for_each():
    # 20 wins, 20 draws, no loss is 30 to 10 as above.
    wins, draws = np.array([[0.0, 0.0], [20.0, 0.0]]), np.array([[0.0, 20.0], [20.0, 0.0]])
    assert bradley_terry(wins + draws / 2, 0, prior_games=1e-6).ratings[1] == pytest.approx(190.848, abs=0.01)


def test_a_chain_adds_up_in_strength_and_in_uncertainty():
    # 0 - 1 - 2, each link 30 to 10; standard errors of independent links add in squares: sqrt(2) x 63.433 = 89.708.
    wins = np.zeros((3, 3))
    wins[1, 0] = wins[2, 1] = 30
    wins[0, 1] = wins[1, 2] = 10
    fit = bradley_terry(wins, anchor=0, prior_games=1e-6)
    np.testing.assert_allclose(fit.ratings, [0.0, 190.848, 381.697], atol=0.01)
    np.testing.assert_allclose(fit.standard_errors, [0.0, 63.433, 89.708], atol=0.01)


def test_known_strengths_are_recovered_within_their_intervals():
    rng = np.random.default_rng(0)
    true = np.linspace(0, 800, 20)
    chance = 1 / (1 + 10 ** ((true[None, :] - true[:, None]) / 400))
    upper = np.triu(rng.binomial(100, chance), 1)
    wins = upper + np.tril(100 - upper.T, -1)
    fit = bradley_terry(wins, anchor=0)
    inside = (fit.intervals[1:, 0] <= true[1:]) & (true[1:] <= fit.intervals[1:, 1])
    assert inside.sum() >= 16  # Of 19, at 95 % each.
    np.testing.assert_allclose(fit.ratings, true, atol=80)
    assert fit.standard_errors[1:].max() < 30


def test_intervals_cover_the_truth_as_often_as_they_say():
    rng, covered = np.random.default_rng(0), 0
    true = np.array([0.0, 100.0, 250.0])
    chance = 1 / (1 + 10 ** ((true[None, :] - true[:, None]) / 400))
    for _ in range(400):
        upper = np.triu(rng.binomial(60, chance), 1)
        fit = bradley_terry(upper + np.tril(60 - upper.T, -1), anchor=0)
        covered += int(fit.intervals[2, 0] <= true[2] <= fit.intervals[2, 1])
    assert stats.binomtest(covered, 400, 0.95).pvalue > 0.01


def test_a_player_that_never_lost_is_rated_high_wide_and_finite():
    fit = bradley_terry(np.array([[0.0, 0.0], [10.0, 0.0]]), anchor=0)
    # One virtual draw makes it 10.5 to 0.5: 400 log10(21) = 528.888; 173.718 x sqrt(11 / (10.5 x 0.5)) = 251.456.
    assert fit.ratings[1] == pytest.approx(528.888, abs=0.01)
    assert fit.standard_errors[1] == pytest.approx(251.456, abs=0.01)


def test_virtual_draws_are_shared_evenly_among_those_met():
    # 1 met 0 and 2. Either pair: half of 1 from the outer player, half of 1/2 from player 1; 0.75, so 0.375 a side.
    wins = np.array([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    fit = bradley_terry(wins, anchor=0)
    first = 400 * math.log10(9.375 / 0.375)
    assert fit.ratings[1] == pytest.approx(first, abs=0.01)
    assert fit.ratings[2] - fit.ratings[1] == pytest.approx(400 * math.log10(1.375 / 0.375), abs=0.01)


def test_a_long_history_of_small_steps_is_not_drawn_towards_the_anchor():
    # 63 links of 16 points and 100 games, as expected of them: 1008 points in all.
    i = np.arange(63)
    wins = np.zeros((64, 64))
    wins[i + 1, i] = 100 / (1 + 10 ** (-16 / 400))
    wins[i, i + 1] = 100 - wins[i + 1, i]
    assert bradley_terry(wins, anchor=0).ratings[63] == pytest.approx(1008, rel=0.01)


def test_players_without_games_know_only_the_prior():
    wins = np.zeros((4, 4))
    wins[2, 3] = wins[3, 2] = 1e6  # Equal to each other, and tied to nobody else.
    fit = bradley_terry(wins, anchor=0, prior_sd=500.0)
    np.testing.assert_allclose(fit.ratings, 0, atol=1e-6)
    # The mean of two equal players has half the variance of each: 500 / sqrt(2).
    np.testing.assert_allclose(fit.standard_errors, [0, 500, 353.553, 353.553], rtol=1e-3)


def test_the_prior_holds_players_that_nothing_ties_to_the_anchor():
    # 30 to 10, and a virtual draw, about the anchor's rating: 30.5 - 41 / (1 + e^(-2x)) = x (173.718 / 100)^2.
    wins = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 30.0], [0.0, 10.0, 0.0]])
    fit = bradley_terry(wins, anchor=0, prior_sd=100.0)
    np.testing.assert_allclose(fit.ratings, [0.0, 78.112, -78.112], atol=0.01)  # x = 0.4497


@given(st.integers(2, 7), st.integers(0, 2**32 - 1))
def test_neither_the_order_of_players_nor_the_diagonal_matters(size, seed):
    rng = np.random.default_rng(seed)
    wins = rng.integers(0, 20, (size, size)).astype(float)
    order = rng.permutation(size)
    fit = bradley_terry(wins, anchor=int(order[0]))
    np.fill_diagonal(wins, 0)
    moved = bradley_terry(wins[np.ix_(order, order)], anchor=0)
    np.testing.assert_allclose(moved.ratings, fit.ratings[order], atol=1e-3)
    np.testing.assert_allclose(moved.standard_errors, fit.standard_errors[order], atol=1e-3)


@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_a_further_win_against_somebody_met_before_raises_the_winner(size, seed):
    rng = np.random.default_rng(seed)
    wins = rng.integers(0, 5, (size, size)).astype(float)
    wins[:, 1] += 1  # Player 1 has lost to everybody.
    more = wins.copy()
    more[1, rng.choice(np.delete(np.arange(size), 1))] += 1
    assert bradley_terry(more, 0).ratings[1] >= bradley_terry(wins, 0).ratings[1] - 1e-9  # rounding


def test_hopeless_pairings_and_huge_tables_of_games_still_converge():
    rng = np.random.default_rng(0)
    wins = np.triu(rng.integers(0, 2, (60, 60)) * 1e6, 1)  # Everybody always beats whoever comes later.
    fit = bradley_terry(wins, anchor=59, prior_games=1e-3)
    assert np.all(np.isfinite(fit.intervals))
    assert fit.ratings[0] > fit.ratings[30] > 0


def test_bradley_terry_says_so_when_it_does_not_converge(monkeypatch):
    monkeypatch.setattr(ratings, "NEWTON_ITERATIONS", 1)
    with pytest.raises(ArithmeticError, match="no convergence in 1 iterations"):
        bradley_terry(np.array([[0.0, 10.0], [30.0, 0.0]]), anchor=0)


@pytest.mark.parametrize(
    ("wins", "anchor", "prior", "message"),
    [
        (np.zeros((2, 3)), 0, {}, r"wins: shape \(2, 3\) is not \[N, N\]"),
        (np.array([[0.0, -1.0], [1.0, 0.0]]), 0, {}, "not all entries are finite and at least 0"),
        (np.zeros((2, 2)), 2, {}, r"anchor: 2 is not in \[0, 2\)"),
        (np.zeros((2, 2)), 0, {"prior_games": 0.0}, "prior_games: 0.0 is not a finite number above 0"),
        (np.zeros((2, 2)), 0, {"prior_sd": math.inf}, "prior_sd: inf is not a finite number above 0"),
    ],
)
def test_bradley_terry_refuses_what_it_cannot_use(wins, anchor, prior, message):
    with pytest.raises(ValueError, match=message):
        bradley_terry(wins, anchor, **prior)


# Wilson


@pytest.mark.parametrize(
    ("wins", "games", "low", "high"),
    [
        # z^2 = 3.8415. 5 of 10: 0.5 -+ 1.96 sqrt(0.025 + 0.0096) / 1.38415 = 0.5 -+ 0.2634.
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),  # 1 / (1 + 0.38415)
        (0, 10, 0.0, 0.2775),
        (0, 0, 0.0, 1.0),  # Nothing is known.
    ],
)
def test_wilson_intervals_have_the_right_digits(wins, games, low, high):
    assert win_rate_interval(wins, games) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@settings(deadline=None)  # scipy's first call takes long.
@given(st.integers(1, 1000).flatmap(lambda games: st.tuples(st.integers(0, games), st.just(games))))
def test_wilson_intervals_agree_with_scipy(record):
    wins, games = record
    expected = stats.binomtest(wins, games).proportion_ci(method="wilson")
    np.testing.assert_allclose(win_rate_interval(wins, games), (expected.low, expected.high), atol=1e-9)


@pytest.mark.parametrize(("wins", "games"), [(3, 2), (-1, 2), (math.nan, 2)])
def test_more_wins_than_games_are_refused(wins, games):
    with pytest.raises(ValueError, match=r"wins: .* is not in \[0, games = 2\]"):
        win_rate_interval(wins, games)
