"""Which behavior and which team does each agent of a game belong to? Equal spaces make a behavior, each agent a team.

Whoever knows the game better says so in words, as `--teams "red_*=0,blue_*=1"` and `--behaviors "wolf_*=Wolf"`; a
pattern may hold `*` and `?`, and the first one that fits decides.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gymnasium import spaces


@dataclass(frozen=True)
class Seat:
    """The place of one agent.

    Attributes:
      behavior: name of its behavior, without the team.
      team: number of its team in the game, or None if the game has one team only.
      mates: how many agents its team has, itself included.
    """

    behavior: str
    team: int | None
    mates: int

    @property
    def behavior_id(self) -> str:
        """As ML-Agents writes it: `Name?team=K`, or a plain `Name`."""
        return self.behavior if self.team is None else f"{self.behavior}?team={self.team}"


Spaces = tuple[spaces.Space, spaces.Space]
"""What one agent observes and what it decides."""


def safe_name(environment_id: str) -> str:
    """Returns the name of the behavior: the id after its last `/` or `:`, with `_` for all but letters, digits, `.-`.

    `CartPole-v1` stays; `pettingzoo/classic/connect_four_v3` becomes `connect_four_v3`.
    """
    return re.sub(r"[^A-Za-z0-9._-]", "_", re.split(r"[/:]", environment_id)[-1])


def assign(name: str, agents: Mapping[str, Spaces], teams: str = "", behaviors: str = "") -> dict[str, Seat]:
    """Returns the seat of every agent, ordered by team.

    Args:
      name: of the behavior if there is one, and what the names of several begin with.
      agents: every agent that may ever play, and its spaces.
      teams: `pattern=number` pairs, separated by commas; agents that no pattern fits are teams of their own.
      behaviors: `pattern=name` pairs; agents that no pattern fits share one with those of equal spaces.

    Raises:
      ValueError: if a pair is malformed, a pattern fits nobody, or agents of one behavior have different spaces.
    """
    team_of = _team_numbers(agents, {agent: _number(text) for agent, text in _matches("teams", teams, agents).items()})
    behavior_of = _behaviors(name, agents, _matches("behaviors", behaviors, agents))
    first_of: dict[str, str] = {}
    for agent, behavior in behavior_of.items():
        first = first_of.setdefault(behavior, agent)
        if agents[agent] != agents[first]:
            raise ValueError(
                f"behavior {behavior!r}: {agent} has the spaces {agents[agent]}, but {first} has {agents[first]}; "
                "agents of one behavior need equal ones"
            )
    has_teams = len(set(team_of.values())) > 1
    mates = Counter(team_of.values())
    return {
        agent: Seat(behavior_of[agent], team_of[agent] if has_teams else None, mates[team_of[agent]])
        for agent in sorted(agents, key=lambda agent: (team_of[agent], behavior_of[agent]))
    }


def _behaviors(name: str, agents: Mapping[str, Spaces], given: Mapping[str, str]) -> dict[str, str]:
    """Returns the behavior of each agent; several are told apart by the agents' names without their numbers."""
    kinds: list[Spaces] = []
    for agent, own in agents.items():
        if agent not in given and own not in kinds:
            kinds.append(own)
    if len(kinds) <= 1:
        return {agent: given.get(agent, name) for agent in agents}
    names: list[str] = []
    for kind in kinds:
        first = next(agent for agent, own in agents.items() if own == kind and agent not in given)
        short = f"{name}-{safe_name(re.sub(r'_?[0-9]+$', '', str(first)))}"
        names.append(short if short not in names else f"{name}-{safe_name(str(first))}")
    return {agent: given.get(agent) or names[kinds.index(own)] for agent, own in agents.items()}


def _team_numbers(agents: Iterable[str], given: Mapping[str, int]) -> dict[str, int]:
    """Returns the given team numbers, and the lowest free ones, in order, for those without."""
    free = (number for number in itertools.count() if number not in given.values())
    return {agent: given[agent] if agent in given else next(free) for agent in agents}


def _matches(option: str, text: str, agents: Mapping[str, Spaces]) -> dict[str, str]:
    """Returns the value of the first pattern that fits, for each agent that one fits."""
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        pattern, equals, value = (part.strip() for part in pair.partition("="))
        if not (pattern and equals and value):
            raise ValueError(f"--{option}: {pair!r} is not of the form agent=value")
        fitting = [agent for agent in agents if fnmatchcase(str(agent), pattern)]
        if not fitting:
            raise ValueError(f"--{option}: {pattern!r} fits none of the agents {', '.join(map(str, agents))}")
        for agent in fitting:
            found.setdefault(agent, value)
    return found


def _number(text: str) -> int:
    if not text.isdigit():
        raise ValueError(f"--teams: {text!r} is not the number of a team, which is a whole number >= 0")
    return int(text)
