"""Which environments of others can be played, and by which ids? What gymnasium and PettingZoo find on this machine."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import gymnasium

from gym_bridges.areas import Areas
from gym_bridges.envs.blueprint import Blueprint
from gym_bridges.envs.game_areas import GameAreas
from gym_bridges.envs.options import Options, options_for
from gym_bridges.envs.tuning import constructor_arguments
from gym_bridges.registry import Entry

PETTINGZOO = "pettingzoo/"
"""What the ids of PettingZoo's environments begin with: `pettingzoo/<family>/<name>`."""

_REGISTER_WHEN_IMPORTED = ("gymnasium_robotics", "ale_py")  # packages whose import makes their ids known to gymnasium
_OF_GYMNASIUM = {"max_episode_steps": None}  # what `gymnasium.make` takes beside the constructor's arguments


def gymnasium_entry(environment_id: str) -> Entry:
    """Returns the entry of an environment that is registered with gymnasium.

    Raises:
      KeyError: if there is none of that id, or if a package is missing for it.
    """
    if environment_id not in gymnasium.registry:
        _import_registering_packages()
    spec = gymnasium.registry.get(environment_id)
    if spec is None:
        raise KeyError(f"gymnasium knows no environment {environment_id!r}")
    place: Any = spec.entry_point
    try:
        constructor = gymnasium.envs.registration.load_env_creator(place) if isinstance(place, str) else place
    except (ImportError, AttributeError, gymnasium.error.DependencyNotInstalled) as error:
        raise KeyError(f"{environment_id!r} cannot be loaded: {error}") from error
    make = functools.partial(gymnasium.make, environment_id, disable_env_checker=True)
    defaults = {**_OF_GYMNASIUM, **constructor_arguments(constructor or make), **spec.kwargs}
    return _entry(environment_id, f"gymnasium's {environment_id}", make, defaults)


def pettingzoo_entry(environment_id: str) -> Entry:
    """Returns the entry of `pettingzoo/<family>/<name>`; all agents decide at once where the game has such a form.

    Raises:
      KeyError: if PettingZoo has none of that name, or lacks a package for it.
    """
    module_name = environment_id.replace("/", ".")
    try:
        module = importlib.import_module(module_name)
        make = getattr(module, "parallel_env", None) or module.env
    except (ImportError, AttributeError) as error:
        raise KeyError(f"{environment_id!r} cannot be loaded: {error}") from error
    return _entry(environment_id, f"PettingZoo's {environment_id}", make, constructor_arguments(_raw(module, make)))


def callable_entry(environment_id: str, make: Callable[..., Any]) -> Entry:
    """Returns the entry of a function or class that makes an environment of gymnasium or PettingZoo."""
    summary = (make.__doc__ or environment_id).strip().splitlines()[0]
    return _entry(environment_id, summary, make, constructor_arguments(make))


def gymnasium_ids() -> list[str]:
    """Returns every id that gymnasium knows on this machine, sorted."""
    _import_registering_packages()
    return sorted(gymnasium.registry)


def pettingzoo_ids() -> list[str]:
    """Returns the ids of PettingZoo's environments, sorted; some may lack a package. Empty without PettingZoo."""
    if find_spec("pettingzoo") is None:
        return []
    package = importlib.import_module("pettingzoo")
    families = [family for family in pkgutil.iter_modules(package.__path__) if family.ispkg]
    found = []
    for family in families:
        folders = [f"{path}/{family.name}" for path in package.__path__]
        names = [module.name for module in pkgutil.iter_modules(folders)]
        found += [f"{PETTINGZOO}{family.name}/{name}" for name in names if name.rpartition("_v")[2].isdigit()]
    return sorted(found)


def atari_ids() -> list[str]:
    """Returns the ids of all Atari games, sorted; empty without ale-py."""
    if find_spec("ale_py") is None:
        return []
    from gym_bridges.envs.atari import games

    return [f"Atari-{name}" for name in games.names()]


def _entry(environment_id: str, summary: str, make: Callable[..., Any], defaults: Mapping[str, Any]) -> Entry:
    def areas(options: Options, num_areas: int) -> Areas:
        return GameAreas(Blueprint(environment_id, make, defaults, options.arguments()), options, num_areas)

    return Entry(summary, options_for(defaults), areas)


def _raw(module: Any, make: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function that names its arguments; PettingZoo wraps it into ones that take any."""
    return getattr(module, "raw_env", make)


def _import_registering_packages() -> None:
    for package in _REGISTER_WHEN_IMPORTED:
        if find_spec(package):
            gymnasium.register_envs(importlib.import_module(package))
