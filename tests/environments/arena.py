"""Which environment do the tests of the trainer play? A small arena whose options give it the traits of other games.

In every step each agent sees a cue, +1 or -1, and is right if its action agrees with it. An episode lasts a random
number of decisions; the team that was right most often wins.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from gym_bridges.areas import (
    Actions,
    ActionSpec,
    BehaviorSpec,
    Decisions,
    Endings,
    EpisodeIds,
    ObservationSpec,
    Statistic,
    Step,
)
from gym_bridges.registry import Entry

IMAGE = (3, 20, 20)  # ML-Agents' smallest
BRANCHES = (3, 2)
ACTIONS = {
    "discrete": ActionSpec(branches=BRANCHES),
    "continuous": ActionSpec(continuous=1),
    "hybrid": ActionSpec(continuous=2, branches=BRANCHES),
}
ROLES = ("Attacker", "Defender")


@dataclass(frozen=True)
class ArenaSettings:
    """Options of the arena.

    Attributes:
      teams: number of teams, at least 1; a single one wins by being right at least half the time.
      group: agents in a team; more than 1 are a group and are paid together.
      own_behaviors: whether both teams have a behavior of their own, `Attacker` and `Defender`, which see differently.
      actions, observations: the kinds of them.
      masks: whether one choice of the first branch is forbidden in each step, another one each time.
      recall: whether the cue is shown in the first step of the episode only.
      turns: whether the teams decide one after the other, each a message later.
      shortest, longest: decisions of an agent in an episode.
      log: file for the actions of every finished episode, a JSON line each; it gets the process id as a suffix; none if
        empty.
    """

    teams: int = 2
    group: int = 1
    own_behaviors: bool = False
    actions: Literal["discrete", "continuous", "hybrid"] = "discrete"
    observations: Literal["vector", "image", "both"] = "vector"
    masks: bool = False
    recall: bool = False
    turns: bool = False
    shortest: int = 2
    longest: int = 6
    log: str = ""


class Arena:
    """All arenas of one process; arrays are `[areas, teams]` or `[areas, teams, group]`."""

    def __init__(self, settings: ArenaSettings, num_areas: int) -> None:
        self._settings = settings
        names = [f"Arena?team={team}" for team in range(settings.teams)]
        if settings.own_behaviors:
            names = [f"{role}?team={team}" for team, role in enumerate(ROLES[: settings.teams])]
        self._names = ["Arena"] if settings.teams == 1 else names
        self._sizes = [4 + (settings.own_behaviors and team) for team in range(settings.teams)]
        self.behaviors = {name: self._spec(size) for name, size in zip(self._names, self._sizes, strict=True)}
        self._ids = EpisodeIds()
        self._rng = np.random.default_rng(0)
        shape = (num_areas, settings.teams)
        self._agents = np.zeros((*shape, settings.group), int)
        self._groups = np.zeros(shape, int)
        self._right = np.zeros(shape)
        self._count = np.zeros(num_areas, int)  # messages of the episode so far
        self._length = np.zeros(num_areas, int)  # decisions of each agent in the episode
        self._cue = np.zeros(num_areas)
        self._asked: list[np.ndarray] = [np.arange(0)] * settings.teams  # areas in which a team decides now
        self._actions: list[list[list[list[float]]]] = [[[] for _ in range(settings.teams)] for _ in range(num_areas)]
        self._log = Path(f"{settings.log}.{os.getpid()}") if settings.log else None

    def reset(self, seed: int | None) -> Mapping[str, Step]:
        """Begins a new episode in every area."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        everywhere = np.arange(len(self._count))
        self._begin(everywhere)
        return self._hand_over(self._endings(everywhere[:0]))

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Step]:
        """Takes the actions of those who were asked; RuntimeError for a choice that was forbidden."""
        for team, name in enumerate(self._names):
            areas = self._asked[team]
            if len(areas):
                self._take(team, areas, actions[name])
        self._count += 1
        over = np.flatnonzero(self._count == self._length * (self._settings.teams if self._settings.turns else 1))
        endings = self._endings(over)
        self._begin(over)
        if not self._settings.recall:
            self._cue = self._rng.choice([-1.0, 1.0], len(self._cue))
        return self._hand_over(endings)

    def set_parameters(self, parameters: Mapping[str, float]) -> None:
        """Changes `longest` for episodes that begin from now on."""
        if set(parameters) != {"longest"}:
            raise ValueError(f"unknown parameters {set(parameters) - {'longest'}}; known is longest")
        self._settings = replace(self._settings, longest=int(parameters["longest"]))

    def statistics(self) -> list[Statistic]:
        """Returns nothing."""
        return []

    def close(self) -> None:
        """Nothing to free."""

    def _spec(self, size: int) -> BehaviorSpec:
        vector, image = ObservationSpec("vector", (size,)), ObservationSpec("image", IMAGE, "image")
        kinds = {"vector": (vector,), "image": (image,), "both": (vector, image)}
        return BehaviorSpec(kinds[self._settings.observations], ACTIONS[self._settings.actions])

    def _begin(self, areas: np.ndarray) -> None:
        teams, group = self._agents.shape[1:]
        self._agents[areas] = self._ids.take(len(areas) * teams * group).reshape(len(areas), teams, group)
        self._groups[areas] = self._agents[areas, :, 0] + 1 if group > 1 else 0
        self._right[areas] = 0.0
        self._count[areas] = 0
        self._length[areas] = self._rng.integers(self._settings.shortest, self._settings.longest + 1, len(areas))
        self._cue[areas] = self._rng.choice([-1.0, 1.0], len(areas))
        for area in areas:
            self._actions[area] = [[] for _ in range(teams)]

    def _take(self, team: int, areas: np.ndarray, actions: Actions) -> None:
        cue = np.repeat(self._cue[areas], self._settings.group)
        right = np.zeros(len(cue))
        if actions.discrete.size:
            if self._settings.masks and np.any(actions.discrete[:, 0] == self._forbidden(areas)):
                raise RuntimeError("a forbidden choice was made")
            right += (actions.discrete[:, 1] == 1) == (cue > 0)
        if actions.continuous.size:
            right += np.sign(actions.continuous[:, 0]) == cue
        self._right[areas, team] += right.reshape(len(areas), -1).mean(axis=1)
        rows = np.concatenate([actions.continuous, actions.discrete], axis=1).reshape(len(areas), -1)
        for area, row in zip(areas, rows.tolist(), strict=True):
            self._actions[area][team].append(row)

    def _forbidden(self, areas: np.ndarray) -> np.ndarray:
        """`[rows]`: the choice of the first branch that nobody may make now."""
        return np.repeat(self._count[areas] % BRANCHES[0], self._settings.group)

    def _observe(self, team: int, areas: np.ndarray) -> tuple[np.ndarray, ...]:
        shown = (
            self._cue[areas] if not self._settings.recall else np.where(self._count[areas] == 0, self._cue[areas], 0)
        )
        vector = np.zeros((len(areas), self._sizes[team]), np.float32)
        vector[:, 0], vector[:, 1], vector[:, 2] = shown, self._count[areas] / 10, team
        image = np.zeros((len(areas), *IMAGE), np.uint8)
        image[:, 0] = np.where(shown > 0, 255, 0)[:, None, None]
        kinds = {"vector": (vector,), "image": (image,), "both": (vector, image)}
        return tuple(np.repeat(seen, self._settings.group, axis=0) for seen in kinds[self._settings.observations])

    def _endings(self, areas: np.ndarray) -> list[Endings]:
        right = self._right[areas]
        best = right.max(axis=1, keepdims=True, initial=0.0) if right.shape[1] > 1 else self._length[areas, None] / 2
        draw = (right == right[:, :1]).all(axis=1, keepdims=True) & (right.shape[1] > 1)
        rewards = np.where(draw, 0.0, np.where(right >= best, 1.0, -1.0))
        if self._log and len(areas):
            with self._log.open("a") as log:
                log.writelines(json.dumps(self._actions[area]) + "\n" for area in areas)
        group = self._settings.group
        paid = [np.repeat(rewards[:, team], group) for team in range(right.shape[1])]
        nothing = np.zeros(len(areas) * group)
        return [
            Endings(
                self._agents[areas, team].ravel(),
                self._observe(team, areas),
                nothing if group > 1 else paid[team],
                np.zeros(len(nothing), bool),
                np.repeat(self._groups[areas, team], group),
                paid[team] if group > 1 else nothing,
            )
            for team in range(right.shape[1])
        ]

    def _hand_over(self, endings: list[Endings]) -> dict[str, Step]:
        steps = {}
        for team, name in enumerate(self._names):
            teams, group = self._agents.shape[1:]
            areas = np.flatnonzero(self._count % teams == team) if self._settings.turns else np.arange(len(self._count))
            self._asked[team] = areas
            forbidden = None
            if self._settings.masks:
                forbidden = tuple(np.zeros((len(areas) * group, size), bool) for size in BRANCHES)
                forbidden[0][np.arange(len(areas) * group), self._forbidden(areas)] = True
            decisions = Decisions(
                self._agents[areas, team].ravel(),
                self._observe(team, areas),
                np.zeros(len(areas) * group),
                np.repeat(self._groups[areas, team], group),
                np.zeros(len(areas) * group),
                forbidden,
            )
            steps[name] = Step(decisions, endings[team])
        return steps


ARENA = Entry("An arena with any trait that a test asks for.", ArenaSettings, Arena)
