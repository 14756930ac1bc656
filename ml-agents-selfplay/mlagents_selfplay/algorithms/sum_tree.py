"""How are a few of very many rows drawn by priority, in a time that hardly grows with their number?"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class SumTree:
    """Priorities of rows, with the sums over halves, quarters and so on kept up to date.

    Args:
      rows: to make room for; their priorities are 0 until they are set.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._leaves = 1 << max(rows - 1, 1).bit_length()
        self._sums = np.zeros(2 * self._leaves)  # node k is the sum of nodes 2k and 2k + 1; node 1 is the root

    @property
    def priorities(self) -> Array:
        """`[rows]`, a view."""
        return self._sums[self._leaves : self._leaves + self._rows]

    def put(self, rows: Array, priorities: Array) -> None:
        """Sets the priorities `[n]` of rows `[n]`, each at least 0; of a row that comes twice, one of them."""
        nodes = rows + self._leaves
        self._sums[nodes] = priorities
        while nodes[0] > 1:
            nodes = nodes >> 1
            self._sums[nodes] = self._sums[2 * nodes] + self._sums[2 * nodes + 1]

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draws rows, one from each of `count` equal parts of the sum of all priorities, which is above 0.

        Returns:
          Rows, `[count]`, and the probability of each in one draw, `[count]`.
        """
        total = self._sums[1]
        rest = (np.arange(count) + rng.random(count)) / count * total
        nodes = np.ones(count, np.int64)
        while nodes[0] < self._leaves:
            left = self._sums[2 * nodes]
            goes_right = (rest >= left) & (self._sums[2 * nodes + 1] > 0)  # rounding must not lead to an empty half
            rest = np.where(goes_right, rest - left, rest)
            nodes = 2 * nodes + goes_right
        return nodes - self._leaves, self._sums[nodes] / total
