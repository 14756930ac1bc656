"""Which environments do the tests of the bridge play? Small ones, each with one trait; `module:NAME` builds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Settings:
    """Options of the samples: `length` of an episode in steps, `size` of the observation."""

    length: int = 4
    size: int = 2


class Counter:
    """One agent an area, `Count`; it observes how often it has decided, and a random number that the seed decides."""

    behavior = "Count"

    def __init__(self, settings: Settings, num_areas: int) -> None:
        spec = BehaviorSpec((ObservationSpec("count", (settings.size,)),), ActionSpec(continuous=1, branches=(2,)))
        self.behaviors = {self.behavior: spec}
        self._settings, self._num_areas = settings, num_areas
        self._ids = EpisodeIds()
        self._bonus = 0.0

    def reset(self, seed: int | None) -> Mapping[str, Step]:
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self._count = 0
        self._agents = self._ids.take(self._num_areas)
        return {self.behavior: Step(self._decisions(0.0), self._endings(0))}

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Step]:
        self._count += 1
        if self._count < self._settings.length:
            return {self.behavior: Step(self._decisions(1.0 + self._bonus), self._endings(0))}
        endings = self._endings(self._num_areas)
        self._count = 0
        self._agents = self._ids.take(self._num_areas)
        return {self.behavior: Step(self._decisions(0.0), endings)}

    def set_parameters(self, parameters: Mapping[str, float]) -> None:
        if set(parameters) != {"bonus"}:
            raise ValueError(f"unknown parameters {set(parameters) - {'bonus'}}; known is bonus")
        self._bonus = parameters["bonus"]

    def statistics(self) -> list[Statistic]:
        return [Statistic("Count/Steps", float(self._count))]

    def close(self) -> None:
        pass

    def _seen(self, count: int) -> np.ndarray:
        seen = np.full((count, self._settings.size), self._count, np.float32)
        seen[:, 1] = self._rng.random()
        return seen

    def _decisions(self, reward: float) -> Decisions:
        return Decisions(self._agents, (self._seen(self._num_areas),), np.full(self._num_areas, reward))

    def _endings(self, count: int) -> Endings:
        return Endings(self._agents[:count], (self._seen(count),), np.full(count, 9.0), np.ones(count, bool))


class Crashing(Counter):
    """Fails in its third step."""

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Step]:
        if self._count == 2:
            raise RuntimeError("the arm fell off")
        return super().step(actions)


class NotANumber(Counter):
    """Observes NaN from its second decision on."""

    def _seen(self, count: int) -> np.ndarray:
        seen = super()._seen(count)
        seen[:, 0] = np.where(seen[:, 0] > 0, np.nan, 0.0)
        return seen


class TurnTaking(Counter):
    """Two teams; each step only one of them decides, and they play under two behavior ids."""

    def __init__(self, settings: Settings, num_areas: int) -> None:
        super().__init__(settings, num_areas)
        spec = self.behaviors["Count"]
        self.behaviors = {"Turn?team=0": spec, "Turn?team=1": spec}

    def reset(self, seed: int | None) -> Mapping[str, Step]:
        step = super().reset(seed)["Count"]
        self._all = self._ids.take(2 * self._num_areas).reshape(-1, 2)
        self._agents = self._all[:, 0]
        return {"Turn?team=0": step._replace(decisions=self._decisions(0.0))}

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Step]:
        self._count += 1
        team = self._count % 2
        if len(actions[f"Turn?team={team}"].discrete) or len(actions[f"Turn?team={1 - team}"].discrete) == 0:
            raise RuntimeError("the wrong team was asked")
        self._agents = self._all[:, team]
        return {f"Turn?team={team}": Step(self._decisions(0.0), self._endings(0))}


COUNTER = Entry("counts", Settings, Counter)
CRASHING = Entry("crashes", Settings, Crashing)
NOT_A_NUMBER = Entry("observes NaN", Settings, NotANumber)
TURN_TAKING = Entry("one team after the other", Settings, TurnTaking)
