"""Are demonstrations read as they were made, and refused where they were made elsewhere?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlagents.trainers.demo_loader import write_demo
from mlagents.trainers.exception import TrainerConfigError
from mlagents_envs.base_env import ActionSpec, BehaviorSpec, ObservationType
from mlagents_envs.communicator_objects.agent_info_action_pair_pb2 import AgentInfoActionPairProto
from mlagents_envs.communicator_objects.brain_parameters_pb2 import BrainParametersProto
from mlagents_envs.communicator_objects.demonstration_meta_pb2 import DemonstrationMetaProto
from mlagents_selfplay.algorithms.demonstrations import DemonstrationSettings, read

from tests.algorithms.toys import Number, Play, deterministic_returns, goal_sensors, vector

ONE_SENSOR = BehaviorSpec([vector(2)], ActionSpec(1, ()))
THREE_SENSORS = BehaviorSpec(goal_sensors(2), ActionSpec(1, ()))


def npz(folder: Path, **arrays: Any) -> Path:
    path = folder / "demo.npz"
    np.savez_compressed(path, **arrays)
    return path


def test_episodes_are_read_from_arrays(tmp_path: Path) -> None:
    seen = np.arange(12, dtype=float).reshape(2, 3, 2)
    path = npz(tmp_path, acs=[[[0.1], [0.2]], [[0.3], [0.4]]], obs=seen, rew=[[1, 2], [3, 4]], terminal=[True, False])
    first, second = read(path, ONE_SENSOR, needs_rewards=True)
    assert first.observations[0].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert second.observations[0].tolist() == [[6, 7], [8, 9], [10, 11]]
    assert second.continuous == pytest.approx(np.array([[0.3], [0.4]]))
    assert [first.rewards.tolist(), second.rewards.tolist()] == [[1, 2], [3, 4]]
    assert [first.terminal, second.terminal] == [True, False]
    assert [first.episode, second.episode] == [0, 1]


def test_one_episode_needs_no_dimension_for_episodes(tmp_path: Path) -> None:
    path = npz(tmp_path, acs=[[0.1], [0.2]], obs=np.zeros((3, 2)), rew=[1, 2], terminal=True)
    (piece,) = read(path, ONE_SENSOR, needs_rewards=True)
    assert piece.rewards.tolist() == [1, 2]
    assert piece.terminal


def test_goals_are_sensors_of_their_own_and_hindsight_needs_no_rewards(tmp_path: Path) -> None:
    seen = {f"obs.{sensor.name}": np.full((1, 3, 2), n) for n, sensor in enumerate(THREE_SENSORS.observation_specs)}
    path = npz(tmp_path, acs=np.zeros((1, 2, 1)), **seen, info=np.zeros(7))
    (piece,) = read(path, THREE_SENSORS, needs_rewards=False)
    assert [sensor[0, 0] for sensor in piece.observations] == [0, 1, 2]
    with pytest.raises(TrainerConfigError, match="it has no array rew"):
        read(path, THREE_SENSORS, needs_rewards=True)


def recording(folder: Path) -> Path:
    """As Unity's recorder makes it: two episodes, of 2 and 1 steps, the second one cut off."""
    brain = BrainParametersProto(brain_name="Toy")
    brain.action_spec.num_continuous_actions = 1
    pairs = []
    for number, reward, done, cut, action in [
        (1, 0.0, False, False, 0.5),
        (2, 10.0, False, False, 0.25),
        (3, 20.0, True, False, 0.0),
        (4, 0.0, False, False, -0.5),
        (5, 30.0, True, True, 0.0),
    ]:
        pair = AgentInfoActionPairProto()
        pair.agent_info.reward, pair.agent_info.done, pair.agent_info.max_step_reached = reward, done, cut
        pair.agent_info.id = 7
        observation = pair.agent_info.observations.add()
        observation.shape.extend([2])
        observation.float_data.data.extend([number, -number])
        observation.dimension_properties.append(1)
        observation.observation_type = ObservationType.DEFAULT.value
        pair.action_info.continuous_actions.append(action)
        pairs.append(pair)
    path = folder / "unity.demo"
    write_demo(str(path), DemonstrationMetaProto(api_version=1, number_steps=len(pairs)), brain, pairs)
    return path


