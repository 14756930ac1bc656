"""Which environments can the bridge play? One table from id to entry.

To add an environment, write a module with an `ENTRY` under `gym_bridges/envs` and name it in `_MODULES`. One of your
own needs no place in the table: `package.module:ENTRY` is its id.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gym_bridges.areas import Areas

_MODULES = {
    "RockPaperScissors": "gym_bridges.envs.rock_paper_scissors",
}


@dataclass(frozen=True)
class Entry:
    """One environment.

    Attributes:
      summary: one line for a list.
      settings: a frozen dataclass; its fields are the options that `--env-args` takes, its checks raise ValueError.
      make: `make(settings, num_areas)`; libraries that only this environment needs are imported in here.
    """

    summary: str
    settings: type[Any]
    make: Callable[[Any, int], Areas]


def ids() -> list[str]:
    """Returns the ids of all environments, sorted."""
    return sorted(_MODULES)


def find(environment_id: str) -> Entry:
    """Returns the entry of an environment.

    Args:
      environment_id: one of `ids()`, or `module:name` for an `Entry` of your own.

    Raises:
      KeyError: if there is none of that id; the message names the nearest one.
    """
    module, colon, name = environment_id.partition(":")
    if not colon:
        if environment_id not in _MODULES:
            near = difflib.get_close_matches(environment_id, _MODULES, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(ids())}"
            raise KeyError(f"there is no environment {environment_id!r}; {hint}")
        module, name = _MODULES[environment_id], "ENTRY"
    try:
        entry = getattr(importlib.import_module(module), name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise KeyError(f"there is no environment {environment_id!r}: {error}") from error
    if not isinstance(entry, Entry):
        raise KeyError(f"{environment_id!r} is a {type(entry).__name__}, not a gym_bridges.registry.Entry")
    return entry
