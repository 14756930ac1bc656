"""What does a learner from replay get out of what a bridge has brought?"""

from pathlib import Path

import numpy as np
import pytest
from mlagents_selfplay.algorithms.replay import NO_SNAPSHOT
from mlagents_selfplay.rollouts.exchange import Part
from mlagents_selfplay.rollouts.member import hand_over, member_of

from tests.trainer.inprocess import Training
from tests.trainer.runs import SMALL

VECTOR = 4  # numbers that an agent of the arena sees


def part() -> Part:
    """Three pieces: 2 steps of an episode that goes on, its last step, and 3 steps to the end of another."""
    rows = 6
    return Part(
        {
            "observation.0": np.arange(rows * VECTOR, dtype=np.float32).reshape(rows, VECTOR),
            "next.0": np.full((3, VECTOR), -1.0, np.float32) * np.arange(1, 4)[:, None],
            "continuous": np.zeros((rows, 0), np.float32),
            "discrete": np.tile(np.array([[1, 0]], np.int32), (rows, 1)),
            "allowed": np.array([[1, 1, 1, 1, 1], [1, 1, 0, 1, 1]] * 3, bool),
            "reward": np.arange(rows, dtype=np.float32),
            "group_reward": np.full(rows, 10.0, np.float32),
            "version": np.array([0, 0, 0, 0, 0, 0]),
            "length": np.array([2, 1, 3]),
            "terminal": np.array([False, True, False]),
            "ended": np.array([False, True, True]),
        },
        [],
        ["a", "a", "b"],
        [["60"], ["60"], ["script"]],
    )


@pytest.fixture
def training(tmp_path: Path) -> Training:
    return Training(tmp_path, learner="dqn", learner_hyperparameters=SMALL["dqn"])


def test_the_replay_holds_the_steps_in_their_episodes_and_whom_they_were_played_against(training: Training) -> None:
    learner = training.trainer.learner
    hand_over(part(), learner, lambda opponents: {"60": 60}.get(opponents[0], NO_SNAPSHOT))
    columns, held = learner.replay.columns, slice(0, 9)  # Six steps, and a row that closes each piece.
    assert learner.get_step == 6
    assert columns["observation.0"][held, 0].tolist() == [0, 4, -1, 8, -2, 12, 16, 20, -3]
    assert columns["reward"][held].tolist() == [10, 11, 0, 12, 0, 13, 14, 15, 0]
    assert columns["terminal"][held].tolist() == [False, False, False, True, False, False, False, False, False]
    assert columns["episode"][held].tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1]
    assert columns["step"][held].tolist() == [0, 1, 2, 2, 3, 0, 1, 2, 3]
    assert columns["opponent"][held].tolist() == [60] * 5 + [NO_SNAPSHOT] * 4
    assert columns["allowed"][2].tolist() == [True] * 5  # What the episode's next row says; the one before forbids.
    assert columns["allowed"][1].tolist() == [True, True, False, True, True]


def test_what_was_paid_in_an_episode_is_reported_when_it_is_over(training: Training) -> None:
    learner = training.trainer.learner
    hand_over(part(), learner, lambda _: 0)
    assert list(learner.reward_buffer) == [12.0, 3.0]  # 3 + 4 + 5 and 0 + 1 + 2, the latest first.


def test_the_length_of_an_episode_counts_all_of_its_pieces(training: Training) -> None:
    learner, told = training.trainer.learner, []
    learner.stats_reporter.add_stat = lambda name, value, *_, **__: told.append((name, value))
    hand_over(part(), learner, lambda _: 0)
    assert [value for name, value in told if name == "Environment/Episode Length"] == [3, 3]  # 2 + 1 of a, 3 of b.
    assert ("Policy/Age of Weights", 0.0) in told


