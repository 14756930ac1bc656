"""How do many matches of RoboSumo run side by side, for a trainer with two teams? On a thread for each core."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
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
from gym_bridges.envs.crew import num_cores
from gym_bridges.envs.recorder import Recorder
from gym_bridges.envs.robosumo import rules
from gym_bridges.envs.robosumo.match import STEP_SECONDS, Match
from gym_bridges.envs.robosumo.settings import RoboSumoSettings

SHAPING = ("control", "push", "move")
"""The parts of the shaping, as `rules.Parts` names them."""


class RoboSumoAreas:
    """`num_areas` independent matches between the same two kinds of robots; all move on in every step.

    Two robots of one kind are the two teams of one behavior, `RoboSumoAnt?team=0` and `?team=1`; robots of different
    kinds are two behaviors, the first in team 0 and the second in team 1.
    """

    PARAMETERS = tuple(name for name in RoboSumoSettings.__dataclass_fields__ if name != "threads")
    """The settings that an environment parameter may change."""

    metadata = {"render_fps": round(1 / STEP_SECONDS)}

    def __init__(
        self, home: str, away: str, settings: RoboSumoSettings, num_areas: int, recorder: Recorder | None = None
    ) -> None:
        """Prepares the matches.

        Args:
          home: kind of the robots of team 0: "ant", "bug" or "spider".
          away: the same for team 1.
          settings: for matches that begin before a parameter changes them.
          num_areas: matches side by side.
          recorder: for a video of the first area, closed with the areas.
        """
        self._recorder = recorder
        self._matches = [Match(home, away) for _ in range(num_areas)]
        self.behaviors = {
            f"RoboSumo{species.name.capitalize()}?team={team}": BehaviorSpec(
                observations=(ObservationSpec("state", (species.observation_size,)),),
                actions=ActionSpec(continuous=species.num_actions),
            )
            for team, species in enumerate(self._matches[0].species)
        }
        self._settings = settings
        self._ids = EpisodeIds()
        self._rng = np.random.default_rng()
        threads = min(settings.threads or num_cores(), num_areas)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="robosumo")
        self._shares = np.array_split(np.arange(num_areas), threads)  # of the areas, one for each thread
        # By area; the last axis is the seat, which is the team.
        self._observations = [
            np.zeros((num_areas, *spec.observations[0].shape), np.float32) for spec in self.behaviors.values()
        ]
        self._seat_ids = np.zeros((num_areas, 2), int)
        self._shaping = np.zeros((num_areas, len(SHAPING)))  # earned in the running match, mean of both seats
        self._finished: list[tuple[float, ...]] = []  # matches since the last statistics, see `_record`

    def reset(self, seed: int | None) -> Mapping[str, Step]:
        """Begins a new match in every area."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        everywhere = np.arange(len(self._matches))
        self._begin(everywhere)
        return self._hand_over(np.zeros((len(everywhere), 2)), self._endings(everywhere[:0], np.zeros((0, 2))))

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Step]:
        """Moves every match on by 0.05 s; one that is over is followed by the next at once."""
        commands = [actions[team].continuous for team in self.behaviors]
        shares = self._pool.map(functools.partial(self._advance, commands), self._shares)
        verdicts = [verdict for share in shares for verdict in share]
        rewards = np.array(
            [
                [match.settings.paid(parts) for parts in verdict.seats]
                for match, verdict in zip(self._matches, verdicts, strict=True)
            ]
        )
        if self._recorder:
            self._recorder.add(self)
        over = np.flatnonzero([verdict.over for verdict in verdicts])
        self._record(over, verdicts)
        endings = self._endings(over, rewards[over])
        self._begin(over)
        rewards[over] = 0.0
        return self._hand_over(rewards, endings)

    def set_parameters(self, parameters: Mapping[str, float]) -> None:
        """Changes settings for matches that begin from now on; all but `threads` may change."""
        changes: dict[str, Any] = dict(parameters)
        for name in changes:
            if name not in self.PARAMETERS:
                raise ValueError(f"unknown environment parameter {name!r}; known are {', '.join(self.PARAMETERS)}")
        self._settings = replace(self._settings, **changes)

    def statistics(self) -> list[Statistic]:
        """Returns means over the matches that have ended; rewards are sums over a match, unscaled, of one seat."""
        if not self._finished:
            return []
        means = np.mean(self._finished, axis=0)
        self._finished.clear()
        rewards = (f"Reward for {part}" for part in SHAPING)
        names = ("Steps of a match", "Share decided", "Share won by team 0", *rewards)
        return [Statistic(f"RoboSumo/{name}", float(mean)) for name, mean in zip(names, means, strict=True)]

    def render(self) -> np.ndarray:
        """Returns a picture of the first area, `[240, 320, 3]` uint8; call it between steps."""
        return self._matches[0].render()

    def close(self) -> None:
        """Ends the threads, frees the renderer and finishes the video."""
        self._pool.shutdown()
        if self._recorder:
            self._recorder.close()
        for match in self._matches:
            match.close()

    def _advance(self, commands: list[np.ndarray], areas: np.ndarray) -> list[rules.Verdict]:
        """Moves some matches on, in a thread; changes only what belongs to these areas."""
        verdicts = [self._matches[area].step([command[area] for command in commands]) for area in areas]
        self._look(areas)
        return verdicts

    def _look(self, areas: np.ndarray) -> None:
        for area in areas:
            for rows, seen in zip(self._observations, self._matches[area].observations, strict=True):
                rows[area] = seen

    def _begin(self, areas: np.ndarray) -> None:
        self._seat_ids[areas] = self._ids.take(2 * len(areas)).reshape(-1, 2)
        self._shaping[areas] = 0.0
        for area in areas:
            self._matches[area].begin(self._settings, self._rng)
        self._look(areas)

    def _record(self, over: np.ndarray, verdicts: list[rules.Verdict]) -> None:
        self._shaping += [
            [(getattr(verdict.seats[0], part) + getattr(verdict.seats[1], part)) / 2 for part in SHAPING]
            for verdict in verdicts
        ]
        for area in over:
            winner, steps = verdicts[area].winner, self._matches[area].steps
            self._finished.append((steps, winner is not None, winner == 0, *self._shaping[area]))

    def _endings(self, areas: np.ndarray, rewards: np.ndarray) -> list[Endings]:
        """Returns the endings of both teams in some areas; a draw is a result too, so nothing is cut off."""
        truncated = np.zeros(len(areas), bool)
        return [
            Endings(self._seat_ids[areas, seat], (rows[areas],), rewards[:, seat], truncated)
            for seat, rows in enumerate(self._observations)
        ]

    def _hand_over(self, rewards: np.ndarray, endings: list[Endings]) -> dict[str, Step]:
        return {
            team: Step(
                Decisions(self._seat_ids[:, seat].copy(), (self._observations[seat].copy(),), rewards[:, seat]),
                endings[seat],
            )
            for seat, team in enumerate(self.behaviors)
        }
