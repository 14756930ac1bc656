"""Are steps relabelled with goals that were reached, and paid and ended as the rule says?"""

from typing import Any

import numpy as np
import pytest
from mlagents.trainers.exception import TrainerConfigError
from mlagents_envs.base_env import ActionSpec, BehaviorSpec, DimensionProperty, ObservationSpec, ObservationType
from mlagents_selfplay.algorithms import hindsight
from mlagents_selfplay.algorithms.hindsight import GoalSensors, HindsightSettings


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def sensor(name: str, size: int, kind: ObservationType = ObservationType.DEFAULT) -> ObservationSpec:
    return ObservationSpec((size,), (DimensionProperty.NONE,), kind, name)


def behavior(*sensors: ObservationSpec) -> BehaviorSpec:
    return BehaviorSpec(list(sensors), ActionSpec(4, ()))


REACH = behavior(
    sensor("achieved_goal", 3), sensor("desired_goal", 3, ObservationType.GOAL_SIGNAL), sensor("observation", 10)
)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("future", {0, 1, 2}),  # the step itself and the two after it
        ("final", {2}),
        ("episode", {-3, -2, -1, 0, 1, 2}),
    ],
)
def test_goals_come_from_the_steps_that_the_strategy_names(
    strategy: str, expected: set[int], rng: np.random.Generator
) -> None:
    n = 600
    steps = hindsight.steps_of_new_goals(strategy, np.full(n, 3), np.full(n, 2), rng)
    found, counts = np.unique(steps, return_counts=True)
    assert set(found.tolist()) == expected
    # Evenly: at worst 600 draws of chance 1/6, for which four standard deviations are 37.
    assert counts == pytest.approx(n / len(expected), abs=46)


def test_the_last_step_of_an_episode_can_only_be_given_its_own_outcome(rng: np.random.Generator) -> None:
    assert set(hindsight.steps_of_new_goals("future", np.array([9] * 50), np.array([0] * 50), rng)) == {0}


def test_four_relabelled_ones_come_with_each_that_stays(rng: np.random.Generator) -> None:
    assert hindsight.is_relabelled(20_000, 4, rng).mean() == pytest.approx(0.8, abs=0.012)
    assert not hindsight.is_relabelled(100, 0, rng).any()


def test_near_is_reached_and_the_episode_goes_on_or_ends_as_declared() -> None:
    achieved, desired = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 4.1]]), np.zeros((3, 2))
    rewards, ends = hindsight.sparse_rule(5.0, 0.0, -1.0, ends=True)(achieved, desired)
    assert rewards.tolist() == [0.0, 0.0, -1.0]
    assert ends.tolist() == [True, True, False]
    assert not hindsight.sparse_rule(5.0, 0.0, -1.0, ends=False)(achieved, desired)[1].any()


def test_the_sensors_of_the_goals_are_found_by_name_and_by_mark() -> None:
    assert hindsight.find_goals(REACH, HindsightSettings()) == GoalSensors(achieved=0, desired=1)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (behavior(sensor("observation", 10)), "'achieved_goal' is not allowed; it must be the name of one sensor"),
        (behavior(sensor("achieved_goal", 3), sensor("desired_goal", 3)), "0 sensors are marked as a goal signal"),
        (
            behavior(sensor("achieved_goal", 3), sensor("desired_goal", 2, ObservationType.GOAL_SIGNAL)),
            r"'achieved_goal' has the shape \(3,\), but the desired goal 'desired_goal' has \(2,\)",
        ),
    ],
)
def test_a_behavior_without_goals_is_refused(spec: BehaviorSpec, message: str) -> None:
    with pytest.raises(TrainerConfigError, match=message):
        hindsight.find_goals(spec, HindsightSettings())


def taxicab(achieved_t: np.ndarray, desired: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    distance = np.abs(achieved_t - desired).sum(1)
    return -distance, distance == 0


def test_a_rule_of_the_users_own_is_imported() -> None:
    rule = hindsight.goal_rule(HindsightSettings(reward=f"python:{__name__}:taxicab"))
    rewards, ends = rule(np.array([[1.0, 2.0], [0.0, 0.0]]), np.zeros((2, 2)))
    assert rewards.tolist() == [-3.0, 0.0]
    assert ends.tolist() == [False, True]


@pytest.mark.parametrize("function", ["no_such_module:taxicab", f"{__name__}:no_such_function"])
def test_a_rule_that_cannot_be_imported_is_named(function: str) -> None:
    with pytest.raises(TrainerConfigError, match=f"hindsight.reward: 'python:{function}' cannot be imported"):
        hindsight.goal_rule(HindsightSettings(reward=f"python:{function}"))


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("strategy", "past", "one of"),
        ("k", -1, "a number of at least 0"),
        ("k", True, "a number of at least 0"),
        ("reward", "dense", "sparse or python:module:function"),
        ("distance", -0.1, "a number of at least 0"),
        ("reached_reward", "much", "a number"),
        ("missed_reward", float("inf"), "a number"),
        ("ends_at_goal", 1, "true or false"),
        ("achieved_goal", 3, "the name of a sensor"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(key: str, value: Any, allowed: str) -> None:
    with pytest.raises(TrainerConfigError, match=f"hyperparameters.hindsight.{key}: .* is not allowed.*{allowed}"):
        HindsightSettings(**{key: value})
