"""Does the fast learner compute what ML-Agents' own PPO computes, from the same trajectories?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attr
import numpy as np
import pytest
from mlagents.torch_utils import torch
from mlagents.trainers.agent_processor import AgentManagerQueue
from mlagents.trainers.behavior_id_utils import BehaviorIdentifiers
from mlagents.trainers.buffer import BufferKey
from mlagents.trainers.ppo.optimizer_torch import PPOSettings
from mlagents.trainers.ppo.trainer import PPOTrainer
from mlagents.trainers.settings import (
    NetworkSettings,
    RewardSignalSettings,
    RewardSignalType,
    ScheduleType,
    TrainerSettings,
    strict_to_cls,
)
from mlagents.trainers.torch_entities.action_log_probs import LogProbsTuple
from mlagents.trainers.trajectory import AgentExperience, Trajectory
from mlagents_envs.base_env import (
    ActionSpec,
    ActionTuple,
    BehaviorSpec,
    DimensionProperty,
    ObservationSpec,
    ObservationType,
)
from mlagents_selfplay.algorithms.experience import advantages
from mlagents_selfplay.algorithms.fast_ppo import FastPPOSettings, FastPPOTrainer
from mlagents_selfplay.algorithms.sequences import sequences_of

ACTIONS = {"discrete": ActionSpec(0, (3, 2)), "continuous": ActionSpec(2, ()), "hybrid": ActionSpec(2, (3, 2))}
VECTOR = ObservationSpec((4,), (DimensionProperty.NONE,), ObservationType.DEFAULT, "")
IMAGE = ObservationSpec(
    (3, 20, 20),
    (DimensionProperty.NONE, *[DimensionProperty.TRANSLATIONAL_EQUIVARIANCE] * 2),
    ObservationType.DEFAULT,
    "",
)
BEHAVIOR = "Fencer?team=0"
STATISTICS = ("Losses/Policy Loss", "Losses/Value Loss", "Policy/Extrinsic Value Estimate", "Policy/Extrinsic Reward")


class Kept:
    """Stands in for TensorBoard and keeps every value."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}

    def add_stat(self, name: str, value: Any, aggregation: Any = None) -> None:
        self.values.setdefault(name, []).append(float(value))

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def trainer_of(kind: type[PPOTrainer], spec: BehaviorSpec, folder: Path, **changes: Any) -> Any:
    network = {"hidden_units": 16, "num_layers": 1, **changes.pop("network", {})}
    settings = TrainerSettings(
        trainer_type="ppo",
        hyperparameters=PPOSettings(
            **{"batch_size": 8, "buffer_size": 24, "learning_rate": 1e-6, "num_epoch": 2, **changes}
        ),
        network_settings=NetworkSettings(**network),
        reward_signals={RewardSignalType.EXTRINSIC: RewardSignalSettings(gamma=0.9, strength=0.5)},
        max_steps=10_000,
    )
    torch.manual_seed(0)
    trainer = kind("Fencer", 10, settings, True, False, 0, str(folder / kind.__name__))
    identifiers = BehaviorIdentifiers.from_name_behavior_id(BEHAVIOR)
    torch.manual_seed(1)  # The networks' first weights.
    trainer.add_policy(identifiers, trainer.create_policy(identifiers, spec))
    trainer._stats_reporter = Kept()
    trainer.subscribe_trajectory_queue(AgentManagerQueue(BEHAVIOR))
    return trainer


def trajectory_of(spec: BehaviorSpec, length: int, end: str, agent: int, rng: np.random.Generator) -> Trajectory:
    """An agent that does anything; its log-probabilities are those of another policy, so that ratios are not 1."""
    actions = spec.action_spec

    def seen() -> list[np.ndarray]:
        return [rng.random(sensor.shape, dtype=np.float32) for sensor in spec.observation_specs]

    def step(done: bool) -> AgentExperience:
        masks = [np.arange(size) == rng.integers(-2, size) for size in actions.discrete_branches]
        free = [rng.choice(np.flatnonzero(~mask)) for mask in masks]
        continuous = rng.normal(size=actions.continuous_size).astype(np.float32)
        log_probs = LogProbsTuple(
            -rng.random(actions.continuous_size, dtype=np.float32) - 0.5,
            -rng.random(actions.discrete_size, dtype=np.float32) - 0.5,
        )
        return AgentExperience(
            obs=seen(),
            reward=float(rng.normal()),
            done=done,
            action=ActionTuple(continuous, np.array(free, np.int32)),
            action_probs=log_probs,
            action_mask=masks or None,
            prev_action=np.zeros(actions.discrete_size, np.int32),
            interrupted=end == "cut off" and done,
            memory=None,
            group_status=[],
            group_reward=float(rng.integers(2)),
        )

    steps = [step(done=end != "goes on" and number == length - 1) for number in range(length)]
    return Trajectory(steps, seen(), [], f"agent_0-{agent}", BEHAVIOR)


