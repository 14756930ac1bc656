"""How do copies of a gymnasium or PettingZoo environment become areas? Seats get ids, sights become arrays, and back.

An area whose episode is over begins the next one within the same step.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gym_bridges.areas import Actions, BehaviorSpec, Decisions, Endings, EpisodeIds, Statistic, Step
from gym_bridges.envs import episode_statistics, seats, tuning
from gym_bridges.envs.blueprint import Blueprint, threads_that_pay
from gym_bridges.envs.crew import Crew, StepTimeoutError
from gym_bridges.envs.game import Game, Sight, Turn
from gym_bridges.envs.options import Options
from gym_bridges.envs.recorder import Recorder
from gym_bridges.spaces import Effectors, Sensors


@dataclass
class _Area:
    """One copy of the environment, and the episode that it plays.

    Attributes:
      game: the copy.
      rng: gives seeds to the copies that this area plays one after the other.
      arguments: what the copy was built with, beyond what the blueprint holds.
      ids: id of each agent in the running episode.
      deciders: the agents that have decided in it.
      owed: what agents were paid before their first decision, which nobody may be told until the next one.
    """

    game: Game
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    arguments: Mapping[str, Any] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    deciders: set[str] = field(default_factory=set)
    owed: dict[str, float] = field(default_factory=dict)


class _Kind(NamedTuple):
    """What all agents of one behavior id have in common."""

    sensors: Sensors
    effectors: Effectors
    team: int
    has_mates: bool


class _Row(NamedTuple):
    """One agent in one message."""

    area: int
    id: int
    sight: Sight
    reward: float


class GameAreas:
    """All areas of one environment, as the `Areas` that a player plays.

    Raises:
      ValueError: if the spaces of the environment cannot travel, or the options do not fit it.
      RuntimeError: here and later, if the environment fails; the message says in which area and at what.
      StepTimeoutError: here and later, if it does not come back.
    """

    def __init__(self, blueprint: Blueprint, options: Options, num_areas: int) -> None:
        self._blueprint = blueprint
        self._recorder = Recorder(Path(options.record)) if options.record else None
        self._first_mode = "human" if options.render else "rgb_array" if options.record else None
        self._crew = Crew(num_areas, None if options.render else options.step_timeout)
        self._change = tuning.Change()
        self._statistics: list[Statistic] = []
        self._ids = EpisodeIds()
        self._asked: dict[str, list[_Row]] = {}

        self._areas = self._run("construction", self._build, [0])
        if not options.render:
            self._crew.spread(options.threads or threads_that_pay(self._areas[0].game))
        self._areas += self._run("construction", self._build, range(1, num_areas))

        with self._named():
            agents = self._areas[0].game.agents
            self._name = blueprint.behavior
            self._seats = seats.assign(self._name, agents, options.teams, options.behaviors)
            self._kinds = {
                seat.behavior_id: _Kind(
                    Sensors(agents[agent][0]), Effectors(agents[agent][1]), seat.team or 0, seat.mates > 1
                )
                for agent, seat in self._seats.items()
            }

    @property
    def behaviors(self) -> Mapping[str, BehaviorSpec]:
        """The specs by behavior id."""
        return {name: BehaviorSpec(kind.sensors.specs, kind.effectors.spec) for name, kind in self._kinds.items()}

    def reset(self, seed: int | None) -> Mapping[str, Step]:
        """Begins a new episode in every area; the areas' seeds are derived from `seed`."""
        seeds: list[int | None] = [None] * len(self._areas)
        if seed is not None:
            for index, child in enumerate(np.random.SeedSequence(seed & 0xFFFFFFFF).spawn(len(self._areas))):
                self._areas[index].rng = np.random.default_rng(child)
                seeds[index] = _new_seed(self._areas[index].rng)

        def begin(index: int) -> tuple[Turn, Turn]:
            return Turn([]), self._begin(index, seeds[index])

        return self._hand_over(self._run("reset", begin, range(len(self._areas))))

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Step]:
        """Takes the next turn in every area."""
        chosen: list[dict[str, Any]] = [{} for _ in self._areas]
        for behavior_id, rows in self._asked.items():
            act = self._kinds[behavior_id].effectors.act
            for row, continuous, discrete in zip(rows, *actions[behavior_id], strict=True):
                chosen[row.area][row.sight.agent] = act(continuous, discrete)

        def go_on(index: int) -> tuple[Turn, Turn]:
            try:
                turn = self._areas[index].game.step(chosen[index])
            except Exception as error:
                raise self._failure(index, f"step({chosen[index]!r:.300})", error) from error
            self._film(index)
            return turn, turn if turn.deciding else self._begin(index, None)

        return self._hand_over(self._run("step", go_on, range(len(self._areas))))

    def set_parameters(self, parameters: Mapping[str, float]) -> None:
        """Takes environment parameters, see `tuning`."""
        games = [area.game for area in self._areas]
        if hasattr(games[0].env.unwrapped, tuning.HOOK):
            for game in games:
                getattr(game.env.unwrapped, tuning.HOOK)(dict(parameters))
            return
        with self._named():
            self._change = tuning.sort_out(parameters, self._blueprint.known_arguments, games[0].env.unwrapped)

    def statistics(self) -> list[Statistic]:
        """Returns the numbers that the environments told at the ends of episodes."""
        gathered, self._statistics = self._statistics, []
        return gathered

    def close(self) -> None:
        """Finishes the video and frees the environments; a failure to do so is nobody's concern any more."""

        def free(index: int) -> None:
            with contextlib.suppress(Exception):
                self._areas[index].game.env.close()

        if self._recorder:
            self._recorder.close()
        with contextlib.suppress(StepTimeoutError):
            self._crew.run(free, self._crew.usable)
        self._crew.close()

    def _build(self, index: int) -> _Area:
        try:
            return _Area(self._blueprint.build(self._first_mode if index == 0 else None))
        except Exception as error:
            raise self._failure(index, "construction", error) from error

    def _begin(self, index: int, seed: int | None) -> Turn:
        """Begins an episode of one area under the present parameters, in a new copy if it needs one."""
        area = self._areas[index]
        try:
            if area.arguments != self._change.arguments:
                area.game.env.close()
                agents, area.arguments = area.game.agents, self._change.arguments
                area.game = self._blueprint.build(self._first_mode if index == 0 else None, area.arguments)
                if area.game.agents != agents:
                    raise ValueError(f"the environment parameters {dict(area.arguments)} change the spaces")
                seed = _new_seed(area.rng)
            for name, value in self._change.attributes.items():
                setattr(area.game.env.unwrapped, name, value)
            turn = area.game.reset(seed)
            if not turn.deciding:
                raise ValueError("nobody decides after a reset")
        except Exception as error:
            raise self._failure(index, f"reset(seed={seed})", error) from error
        self._film(index)
        return turn

    def _film(self, index: int) -> None:
        if self._recorder and index == 0:
            self._recorder.add(self._areas[index].game.env)

    def _hand_over(self, turns: Iterable[tuple[Turn, Turn]]) -> dict[str, Step]:
        """Returns the batches of (the turn that has passed, the turn that is next), area by area.

        The two are the same while an episode goes on; if not, a new one has begun.
        """
        with self._named():
            deciding: dict[str, list[_Row]] = {behavior_id: [] for behavior_id in self._kinds}
            ended: dict[str, list[_Row]] = {behavior_id: [] for behavior_id in self._kinds}
            for index, (turn, upcoming) in enumerate(turns):
                area = self._areas[index]
                for sight in turn.ended:
                    if sight.agent in area.deciders:  # who has never decided has no id that anyone knows
                        area.deciders.remove(sight.agent)
                        reward = _number(sight) + area.owed.pop(sight.agent, 0.0)
                        row = _Row(index, area.ids.pop(sight.agent), sight, reward)
                        ended[self._seat(sight).behavior_id].append(row)
                self._statistics += episode_statistics.of(self._name, turn.infos)
                if upcoming is not turn:
                    area.ids = dict(zip(self._seats, self._ids.take(len(self._seats)).tolist(), strict=True))
                    area.deciders, area.owed = set(), {}
                for sight in upcoming.deciding:
                    behavior_id, reward = self._seat(sight).behavior_id, _number(sight)
                    if sight.agent not in area.deciders:
                        area.deciders.add(sight.agent)
                        area.owed[sight.agent], reward = reward, 0.0
                    else:
                        reward += area.owed.pop(sight.agent, 0.0)
                    if sight.agent not in area.ids:  # it has come back within the episode
                        area.ids[sight.agent] = int(self._ids.take(1)[0])
                    deciding[behavior_id].append(_Row(index, area.ids[sight.agent], sight, reward))
            self._asked = deciding
            return {
                behavior_id: Step(self._decisions(kind, deciding[behavior_id]), self._endings(kind, ended[behavior_id]))
                for behavior_id, kind in self._kinds.items()
            }

    def _decisions(self, kind: _Kind, rows: list[_Row]) -> Decisions:
        return Decisions(*_arrays(kind, rows), group_ids=self._groups(kind, rows), forbidden=_forbidden(kind, rows))

    def _endings(self, kind: _Kind, rows: list[_Row]) -> Endings:
        truncated = np.array([row.sight.truncated for row in rows], bool)
        return Endings(*_arrays(kind, rows), truncated, group_ids=self._groups(kind, rows))

    def _groups(self, kind: _Kind, rows: list[_Row]) -> np.ndarray | None:
        """Returns an id above 0 for each team of each area, or None if nobody has a mate."""
        if not kind.has_mates:
            return None
        num_teams = 1 + max(other.team for other in self._kinds.values())
        return np.array([1 + row.area * num_teams + kind.team for row in rows], int)

    def _seat(self, sight: Sight) -> seats.Seat:
        if sight.agent not in self._seats:
            raise ValueError(f"agent {sight.agent!r} plays, but is none of {', '.join(map(str, self._seats))}")
        return self._seats[sight.agent]

    def _run(self, what: str, task: Callable[[int], Any], areas: Iterable[int]) -> list[Any]:
        try:
            return self._crew.run(task, list(areas))
        except StepTimeoutError as error:
            raise StepTimeoutError(f"{self._blueprint.id}: {what} hangs: {error} (--step-timeout)") from error

    def _failure(self, index: int, what: str, error: Exception) -> Exception:
        if isinstance(error, StepTimeoutError):
            return error
        return RuntimeError(f"{self._blueprint.id}: area {index}: {what} raised {type(error).__name__}: {error}")

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Puts the environment's id in front of what is said against its values."""
        try:
            yield
        except ValueError as error:
            raise ValueError(f"{self._blueprint.id}: {error}") from error


def _new_seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def _number(sight: Sight) -> float:
    try:
        return float(sight.reward)
    except (TypeError, ValueError):
        raise ValueError(f"the reward of {sight.agent!r} is {sight.reward!r}, which is not a number") from None


def _arrays(kind: _Kind, rows: list[_Row]) -> tuple[np.ndarray, tuple[np.ndarray, ...], np.ndarray]:
    """Returns ids, observations and rewards."""
    observations = kind.sensors.read([row.sight.observation for row in rows])
    return np.array([row.id for row in rows], int), observations, np.array([row.reward for row in rows], float)


def _forbidden(kind: _Kind, rows: list[_Row]) -> tuple[np.ndarray, ...] | None:
    """Returns the masks of all rows for each branch; None if no row has one."""
    branches = kind.effectors.spec.branches
    if not branches or all(row.sight.mask is None for row in rows):
        return None
    free = tuple(np.zeros(size, bool) for size in branches)
    masks = [free if row.sight.mask is None else kind.effectors.forbidden(row.sight.mask) for row in rows]
    return tuple(np.stack(branch) for branch in zip(*masks, strict=True))
