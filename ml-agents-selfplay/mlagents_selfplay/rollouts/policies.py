"""In what form does an actor travel to the bridge? As the plain arrays of its layers, if that is all there is to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from mlagents_envs.base_env import BehaviorSpec

from mlagents_selfplay.rollouts.heads import head_of
from mlagents_selfplay.rollouts.pictures import can_travel, encoder_of

Array = np.ndarray[Any, np.dtype[Any]]
Weights = Mapping[str, Array]

_BODY = "network_body."
_BODIES = ("network_body.first.", "network_body.second.")  # of a learner of two streams
_LAYER = "_body_endoder.seq_layers.{}."
_PROCESSOR = "{}observation_encoder.processors.{}."
_MEMORY = "network_body.lstm.lstm."
_TABLE = "network_body.keys"


def why_not(spec: BehaviorSpec, weights: Weights) -> str | None:
    """Says why an actor of this kind cannot travel, or None if it can."""
    if _TABLE in weights:
        return "what it has learned is a table"
    pictures = [_PROCESSOR.format(_bodies(weights)[0], sensor) for sensor in _sensors(spec, rank=3)]
    if not all(can_travel(encoder, weights) for encoder in pictures):
        return "the visual encoder is resnet (vis_encode_type: simple, nature_cnn, match3 or fully_connected would do)"
    if pictures and len(_bodies(weights)) > 1:
        return "two networks see the same pictures"
    if not all(f"{body}{_LAYER.format(0)}weight" in weights for body in _bodies(weights)):
        return "the network is conditioned on a goal (goal_conditioning_type: none would do)"
    if head_of(spec.action_spec, weights) is None:
        return "the spread of its actions depends on what it sees"
    return None


def to_arrays(spec: BehaviorSpec, weights: Weights) -> dict[str, Array]:
    """Returns what the bridge's networks are made of, float32; see `gym_bridges.rollouts.networks`.

    Args:
      spec: what agents see and do.
      weights: the actor's, by ML-Agents' names; `why_not` has nothing against them.
    """
    head = head_of(spec.action_spec, weights)
    assert head is not None
    bodies = _bodies(weights)
    arrays = {**_normaliser(_sensors(spec, rank=1), bodies[0], weights), **head}
    for sensor in _sensors(spec, rank=3):
        encoder = encoder_of(_PROCESSOR.format(bodies[0], sensor), spec.observation_specs[sensor].shape, weights)
        arrays |= {f"picture.{sensor}.{name}": array for name, array in encoder.items()}
    layer = 0
    while f"{bodies[0]}{_LAYER.format(2 * layer)}weight" in weights:  # every other one is the activation
        names = [f"{body}{_LAYER.format(2 * layer)}" for body in bodies]
        parts = [weights[f"{name}weight"].T for name in names]
        if layer == 0:
            arrays["weight.0"] = np.concatenate(parts, axis=1)[_numbers_first(spec, arrays)]
        else:
            arrays[f"weight.{layer}"] = _side_by_side(parts)
        arrays[f"bias.{layer}"] = np.concatenate([weights[f"{name}bias"] for name in names])
        layer += 1
    if f"{_MEMORY}weight_ih_l0" in weights:
        arrays |= _memory(weights)
    return {name: _single(array) for name, array in arrays.items()}


def _memory(weights: Weights) -> Weights:
    """Returns one layer for both what is seen and what was given out before; PyTorch has two."""
    parts = [weights[f"{_MEMORY}weight_{part}_l0"].T for part in ("ih", "hh")]
    biases = [weights[f"{_MEMORY}bias_{part}_l0"] for part in ("ih", "hh")]
    return {"lstm.weight": np.concatenate(parts), "lstm.bias": np.sum(biases, axis=0)}


def _bodies(weights: Weights) -> tuple[str, ...]:
    """Returns where the hidden layers stand: once, or twice side by side."""
    return _BODIES if any(name.startswith(_BODIES[0]) for name in weights) else (_BODY,)


def _sensors(spec: BehaviorSpec, rank: int) -> list[int]:
    """Returns the sensors of vectors (1) or pictures (3)."""
    return [sensor for sensor, seen in enumerate(spec.observation_specs) if len(seen.shape) == rank]


def _numbers_first(spec: BehaviorSpec, arrays: Weights) -> Array:
    """Returns the inputs of the first hidden layer, those of vectors before those of pictures; ML-Agents mixes them."""
    sizes = [
        len(arrays[f"picture.{sensor}.dense.bias"]) if len(seen.shape) == 3 else seen.shape[0]
        for sensor, seen in enumerate(spec.observation_specs)
    ]
    inputs = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    return np.concatenate([inputs[sensor] for sensor in (*_sensors(spec, rank=1), *_sensors(spec, rank=3))])


def _single(array: Array) -> Array:
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _normaliser(sensors: list[int], body: str, weights: Weights) -> dict[str, Array]:
    names = [f"{_PROCESSOR.format(body, sensor)}normalizer." for sensor in sensors]
    if not any(f"{name}running_mean" in weights for name in names):
        return {}
    variances = [weights[f"{name}running_variance"] / weights[f"{name}normalization_steps"] for name in names]
    means = np.concatenate([weights[f"{name}running_mean"] for name in names])
    return {"mean": means, "scale": np.sqrt(np.concatenate(variances))}


def _side_by_side(parts: list[Array]) -> Array:
    """Returns one layer that does what layers `[in, out]` do to their own shares of the inputs: blocks."""
    inputs, outputs = np.sum([part.shape for part in parts], axis=0)
    whole = np.zeros((inputs, outputs), parts[0].dtype)
    row = column = 0
    for part in parts:
        whole[row : row + part.shape[0], column : column + part.shape[1]] = part
        row, column = row + part.shape[0], column + part.shape[1]
    return whole
