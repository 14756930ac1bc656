"""What network do the weights of a run belong to? The one that its trainer type makes from its configuration."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import attr
import yaml
from mlagents.plugins import all_trainer_types
from mlagents.plugins.trainer_type import register_trainer_plugins
from mlagents.torch_utils import torch
from mlagents.trainers.behavior_id_utils import BehaviorIdentifiers
from mlagents.trainers.settings import RunOptions, TrainerSettings
from mlagents_envs.base_env import BehaviorSpec

from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.players import CONFIGURATION
from mlagents_selfplay.rollouts.mailbox import DOOR
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings
from mlagents_selfplay.settings import TRAINER_TYPE


@functools.cache
def register_trainer_types() -> frozenset[str]:
    """Loads the plug-ins of ML-Agents, ours among them; returns the names of all trainer types.

    Ours also offers rollouts to every bridge that this process starts. An evaluation plays on the wire, whoever is at
    the other end, so the offer is withdrawn.
    """
    register_trainer_plugins()
    os.environ.pop(DOOR, None)
    return frozenset(all_trainer_types)


@functools.cache
def options(run: Path) -> RunOptions:
    """Returns what a run was started with.

    Raises:
      EvaluationError: if its configuration is not there or cannot be read.
    """
    register_trainer_types()
    path = run / CONFIGURATION
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        content.pop("default_settings", None)  # they are in the behaviors by now, and would be in those of the next run
        return RunOptions.from_dict(content)
    except Exception as error:  # ML-Agents and cattrs raise many kinds
        raise EvaluationError(f"{path} is damaged, or of a trainer type that is not installed: {error}") from error


def trainer_settings(run: Path, behavior: str) -> TrainerSettings:
    """Returns the configuration of a behavior, that of the learner if it was trained by self-play.

    Raises:
      EvaluationError: if the run has no such behavior.
    """
    known = options(run).behaviors
    if behavior not in known:
        raise EvaluationError(
            f"{run / CONFIGURATION} has no behavior {behavior}, which the environment has; it has {', '.join(known)}."
        )
    settings = known[behavior]
    if settings.trainer_type != TRAINER_TYPE:
        return settings
    wrapped = settings.hyperparameters
    return attr.evolve(settings, trainer_type=wrapped.learner, hyperparameters=wrapped.learner_settings)


def outcome_rule(run: Path) -> OutcomeSettings | None:
    """Returns what counted as a win in the run; None if it was not trained by this project's self-play."""
    for settings in options(run).behaviors.values():
        if settings.trainer_type == TRAINER_TYPE:
            rule: OutcomeSettings = settings.hyperparameters.outcome_settings
            return rule
    return None


def new_actor(settings: TrainerSettings, behavior: str, spec: BehaviorSpec, deterministic: bool) -> torch.nn.Module:
    """Makes the untrained actor of a behavior, as its trainer would.

    Args:
      settings: as `trainer_settings` returns them; not changed.
      behavior: its name.
      spec: observations and actions that the environment has.
      deterministic: whether it takes its likeliest action and does not sample.
    """
    network = attr.evolve(settings.network_settings, deterministic=deterministic)
    settings = attr.evolve(settings, network_settings=network, self_play=None)
    trainer: Any = all_trainer_types[settings.trainer_type](behavior, 1, settings, False, False, 0, "")
    actor: torch.nn.Module = trainer.create_policy(BehaviorIdentifiers.from_name_behavior_id(behavior), spec).actor
    return actor
