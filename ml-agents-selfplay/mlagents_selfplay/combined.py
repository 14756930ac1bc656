"""How do two players become one? A rule looks at what the agent sees and says which of them decides.

    python:mlagents_selfplay.combined:switch("first.onnx", "second.onnx", "0[3] > 0.5")

lets the second decide wherever number 3 of observation 0 is above 0.5, and the first elsewhere. Instead of such a
comparison a rule can be `python:module:function`: the function is given the decisions of `n` rows and returns `n`
truths. Such a player stands wherever one can stand: in `evaluate` and `play`, and among the pinned opponents of a
training.
"""

from __future__ import annotations

import importlib
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from mlagents.trainers.exception import TrainerConfigError
from mlagents_envs.base_env import BehaviorSpec

from mlagents_selfplay import pinned
from mlagents_selfplay.opponents import Actions, Array, Decisions, Opponent, merge

Rule = Callable[[Decisions], Array]
"""From the decisions of `n` rows to `[n]`, true where the second player decides."""

_COMPARISON = re.compile(r"(?P<sensor>\d+)\[(?P<places>[\d, ]+)\] *(?P<sign><=|>=|<|>) *(?P<value>[-+.\de]+)$")
_FUNCTION = re.compile(r"python:(?P<module>[\w.]+):(?P<name>\w+)$")
_SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}

# Where Ms. Pac-Man shows the two lives in reserve, in a picture of 105 x 80; the background there is black, 0.
_ICON_ROWS = slice(86, 93)
_ICON_COLUMNS = slice(4, 22)


class Switch:
    """Two players of which a rule picks one for each row; each remembers what it has seen itself."""

    def __init__(self, first: Opponent, second: Opponent, rule: Rule) -> None:
        self._players = (first, second)
        self._rule = rule

    def act(self, decisions: Decisions) -> Actions:
        """Decides for every row."""
        second = np.asarray(self._rule(decisions), dtype=bool)
        parts = []
        for player, chosen in zip(self._players, (~second, second), strict=True):
            index = np.flatnonzero(chosen)
            if len(index):
                parts.append((index, player.act(decisions.rows(index))))
        return merge(len(second), parts)

    def forget(self, agent: str) -> None:
        """Both drop what they remember of the agent."""
        for player in self._players:
            player.forget(agent)


def switch(first: str, second: str, rule: str, *, spec: BehaviorSpec, rng: np.random.Generator) -> Switch:
    """Combines two players.

    Args:
      first: who decides where the rule is false: an exported model or a script, as in `pinned_opponents`.
      second: who decides where it is true.
      rule: `SENSOR[PLACE, ...] < NUMBER`, with <, <=, > or >=, or `python:module:function`.
      spec: the behavior.
      rng: of scripts; advanced while they play.

    Raises:
      TrainerConfigError: if the rule cannot be read or does not fit, or a player is weights without a network.
    """
    players = []
    for source in (first, second):
        loaded = pinned.load(source, spec, rng)
        if isinstance(loaded, dict):
            raise TrainerConfigError(f"{source} are weights without a network; give the exported .onnx")
        players.append(loaded)
    return Switch(players[0], players[1], _rule(rule, spec))


def ms_pacman_lost_a_life(decisions: Decisions) -> Array:
    """Says where Ms. Pac-Man has lost a life: `[n]`, true once an icon at the bottom of the newest picture is gone."""
    return np.asarray(ms_pacman_lives(decisions) < 2)


def ms_pacman_lives(decisions: Decisions) -> Array:
    """Counts the lives in reserve that Ms. Pac-Man's newest picture shows, `[n]`: 2, 1 or 0."""
    icons = decisions.observations[0][:, -1, _ICON_ROWS, _ICON_COLUMNS]
    half = icons.shape[2] // 2
    return np.asarray((icons[:, :, :half] > 0).any(axis=(1, 2)).astype(int) + (icons[:, :, half:] > 0).any(axis=(1, 2)))


def _rule(text: str, spec: BehaviorSpec) -> Rule:
    function = _FUNCTION.match(text)
    if function:
        try:
            found: Rule = getattr(importlib.import_module(function["module"]), function["name"])
        except (ImportError, AttributeError) as error:
            raise TrainerConfigError(f"the rule {text} cannot be loaded: {error}") from error
        return found
    parts = _COMPARISON.match(text)
    if parts is None:
        raise TrainerConfigError(f"the rule {text!r} is neither SENSOR[PLACE, ...] < NUMBER nor python:module:function")
    sensor, places = int(parts["sensor"]), tuple(int(place) for place in parts["places"].split(","))
    shapes = [tuple(observation.shape) for observation in spec.observation_specs]
    if (
        sensor >= len(shapes)
        or len(places) != len(shapes[sensor])
        or any(place >= size for place, size in zip(places, shapes[sensor], strict=True))
    ):
        raise TrainerConfigError(f"the rule {text!r} does not fit observations of shapes {shapes}")
    compare, value = _SIGNS[parts["sign"]], float(parts["value"])
    index: tuple[Any, ...] = (slice(None), *places)
    return lambda decisions: np.asarray(compare(decisions.observations[sensor][index], value))
