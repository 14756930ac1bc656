"""Is an option a number that is allowed? One sentence for the person who set it."""

from __future__ import annotations

import math
import typing


def check_range(settings: object, name: str, lowest: float, highest: float = math.inf) -> None:
    """Raises ValueError if the field `name` of `settings` is not a finite number in [lowest, highest].

    A field that is declared as `int` takes whole numbers only.
    """
    value = getattr(settings, name)
    is_whole = typing.get_type_hints(type(settings))[name] is int
    if math.isfinite(value) and lowest <= value <= highest and (not is_whole or value == int(value)):
        return
    kind = "a whole number" if is_whole else "a number"
    bounds = f"of at least {lowest:g}" if math.isinf(highest) else f"from {lowest:g} to {highest:g}"
    raise ValueError(f"{name} is {value}, but takes {kind} {bounds}")
