"""In what form does a visual encoder of ML-Agents travel to the bridge? As matrix products on blocks of pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Weights = Mapping[str, Array]

STRIDE_OF_KERNEL = {8: 4, 4: 2, 3: 1}  # pixels; in all of ML-Agents' encoders but `resnet`
BYTE = 255.0  # a byte of this value is 1 at the trainer

_CONVOLUTION = "{}conv_layers.{}."  # every other layer is the activation


def can_travel(encoder: str, weights: Weights) -> bool:
    """Returns whether the encoder that lies under a name is one that `encoder_of` knows."""
    return f"{encoder}dense.0.weight" in weights


def encoder_of(encoder: str, shape: Sequence[int], weights: Weights) -> dict[str, Array]:
    """Returns the arrays of an encoder as `gym_bridges.rollouts.networks` names them, without `picture.I.`.

    Args:
      encoder: under which its weights lie.
      shape: of a picture: channels, height, width.
      weights: the actor's, by ML-Agents' names.
    """
    arrays: dict[str, Array] = {}
    channels, height, width = shape
    layer, scale = 0, BYTE
    while f"{_CONVOLUTION.format(encoder, 2 * layer)}weight" in weights:
        name = _CONVOLUTION.format(encoder, 2 * layer)
        kernels = weights[f"{name}weight"]
        stride = STRIDE_OF_KERNEL[kernels.shape[-1]]
        shifts = kernels.shape[-1] // stride
        arrays[f"{layer}.size"] = np.array([stride, shifts])
        arrays[f"{layer}.weight"] = by_block(kernels, stride) / scale
        arrays[f"{layer}.bias"] = weights[f"{name}bias"]
        channels, height, width = len(kernels), height // stride - shifts + 1, width // stride - shifts + 1
        layer, scale = layer + 1, 1.0
    dense = weights[f"{encoder}dense.0.weight"]
    places = dense.reshape(-1, channels, height, width).transpose(2, 3, 1, 0)
    arrays["dense.weight"] = places.reshape(-1, len(dense)) / scale
    arrays["dense.bias"] = weights[f"{encoder}dense.0.bias"]
    return arrays


def by_block(kernels: Array, stride: int) -> Array:
    """Returns what a block of stride x stride pixels adds to the places that see it, `[values, shifts * shifts * out]`.

    Args:
      kernels: `[out, channels, size, size]`; the size is a multiple of the stride.
      stride: pixels.
    """
    out, channels, size, _ = kernels.shape
    shifts = size // stride
    split = kernels.reshape(out, channels, shifts, stride, shifts, stride)
    return split.transpose(3, 5, 1, 2, 4, 0).reshape(stride * stride * channels, shifts * shifts * out)
