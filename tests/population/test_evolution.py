"""Who changes, from whom, and into what? With regressions for what the seed's trainer did wrong."""

from collections import Counter

import numpy as np
import pytest
from mlagents_selfplay.population.evolution import (
    Age,
    EvolutionSettings,
    choose_parent,
    inherit,
    may_be_parent,
    may_change,
    meeting_chances,
    mutate,
)
from mlagents_selfplay.population.ranges import Range

RULES = EvolutionSettings(start_after=100, change_after=20)
RANGES = {"learning_rate": Range(1e-5, 1e-1, "log"), "gamma": Range(0.9, 0.999, "complement")}
OWN, PARENTS = {"learning_rate": 1e-3, "gamma": 0.95}, {"learning_rate": 1e-2, "gamma": 0.99}


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (Age(99, 99), False),  # Too young.
        (Age(100, 100), True),
        (Age(100, 19), False),  # Changed a moment ago.
        (Age(100, 20), True),
    ],
)
def test_a_member_may_change_when_it_is_old_enough_and_its_last_change_is_long_ago(age: Age, expected: bool) -> None:
    assert may_change(age, RULES) is expected


def test_a_parent_needs_no_long_life_but_a_while_since_its_last_change() -> None:
    assert may_be_parent(Age(20, 20), RULES)
    assert not may_be_parent(Age(200, 19), RULES)


def test_the_parent_is_better_than_the_member_and_never_the_other_way_round() -> None:
    """The seed accepted j if P(j beats i) was below the threshold: nearly everybody, and the weak at that."""
    ratings = {"weak": 0.0, "strong": 100.0}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert choose_parent("weak", ratings, ["weak", "strong"], 0.47, rng) == "strong"
        assert choose_parent("strong", ratings, ["weak", "strong"], 0.47, rng) is None


@pytest.mark.parametrize(("lead", "accepted"), [(20.0, False), (21.0, True)])  # 400 log10(0.53 / 0.47) = 20.87
def test_a_parent_has_to_be_about_21_points_better_at_the_papers_threshold(lead: float, accepted: bool) -> None:
    found = choose_parent("a", {"a": 0.0, "b": lead}, ["b"], 0.47, np.random.default_rng(0))
    assert (found == "b") is accepted


def test_all_candidates_are_drawn_alike_and_the_member_is_none_of_them() -> None:
    rng, ratings = np.random.default_rng(0), {"a": 0.0, "b": 500.0, "c": 400.0, "d": -400.0}
    found = Counter(choose_parent("a", ratings, list(ratings), 0.47, rng) for _ in range(3000))
    assert set(found) == {"b", "c", None}  # None when d is drawn.
    assert all(count == pytest.approx(1000, abs=110) for count in found.values())  # Four standard deviations.


def test_nobody_is_found_where_there_is_no_candidate() -> None:
    assert choose_parent("a", {"a": 0.0}, ["a"], 0.47, np.random.default_rng(0)) is None


def test_each_hyperparameter_is_inherited_by_a_draw_of_its_own() -> None:
    """The seed drew once for both, so that a child was in all respects its parent or in none."""
    rng = np.random.default_rng(0)
    children = Counter(tuple(inherit(OWN, PARENTS, 0.5, rng).values()) for _ in range(4000))
    expected = {(1e-3, 0.95), (1e-3, 0.99), (1e-2, 0.95), (1e-2, 0.99)}
    assert set(children) == expected
    assert all(count == pytest.approx(1000, abs=110) for count in children.values())


def test_each_hyperparameter_mutates_by_a_draw_of_its_own() -> None:
    """The seed resampled both or none, and never perturbed the discount factor."""
    rules = EvolutionSettings(resample_probability=0.0, factors=(0.8, 1.2))
    rng = np.random.default_rng(0)
    children = Counter(
        tuple(round(value, 6) for value in mutate(OWN, RANGES, rules, rng).values()) for _ in range(2000)
    )
    # 1e-3 x 0.8 or 1.2, and 1 - 0.05 x 0.8 or 1.2.
    assert set(children) == {(0.0008, 0.96), (0.0008, 0.94), (0.0012, 0.96), (0.0012, 0.94)}


def test_a_resampled_value_comes_from_anywhere_in_the_range() -> None:
    rules = EvolutionSettings(resample_probability=1.0)
    rng = np.random.default_rng(0)
    rates = [mutate(OWN, RANGES, rules, rng)["learning_rate"] for _ in range(2000)]
    assert np.mean(np.array(rates) < 1e-3) == pytest.approx(0.5, abs=0.05)


def test_without_mutation_everything_stays() -> None:
    rules = EvolutionSettings(resample_probability=0.0, perturb_probability=0.0)
    assert mutate(OWN, RANGES, rules, np.random.default_rng(0)) == OWN


def test_equals_are_preferred_when_matched_by_rating() -> None:
    ratings = {"me": 0.0, "equal": 0.0, "far": 400.0}
    # x (1 - x): 1/4 against an equal; 1/11 x 10/11 against odds of 10 to 1. 0.25 / (0.25 + 0.082645) = 0.75155.
    assert meeting_chances("me", ratings, by_rating=True) == pytest.approx({"equal": 0.75155, "far": 0.24845}, abs=1e-5)


def test_all_others_are_alike_when_matched_at_random() -> None:
    assert meeting_chances("me", {"me": 0.0, "a": 9.0, "b": 900.0}, by_rating=False) == {"a": 0.5, "b": 0.5}


def test_far_away_members_can_still_be_met() -> None:
    assert meeting_chances("me", {"me": 0.0, "a": 1e6}, by_rating=True) == {"a": 1.0}
