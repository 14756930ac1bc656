"""What is a member's `mlagents-learn` configured with, and does the trainer's configuration allow what is declared?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from mlagents.plugins.trainer_type import register_trainer_plugins
from mlagents.trainers.settings import TrainerSettings

from mlagents_selfplay.mail.changes import changeable
from mlagents_selfplay.population.settings import PopulationSettings, SettingsError
from mlagents_selfplay.settings import TRAINER_TYPE


def configuration(settings: PopulationSettings, hyperparameters: Mapping[str, float]) -> dict[str, Any]:
    """Returns ML-Agents' configuration of a member that starts with the given hyperparameters.

    A snapshot is taken at every interval, since that is when a member reports.

    Raises:
      SettingsError: if the trainer's configuration cannot be read or does not hold the behavior.
    """
    where = f"trainer_config: {settings.trainer_config}"
    try:
        content = yaml.safe_load(settings.trainer_config.read_text(encoding="utf-8"))
        behaviors = dict(content["behaviors"])
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"{where} cannot be read: {error!r}") from error
    if settings.behavior not in behaviors:
        raise SettingsError(f"behavior: {settings.behavior!r} is not one of {', '.join(behaviors)} in {where}")
    block = behaviors[settings.behavior]
    found = block.get("trainer_type")
    if found != TRAINER_TYPE:
        raise SettingsError(f"behavior: {settings.behavior} has trainer_type {found}, not {TRAINER_TYPE}, in {where}")
    block["max_steps"] = settings.max_steps
    keys = block.setdefault("hyperparameters", {})
    keys["snapshot_interval"] = settings.interval
    learner = keys.setdefault("learner_hyperparameters", {})
    for key, value in hyperparameters.items():
        signal, _, of_reward = key.partition(".")
        if of_reward:
            block.setdefault("reward_signals", {}).setdefault(signal, {})[of_reward] = value
        else:
            learner[key] = value
    return {**content, "behaviors": {settings.behavior: block}}


def check(settings: PopulationSettings) -> None:
    """Checks what a population declares against the configuration of its trainer.

    Raises:
      SettingsError: if the trainer's configuration is refused, or a hyperparameter cannot change in a running learner.
    """
    block = configuration(settings, {})["behaviors"][settings.behavior]
    register_trainer_plugins()
    try:
        trainer = TrainerSettings.structure(block, TrainerSettings)
    except Exception as error:  # ML-Agents and attrs raise half a dozen unrelated types
        raise SettingsError(f"trainer_config: {settings.trainer_config}: {error}") from error
    allowed = changeable(trainer.hyperparameters.learner_settings, trainer.reward_signals)
    for key in settings.hyperparameters:
        if key not in allowed:
            raise SettingsError(f"hyperparameters.{key} cannot change in a running learner; these can: {allowed}")