def trained_on(trainer: Any, trajectories: list[Trajectory]) -> dict[str, np.ndarray]:
    """Hands over trajectories and returns the gradients of the last mini-batch, by parameter."""
    for trajectory in trajectories:
        trainer.trajectory_queues[0].put(trajectory)
    trainer.advance()
    networks = {"actor": trainer.policy.actor, "critic": trainer.optimizer.critic}
    return {
        f"{part}.{name}": value.grad.numpy().copy()
        for part, network in networks.items()
        for name, value in network.named_parameters()
        if value.grad is not None
    }


@pytest.fixture
def in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both learners take their mini-batches in the order in which the experience came."""
    monkeypatch.setattr(np.random, "shuffle", lambda _: None)
    monkeypatch.setattr(torch, "randperm", lambda size, generator: torch.arange(size))


@pytest.mark.usefixtures("in_order")
@pytest.mark.parametrize("sensors", [[VECTOR], [VECTOR, IMAGE]], ids=["vector", "vector and image"])
@pytest.mark.parametrize("actions", ACTIONS)
def test_losses_and_gradients_are_those_of_ml_agents(
    actions: str, sensors: list[ObservationSpec], tmp_path: Path
) -> None:
    spec = BehaviorSpec(sensors, ACTIONS[actions])
    rng = np.random.default_rng(0)
    ends = ["ends", "cut off", "goes on", "ends", "goes on"]
    lengths = [3, 1, 11, 7, 5]
    trajectories = [
        trajectory_of(spec, length, end, agent, rng)
        for agent, (length, end) in enumerate(zip(lengths, ends, strict=True))
    ]
    stock, fast = (trainer_of(kind, spec, tmp_path) for kind in (PPOTrainer, FastPPOTrainer))
    expected, found = trained_on(stock, trajectories), trained_on(fast, trajectories)
    assert expected.keys() == found.keys()
    for name, gradient in expected.items():
        assert found[name] == pytest.approx(gradient, rel=1e-3, abs=1e-5), name
    for name in STATISTICS:
        assert fast.stats_reporter.values[name] == pytest.approx(stock.stats_reporter.values[name], rel=1e-4), name
    assert fast.reward_buffer == pytest.approx(stock.reward_buffer)
    assert fast.get_step == stock.get_step == sum(lengths)


@pytest.mark.usefixtures("in_order")
@pytest.mark.parametrize("shared_critic", [False, True])
def test_a_normaliser_sees_what_that_of_ml_agents_sees(shared_critic: bool, tmp_path: Path) -> None:
    spec = BehaviorSpec([VECTOR, IMAGE], ACTIONS["hybrid"])
    trajectories = [trajectory_of(spec, 30, "ends", 0, np.random.default_rng(0))]
    changes = {"network": {"normalize": True}, "shared_critic": shared_critic}
    stock, fast = (trainer_of(kind, spec, tmp_path, **changes) for kind in (PPOTrainer, FastPPOTrainer))
    expected, found = trained_on(stock, trajectories), trained_on(fast, trajectories)
    for name, gradient in expected.items():
        assert found[name] == pytest.approx(gradient, rel=1e-3, abs=1e-5), name
    for name, value in stock.policy.actor.state_dict().items():
        assert fast.policy.actor.state_dict()[name].numpy() == pytest.approx(value.numpy(), abs=2e-5), name


@pytest.mark.usefixtures("in_order")
def test_a_second_buffer_begins_where_the_first_ended(tmp_path: Path) -> None:
    spec = BehaviorSpec([VECTOR], ACTIONS["discrete"])
    rng = np.random.default_rng(0)
    rounds = [[trajectory_of(spec, 30, "ends", 0, rng)], [trajectory_of(spec, 200, "goes on", 1, rng)]]
    stock, fast = (trainer_of(kind, spec, tmp_path) for kind in (PPOTrainer, FastPPOTrainer))
    for trajectories in rounds:  # The second is longer than the arrays were made for.
        expected, found = trained_on(stock, trajectories), trained_on(fast, trajectories)
        for name, gradient in expected.items():
            assert found[name] == pytest.approx(gradient, rel=1e-3, abs=1e-5), name
    assert len(fast.experience) == 0


def test_every_epoch_takes_each_step_at_most_once_in_an_order_of_its_own(tmp_path: Path) -> None:
    spec = BehaviorSpec([VECTOR], ACTIONS["discrete"])
    trainer = trainer_of(FastPPOTrainer, spec, tmp_path)
    seen: list[list[float]] = []
    trainer._update = lambda batch: seen.append(batch[BufferKey.ADVANTAGES].tolist()) or {}
    trained_on(trainer, [trajectory_of(spec, 30, "ends", 0, np.random.default_rng(0))])
    # 30 steps make 3 batches of 8, twice; 6 steps are left over each time.
    assert [len(batch) for batch in seen] == [8] * 6
    first, second = sum(seen[:3], []), sum(seen[3:], [])
    assert len(set(first)) == len(set(second)) == 24
    assert first != second


def test_what_comes_after_the_last_step_is_counted_but_not_kept(tmp_path: Path) -> None:
    spec = BehaviorSpec([VECTOR], ACTIONS["discrete"])
    trainer = trainer_of(FastPPOTrainer, spec, tmp_path)
    trainer.trainer_settings.max_steps = 7
    for agent in range(3):
        trained_on(trainer, [trajectory_of(spec, 5, "ends", agent, np.random.default_rng(0))])
    assert trainer.get_step == 15
    assert len(trainer.experience) == 5
    assert len(trainer.reward_buffer) == 3


MEMORY = {"memory": NetworkSettings.MemorySettings(sequence_length=4, memory_size=8)}


def remembered(trajectory: Trajectory, rng: np.random.Generator) -> Trajectory:
    return trajectory._replace(
        steps=[step._replace(memory=rng.normal(size=8).astype(np.float32)) for step in trajectory.steps]
    )


def without_padding(stock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets ML-Agents' learner, too, leave padding out of the mean and the deviation of the advantages."""
    update, of_a_batch = stock._update_policy, stock.optimizer.update

    def update_policy() -> bool:
        padded = np.array(stock.update_buffer[BufferKey.ADVANTAGES].get_batch(), np.float32)
        real = padded[np.array(stock.update_buffer[BufferKey.MASKS].get_batch(), bool)]

        def of_batch(batch: Any, sequences: int) -> Any:
            plain = np.array(batch[BufferKey.ADVANTAGES]) * (padded.std() + 1e-10) + padded.mean()
            batch[BufferKey.ADVANTAGES].set((plain - real.mean()) / (real.std() + 1e-10))
            return of_a_batch(batch, sequences)

        monkeypatch.setattr(stock.optimizer, "update", of_batch)
        return bool(update())

    monkeypatch.setattr(stock, "_update_policy", update_policy)


