"""How does a learner change while it is running: its hyperparameters, and all that it has learned?

Learners of ML-Agents read some settings whenever they need them, keep copies of others, and wrap a few in a schedule.
A change goes to all of these places, so that the very next update is made with the new value.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import attr
from mlagents.torch_utils import default_device, torch
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.settings import RewardSignalType
from mlagents.trainers.torch_entities.components.reward_providers import create_reward_provider
from mlagents.trainers.torch_entities.utils import ModelUtils
from mlagents.trainers.trainer.on_policy_trainer import OnPolicyTrainer

from mlagents_selfplay.algorithms.fast_ppo import FastPPOTrainer

STEP_COUNTER = "global_step"  # ML-Agents' name for it among the modules of a checkpoint
OF_REWARDS = ("gamma", "strength")  # keys of a reward signal that may change
USED_ONCE = {"init_entcoef", "buffer_init_steps"}  # keys that nobody reads after the start


def changeable(settings: Any, signals: Mapping[RewardSignalType, Any]) -> list[str]:
    """Lists the keys that may change while a learner is running.

    Args:
      settings: the learner's own.
      signals: settings by reward signal.

    Returns:
      Its numeric hyperparameters, and `<signal>.gamma` and `<signal>.strength` for each reward signal.
    """
    own = [field.name for field in attr.fields(type(settings)) if _is_number(getattr(settings, field.name))]
    return [key for key in own if key not in USED_ONCE] + [f"{s.value}.{key}" for s in signals for key in OF_REWARDS]


def change(learner: Any, values: Mapping[str, float]) -> None:
    """Gives a running learner other hyperparameters, in force from its next update on.

    Args:
      learner: a trainer whose policy and optimizer exist; changed.
      values: by key; a schedule that decays goes on, from the new initial value.

    Raises:
      TrainerConfigError: if a key is none that may change.
    """
    settings = learner.trainer_settings
    allowed = changeable(settings.hyperparameters, settings.reward_signals)
    for key, value in values.items():
        if key not in allowed:
            raise TrainerConfigError(f"{key} cannot change while {settings.trainer_type} is running; {allowed} can.")
        signal, _, of_reward = key.partition(".")
        if of_reward:
            _change_reward(learner.optimizer, settings.reward_signals, RewardSignalType(signal), of_reward, value)
        else:
            _change_setting(learner, key, value)


def take_over(learner: Any, modules: Mapping[str, Any], checkpoint: bytes) -> None:
    """Gives a running learner all that another one of its kind has learned; it keeps counting its own steps.

    What it has experienced with its old policy and not yet learned from is forgotten, if it learns on-policy.

    Args:
      learner: a trainer; changed.
      modules: what its checkpoints consist of, by name; changed.
      checkpoint: the bytes of the other's checkpoint.pt; an optimizer that is not in it keeps its own memory.

    Raises:
      ValueError: if the checkpoint is damaged or of another architecture; then the learner may be half changed.
    """
    try:
        found = torch.load(io.BytesIO(checkpoint), map_location=default_device(), weights_only=True)
        for name, module in modules.items():
            if name == STEP_COUNTER:
                continue
            if isinstance(module, torch.optim.Optimizer):  # its settings stay, its memory is the other's
                if name in found:
                    module.load_state_dict({**module.state_dict(), "state": found[name]["state"]})
            else:
                module.load_state_dict(found[name])
    except Exception as error:  # torch raises half a dozen unrelated types for a broken file
        raise ValueError(f"the checkpoint to take over cannot be used: {error}") from error
    if isinstance(learner, OnPolicyTrainer):
        learner.update_buffer.reset_agent()
    if isinstance(learner, FastPPOTrainer) and learner.in_arrays:
        learner.experience.clear()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _change_setting(learner: Any, key: str, value: float) -> None:
    setattr(learner.trainer_settings.hyperparameters, key, value)
    for owner in (learner, learner.optimizer):
        if key in vars(owner):  # a copy
            setattr(owner, key, value)
    schedule = getattr(learner.optimizer, f"decay_{key}", None)
    if schedule is not None:
        schedule.initial_value = value
    if key == "learning_rate":
        for module in learner.optimizer.get_modules().values():
            if isinstance(module, torch.optim.Optimizer):
                ModelUtils.update_learning_rate(module, value)


def _change_reward(optimizer: Any, settings: Any, signal: RewardSignalType, key: str, value: float) -> None:
    setattr(settings[signal], key, value)
    old = optimizer.reward_signals[signal.value]
    new = create_reward_provider(signal, optimizer.policy.behavior_spec, settings[signal])
    vars(new).update({name: kept for name, kept in vars(old).items() if name.lstrip("_") not in OF_REWARDS})
    optimizer.reward_signals[signal.value] = new
    if hasattr(optimizer, "gammas"):  # SAC's copy
        optimizer.gammas = [provider.gamma for provider in optimizer.reward_signals.values()]
