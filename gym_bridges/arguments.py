"""What do the words after a build's name mean? ML-Agents' and Unity's own, and the options of the environment.

RockPaperScissors -nographics -batchmode --mlagents-port 5005 -logFile player.log --rounds 5
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import typing
from collections.abc import Sequence
from typing import Any

EDITOR_PORT = 5004
"""Where a trainer that was given no build waits for the Editor's Play button."""


class ArgumentError(ValueError):
    """An argument that we cannot take; the message says which are allowed."""


@dataclasses.dataclass(frozen=True)
class Launch:
    """How a build was started.

    Attributes:
      port: where the trainer listens, on this machine.
      settings: options of the environment, an instance of its settings class.
    """

    port: int
    settings: Any


def parse(arguments: Sequence[str], settings_class: type[Any]) -> Launch:
    """Reads the command line of a build.

    A word with one dash is a flag of Unity's player and is ignored here, with its value. Two dashes mark an option of
    ML-Agents or a field of `settings_class`, as `--name value` or `--name=value`; a boolean field needs no value.

    Raises:
      ArgumentError: for an unknown option, a missing value, or a value that the settings refuse.
    """
    port, chosen = EDITOR_PORT, {}
    kinds = typing.get_type_hints(settings_class)
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            option, *given = word[2:].split("=", 1)
            field = option.replace("-", "_")
            if option != "mlagents-port" and field not in kinds:
                raise ArgumentError(f"unknown option --{option}; {_hint(option, kinds)}")
            if kinds.get(field) is bool and not given:
                chosen[field] = True
                continue
            if not given and not words:
                raise ArgumentError(f"--{option} needs a value")
            text = given[0] if given else words.pop(0)
            if option == "mlagents-port":
                port = _convert(option, text, int)
            else:
                chosen[field] = _convert(option, text, kinds[field])
        elif word.startswith("-"):
            if words and not words[0].startswith("-"):
                words.pop(0)
        else:
            raise ArgumentError(f"unexpected word {word!r}; {_hint(word, kinds)}")
    try:
        return Launch(port, settings_class(**chosen))
    except ValueError as error:
        raise ArgumentError(str(error)) from error


def log_file(words: Sequence[str]) -> str | None:
    """Returns where the command line wants the player's log, None if nowhere, which Unity also writes as "-"."""
    for word, value in zip(words, words[1:]):  # noqa: B905 (pairs of neighbours)
        if word.lower() == "-logfile" and value != "-":
            return value
    return None


def _hint(option: str, kinds: dict[str, Any]) -> str:
    names = [name.replace("_", "-") for name in kinds]
    near = difflib.get_close_matches(option.lstrip("-"), names, n=1)
    return f"did you mean --{near[0]}?" if near else "known are " + ", ".join(f"--{name}" for name in names)


def _convert(option: str, text: str, kind: Any) -> Any:
    """Returns `text` as the type of a settings field: int, float, str, bool or a `Literal` of strings.

    A field of type Any takes JSON, or a text that is none.
    """
    if kind is Any:
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    if kind is bool:
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise ArgumentError(f"--{option} is {text!r}, but takes true or false")
    if typing.get_origin(kind) is typing.Literal:
        if text in typing.get_args(kind):
            return text
        raise ArgumentError(f"--{option} is {text!r}, but takes one of {', '.join(typing.get_args(kind))}")
    try:
        return kind(text)
    except ValueError:
        raise ArgumentError(f"--{option} is {text!r}, but takes a value of type {kind.__name__}") from None
