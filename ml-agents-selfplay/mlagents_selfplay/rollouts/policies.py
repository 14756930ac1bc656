"""In what form does an actor travel to the bridge? As the plain arrays of its layers, if that is all there is to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from mlagents.trainers.settings import NetworkSettings
from mlagents_envs.base_env import BehaviorSpec

Array = np.ndarray[Any, np.dtype[Any]]
Weights = Mapping[str, Array]

_LAYER = "network_body._body_endoder.seq_layers.{}."
_NORMALISER = "network_body.observation_encoder.processors.{}.normalizer."
_GAUSSIAN = "action_model._continuous_distribution."
_BRANCH = "action_model._discrete_distribution.branches.{}."


def why_not(spec: BehaviorSpec, network: NetworkSettings, weights: Weights) -> str | None:
    """Says why an actor of this kind cannot travel, or None if it can."""
    if network.memory is not None:
        return "the network has a memory"
    if any(len(sensor.shape) != 1 for sensor in spec.observation_specs):
        return "there are observations that are no vectors"
    if _LAYER.format(0) + "weight" not in weights:
        return "the network is conditioned on a goal (goal_conditioning_type: none would do)"
    if spec.action_spec.continuous_size and _GAUSSIAN + "log_sigma" not in weights:
        return "the spread of its actions depends on what it sees"
    return None


def to_arrays(spec: BehaviorSpec, weights: Weights) -> dict[str, Array]:
    """Returns what the bridge's networks are made of, float32; see `gym_bridges.rollouts.networks`.

    Args:
      spec: what agents see and do.
      weights: the actor's, by ML-Agents' names; `why_not` has nothing against them.
    """
    arrays: dict[str, Array] = {}
    normalised = [_NORMALISER.format(sensor) for sensor in range(len(spec.observation_specs))]
    if any(f"{name}running_mean" in weights for name in normalised):
        arrays["mean"] = np.concatenate([weights[f"{name}running_mean"] for name in normalised])
        variances = [weights[f"{name}running_variance"] / weights[f"{name}normalization_steps"] for name in normalised]
        arrays["scale"] = np.sqrt(np.concatenate(variances))
    layer = 0
    while f"{_LAYER.format(2 * layer)}weight" in weights:  # every other one is the activation
        name = _LAYER.format(2 * layer)
        arrays[f"weight.{layer}"], arrays[f"bias.{layer}"] = weights[f"{name}weight"].T, weights[f"{name}bias"]
        layer += 1
    if spec.action_spec.continuous_size:
        arrays["mu.weight"], arrays["mu.bias"] = weights[f"{_GAUSSIAN}mu.weight"].T, weights[f"{_GAUSSIAN}mu.bias"]
        arrays["sigma"] = np.exp(weights[f"{_GAUSSIAN}log_sigma"][0])
    if spec.action_spec.discrete_size:
        branches = [_BRANCH.format(branch) for branch in range(spec.action_spec.discrete_size)]
        arrays["logits.weight"] = np.concatenate([weights[f"{name}weight"] for name in branches]).T
        arrays["logits.bias"] = np.concatenate([weights[f"{name}bias"] for name in branches])
    return {name: array.astype(np.float32) for name, array in arrays.items()}