def test_episodes_are_read_from_a_recording_of_unity(tmp_path: Path) -> None:
    first, second = read(recording(tmp_path), ONE_SENSOR, needs_rewards=True)
    assert first.observations[0].tolist() == [[1, -1], [2, -2], [3, -3]]
    assert first.continuous.tolist() == [[0.5], [0.25]]
    assert first.rewards.tolist() == [10, 20]  # of a step, which comes with what is seen after it
    assert first.terminal
    assert second.observations[0].tolist() == [[4, -4], [5, -5]]
    assert second.continuous.tolist() == [[-0.5]]
    assert not second.terminal


def test_a_file_that_runs_code_when_read_is_refused(tmp_path: Path) -> None:
    path = npz(tmp_path, acs=np.array([{"an": "object"}], dtype=object), obs=np.zeros((1, 3, 2)))
    with pytest.raises(TrainerConfigError, match="Python objects, which could run code when read; save plain arrays"):
        read(path, ONE_SENSOR, needs_rewards=True)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"obs": np.zeros((1, 3, 2))}, "it has no array acs"),
        ({"acs": np.zeros((1, 2, 1))}, "it has no array obs.numbers"),
        ({"acs": np.zeros((1, 2, 3)), "obs": np.zeros((1, 3, 2))}, r"acs has the shape \(1, 2, 3\), not \(1, 2, 1\)"),
        ({"acs": np.zeros((1, 2, 1)), "obs": np.zeros((1, 2, 2))}, r"has the shape \(1, 2, 2\), not \(1, 3, 2\)"),
        ({"acs": np.zeros((1, 0, 1)), "obs": np.zeros((1, 1, 2)), "rew": np.zeros((1, 0))}, "it holds no step"),
    ],
)
def test_arrays_that_do_not_fit_are_named(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(TrainerConfigError, match=f"hyperparameters.demonstrations.path: .*{message}"):
        read(npz(tmp_path, **arrays), ONE_SENSOR, needs_rewards=True)


def test_a_recording_of_another_environment_is_refused(tmp_path: Path) -> None:
    path = recording(tmp_path)
    with pytest.raises(TrainerConfigError, match=r"its observations have the shapes \[\(2,\)\], not \[\(3,\)\]"):
        read(path, BehaviorSpec([vector(3)], ActionSpec(1, ())), needs_rewards=True)
    with pytest.raises(TrainerConfigError, match="its actions are"):
        read(path, BehaviorSpec([vector(2)], ActionSpec(2, ())), needs_rewards=True)


@pytest.mark.parametrize("name", ["missing.npz", "damaged.npz", "damaged.demo"])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if "damaged" in name:
        path.write_bytes(b"this is neither an archive nor a recording of anything at all")
    with pytest.raises(TrainerConfigError, match=f"{name} cannot be used"):
        read(path, ONE_SENSOR, needs_rewards=True)


@pytest.mark.parametrize(
    ("key", "value"),
    [("path", "demo.pkl"), ("batch_size", 0), ("cloning_weight", -1), ("policy_weight", "much"), ("q_filter", 1)],
)
def test_a_wrong_setting_is_refused_by_its_name(key: str, value: Any) -> None:
    with pytest.raises(TrainerConfigError, match=f"hyperparameters.demonstrations.{key}: .* is not allowed"):
        DemonstrationSettings(**{"path": "demo.npz", key: value})


@pytest.mark.parametrize("q_filter", [False, True])
def test_what_was_shown_is_done_long_before_it_would_have_been_found(q_filter: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.uniform(-0.9, 0.9, (200, 2, 2))
    path = npz(tmp_path, acs=numbers[:, :1], obs=numbers, rew=np.zeros((200, 1)), terminal=np.ones(200, bool))
    demonstrations = {"path": str(path), "batch_size": 64, "q_filter": q_filter}
    played = Play(
        "ddpg",
        Number,
        tmp_path,
        hyperparameters={
            "batch_size": 64,
            "buffer_init_steps": 200,
            "random_steps": 10_000,
            "learning_rate": 3e-3,
            "demonstrations": demonstrations,
        },
    ).until(450)
    # 250 updates; without demonstrations the same learner is at about -0.3 then, and who always says 0 gets -0.54.
    assert np.mean(deterministic_returns(played.policy, Number(), 50)) > -0.1
