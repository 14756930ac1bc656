"""Is a value of the YAML allowed? Validators for attrs fields, each with one error that names key, value and choice.

Fields that carry them are typed `Any`, because ML-Agents would otherwise convert a value, and fail without naming its
key, before a check sees it.
"""

import difflib
from collections.abc import Callable, Mapping
from typing import Any

import attr
from mlagents.trainers.exception import TrainerConfigError

Check = Callable[[Any, "attr.Attribute[Any]", Any], None]


def refuse(key: str, value: object, allowed: str) -> TrainerConfigError:
    """Returns the error to raise for a value under `hyperparameters:`."""
    return TrainerConfigError(f"hyperparameters.{key}: {value!r} is not allowed; it must be {allowed}.")


def number(low: float, high: float = float("inf"), *, above: bool = False) -> Check:
    """A finite number of at least `low`, or above it, and at most `high`."""
    bounds = (
        f"a number {'above' if above else 'of at least'} {low:g}" if high == float("inf") else f"in [{low:g}, {high:g}]"
    )

    def check(_: Any, field: "attr.Attribute[Any]", value: Any) -> None:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not (low < value if above else low <= value) or not value <= high or value == float("inf"):
            raise refuse(field.name, value, bounds)

    return check


def integer(low: int, unit: str) -> Check:
    """A whole number of at least `low`."""

    def check(_: Any, field: "attr.Attribute[Any]", value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise refuse(field.name, value, f"a whole number of {unit}, at least {low}")

    return check


def finite(_: Any, field: "attr.Attribute[Any]", value: Any) -> None:
    """Any finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) == float("inf") or value != value:
        raise refuse(field.name, value, "a number")


def one_of(*allowed: str) -> Check:
    """One of some words."""

    def check(_: Any, field: "attr.Attribute[Any]", value: Any) -> None:
        if value not in allowed:
            close = difflib.get_close_matches(str(value), allowed, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise refuse(field.name, value, f"one of {', '.join(allowed)}{hint}")

    return check


def flag(_: Any, field: "attr.Attribute[Any]", value: Any) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise refuse(field.name, value, "true or false")


def optional(check: Check) -> Check:
    """What another check allows, or nothing."""

    def check_unless_none(instance: Any, field: "attr.Attribute[Any]", value: Any) -> None:
        if value is not None:
            check(instance, field, value)

    return check_unless_none


def within(block: str, check: Check) -> Check:
    """What another check allows, of a key that stands in a block of this name."""

    def check_in_block(instance: Any, field: "attr.Attribute[Any]", value: Any) -> None:
        check(instance, field.evolve(name=f"{block}.{field.name}"), value)

    return check_in_block


def block(name: str, settings_class: Any, value: Any) -> Any:
    """Returns the settings object of a block of keys, or None if there is no block; for converters of fields."""
    if value is None or isinstance(value, settings_class):
        return value
    if not isinstance(value, Mapping):
        raise refuse(name, value, "a block of keys")
    known = attr.fields_dict(settings_class)
    for key in value:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise TrainerConfigError(
                f"hyperparameters.{name}.{key} is not a key of this block; it has {', '.join(known)}.{hint}"
            )
    return settings_class(**value)
