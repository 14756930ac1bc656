"""Is the right opponent drawn, as often as the sampler promises?"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlagents_selfplay.selfplay.samplers import (
    KINDS,
    PFSP_WEIGHTINGS,
    PRESETS,
    Candidates,
    SamplerSettings,
    draw,
    eligible,
    preset,
    probabilities,
    quality_after_win,
)
from scipy import stats

EVEN = np.array([10, 20, 30, 40, 50, 60, 70, 80, 90])  # With the current policy at 100, all gaps are 10.
THINNED = np.array([10, 20, 40, 80])


@st.composite
def histories(draw_from, min_size=0):
    """Candidates with all that any sampler may look at."""
    gaps = draw_from(st.lists(st.integers(1, 10**6), min_size=min_size, max_size=20))
    steps = np.cumsum([draw_from(st.integers(0, 100)), *gaps])[: len(gaps)]
    size = len(steps)
    games = draw_from(st.lists(st.integers(0, 50), min_size=size, max_size=size))
    rates = draw_from(st.lists(st.floats(0, 1), min_size=size, max_size=size))
    qualities = draw_from(st.lists(st.floats(-30, 30), min_size=size, max_size=size))
    now = int(steps[-1] if size else 0) + draw_from(st.integers(0, 10**6))
    return Candidates(steps.astype(np.int64), now, np.array(rates), np.array(games), np.array(qualities))


all_settings = st.builds(
    SamplerSettings,
    kind=st.sampled_from(KINDS),
    delta=st.floats(0, 1),
    latest_ratio=st.floats(0, 1),
    pfsp_weighting=st.sampled_from(PFSP_WEIGHTINGS),
    pfsp_prior_games=st.floats(0, 10),
)


# Eligibility


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        (0.0, {10, 20, 30, 40, 50, 60, 70, 80, 90}),  # The whole history.
        (0.5, {50, 60, 70, 80, 90}),  # Taken at 50 or later, 50 included.
        (0.75, {80, 90}),  # Taken at 75 or later.
        (0.95, set()),  # Nothing since 95 but the current policy.
        (1.0, set()),  # The current policy only.
    ],
)
def test_delta_goes_by_time(delta, expected):
    assert set(EVEN[eligible(EVEN, now=100, delta=delta)]) == expected


def test_delta_ignores_the_place_in_a_thinned_history():
    # Half of the list is [10, 20 | 40, 80], but only 80 was taken in the second half of the run.
    assert eligible(THINNED, now=100, delta=0.5).tolist() == [False, False, False, True]


def test_rounding_does_not_push_a_snapshot_over_the_edge():
    assert 0.07 * 100 > 7  # In floating point, by 9e-16.
    assert eligible(np.array([7]), now=100, delta=0.07).tolist() == [True]


def test_delta_one_leaves_the_current_policy_only_even_if_a_snapshot_was_just_taken():
    assert eligible(np.array([50, 100]), now=100, delta=1.0).tolist() == [False, False]


# Every sampler


@given(histories(), all_settings)
def test_probabilities_are_a_distribution_over_the_eligible(candidates, settings):
    result = probabilities(candidates, settings)
    assert result.shape == (len(candidates.steps) + 1,)
    assert np.all(result >= 0)
    assert result.sum() == pytest.approx(1)
    allowed = eligible(candidates.steps, candidates.now, settings.delta)
    assert np.all(result[:-1][~allowed] == 0)
    assert result[-1] >= settings.latest_ratio - 1e-12


@given(histories(), st.sampled_from(KINDS))
def test_naive_self_play_meets_the_current_policy_only_whatever_the_kind(candidates, kind):
    result = probabilities(candidates, SamplerSettings(kind=kind, delta=1.0))
    assert result[-1] == 1


@given(histories(), all_settings)
def test_latest_ratio_shrinks_all_of_the_past_alike(candidates, settings):
    plain = SamplerSettings(settings.kind, settings.delta, 0.0, settings.pfsp_weighting, settings.pfsp_prior_games)
    expected = (1 - settings.latest_ratio) * probabilities(candidates, plain)[:-1]
    np.testing.assert_allclose(probabilities(candidates, settings)[:-1], expected, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_has_not_begun_has_only_the_current_policy(kind):
    none = np.array([], dtype=np.int64)
    assert probabilities(Candidates(none, now=0), SamplerSettings(kind=kind, delta=0.0)).tolist() == [1.0]


# Uniform in time


@pytest.mark.parametrize("delta", [0.0, 0.25, 0.5, 0.55, 0.81, 0.9])
def test_equal_gaps_give_equal_weights_wherever_delta_cuts(delta):
    result = probabilities(Candidates(EVEN, now=100), SamplerSettings(delta=delta))
    meant = np.append(eligible(EVEN, 100, delta), True)
    np.testing.assert_allclose(result, meant / meant.sum(), atol=1e-12)


def test_the_policy_of_step_zero_is_met_like_any_other():
    result = probabilities(Candidates(np.array([0, 10, 20, 30]), now=40), SamplerSettings(delta=0.0))
    np.testing.assert_allclose(result, [0.2] * 5)  # Four snapshots and the current policy, 10 apart.


def test_step_zero_of_a_run_gives_the_first_snapshot_and_the_current_policy_one_half_each():
    assert probabilities(Candidates(np.array([0]), now=0), SamplerSettings(delta=0.0)).tolist() == [0.5, 0.5]


def test_a_thinned_history_is_weighted_by_the_time_each_snapshot_stands_for():
    # By hand: the gaps up to 10, 20, 40, 80 and the current policy at 100 are 10, 10, 20, 40, 20.
    result = probabilities(Candidates(THINNED, now=100), SamplerSettings(delta=0.0))
    np.testing.assert_allclose(result, [0.1, 0.1, 0.2, 0.4, 0.2])


def test_the_oldest_eligible_snapshot_stands_only_for_time_that_delta_allows():
    # By hand: from delta x now = 50 to 80 are 30, from there to the current policy 20.
    result = probabilities(Candidates(THINNED, now=100), SamplerSettings(delta=0.5))
    np.testing.assert_allclose(result, [0, 0, 0, 0.6, 0.4])


@given(histories(min_size=3), st.data())
def test_evicting_a_snapshot_hands_its_probability_to_the_next_newer(candidates, data):
    gone = data.draw(st.integers(2, len(candidates.steps) - 1))  # The oldest two shape the first span.
    settings = SamplerSettings(delta=0.0)
    before = probabilities(candidates, settings)
    after = probabilities(Candidates(np.delete(candidates.steps, gone), candidates.now), settings)
    expected = np.delete(before, gone)
    expected[gone] += before[gone]
    np.testing.assert_allclose(after, expected, atol=1e-9)


@given(histories(min_size=1), st.floats(0, 0.99))
def test_taking_a_snapshot_moves_probability_from_the_current_policy_to_its_copy(candidates, delta):
    steps, now, settings = candidates.steps, int(candidates.steps[-1]) + 7, SamplerSettings(delta=delta)
    before = probabilities(Candidates(steps, now), settings)
    after = probabilities(Candidates(np.append(steps, now), now), settings)
    np.testing.assert_allclose(after[:-2], before[:-1], atol=1e-9)
    assert after[-2] + after[-1] == pytest.approx(before[-1])


# Limit uniform


def test_limit_uniform_falls_with_the_square_of_the_rank():
    # 1 / (m (m - i)^2) with m = 3 and i = 0, 1, 2: 1/27, 1/12, 1/3, in all 49/108; hence 4/49, 9/49, 36/49.
    result = probabilities(Candidates(np.array([10, 50]), now=100), SamplerSettings(kind="limit_uniform", delta=0.0))
    np.testing.assert_allclose(result, [4 / 49, 9 / 49, 36 / 49])


def test_limit_uniform_evens_out_the_visits_that_uniform_draws_heap_on_early_policies():
    visits = {"uniform": np.zeros(301), "limit_uniform": np.zeros(301)}
    for kind, total in visits.items():
        for newest in range(1, 301):  # One draw as each policy comes to be; all gaps are 1.
            candidates = Candidates(np.arange(newest), now=newest)
            total[: newest + 1] += probabilities(candidates, SamplerSettings(kind=kind, delta=0.0))
    # Policy 10 against policy 150. Uniform: ln(300 / 10) / ln(300 / 150) = 4.9. Even: 1, less what is still to come.
    assert visits["uniform"][10] / visits["uniform"][150] == pytest.approx(4.9, rel=0.05)
    assert visits["limit_uniform"][10] / visits["limit_uniform"][150] == pytest.approx(1.0, rel=0.05)


# PFSP


@pytest.mark.parametrize(
    ("weighting", "expected"),
    [
        # x = 0.8, 0.2 and the current policy's 0.5.
        ("variance", [16 / 57, 16 / 57, 25 / 57]),  # 0.16, 0.16, 0.25 of 0.57
        ("linear", [2 / 15, 8 / 15, 5 / 15]),  # 0.2, 0.8, 0.5 of 1.5
        ("squared", [4 / 93, 64 / 93, 25 / 93]),  # 0.04, 0.64, 0.25 of 0.93
    ],
)
def test_pfsp_weighs_by_the_win_rate(weighting, expected):
    candidates = Candidates(np.array([10, 50]), 100, win_rates=np.array([0.8, 0.2]), games=np.array([10, 10]))
    settings = SamplerSettings("pfsp", delta=0.0, pfsp_weighting=weighting, pfsp_prior_games=0.0)
    np.testing.assert_allclose(probabilities(candidates, settings), expected)


def test_pfsp_smooths_few_games_towards_one_half():
    # Two wins of two, and two virtual draws: x = (2 + 1) / 4 = 3/4. Linear: 1/4 against the current policy's 1/2.
    candidates = Candidates(np.array([10]), 100, win_rates=np.array([1.0]), games=np.array([2]))
    settings = SamplerSettings("pfsp", delta=0.0, pfsp_weighting="linear")
    np.testing.assert_allclose(probabilities(candidates, settings), [1 / 3, 2 / 3])


@pytest.mark.parametrize("prior_games", [0.0, 2.0])
def test_pfsp_takes_a_snapshot_never_met_for_an_equal(prior_games):
    candidates = Candidates(np.array([10]), 100, win_rates=np.array([np.nan]), games=np.array([0]))
    settings = SamplerSettings("pfsp", delta=0.0, pfsp_prior_games=prior_games)
    np.testing.assert_allclose(probabilities(candidates, settings), [0.5, 0.5])
    np.testing.assert_allclose(probabilities(Candidates(np.array([10]), 100), settings), [0.5, 0.5])


def test_pfsp_without_smoothing_never_picks_an_opponent_that_always_loses():
    candidates = Candidates(np.array([10, 50]), 100, win_rates=np.array([1.0, 0.5]), games=np.array([9, 9]))
    for weighting in PFSP_WEIGHTINGS:
        settings = SamplerSettings("pfsp", delta=0.0, pfsp_weighting=weighting, pfsp_prior_games=0.0)
        np.testing.assert_allclose(probabilities(candidates, settings), [0, 0.5, 0.5])


@given(histories(min_size=2), st.sampled_from(["linear", "squared"]))
def test_pfsp_never_prefers_the_weaker_of_two_opponents(candidates, weighting):
    settings = SamplerSettings("pfsp", delta=0.0, pfsp_weighting=weighting)
    result = probabilities(candidates, settings)[:-1]
    won = (candidates.games * candidates.win_rates + 1) / (candidates.games + 2)
    assert np.all(np.diff(result[np.argsort(won)]) <= 1e-12)


# Quality


def test_quality_is_a_softmax_over_the_past_and_openai_fives_mixture_with_latest_ratio():
    # exp(0) : exp(ln 3) = 1 : 3, in the 20 % that are left to the past.
    candidates = Candidates(np.array([10, 50]), 100, qualities=np.log([1.0, 3.0]))
    settings = SamplerSettings("quality", delta=0.0, latest_ratio=0.8)
    np.testing.assert_allclose(probabilities(candidates, settings), [0.05, 0.15, 0.8])


def test_quality_without_scores_treats_all_of_the_past_alike():
    result = probabilities(Candidates(np.array([10, 50]), 100), SamplerSettings("quality", delta=0.0))
    np.testing.assert_allclose(result, [0.5, 0.5, 0.0])


def test_a_win_lowers_the_quality_of_the_beaten_snapshot_the_more_the_rarer_it_is_drawn():
    # p = (1/4, 3/4), N = 2, eta = 0.01: q_1 falls by 0.01 / (2 x 3/4) = 1/150, or q_0 by 0.01 / (2 x 1/4) = 1/50.
    qualities = [0.0, math.log(3.0)]
    assert quality_after_win(qualities[1], qualities) == pytest.approx(math.log(3.0) - 1 / 150)
    assert quality_after_win(qualities[0], qualities) == pytest.approx(-1 / 50)


@given(st.lists(st.floats(-1000, 0), min_size=1, max_size=10), st.data())
def test_one_win_never_lowers_a_quality_by_more_than_one(qualities, data):
    quality = data.draw(st.sampled_from(qualities))
    assert 0 < quality - quality_after_win(quality, qualities) <= 1 + 1e-9


# Draws


@pytest.mark.parametrize("kind", KINDS)
def test_draws_follow_the_distribution(kind):
    candidates = Candidates(
        THINNED, 100, np.array([0.9, 0.5, 0.7, 0.2]), np.array([20, 5, 40, 3]), np.array([0.0, 0.5, -0.5, 0.1])
    )
    expected = probabilities(candidates, SamplerSettings(kind, delta=0.2, latest_ratio=0.1))
    rng = np.random.default_rng(0)
    counts = np.bincount([draw(expected, rng) for _ in range(20_000)], minlength=len(expected))
    assert np.all(counts[expected == 0] == 0)
    possible = expected > 0
    assert stats.chisquare(counts[possible], 20_000 * expected[possible]).pvalue > 0.01


def test_a_draw_takes_one_uniform_number_from_the_generator():
    rng, twin = np.random.default_rng(0), np.random.default_rng(0)
    draw(np.array([0.5, 0.5]), rng)
    twin.random()
    assert rng.bit_generator.state == twin.bit_generator.state


class Extreme:
    """Stands in for a generator at the ends of [0, 1)."""

    def __init__(self, value):
        self.value = value

    def random(self):
        return self.value


def test_no_random_number_leads_to_an_impossible_opponent():
    distribution = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.0])
    assert draw(distribution, Extreme(0.0)) == 1
    assert draw(distribution, Extreme(np.nextafter(1.0, 0.0))) == 4


# Presets and refusals


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("naive", {100}),
        ("full_history", {10, 20, 30, 40, 50, 60, 70, 80, 90, 100}),
        ("half_history", {50, 60, 70, 80, 90, 100}),
        ("last_quarter", {80, 90, 100}),
    ],
)
def test_presets_draw_from_the_share_of_history_that_they_are_named_after(name, expected):
    result = probabilities(Candidates(EVEN, now=100), preset(name))
    assert set(np.append(EVEN, 100)[result > 0]) == expected
    assert name in PRESETS


def test_an_unknown_preset_is_refused():
    with pytest.raises(ValueError, match="preset: 'fictitious' is not one of naive, full_history"):
        preset("fictitious")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("kind", "newest", r"kind: 'newest' is not one of uniform, limit_uniform, pfsp, quality"),
        ("pfsp_weighting", "cubic", r"pfsp_weighting: 'cubic' is not one of variance, linear, squared"),
        ("delta", 1.5, r"delta: 1.5 is not in \[0, 1\]"),
        ("delta", float("nan"), r"delta: nan is not in \[0, 1\]"),
        ("latest_ratio", -0.1, r"latest_ratio: -0.1 is not in \[0, 1\]"),
        ("pfsp_prior_games", -1.0, r"pfsp_prior_games: -1.0 is not a finite number of at least 0"),
    ],
)
def test_settings_outside_their_range_are_refused(key, value, message):
    with pytest.raises(ValueError, match=message):
        SamplerSettings(**{key: value})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"steps": np.array([20, 10])}, "steps: .* are not strictly ascending"),
        ({"steps": np.array([10, 200])}, r"steps: 10 to 200 are not within \[0, now = 100\]"),
        ({"qualities": np.zeros(3)}, r"qualities: shape \(3,\) is not that of steps, \(2,\)"),
        ({"games": np.array([1, 1])}, "win_rates and games: give both or neither"),
        ({"win_rates": np.array([0.5, 1.5]), "games": np.array([1, 1])}, r"win_rates: .* are not all in \[0, 1\]"),
        ({"win_rates": np.array([0.5, 0.5]), "games": np.array([1, -1])}, "games: .* are not all at least 0"),
    ],
)
def test_candidates_that_contradict_themselves_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Candidates(**{"steps": np.array([10, 50]), "now": 100, **fields})


@pytest.mark.parametrize("delta", [-0.1, 1.1])
def test_eligible_refuses_a_delta_outside_its_range(delta):
    with pytest.raises(ValueError, match=r"delta: .* is not in \[0, 1\]"):
        eligible(EVEN, now=100, delta=delta)


@pytest.mark.parametrize("values", [[], [0.5, 0.4], [1.5, -0.5], [np.nan, 1.0]])
def test_draw_refuses_what_is_no_distribution(values):
    with pytest.raises(ValueError, match="probabilities: .* are not all at least 0 with the sum 1"):
        draw(np.array(values), np.random.default_rng(0))