def test_nothing_is_taken_in_any_more_when_training_is_over(tmp_path: Path) -> None:
    training = Training(tmp_path, learner="dqn", learner_hyperparameters=SMALL["dqn"], max_steps=5)
    learner = training.trainer.learner
    for _ in range(3):
        hand_over(part(), learner, lambda _: 0)
    assert (learner.get_step, learner.steps_wanted) == (6, 0)


def test_a_rollout_has_as_many_rows_as_a_batch_and_the_next_is_asked_for_when_they_are_there(
    training: Training,
) -> None:
    learner = training.trainer.learner  # Batches of 16.
    assert learner.steps_wanted == 16
    hand_over(part(), learner, lambda _: 0)
    assert learner.steps_wanted == 10
    hand_over(part(), learner, lambda _: 0)
    hand_over(part(), learner, lambda _: 0)
    assert learner.steps_wanted == 16


def test_updates_are_as_many_as_the_steps_are_worth(training: Training) -> None:
    learner, made = training.trainer.learner, []
    learner.learn_once = lambda: made.append(learner.get_step) or {}
    for _ in range(50):
        hand_over(part(), learner, lambda _: 0)
        learner.advance()
    # 300 steps, of which 100 go by before the first update; one for every 10 after that, the first being taken as made.
    assert len(made) == (300 - 100) // 10 - 1


@pytest.mark.parametrize(
    ("learner", "keys", "expected"),
    [
        ("dqn", {"epsilon_start": 0.5}, {"uniform": 0.5, "keep": 0.0, "push": 0.0}),
        ("ddpg", {"random_steps": 10}, {"uniform": 1.0, "keep": 0.0, "push": 0.0}),
        ("ddpg", {"random_steps": 0, "epsilon": 0.2}, {"uniform": 0.2, "keep": 0.0, "push": 0.1}),
        ("td3", {"random_steps": 0, "action_noise": "none"}, {"uniform": 0.0, "keep": 0.0, "push": 0.0}),
        (
            "td3",  # dt = 0.01: keep = 1 - 0.15 dt, push = 0.3 sqrt(dt)
            {"random_steps": 0, "action_noise": "ornstein_uhlenbeck", "action_noise_scale": 0.3},
            {"uniform": 0.0, "keep": 0.9985, "push": 0.03},
        ),
        ("fast_sac", {"random_steps": 0}, {"uniform": 0.0, "keep": 0.0, "push": 0.0}),
    ],
)
def test_exploration_travels_in_numbers(learner: str, keys: dict, expected: dict, tmp_path: Path) -> None:
    actions = "discrete" if learner == "dqn" else "continuous"
    training = Training(tmp_path, {"actions": actions}, learner=learner, learner_hyperparameters=keys)
    trainer = training.trainer
    member = member_of("Arena", trainer.trainer_settings, trainer.learner, trainer.roster, False)
    assert member.exploration() == pytest.approx(expected)
    assert member.whole
    assert member.version() == 0


def test_noise_on_parameters_travels_as_the_weights_of_the_learner_and_of_nobody_else(tmp_path: Path) -> None:
    keys = {"parameter_noise": 0.5, "batch_size": 16, "buffer_size": 500, "buffer_init_steps": 50}
    training = Training(tmp_path, {"actions": "continuous"}, learner="ddpg", learner_hyperparameters=keys)
    training.until(60)
    trainer = training.trainer
    member = member_of("Arena", trainer.trainer_settings, trainer.learner, trainer.roster, False)
    sent, own = member.arrays_of("current"), trainer.learner.policy.actor.state_dict()
    noisy = trainer.learner.policy.noisy_parameters
    assert np.array_equal(sent["mu.weight"], noisy["action_model.mu.weight"].numpy().T)
    assert not np.array_equal(sent["mu.weight"], own["action_model.mu.weight"].numpy().T)
    initial = member.arrays_of("initial")
    saved = trainer.roster.weights_of("initial")
    assert np.array_equal(initial["mu.weight"], saved["action_model.mu.weight"].T)
