"""What may stand in a population's YAML, and what must each key be?"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from mlagents_selfplay.population.evolution import EvolutionSettings
from mlagents_selfplay.population.ranges import Range

EVOLUTION, AVERAGING = "evolution", "averaging"
BY_RATING, AT_RANDOM = "rating", "random"


class SettingsError(Exception):
    """The settings of a population are wrong; the message names the key, its value and what is allowed."""


@dataclass(frozen=True)
class PopulationSettings:
    """A population of members that are trained side by side, each by an `mlagents-learn` of its own.

    Attributes:
      trainer_config: ML-Agents' configuration file of every member.
      behavior: the one in it that is trained, of trainer type `selfplay`.
      env: the build that members play in; an empty text if the trainer's configuration names it.
      members: at least 2.
      mode: `evolution`, or `averaging` for copies with different seeds whose weights are averaged at every interval.
      max_steps: learner steps of each member.
      interval: learner steps between two reports of a member, which take a snapshot and a checkpoint.
      num_areas: copies of the environment in a process.
      num_envs: environment processes of a member.
      base_port: where members look for free ports from.
      cpus_per_member: cores that Ray sets aside for one, above 0.
      gpus_per_member: GPUs that Ray sets aside for one; with 0 its trainer sees none.
      seed: of the league's draws; member k trains with seed + k.
      guest_ratio: in [0, 1], share of the opponent draws that go to other members' histories.
      guest_draws: draws from these histories between two reports; so many guests at most.
      matchmaking: `rating` prefers equals, `random` takes all alike.
      history_capacity: snapshots that the league keeps of each member.
      elo_k: most points that one match moves a rating, above 0.
      evolution: who changes, and how.
      hyperparameters: ranges by key; where members start, and where mutation may lead them.
    """

    trainer_config: Path
    behavior: str
    env: str = ""
    members: int = 4
    mode: str = EVOLUTION
    max_steps: int = 200_000
    interval: int = 10_000
    num_areas: int = 1
    num_envs: int = 1
    base_port: int = 5005
    cpus_per_member: float = 1.0
    gpus_per_member: float = 0.0
    seed: int = 0
    guest_ratio: float = 0.5
    guest_draws: int = 16
    matchmaking: str = BY_RATING
    history_capacity: int = 16
    elo_k: float = 4.0
    evolution: EvolutionSettings = EvolutionSettings()
    hyperparameters: dict[str, Range] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The members."""
        return [f"agt_{number}" for number in range(self.members)]

    def __post_init__(self) -> None:
        for key, low in _AT_LEAST.items():
            if getattr(self, key) < low:
                raise ValueError(f"{key}: {getattr(self, key)!r} is not allowed; it must be at least {low}")
        for key in ("elo_k", "cpus_per_member"):
            if not getattr(self, key) > 0.0:
                raise ValueError(f"{key}: {getattr(self, key)!r} is not allowed; it must be above 0")
        for key, allowed in (("mode", (EVOLUTION, AVERAGING)), ("matchmaking", (BY_RATING, AT_RANDOM))):
            if getattr(self, key) not in allowed:
                raise ValueError(f"{key}: {getattr(self, key)!r} is not one of {', '.join(allowed)}")
        if not 0.0 <= self.guest_ratio <= 1.0:
            raise ValueError(f"guest_ratio: {self.guest_ratio!r} is not in [0, 1]")
        if self.mode == AVERAGING and self.hyperparameters:
            raise ValueError("hyperparameters: averaged copies all have those of trainer_config; delete the block")
        if self.mode == EVOLUTION and not self.hyperparameters:
            raise ValueError("hyperparameters: there is nothing to evolve; declare a range for at least one key")


_AT_LEAST = {
    "members": 2,
    "max_steps": 1,
    "interval": 1,
    "num_areas": 1,
    "num_envs": 1,
    "base_port": 1024,
    "gpus_per_member": 0,
    "seed": 0,
    "guest_draws": 1,
    "history_capacity": 2,
}


def read_settings(path: Path) -> PopulationSettings:
    """Reads a population's YAML; paths in it are meant from the current folder and come back absolute.

    What has to do with the trainer's own configuration is checked by `configuration.check`.

    Raises:
      SettingsError: if it cannot be read or something in it is not allowed.
    """
    try:
        block = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    return settings_from(block, str(path))


def settings_from(block: Any, where: str) -> PopulationSettings:
    """Builds settings from the content of a YAML; `where` is said in errors.

    Raises:
      SettingsError: if something is not allowed.
    """
    given = _checked(PopulationSettings, block, where)
    given["evolution"] = _built(EvolutionSettings, given.get("evolution", {}), f"{where}: evolution")
    given["hyperparameters"] = {
        str(key): _built(Range, value, f"{where}: hyperparameters.{key}")
        for key, value in _mapping(given.get("hyperparameters", {}), f"{where}: hyperparameters").items()
    }
    built: PopulationSettings = _construct(PopulationSettings, given, where)
    return built


def _built(kind: type, block: Any, where: str) -> Any:
    return _construct(kind, _checked(kind, block, where), where)


def _construct(kind: type, given: dict[str, Any], where: str) -> Any:
    try:
        return kind(**given)
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from error


def _checked(kind: Any, block: Any, where: str) -> dict[str, Any]:
    """Returns the values of a block by key, each of the type that its field has."""
    types, known = get_type_hints(kind), {entry.name: entry for entry in fields(kind)}
    checked = {}
    for key, value in _mapping(block, where).items():
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise SettingsError(f"{where}: {key} is not a key here; there are {', '.join(known)}.{hint}")
        checked[key] = _of_type(types[key], value, f"{where}: {key}")
    for name, entry in known.items():
        if name not in checked and entry.default is MISSING and entry.default_factory is MISSING:
            raise SettingsError(f"{where}: {name} is missing")
    return checked


def _of_type(kind: Any, value: Any, where: str) -> Any:
    if kind == _PAIR and isinstance(value, list) and len(value) == 2:
        return tuple(_of_type(float, one, where) for one in value)
    if kind is float and type(value) in (int, float):
        return float(value)
    if kind is Path and isinstance(value, str):
        return Path(value).absolute()
    if kind not in _SAID or kind in (int, str, bool) and type(value) is kind:
        return value  # what is not listed is a block, checked by itself
    raise SettingsError(f"{where}: {value!r} is not allowed; it must be {_SAID[kind]}")


_PAIR = tuple[float, float]
_SAID: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    Path: "a path",
    _PAIR: "a list of two numbers",
}


def _mapping(block: Any, where: str) -> Mapping[Any, Any]:
    if not isinstance(block, Mapping):
        raise SettingsError(f"{where}: {block!r} is not allowed; it must be a block of keys")
    return block
