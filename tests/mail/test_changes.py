"""Does a running learner really learn with its new hyperparameters, and go on with what another one has learned?

In each test one learner makes an update, is changed, and makes another; beside it one that had the new value from the
start takes over its weights and its optimizer's memory. From there on they must not differ.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlagents.plugins.trainer_type import register_trainer_plugins
from mlagents.torch_utils import torch
from mlagents.trainers.agent_processor import AgentManagerQueue
from mlagents.trainers.behavior_id_utils import BehaviorIdentifiers
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.poca.trainer import POCATrainer
from mlagents.trainers.ppo.trainer import PPOTrainer
from mlagents.trainers.sac.trainer import SACTrainer
from mlagents.trainers.settings import TrainerSettings
from mlagents_envs.base_env import BehaviorSpec
from mlagents_selfplay.algorithms.fast_ppo import FastPPOTrainer
from mlagents_selfplay.mail.changes import change, changeable, take_over
from mlagents_selfplay.population.averaging import mean_of

from tests.algorithms.test_fast_ppo import ACTIONS, BEHAVIOR, VECTOR, trajectory_of

register_trainer_plugins()

SPEC = BehaviorSpec([VECTOR], ACTIONS["hybrid"])
ON_POLICY = {"batch_size": 8, "buffer_size": 24, "learning_rate": 1e-3, "num_epoch": 2, "beta": 0.01}
ON_POLICY |= {"learning_rate_schedule": "constant"}  # and those of beta and epsilon with it
OFF_POLICY = {"batch_size": 8, "buffer_size": 500, "learning_rate": 1e-3, "steps_per_update": 8}
KINDS: dict[str, tuple[type, dict[str, Any]]] = {
    "ppo": (PPOTrainer, ON_POLICY),
    "fast_ppo": (FastPPOTrainer, ON_POLICY),
    "poca": (POCATrainer, ON_POLICY),
    "sac": (SACTrainer, OFF_POLICY),
}
PPO_CHANGES = {
    "learning_rate": 1e-2,
    "beta": 3.0,
    "epsilon": 0.01,
    "lambd": 0.1,
    "num_epoch": 5,
    "batch_size": 16,
    "extrinsic.gamma": 0.1,
    "extrinsic.strength": 3.0,
}
SAC_CHANGES = {"learning_rate": 1e-2, "tau": 0.5, "batch_size": 4, "extrinsic.gamma": 0.1, "steps_per_update": 2}
POCA_CHANGES = {key: PPO_CHANGES[key] for key in ("learning_rate", "beta", "epsilon", "extrinsic.gamma")}
CHANGES = {"fast_ppo": PPO_CHANGES, "ppo": PPO_CHANGES, "poca": POCA_CHANGES, "sac": SAC_CHANGES}
CASES = [pytest.param(kind, changes, id=kind) for kind, changes in CHANGES.items()] + [
    pytest.param(kind, {key: value}, id=f"{kind} {key}", marks=pytest.mark.slow)
    for kind, changes in CHANGES.items()
    for key, value in changes.items()
]


def learner_of(kind: str, folder: Path, values: dict[str, float] | None = None) -> Any:
    """Makes a learner with other values than its kind's; always with the same first weights."""
    trainer_class, block = KINDS[kind]
    own = {key: value for key, value in (values or {}).items() if "." not in key}
    of_reward = {key.partition(".")[2]: value for key, value in (values or {}).items() if "." in key}
    configuration = {
        "trainer_type": kind.removeprefix("fast_"),
        "hyperparameters": {**block, **own},
        "network_settings": {"hidden_units": 16, "num_layers": 1},
        "reward_signals": {"extrinsic": {"gamma": 0.9, **of_reward}},
        "max_steps": 100_000,
    }
    settings = TrainerSettings.structure(configuration, TrainerSettings)
    learner = trainer_class("Fencer", 10, settings, True, False, 0, str(folder))
    identifiers = BehaviorIdentifiers.from_name_behavior_id(BEHAVIOR)
    torch.manual_seed(1)
    learner.add_policy(identifiers, learner.create_policy(identifiers, SPEC))
    learner.subscribe_trajectory_queue(AgentManagerQueue(BEHAVIOR))
    return learner


def learn(learner: Any, seed: int) -> None:
    """Lets a learner make an update; what it sees and every random number depend on `seed` alone."""
    rng = np.random.default_rng(seed)
    np.random.seed(seed)  # noqa: NPY002, ML-Agents' own generator
    torch.manual_seed(seed)
    for agent in range(4):
        learner.trajectory_queues[0].put(trajectory_of(SPEC, 8, "ends", agent, rng))
    learner.advance()


def weights_of(learner: Any) -> np.ndarray:
    """Returns all weights of the networks of a learner in one row."""
    modules = learner.model_saver.modules
    networks = [m for name, m in modules.items() if isinstance(m, torch.nn.Module) and name != "global_step"]
    return np.concatenate([value.detach().numpy().ravel() for network in networks for value in network.parameters()])


def checkpoint_of(learner: Any) -> bytes:
    file = io.BytesIO()
    torch.save({name: module.state_dict() for name, module in learner.model_saver.modules.items()}, file)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "values"), CASES)
