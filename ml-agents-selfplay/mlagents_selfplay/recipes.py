"""With which settings does a learner start if nobody writes a YAML? One block for each trainer type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import attr
import cattr
import yaml
from mlagents.plugins import all_trainer_settings
from mlagents.plugins.trainer_type import register_trainer_plugins
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.settings import TrainerSettings

from mlagents_selfplay.settings import TRAINER_TYPE, SelfPlaySettings

Block = dict[str, Any]

ON_POLICY: Block = {"batch_size": 256, "buffer_size": 4096, "learning_rate": 3e-4, "num_epoch": 5, "beta": 1e-3}
"""Hyperparameters of `ppo`, `fast_ppo` and `poca`; ML-Agents' own are meant for far longer runs."""

ON_POLICY_TYPES = ("ppo", "fast_ppo", "poca")
WITH_HINDSIGHT = {"sac": "fast_sac"}
"""Which learner takes the place of one that has no hindsight replay."""

HINDSIGHT_GAMMA = 0.98  # goals lie tens of steps ahead, not hundreds


class RecipeError(ValueError):
    """A word of the command line that leads to no settings; the message names it."""


@dataclass(frozen=True)
class Order:
    """What somebody wants trained.

    Attributes:
      algorithm: a registered trainer type.
      steps: learner steps.
      selfplay: whether it is the learner inside `selfplay`.
      hindsight: whether it learns from goals that it was not given.
      changes: `key=value` each; see `changed`.
    """

    algorithm: str
    steps: int = 100_000
    selfplay: bool = False
    hindsight: bool = False
    changes: Sequence[str] = ()


def algorithms() -> list[str]:
    """Returns the trainer types that can be ordered, in alphabetical order."""
    if not all_trainer_settings:
        register_trainer_plugins()
    return sorted(set(all_trainer_settings) - {TRAINER_TYPE})


def block_for(order: Order) -> Block:
    """Returns what stands under `default_settings:` in the YAML, so that a behavior may have any name.

    Raises:
      RecipeError: if the algorithm, a key or a value is not allowed.
    """
    if order.algorithm not in algorithms():
        raise RecipeError(f"{order.algorithm!r} is no algorithm here; there are {', '.join(algorithms())}.")
    algorithm = WITH_HINDSIGHT.get(order.algorithm, order.algorithm) if order.hindsight else order.algorithm
    on_policy = algorithm in ON_POLICY_TYPES
    keys: Block = dict(ON_POLICY) if on_policy else {}
    if order.hindsight:
        if "hindsight" not in attr.fields_dict(all_trainer_settings[algorithm]):
            able = [name for name in algorithms() if "hindsight" in attr.fields_dict(all_trainer_settings[name])]
            raise RecipeError(f"--hindsight: {algorithm} does not replay with hindsight; {', '.join(able)} do.")
        keys["hindsight"] = {}
    block: Block = {
        "trainer_type": TRAINER_TYPE if order.selfplay else algorithm,
        "hyperparameters": {"learner": algorithm, "learner_hyperparameters": keys} if order.selfplay else keys,
        "network_settings": {"normalize": True, "hidden_units": 64 if on_policy else 256, "num_layers": 2},
        "reward_signals": {"extrinsic": {"gamma": HINDSIGHT_GAMMA if order.hindsight else 0.99, "strength": 1.0}},
        "time_horizon": 64 if on_policy else 1000,
        "max_steps": order.steps,
        "summary_freq": max(1, order.steps // 20),
        "checkpoint_interval": max(1, order.steps // 4),
    }
    block = changed(block, order.changes)
    try:
        cattr.structure(block, TrainerSettings)
    except (TrainerConfigError, ValueError, TypeError) as error:
        raise RecipeError(str(error)) from error
    return block


def changed(block: Mapping[str, Any], changes: Sequence[str]) -> Block:
    """Returns a copy of `block` with some keys set.

    Args:
      block: of one behavior, as in a YAML.
      changes: `key=value` each. A key that a behavior's block has, with dots into its parts, is set there; `gamma` and
        `strength` are those of the extrinsic reward; any other is a hyperparameter: of self-play if it has one of
        that name, else of the learner. Values are read as YAML.

    Raises:
      RecipeError: for a change that is not `key=value`, or that reaches into something that has no parts.
    """
    result: Block = yaml.safe_load(yaml.safe_dump(dict(block)))
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or not key:
            raise RecipeError(f"--set {change!r}: write key=value, such as learning_rate=1e-3.")
        try:
            value = _value(text)
        except yaml.YAMLError as error:
            raise RecipeError(f"--set {change!r}: {text!r} is no value.") from error
        *path, last = _place(key, result)
        part: Any = result
        for step in path:
            part = part.setdefault(step, {})
            if not isinstance(part, dict):
                raise RecipeError(f"--set {change!r}: {step!r} has no parts.")
        part[last] = value
    return result


def _value(text: str) -> Any:
    """Reads a value as YAML does, but for numbers such as 1e-3, which YAML 1.1 takes for a text."""
    value = yaml.safe_load(text)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _place(key: str, block: Block) -> list[str]:
    parts = key.split(".")
    if parts[0] in attr.fields_dict(TrainerSettings):
        return parts
    if parts[0] in ("gamma", "strength"):
        return ["reward_signals", "extrinsic", *parts]
    if block["trainer_type"] == TRAINER_TYPE and parts[0] not in attr.fields_dict(SelfPlaySettings):
        return ["hyperparameters", "learner_hyperparameters", *parts]
    return ["hyperparameters", *parts]
