"""Do rewards become the right outcomes, and is it noticed when they cannot?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlagents_selfplay.selfplay.outcomes import DegenerateWatch, OutcomeSettings, pairwise_outcomes, seat_outcome

LAST = OutcomeSettings("last_reward")
RETURN = OutcomeSettings("episode_return")
MARGIN = OutcomeSettings("episode_return", win_above=2.0, loss_below=-1.0)
finite = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    ("last_reward", "episode_return", "settings", "expected"),
    [
        (1.0, -5.0, LAST, 1.0),  # Only the last reward counts,
        (0.0, -5.0, LAST, 0.5),
        (-1.0, 5.0, LAST, 0.0),
        (1.0, -5.0, RETURN, 0.0),  # or only the sum.
        (0.0, 0.0, RETURN, 0.5),
        (-1.0, 5.0, RETURN, 1.0),
        (0.0, 2.0, MARGIN, 0.5),  # The thresholds themselves are draws.
        (0.0, 2.1, MARGIN, 1.0),
        (0.0, -1.0, MARGIN, 0.5),
        (0.0, -1.1, MARGIN, 0.0),
    ],
)
def test_the_rule_decides_between_win_draw_and_loss(last_reward, episode_return, settings, expected):
    assert seat_outcome(last_reward, episode_return, truncated=False, settings=settings) == expected


@given(finite, finite)
def test_a_truncated_episode_has_no_outcome(last_reward, episode_return):
    assert seat_outcome(last_reward, episode_return, truncated=True, settings=RETURN) is None


@given(finite, finite)
def test_a_higher_score_never_has_the_worse_outcome(one, other):
    low, high = sorted((one, other))
    assert seat_outcome(0.0, low, False, MARGIN) <= seat_outcome(0.0, high, False, MARGIN)


def test_three_teams_are_compared_pair_by_pair():
    # Scores 3, 1, 1: the first beats both others, which draw.
    expected = [[0.5, 1.0, 1.0], [0.0, 0.5, 0.5], [0.0, 0.5, 0.5]]
    assert pairwise_outcomes([3.0, 1.0, 1.0]).tolist() == expected


@given(st.lists(finite, min_size=2, max_size=6))
def test_the_two_sides_of_every_pair_share_one_point(scores):
    outcomes = pairwise_outcomes(scores)
    np.testing.assert_array_equal(outcomes + outcomes.T, np.ones_like(outcomes))


def test_a_truncated_team_has_no_outcome_against_any_other():
    outcomes = pairwise_outcomes([3.0, np.nan, 1.0])
    assert outcomes[0, 2] == 1.0
    assert np.all(np.isnan(outcomes[1]))
    assert np.all(np.isnan(outcomes[:, 1]))


@pytest.mark.parametrize(
    ("match", "finding"),
    [
        ((0.0, 0.0), "every seat lost"),
        ((1.0, 1.0), "every seat won"),
        ((0.5, 0.5), "every seat drew"),
        ((0.0,), "every seat lost"),  # The other side is not known.
    ],
)
def test_outcomes_that_are_all_alike_are_reported_once_the_window_is_full(match, finding):
    watch = DegenerateWatch(window=3)
    assert watch.add(match) is None
    assert watch.add(match) is None
    assert f"in the last 3 matches {finding}" in watch.add(match)


def test_the_warning_comes_only_once():
    watch = DegenerateWatch(window=1)
    assert [watch.add((0.0, 0.0)) is None for _ in range(3)] == [False, True, True]


@pytest.mark.parametrize(("together", "verb"), [((0.0, 0.0), "lost"), ((1.0, 1.0), "won")])
def test_both_sides_sharing_one_fate_in_most_matches_is_reported(together, verb):
    watch = DegenerateWatch(window=5)
    for match in [together, (1.0, 0.0), together, (0.0, 1.0)]:
        assert watch.add(match) is None
    assert f"all sides {verb} together 3 times" in watch.add(together)  # 3 of 5 is more than half.


def test_a_sound_game_is_never_reported():
    watch = DegenerateWatch(window=10)
    rng = np.random.default_rng(0)
    for outcome in rng.choice([0.0, 0.5, 1.0], size=500):
        assert watch.add((outcome, 1.0 - outcome)) is None


def test_the_window_forgets_a_bad_beginning():
    watch = DegenerateWatch(window=4)
    for match in [(0.0, 0.0), (0.0, 0.0), (1.0, 0.0), (1.0, 0.0), (1.0, 0.0)]:
        assert watch.add(match) is None  # Two bad ones of four are not more than half, and then they are gone.
    assert watch.add((0.0, 0.0)) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rule": "mean"}, "rule: 'mean' is not one of last_reward, episode_return"),
        ({"win_above": -1.0}, "loss_below: 0.0 is not at most win_above = -1.0"),
        ({"loss_below": float("nan")}, "loss_below: nan is not at most win_above = 0.0"),
    ],
)
def test_rules_that_make_no_sense_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        OutcomeSettings(**fields)


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="episode_return: nan is not a finite number"):
        seat_outcome(0.0, float("nan"), truncated=False, settings=RETURN)


def test_an_empty_window_is_refused():
    with pytest.raises(ValueError, match="window: 0 is not at least 1 match"):
        DegenerateWatch(window=0)
