"""Equilibria, evolution and cycles of tables that can be solved by hand, or whose results OpenSpiel has published."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlagents_selfplay.selfplay.metagame import (
    alpha_rank,
    antisymmetric,
    best_responses,
    cycles,
    nash_average,
    transitive_share,
)
from scipy.optimize import linprog

RPS = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])  # rock, paper, scissors; row against column
LADDER = np.array([[0.0, -1.0, -1.0], [1.0, 0.0, -1.0], [1.0, 1.0, 0.0]])  # each beats all before it


@pytest.mark.parametrize(
    ("payoff", "probabilities", "skills"),
    [
        # The first two and the fourth: open_spiel/python/algorithms/nash_averaging_test.py, which has these figures.
        pytest.param(LADDER, [0, 0, 1], [-1, -1, 0], id="ladder"),
        pytest.param(RPS, [1 / 3, 1 / 3, 1 / 3], [0, 0, 0], id="rock-paper-scissors"),
        pytest.param(np.zeros((4, 4)), [1 / 4] * 4, [0] * 4, id="only draws"),
        pytest.param(
            [[0, 234, 34, -270], [-234, 0, -38, -464], [-34, 38, 0, -270], [270, 464, 270, 0]],
            [0, 0, 0, 1],
            [-270, -464, -270, 0],
            id="one dominates",
        ),
        # Of an odd circle the equilibrium is what the other two win from each other: 0.1, 0.5 and 0.2, over their sum.
        pytest.param(
            [[0, -0.2, 0.5], [0.2, 0, -0.1], [-0.5, 0.1, 0]], [1 / 8, 5 / 8, 2 / 8], [0, 0, 0], id="uneven circle"
        ),
        # Rock twice: the two share what one had.
        pytest.param(RPS[np.ix_([0, 0, 1, 2], [0, 0, 1, 2])], [1 / 6, 1 / 6, 1 / 3, 1 / 3], [0] * 4, id="copy"),
        # A circle, and one whom all three beat by 1/2: it takes no part.
        pytest.param(
            [[0, -1, 1, 0.5], [1, 0, -1, 0.5], [-1, 1, 0, 0.5], [-0.5, -0.5, -0.5, 0]],
            [1 / 3, 1 / 3, 1 / 3, 0],
            [0, 0, 0, -0.5],
            id="circle above a weak one",
        ),
        pytest.param([[0.0]], [1], [0], id="alone"),
    ],
)
def test_the_equilibrium_is_the_one_worked_out_by_hand(payoff: object, probabilities: object, skills: object) -> None:
    found = nash_average(np.array(payoff, dtype=float))
    np.testing.assert_allclose(found.probabilities, probabilities, atol=1e-9)
    np.testing.assert_allclose(found.skills, skills, atol=1e-6)


@given(st.integers(1, 7), st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=60, deadline=None)
def test_nobody_gains_against_the_equilibrium_and_no_other_is_more_even(size: int, random: object, whole: bool) -> None:
    rng = np.random.default_rng(random.getrandbits(32))
    half = np.triu(rng.integers(-2, 3, (size, size)) if whole else rng.normal(size=(size, size)), 1)
    payoff = half - half.T
    found = nash_average(payoff).probabilities
    assert found.min() >= 0.0
    assert found.sum() == pytest.approx(1.0)
    assert (payoff @ found).max() <= 1e-8
    # Entropy is concave: it can grow towards another equilibrium only if it does so at once.
    other = linprog(rng.normal(size=size), A_ub=payoff, b_ub=np.zeros(size), A_eq=np.ones((1, size)), b_eq=[1]).x
    assert -np.log(np.maximum(found, 1e-300)) @ (other - found) <= 1e-6


@pytest.mark.parametrize(
    ("payoff", "why"),
    [
        (np.ones((2, 2)), "antisymmetric"),
        (np.zeros((2, 3)), r"\[N, N\]"),
        (np.zeros((0, 0)), r"\[N, N\]"),
        ([[0, np.nan], [np.nan, 0]], "finite"),
    ],
)
def test_a_table_that_is_no_symmetric_game_is_refused(payoff: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        nash_average(np.array(payoff, dtype=float))


def test_alpha_rank_gives_the_figures_that_open_spiel_has_published() -> None:
    # open_spiel/python/egt/alpharank_test.py, test_stationary_distribution: payoffs of Han et al. 2013, m = 20.
    r, t, p, s, delta, eps = 1.0, 2.0, 0.0, -1.0, 4.0, 0.25
    payoff = [
        [r - eps / 2, r - eps, 0, s + delta - eps, r - eps],
        [r, r, s, s, s],
        [0, t, p, p, p],
        [t - delta, t, p, p, p],
        [r, t, p, p, p],
    ]
    expected = [0.40966787, 0.07959841, 0.20506998, 0.08505983, 0.2206039]
    np.testing.assert_allclose(alpha_rank(np.array(payoff), alpha=0.1, population=20), expected, atol=1e-8)


def test_evolution_spends_equal_time_with_all_of_a_circle_and_all_its_time_on_top_of_a_ladder() -> None:
    np.testing.assert_allclose(alpha_rank(RPS), [1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(alpha_rank(LADDER), [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(alpha_rank(np.zeros((4, 4))), [1 / 4] * 4)
    np.testing.assert_allclose(alpha_rank(np.zeros((1, 1))), [1])


def test_two_players_change_places_as_often_as_their_fixation_probabilities_say() -> None:
    # m = 2: one mutant of either kind against one resident, so the odds are exp(alpha x (2 x 0.25 + 0.5)) by hand:
    # the payoffs differ by 0.75 - 0.25 in the one state in between.
    found = alpha_rank(np.array([[0.5, 0.25], [0.75, 0.5]]), alpha=2.0, population=2)
    odds = (1 / (1 + np.exp(-2 * 0.5))) / (1 / (1 + np.exp(2 * 0.5)))
    np.testing.assert_allclose(found, [1 / (1 + odds), odds / (1 + odds)])


@pytest.mark.parametrize(("key", "value"), [("alpha", 0.0), ("alpha", np.inf), ("population", 1)])
def test_alpha_rank_refuses_what_makes_no_evolution(key: str, value: float) -> None:
    with pytest.raises(ValueError, match=key):
        alpha_rank(RPS, **{key: value})


def test_a_ladder_is_explained_by_ratings_and_a_circle_is_not() -> None:
    # Odds of 3 : 1 and 9 : 1 with a half added to both: 2.5 : 0.5 = 5 and 25 : 1; log 25 = 2 log 5 is a perfect ladder.
    ladder = np.array([[0.0, 2.0, 24.5], [0.0, 0.0, 2.0], [0.5, 0.0, 0.0]])
    assert transitive_share(ladder) == pytest.approx(1.0)
    assert transitive_share(10.0 * (RPS > 0)) == pytest.approx(0.0)
    assert transitive_share(np.full((3, 3), 5.0)) == 1.0  # all even
    assert np.isnan(transitive_share(np.zeros((3, 3))))


def test_half_a_ladder_and_half_a_circle_explains_what_projection_says() -> None:
    # One game each: log odds of 1.5 : 0.5 are log 3 = l. A beats B and C, B beats C: ratings 2l/3, 0, -2l/3 explain
    # differences of 2l/3, 4l/3 and 2l/3, hence (4 + 16 + 4) / 9 of 3.
    assert transitive_share(np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])) == pytest.approx(24 / 27)


def test_a_circle_is_found_once_and_the_clearest_first() -> None:
    low = np.full((4, 4), np.nan)
    for winner, loser, at_least in ((0, 1, 0.6), (1, 2, 0.9), (2, 0, 0.8), (1, 3, 0.7), (3, 0, 0.7), (2, 3, 0.4)):
        low[winner, loser] = at_least
        low[loser, winner] = 0.1
    assert cycles(low) == [(0, 1, 2), (0, 1, 3)]
    assert cycles(low * 0.5) == []


def test_pairs_that_never_met_count_as_even() -> None:
    outcomes = np.array([[0.5, 0.75, np.nan], [0.25, 0.5, 1.0], [np.nan, 0.0, 0.5]])
    assert antisymmetric(outcomes).tolist() == [[0, 0.5, 0], [-0.5, 0, 1], [0, -1, 0]]


def test_the_best_response_to_each_of_a_circle_is_the_one_that_beats_it() -> None:
    assert best_responses(RPS).tolist() == [1, 2, 0]