def test_a_change_takes_effect_in_the_very_next_update(kind: str, values: dict[str, float], tmp_path: Path) -> None:
    changed, unchanged = learner_of(kind, tmp_path / "a"), learner_of(kind, tmp_path / "b")
    from_the_start = learner_of(kind, tmp_path / "c", values)
    if kind != "sac":  # its replay buffer, entropy coefficient and count of updates are in no checkpoint
        for learner in (changed, unchanged):
            learn(learner, seed=2)  # now everything is traced, and Adam has a memory
    take_over(from_the_start, from_the_start.model_saver.modules, checkpoint_of(changed))
    np.testing.assert_array_equal(weights_of(from_the_start), weights_of(changed))
    change(changed, values)
    for learner in (changed, from_the_start, unchanged):
        learn(learner, seed=3)
    np.testing.assert_allclose(weights_of(changed), weights_of(from_the_start), rtol=0, atol=1e-6)
    assert np.abs(weights_of(changed) - weights_of(unchanged)).max() > 1e-4


def test_a_learning_rate_of_zero_stops_the_learner(tmp_path: Path) -> None:
    """In the seed a new learning rate stood in the configuration, and the optimizer went on with the old one."""
    learner = learner_of("fast_ppo", tmp_path)
    learn(learner, seed=2)
    before = weights_of(learner)
    change(learner, {"learning_rate": 0.0})
    learn(learner, seed=3)
    np.testing.assert_array_equal(weights_of(learner), before)
    change(learner, {"learning_rate": 1e-3})
    learn(learner, seed=4)
    assert np.abs(weights_of(learner) - before).max() > 1e-4


def test_a_schedule_that_decays_goes_on_from_the_new_value(tmp_path: Path) -> None:
    learner = learner_of("fast_ppo", tmp_path)
    schedule = learner.optimizer.decay_learning_rate
    schedule.schedule = type(schedule.schedule)("linear")
    change(learner, {"learning_rate": 0.1})
    assert schedule.get_value(50_000) == pytest.approx(0.05)  # Half of max_steps.


def test_who_takes_over_keeps_its_own_count_of_steps_and_forgets_its_experience(tmp_path: Path) -> None:
    child, parent = learner_of("fast_ppo", tmp_path / "a"), learner_of("fast_ppo", tmp_path / "b")
    learn(parent, seed=2)
    learn(parent, seed=3)
    rng = np.random.default_rng(0)
    child.trajectory_queues[0].put(trajectory_of(SPEC, 8, "ends", 0, rng))
    child.advance()
    assert len(child.experience) == 8
    take_over(child, child.model_saver.modules, checkpoint_of(parent))
    assert len(child.experience) == 0
    assert child.policy.get_current_step() == 8
    np.testing.assert_array_equal(weights_of(child), weights_of(parent))


@pytest.mark.parametrize("kind", ["fast_ppo", "sac"])
def test_the_mean_of_two_copies_is_taken_over_and_the_optimizers_keep_their_memory(kind: str, tmp_path: Path) -> None:
    copies = [learner_of(kind, tmp_path / name) for name in "ab"]
    for seed, copy in enumerate(copies):
        learn(copy, seed=seed)
    middle = (weights_of(copies[0]) + weights_of(copies[1])) / 2
    memory = checkpoint_of(copies[0])
    take_over(copies[0], copies[0].model_saver.modules, mean_of([checkpoint_of(copy) for copy in copies]))
    np.testing.assert_allclose(weights_of(copies[0]), middle, rtol=0, atol=1e-6)
    then, now = (torch.load(io.BytesIO(blob), weights_only=True) for blob in (memory, checkpoint_of(copies[0])))
    remembered = [(name, key) for name in then if "state" in then[name] for key in then[name]["state"]]
    assert remembered
    for name, key in remembered:
        assert torch.equal(now[name]["state"][key]["exp_avg"], then[name]["state"][key]["exp_avg"])


@pytest.mark.parametrize("blob", [b"", b"no checkpoint", None])
def test_a_checkpoint_that_does_not_fit_is_one_clear_error(tmp_path: Path, blob: bytes | None) -> None:
    learner = learner_of("fast_ppo", tmp_path)
    if blob is None:
        blob = checkpoint_of(learner_of("sac", tmp_path / "sac"))
    with pytest.raises(ValueError, match="the checkpoint to take over cannot be used"):
        take_over(learner, learner.model_saver.modules, blob)


def test_only_numbers_that_are_read_while_training_may_change(tmp_path: Path) -> None:
    sac = learner_of("sac", tmp_path).trainer_settings
    own = {"learning_rate", "batch_size", "buffer_size", "tau", "steps_per_update", "reward_signal_steps_per_update"}
    assert set(changeable(sac.hyperparameters, sac.reward_signals)) == {*own, "extrinsic.gamma", "extrinsic.strength"}


@pytest.mark.parametrize("key", ["learning_rat", "shared_critic", "extrinsic.network_settings", "curiosity.gamma"])
def test_a_key_that_cannot_change_is_refused_by_name(tmp_path: Path, key: str) -> None:
    with pytest.raises(TrainerConfigError, match=f"^{key} cannot change while ppo is running"):
        change(learner_of("fast_ppo", tmp_path), {key: 1.0})
