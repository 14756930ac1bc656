"""Which environments can the bridge play? A table of ours, and whatever gymnasium, PettingZoo and you bring.

To add an environment, write a module with an `ENTRY` under `gym_bridges/envs` and name it in `_PLACES`. One of your
own needs no place in the table.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gym_bridges.areas import Areas

_PLACES = {
    "MsPacman": "gym_bridges.envs.atari.ms_pacman:ENTRY",
    "RoboSumoAntVsAnt": "gym_bridges.envs.robosumo.entries:ANT_VS_ANT",
    "RoboSumoAntVsBug": "gym_bridges.envs.robosumo.entries:ANT_VS_BUG",
    "RoboSumoAntVsSpider": "gym_bridges.envs.robosumo.entries:ANT_VS_SPIDER",
    "RoboSumoBugVsAnt": "gym_bridges.envs.robosumo.entries:BUG_VS_ANT",
    "RoboSumoBugVsBug": "gym_bridges.envs.robosumo.entries:BUG_VS_BUG",
    "RoboSumoBugVsSpider": "gym_bridges.envs.robosumo.entries:BUG_VS_SPIDER",
    "RoboSumoSpiderVsAnt": "gym_bridges.envs.robosumo.entries:SPIDER_VS_ANT",
    "RoboSumoSpiderVsBug": "gym_bridges.envs.robosumo.entries:SPIDER_VS_BUG",
    "RoboSumoSpiderVsSpider": "gym_bridges.envs.robosumo.entries:SPIDER_VS_SPIDER",
    "RockPaperScissors": "gym_bridges.envs.rock_paper_scissors:ENTRY",
    "SumoRing": "gym_bridges.envs.sumo_ring:ENTRY",
}
"""Id -> module:name of the entry."""

_FAMILIES = {
    "Atari-": "gym_bridges.envs.atari.any_game:entry",
}
"""What the ids of a family begin with -> module:name of the function that takes the rest and returns the entry."""


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
    return sorted(_PLACES)


def families() -> dict[str, str]:
    """Returns the ids of families, such as `Atari-<Game>`, each with one line about them."""
    return {"Atari-<Game>": "Any game of the Arcade Learning Environment, preprocessed as in the literature."}


def find(environment_id: str) -> Entry:
    """Returns the entry of an environment.

    Args:
      environment_id: one of `ids()`; `Atari-<Game>`, such as `Atari-Pong`; an id that is registered with gymnasium,
        such as `CartPole-v1`; one of PettingZoo's as `pettingzoo/<family>/<name>`; or `package.module:name` for what
        you have written: an `Entry`, a function or class that makes an environment of either, or an id that importing
        the module registers.

    Raises:
      KeyError: if there is none of that id; the message names the nearest one.
    """
    if environment_id in _PLACES:
        entry: Entry = _load(_PLACES[environment_id])
        return entry
    for prefix, place in _FAMILIES.items():
        if environment_id.startswith(prefix):
            member: Entry = _load(place)(environment_id.removeprefix(prefix))
            return member
    from gym_bridges.envs import catalogue  # the libraries that it needs are slow to load, and ours can do without

    if ":" in environment_id:
        return _find_own(environment_id, catalogue)
    try:
        if environment_id.startswith(catalogue.PETTINGZOO):
            return catalogue.pettingzoo_entry(environment_id)
        return catalogue.gymnasium_entry(environment_id)
    except KeyError as error:
        known = [*_PLACES, *catalogue.gymnasium_ids(), *catalogue.pettingzoo_ids()]
        if environment_id in known:
            raise
        near = difflib.get_close_matches(environment_id, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else "`gym-bridge list --all` names all"
        raise KeyError(f"there is no environment {environment_id!r}; {hint}") from error


def _load(place: str) -> Any:
    module_name, _, name = place.partition(":")
    return getattr(importlib.import_module(module_name), name)


def _find_own(environment_id: str, catalogue: Any) -> Entry:
    """Returns the entry of `package.module:name`."""
    module_name, _, name = environment_id.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise KeyError(f"there is no environment {environment_id!r}: {error}") from error
    found = getattr(module, name, None)
    if isinstance(found, Entry):
        return found
    if callable(found):
        entry: Entry = catalogue.callable_entry(environment_id, found)
        return entry
    try:
        entry = catalogue.gymnasium_entry(name)
    except KeyError:
        what = f"is a {type(found).__name__}" if hasattr(module, name) else "does not exist"
        raise KeyError(
            f"there is no environment {environment_id!r}: {name!r} {what} in {module_name}, but has to be a "
            "gym_bridges.registry.Entry, a function that makes an environment, or an id registered with gymnasium"
        ) from None
    return entry
