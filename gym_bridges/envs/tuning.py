"""How does an environment parameter reach an environment that was not written for it?

In this order: by the environment's own method `set_environment_parameters(parameters: dict[str, float])`, which takes
all of them, refuses unknown ones with a ValueError, and is to act from the next reset on; as an argument of the
environment's constructor; as an attribute of the unwrapped environment that holds a number.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

HOOK = "set_environment_parameters"
"""The method by which an environment takes its parameters itself."""


@dataclass(frozen=True)
class Change:
    """What parameters do to an environment before its next episode.

    Attributes:
      arguments: constructor arguments; if they differ from those that it was built with, it is built anew.
      attributes: values to set on the unwrapped environment.
    """

    arguments: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)


def sort_out(parameters: Mapping[str, float], arguments: Mapping[str, Any], unwrapped: Any) -> Change:
    """Returns what `parameters` do to an environment without a hook.

    Args:
      parameters: as they arrived.
      arguments: the constructor's, each with its present value or default, or None if it has none.
      unwrapped: the environment; not changed.

    Raises:
      ValueError: for a parameter that is neither, or a value that is not of the present one's type.
    """
    change = Change()
    for name, value in parameters.items():
        if name in arguments:
            change.arguments[name] = _like(name, value, arguments[name])
        elif not name.startswith("_") and _is_number(getattr(unwrapped, name, None)):
            change.attributes[name] = _like(name, value, getattr(unwrapped, name))
        else:
            raise ValueError(
                f"unknown environment parameter {name!r}; {_hint(name, [*arguments, *_numbers(unwrapped)])}"
            )
    return change


def constructor_arguments(constructor: Callable[..., Any]) -> dict[str, Any]:
    """Returns the arguments that `constructor` takes by name, with their defaults, None if they have none."""
    try:
        signature = inspect.signature(constructor)
    except (TypeError, ValueError):  # native code
        return {}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        name: None if parameter.default is parameter.empty else parameter.default
        for name, parameter in signature.parameters.items()
        if parameter.kind in named
    }


def _like(name: str, value: float, present: Any) -> Any:
    """Returns `value` as the type of the present value; without one, as a whole number if it is one."""
    if isinstance(present, bool):
        if value not in (0.0, 1.0):
            raise ValueError(f"environment parameter {name!r} is {value}, but takes 0 or 1")
        return bool(value)
    if isinstance(present, int):
        if not float(value).is_integer():
            raise ValueError(f"environment parameter {name!r} is {value}, but takes a whole number")
        return int(value)
    if present is None:
        return int(value) if float(value).is_integer() else value
    if not _is_number(present):
        raise ValueError(f"environment parameter {name!r} is {value}, but takes values such as {present!r}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float))


def _numbers(unwrapped: Any) -> list[str]:
    return [name for name, value in vars(unwrapped).items() if not name.startswith("_") and _is_number(value)]


def _hint(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known)) or 'none'}"