@pytest.mark.usefixtures("in_order")
@pytest.mark.parametrize("shared_critic", [False, True])
@pytest.mark.parametrize("actions", ACTIONS)
def test_with_a_memory_losses_and_gradients_are_those_of_ml_agents(
    actions: str, shared_critic: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = BehaviorSpec([VECTOR, IMAGE], ACTIONS[actions])
    rng = np.random.default_rng(0)
    # Sequences of 4: 3 of the 11 rows are left over, one piece fills its own, one is shorter. All end, since the
    # critic of ML-Agents would else take over the memory of another agent's piece.
    lengths = [11, 4, 1, 12]
    trajectories = [
        remembered(trajectory_of(spec, length, "ends", agent, rng), rng) for agent, length in enumerate(lengths)
    ]
    changes = {"network": MEMORY, "shared_critic": shared_critic, "num_epoch": 1}
    stock, fast = (trainer_of(kind, spec, tmp_path, **changes) for kind in (PPOTrainer, FastPPOTrainer))
    without_padding(stock, monkeypatch)
    expected, found = trained_on(stock, trajectories), trained_on(fast, trajectories)
    assert expected.keys() == found.keys()
    assert any("lstm" in name for name in expected)
    for name, gradient in expected.items():
        assert found[name] == pytest.approx(gradient, rel=1e-3, abs=1e-5), name
    for name in STATISTICS:
        assert fast.stats_reporter.values[name] == pytest.approx(stock.stats_reporter.values[name], rel=1e-4), name


def test_sequences_by_hand() -> None:
    # Pieces of 3, 1 and 4 rows in sequences of 2: the first and the second piece leave room at their ends.
    assert sequences_of(np.array([3, 1, 4]), 2).tolist() == [[0, 1], [2, -1], [3, -1], [4, 5], [6, 7]]
    assert sequences_of(np.array([3, 1]), 1).tolist() == [[0], [1], [2], [3]]


def test_schedules_that_are_not_given_follow_that_of_the_learning_rate() -> None:
    """As ML-Agents does for trainer type `ppo`, by name."""
    settings = FastPPOSettings(learning_rate_schedule="constant", epsilon_schedule="linear")
    assert (settings.beta_schedule, settings.epsilon_schedule) == ("constant", "linear")
    assert {field.name for field in attr.fields(FastPPOSettings)} == {field.name for field in attr.fields(PPOSettings)}


def test_a_schedule_in_the_yaml_is_read_as_one() -> None:
    keys = {"learning_rate_schedule": "linear", "beta_schedule": "constant"}
    settings: Any = strict_to_cls(keys, FastPPOSettings)
    assert (settings.beta_schedule, settings.epsilon_schedule) == (ScheduleType.CONSTANT, ScheduleType.LINEAR)


def test_advantages_by_hand() -> None:
    # gamma = lambda = 1/2, two pieces. First: rewards 1, 2; values 2, 4; after it 8.
    #   d = 2 + 4 - 4 = 2 and 1 + 2 - 2 = 1; A = 2 and 1 + 2/4 = 1.5.
    # Second: reward 3, value 1, the episode ends: A = 3 - 1 = 2.
    found = advantages(
        np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 1.0]), np.array([8.0, 0.0]), np.array([2, 1]), 0.5, 0.5
    )
    assert found.tolist() == [1.5, 2.0, 2.0]
