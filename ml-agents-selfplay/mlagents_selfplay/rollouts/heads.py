"""In what form does the last layer of an actor travel to the bridge? By what its actions come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mlagents_envs.base_env import ActionSpec

Array = np.ndarray[Any, np.dtype[Any]]
Weights = Mapping[str, Array]

_GAUSSIAN = "action_model._continuous_distribution."
_BRANCH = "action_model._discrete_distribution.branches.{}."
_VALUES = "action_model.values."
_STREAMS = ("action_model.values.first.", "action_model.values.second.")
_NUMBERS = "action_model."


def head_of(actions: ActionSpec, weights: Weights) -> dict[str, Array] | None:
    """Returns the arrays of an actor's head as `gym_bridges.rollouts.networks` names them, or None if it knows none.

    Args:
      actions: what agents do.
      weights: the actor's, by ML-Agents' names.
    """
    if f"{_NUMBERS}mu.weight" in weights:
        return _squashed(weights)
    streams = [name for name in (*_STREAMS, _VALUES) if f"{name}choices.weight" in weights]
    if streams:
        return _values(actions.discrete_branches, streams, weights)
    head: dict[str, Array] = {}
    if actions.continuous_size:
        if f"{_GAUSSIAN}log_sigma" not in weights:
            return None
        head |= {f"mu.{name}": value for name, value in _layer(f"{_GAUSSIAN}mu.", weights).items()}
        head["sigma"] = np.exp(weights[f"{_GAUSSIAN}log_sigma"][0])
    if actions.discrete_size:
        branches = [_layer(_BRANCH.format(branch), weights) for branch in range(actions.discrete_size)]
        head["logits.weight"] = np.concatenate([branch["weight"] for branch in branches], axis=1)
        head["logits.bias"] = np.concatenate([branch["bias"] for branch in branches])
    return head


def _squashed(weights: Weights) -> dict[str, Array]:
    """Numbers that are squashed into [-1, 1], with a spread or without one."""
    layers = [layer for layer in ("mu", "log_sigma") if f"{_NUMBERS}{layer}.weight" in weights]
    return {
        f"{layer}.{name}": value for layer in layers for name, value in _layer(f"{_NUMBERS}{layer}.", weights).items()
    }


def _values(branches: Sequence[int], streams: Sequence[str], weights: Weights) -> dict[str, Array]:
    """Values of choices; those of several streams, out of encodings that lie one after the other, are added up."""
    layers = [_duelled(branches, stream, weights) for stream in streams]
    return {
        "values.weight": np.concatenate([layer["weight"] for layer in layers], axis=0),
        "values.bias": np.sum([layer["bias"] for layer in layers], axis=0),
    }


def _duelled(branches: Sequence[int], stream: str, weights: Weights) -> dict[str, Array]:
    """Returns one layer for the values of choices; a duelling head is linear, so it comes down to one as well.

    Source: Wang et al. 2016, arXiv:1511.06581, equation 9.
    """
    choices = _layer(f"{stream}choices.", weights)
    if f"{stream}state.weight" not in weights:
        return choices
    states = _layer(f"{stream}state.", weights)
    layer = {}
    for name, values in choices.items():
        parts = np.split(values.astype(np.float64), np.cumsum(branches)[:-1], axis=-1)
        duelled = [
            states[name][..., branch : branch + 1] + part - part.mean(axis=-1, keepdims=True)
            for branch, part in enumerate(parts)
        ]
        layer[name] = np.concatenate(duelled, axis=-1)
    return layer


def _layer(name: str, weights: Weights) -> dict[str, Array]:
    """Returns the `[in, out]` weight and the `[out]` bias of a linear layer."""
    return {"weight": weights[f"{name}weight"].T, "bias": weights[f"{name}bias"]}
