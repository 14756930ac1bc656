"""Which values may a hyperparameter take, and what is a value near another one?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_FORWARD: dict[str, Callable[[float], float]] = {
    "linear": lambda value: value,
    "log": math.log,
    "complement": lambda value: -math.log(1.0 - value),
}
_BACK: dict[str, Callable[[float], float]] = {
    "linear": lambda place: place,
    "log": math.exp,
    "complement": lambda place: 1.0 - math.exp(-place),
}
SCALES = tuple(_FORWARD)


@dataclass(frozen=True)
class Range:
    """The declared range of one hyperparameter.

    Attributes:
      low: smallest value; above 0 on the scale `log`.
      high: largest value, above `low`; below 1 on the scale `complement`.
      scale: `linear`; `log`, where 0.1 is as far from 0.01 as 0.01 is from 0.001; or `complement`, a logarithmic scale
        of 1 - value, for discount factors: 0.9 is as far from 0.99 as 0.99 is from 0.999.
      whole: whether only whole numbers are allowed.

    Raises:
      ValueError: if the range is empty or does not fit its scale.
    """

    low: float
    high: float
    scale: str = "linear"
    whole: bool = False

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ValueError(f"scale: {self.scale!r} is not one of {', '.join(SCALES)}")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"low: {self.low!r} is not below high: {self.high!r}")
        if self.scale == "log" and self.low <= 0.0:
            raise ValueError(f"low: {self.low!r} is not above 0, as scale: log needs")
        if self.scale == "complement" and self.high >= 1.0:
            raise ValueError(f"high: {self.high!r} is not below 1, as scale: complement needs")

    def sample(self, rng: np.random.Generator) -> float:
        """Draws a value, uniform on the scale; advances `rng` by one number."""
        forward = _FORWARD[self.scale]
        return self._allowed(_BACK[self.scale](rng.uniform(forward(self.low), forward(self.high))))

    def perturbed(self, value: float, factor: float) -> float:
        """Returns a value near `value`, within the range.

        Args:
          value: within the range.
          factor: above 0, such as 0.8 or 1.2. It multiplies the value on the scale `log`, and what is lacking to 1 on
            the scale `complement`; on the scale `linear` the value moves by factor - 1 of the range's length.
        """
        if self.scale == "log":
            moved = value * factor
        elif self.scale == "complement":
            moved = 1.0 - (1.0 - value) * factor
        else:
            moved = value + (factor - 1.0) * (self.high - self.low)
        return self._allowed(moved)

    def _allowed(self, value: float) -> float:
        within = min(max(value, self.low), self.high)
        return round(within) if self.whole else within
