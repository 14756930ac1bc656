"""What does a network make of a picture? Convolutions in matrix products, for the rows of many policies at once.

A convolution whose kernel is a whole number of strides wide sees blocks of stride x stride pixels, side by side.
One matrix product says what each block adds to each place that sees it, and what belongs to one place is added up.
Nothing is copied for every place, as it would be to gather all that a kernel sees.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SLOPE = np.float32(0.01)  # of the activation below 0


def blocks_of(pictures: np.ndarray, stride: int) -> np.ndarray:
    """Returns pictures as blocks, `[n, height / stride, width / stride, values]` float32.

    Args:
      pictures: `[n, height, width, channels]`; what is left over at the far edges is left out.
      stride: pixels of a block, across as well as down; its values are ordered by row, column and channel.
    """
    count, height, width, channels = pictures.shape
    down, across = height // stride, width // stride
    within = pictures[:, : down * stride, : across * stride]
    within = within.reshape(count, down, stride, across, stride, channels).transpose(0, 1, 3, 2, 4, 5)
    return np.ascontiguousarray(within, np.float32).reshape(count, down, across, stride * stride * channels)


def convolved(
    blocks: np.ndarray, shifts: int, product: Callable[[np.ndarray], np.ndarray], bias: np.ndarray
) -> np.ndarray:
    """Returns what a convolution and the activation behind it make of blocks, `[n, height, width, out]` float32.

    Args:
      blocks: `[n, height + shifts - 1, width + shifts - 1, values]`, see `blocks_of`.
      shifts: strides in the width of the kernel.
      product: from `[n, places, values]` to `[n, places, shifts * shifts * out]`, what a block adds to the places that
        see it, by row and column at which it lies in the kernel.
      bias: `[n, out]`.
    """
    count, down, across, values = blocks.shape
    added = product(blocks.reshape(count, down * across, values)).reshape(count, down, across, shifts * shifts, -1)
    height, width = down - shifts + 1, across - shifts + 1
    result = added[:, :height, :width, 0] + bias[:, None, None]
    for shift in range(1, shifts * shifts):
        row, column = divmod(shift, shifts)
        result += added[:, row : row + height, column : column + width, shift]
    return leaky(result)


def leaky(values: np.ndarray) -> np.ndarray:
    """Returns the values, those below 0 times `SLOPE`."""
    activated: np.ndarray = np.maximum(values, SLOPE * values)
    return activated
