"""Are steps relabelled with goals that were reached, and paid and ended as the rule says?"""

from typing import Any

import numpy as np
import pytest
from mlagents.trainers.exception import TrainerConfigError
from mlagents_envs.base_env import ActionSpec, BehaviorSpec, DimensionProperty, ObservationSpec, ObservationType
from mlagents_selfplay.algorithms import hindsight
from mlagents_selfplay.algorithms.hindsight import GoalSensors, HindsightSettings, Relabelling
from mlagents_selfplay.algorithms.replay import Piece, Replay, Transitions


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


def episode(*places: float, goal: float, terminal: bool = False) -> Piece:
    """An agent on a line that was at one place after another; every step cost 1."""
    steps = len(places) - 1
    achieved = np.array(places, np.float32)[:, None]
    nothing = np.zeros((steps, 0), np.float32)
    return Piece(
        (achieved, np.full((steps + 1, 1), goal, np.float32), achieved),
        np.zeros((steps, 1), np.float32),
        nothing.astype(np.int32),
        nothing.astype(bool),
        np.full(steps, -1.0, np.float32),
        terminal,
        0,
        0,
    )


def line_replay(*pieces: Piece) -> Replay:
    replay = Replay(LINE, 100)
    for piece in pieces:
        replay.add(piece)
    return replay


LINE = BehaviorSpec(
    [
        sensor("achieved_goal", 1),
        sensor("desired_goal", 1, ObservationType.GOAL_SIGNAL),
        sensor("observation", 1),
    ],
    ActionSpec(1, ()),
)
ALWAYS = 1e12  # relabelled samples for each that stays


def relabelled(
    replay: Replay, numbers: list[int], rng: np.random.Generator, n_step: int = 1, strength: float = 1.0, **keys: Any
) -> Transitions:
    settings = HindsightSettings(**{"k": ALWAYS, "distance": 0.5, "strategy": "final", **keys})
    rows = np.array(numbers)
    transitions = replay.transitions(rows, 0.9, n_step)
    return Relabelling(LINE, settings, strength)(replay, rows, transitions, 0.9, rng)


def test_what_was_reached_last_becomes_the_goal_of_every_step(rng: np.random.Generator) -> None:
    replay = line_replay(episode(0, 1, 2, 3, goal=99), episode(5, 6, goal=99))
    found = relabelled(replay, [0, 2, 4], rng)
    assert found.observations_tm1[1][:, 0].tolist() == [3, 3, 6]  # before the step ...
    assert found.observations_t[1][:, 0].tolist() == [3, 3, 6]  # ... and after it
    assert found.rewards[:, 0].tolist() == [-1, 0, 0]  # 0 -> 1 is not at 3; 2 -> 3 is; 5 -> 6 is at 6
    assert found.discounts[:, 0] == pytest.approx([0.9, 0.9, 0.9])  # the goal does not end an episode here
    assert replay.observation(1, np.array([0])).tolist() == [[99]]  # what is remembered stays as it was


def test_terminal_flags_are_recomputed_with_the_goal(rng: np.random.Generator) -> None:
    replay = line_replay(episode(0, 1, 2, 3, goal=3, terminal=True))
    assert relabelled(replay, [0, 1, 2], rng, ends_at_goal=True).discounts[:, 0] == pytest.approx([0.9, 0.9, 0.0])
    # Goal 1 was passed on the way: now the episode would have gone on after its recorded end.
    back = line_replay(episode(0, 1, 2, 3, goal=3, terminal=True), episode(7, 8, 7, goal=99, terminal=True))
    assert relabelled(back, [4], rng, ends_at_goal=True).discounts[0, 0] == pytest.approx(0.9)  # 7 -> 8, goal 7


def test_an_end_that_has_nothing_to_do_with_the_goal_stays(rng: np.random.Generator) -> None:
    replay = line_replay(episode(0, 1, 2, goal=99, terminal=True))
    assert relabelled(replay, [0, 1], rng).discounts[:, 0] == pytest.approx([0.9, 0.0])


def test_every_one_of_several_steps_is_paid_anew(rng: np.random.Generator) -> None:
    replay = line_replay(episode(3, 2, 3, 3, goal=99))
    found = relabelled(replay, [0, 2], rng, n_step=2, strength=10.0)
    assert found.rewards.tolist() == [[-10, 0], [0, 0]]  # at 2, at 3; at 3, and past the end
    assert found.discounts == pytest.approx(np.array([[0.9, 0.9], [0.9, 1.0]]))


def test_without_relabelling_all_stays_as_it_was(rng: np.random.Generator) -> None:
    replay = line_replay(episode(0, 1, 2, goal=99))
    found = relabelled(replay, [0, 1], rng, k=0)
    assert found.observations_t[1][:, 0].tolist() == [99, 99]
    assert found.rewards[:, 0].tolist() == [-1, -1]


def test_goals_never_come_from_another_episode(rng: np.random.Generator) -> None:
    replay = line_replay(episode(0, 1, 2, goal=99), episode(10, 11, 12, goal=99), episode(20, 21, 22, goal=99))
    for strategy in hindsight.STRATEGIES:
        found = relabelled(replay, [3, 4] * 50, rng, strategy=strategy)
        assert set(found.observations_t[1][:, 0].tolist()) <= {11, 12}


def test_the_beginning_of_an_episode_that_is_overwritten_is_no_goal(rng: np.random.Generator) -> None:
    replay = Replay(LINE, 6)
    for piece in (episode(0, 1, 2, 3, goal=99), episode(10, 11, 12, goal=99)):
        replay.add(piece)  # 4 and 3 rows: the row of place 0 is gone
    found = relabelled(replay, [2] * 50, rng, strategy="episode")
    assert set(found.observations_t[1][:, 0].tolist()) == {2, 3}
