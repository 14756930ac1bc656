"""How do many matches in the sumo ring run side by side, for a trainer with two teams?

The rules are in `sumo_rules`; here they meet ids, episodes, rewards and parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

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
from gym_bridges.envs import sumo_rules as rules
from gym_bridges.envs.sumo_rules import Bodies, Options, SumoRingSettings
from gym_bridges.registry import Entry

BEHAVIOR = "SumoRing"
TEAMS = (f"{BEHAVIOR}?team=0", f"{BEHAVIOR}?team=1")

_SEEDS = 2**63  # the seeds of matches are drawn below it

_Seats = tuple[np.ndarray, tuple[np.ndarray], np.ndarray]
"""One team's agent ids, observations and rewards, in the order of the areas."""


class SumoRing:
    """`num_areas` independent matches, one step of each at a time; a match that is over is followed at once."""

    PARAMETERS = ("steps", "calm_steps", "thrust", "bounce")
    """The settings that an environment parameter may change."""

    def __init__(self, settings: SumoRingSettings, num_areas: int) -> None:
        seen = ObservationSpec("ring", (rules.OBSERVATION_SIZE,))
        self.behaviors = dict.fromkeys(TEAMS, BehaviorSpec((seen,), ActionSpec(continuous=rules.ACTION_SIZE)))
        self._settings = settings  # of the matches that begin from now on
        self._ids = EpisodeIds()
        self._rng = np.random.default_rng(0)
        self._lengths: list[int] = []  # in steps, of the matches that ended since the last statistics
        # The running matches. Seats are teams.
        self._seat_ids = np.zeros((num_areas, 2), int)
        self._bodies = rules.start([0] * num_areas)
        self._step = np.zeros(num_areas, int)
        self._options = Options.alike(settings, num_areas)

    def reset(self, seed: int | None) -> Mapping[str, Step]:
        """Begins a new match in every area."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        everywhere = np.ones(len(self._step), bool)
        self._begin(everywhere)
        seats = self._seats(np.zeros(len(self._step)))
        return self._steps(seats, seats, ~everywhere)

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Step]:
        """Moves every match on by one step; one that is over is followed by the next at once."""
        thrusts = np.stack([actions[team].continuous for team in TEAMS], axis=1)
        self._bodies = rules.advance(self._bodies, thrusts, self._options)
        self._step += 1
        over, rewards = rules.judge(self._bodies, self._step, self._options)
        last = self._seats(rewards)
        if not over.any():
            return self._steps(last, last, over)
        self._lengths += self._step[over].tolist()
        self._begin(over)
        return self._steps(self._seats(np.where(over, 0.0, rewards)), last, over)

    def set_parameters(self, parameters: Mapping[str, float]) -> None:
        """Changes settings for matches that begin from now on."""
        changes: dict[str, Any] = dict(parameters)
        for name in changes:
            if name not in self.PARAMETERS:
                raise ValueError(f"unknown environment parameter {name!r}; known are {', '.join(self.PARAMETERS)}")
        self._settings = replace(self._settings, **changes)

    def statistics(self) -> list[Statistic]:
        """Returns the mean length of the matches that have ended, in steps; nothing if none has."""
        lengths, self._lengths = self._lengths, []
        return [Statistic(f"{BEHAVIOR}/Length", float(np.mean(lengths)))] if lengths else []

    def close(self) -> None:
        """Nothing to free."""

    def _begin(self, where: np.ndarray) -> None:
        """Begins a new match in the areas of the mask `where`."""
        count = int(where.sum())
        self._seat_ids = self._seat_ids.copy()  # what was handed over stays as it is
        self._seat_ids[where] = self._ids.take(2 * count).reshape(-1, 2)
        fresh = rules.start(self._rng.integers(_SEEDS, size=count).tolist())
        self._bodies = Bodies(*(_replaced(*pair, where) for pair in zip(self._bodies, fresh, strict=True)))
        self._step[where] = 0
        options = zip(self._options, Options.alike(self._settings, count), strict=True)
        self._options = Options(*(_replaced(*pair, where) for pair in options))

    def _seats(self, rewards: np.ndarray) -> dict[str, _Seats]:
        """Returns the seats of each team, as it sees itself; `rewards` `[num_areas]` are team 0's."""
        seen = rules.observe(self._bodies, self._step, self._options)
        return {
            team: (self._seat_ids[:, seat], (seen[:, seat],), rewards if seat == 0 else -rewards)
            for seat, team in enumerate(TEAMS)
        }

    @staticmethod
    def _steps(now: dict[str, _Seats], last: dict[str, _Seats], over: np.ndarray) -> dict[str, Step]:
        """Returns the decisions of `now`, and of `last` the endings in the areas of the mask `over`."""
        truncated = np.zeros(int(over.sum()), bool)
        steps = {}
        for team in TEAMS:
            ids, (seen,), rewards = last[team]
            steps[team] = Step(Decisions(*now[team]), Endings(ids[over], (seen[over],), rewards[over], truncated))
        return steps


def _replaced(values: np.ndarray, fresh: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Returns a copy of `values` in which the rows of the mask `where` are those of `fresh`, whatever its type."""
    replaced = values.astype(np.result_type(values, fresh))
    replaced[where] = fresh
    return replaced


ENTRY = Entry(
    summary="A small sumo ring that shrinks, two teams; bodies push each other out.",
    settings=SumoRingSettings,
    make=SumoRing,
)
