"""Which numbers of an environment's `info` go to TensorBoard? All that are one number, when an episode ends."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from gym_bridges.areas import Statistic


def of(behavior: str, infos: Iterable[Mapping[str, Any]]) -> Iterator[Statistic]:
    """Yields a statistic `behavior/key` for each number in the infos, `behavior/key/inner` for one in an inner mapping.

    Truth values count as 0 and 1. What is not finite is left out, and so is what is not a single number.
    """
    for info in infos:
        for key, value in info.items():
            inner = value.items() if isinstance(value, Mapping) else ()
            for name, number in [(key, value), *((f"{key}/{part}", number) for part, number in inner)]:
                if isinstance(number, (bool, int, float, np.number, np.bool_)) and math.isfinite(number):
                    yield Statistic(f"{behavior}/{name}".encode("ascii", "replace").decode(), float(number))
