"""How does Ms. Pac-Man reach a trainer? Four small pictures a step, nine directions or a joystick, six rewards.

The environment of rl-dash-days (Defense Unicorns 2024); `docs/environments/ms_pacman.md` lists what differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

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
from gym_bridges.envs.atari.emulators import MAX_FRAMES, Emulators, EmulatorSettings, Turn
from gym_bridges.envs.atari.ms_pacman_rewards import REWARD_FUNCTIONS, Prices, Reward
from gym_bridges.envs.atari.ranges import check_range
from gym_bridges.envs.atari.scores import Scoreboard
from gym_bridges.registry import Entry

BEHAVIOR = "MsPacman"
HOLDS = 4
"""How often a step holds its action, for `FRAME_SKIP` frames each; each time one picture is seen."""

FRAME_SKIP = 4
CONSOLE_SCREEN = (210, 160)
NO_OP = 0
NUM_DIRECTIONS = 9
_DIRECTIONS = np.array([[8, 4, 7], [3, 0, 2], [6, 1, 5]])  # by (down, -, up) and (left, -, right)


@dataclass(frozen=True)
class MsPacmanSettings:
    """The options of the environment.

    Attributes:
      reward_function: how points and deaths are paid, see `ms_pacman_rewards`.
      death_penalty: what a lost life costs, in points, at least 0; for death_tax, split_q and parameterized.
      ghost_multiplier: of the points of a step with a ghost, at least 0; for ghostbusters, split_q and parameterized.
      controls: "discrete" is one choice of nine directions, "joystick" a stick's position (x, y).
      dead_zone: in [0, 1], how far from the middle an axis of the joystick does nothing.
      sticky_actions: probability in [0, 1] that a frame holds the action before.
      no_op_starts: a game begins with a random number of idle frames, less than this one; at least 1.
      max_frames: frames after which a game is cut off, at least 1; a step has 16.
      threads: that emulate; 0 is one for each area, but no more than there are processors.
    """

    reward_function: Literal["vanilla", "life_penalty", "death_tax", "ghostbusters", "split_q", "parameterized"] = (
        "vanilla"
    )
    death_penalty: float = 500.0
    ghost_multiplier: float = 1.0
    controls: Literal["discrete", "joystick"] = "discrete"
    dead_zone: float = 0.5
    sticky_actions: float = 0.0
    no_op_starts: int = 1
    max_frames: int = MAX_FRAMES
    threads: int = 0

    def __post_init__(self) -> None:
        for name, allowed in (("reward_function", tuple(REWARD_FUNCTIONS)), ("controls", ("discrete", "joystick"))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}, but takes one of {', '.join(allowed)}")
        for name in ("death_penalty", "ghost_multiplier", "threads"):
            check_range(self, name, 0)
        for name in ("no_op_starts", "max_frames"):
            check_range(self, name, 1)
        for name in ("sticky_actions", "dead_zone"):
            check_range(self, name, 0, 1)

    def reward(self, points: float, lives_lost: int) -> Reward:
        """Returns what a step is paid."""
        prices = Prices(self.death_penalty, self.ghost_multiplier)
        return REWARD_FUNCTIONS[self.reward_function](points, lives_lost, prices)


class MsPacman:
    """`num_areas` independent games."""

    PARAMETERS = ("reward_function", "death_penalty", "ghost_multiplier")
    """The settings that an environment parameter may change; a reward function is given by its number."""

    def __init__(self, settings: MsPacmanSettings, num_areas: int) -> None:
        self._emulators = Emulators(
            EmulatorSettings(
                rom_id="ms_pacman",
                frame_skip=FRAME_SKIP,
                screen=CONSOLE_SCREEN,
                grayscale=False,
                frame_stack=1,
                max_pool=False,
                sticky_actions=settings.sticky_actions,
                no_op_starts=settings.no_op_starts,
                max_frames=settings.max_frames,
                threads=settings.threads,
            ),
            num_areas,
        )
        shape = (HOLDS, CONSOLE_SCREEN[0] // 2, CONSOLE_SCREEN[1] // 2)
        is_stick = settings.controls == "joystick"
        actions = ActionSpec(continuous=2) if is_stick else ActionSpec(branches=(NUM_DIRECTIONS,))
        self.behaviors = {BEHAVIOR: BehaviorSpec((ObservationSpec("screens", shape, "image"),), actions)}
        self._settings = settings
        self._ids = EpisodeIds()
        self._scores = Scoreboard(BEHAVIOR, num_areas)
        # The areas.
        self._agents = np.zeros(num_areas, int)
        self._lives = np.zeros(num_areas, int)
        self._pictures = np.zeros((num_areas, *shape), np.uint8)
        self._rules = [settings] * num_areas  # by which the running games are paid

    def reset(self, seed: int | None) -> Mapping[str, Step]:
        """Begins a new game in every area."""
        num_areas = len(self._agents)
        self._scores.begin()
        self._begin(self._emulators.start(seed), np.ones(num_areas, bool))
        nothing, nobody = np.zeros((num_areas, 2)), np.zeros(num_areas, bool)
        return self._hand_over(nothing, self._endings(nobody, nothing, nobody))

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Step]:
        """Holds each area's action for `HOLDS` times `FRAME_SKIP` frames.

        A game that ends in between shows its last picture for the rest of the step; then the next one begins.
        """
        chosen = self._directions(actions[BEHAVIOR])
        num_areas = len(chosen)
        points, lives_lost = np.zeros(num_areas, int), np.zeros(num_areas, int)
        is_over, is_cut_off = np.zeros(num_areas, bool), np.zeros(num_areas, bool)
        pictures = np.empty_like(self._pictures)
        for hold in range(HOLDS):
            runs = ~(is_over | is_cut_off)
            turn = self._emulators.step(np.where(runs, chosen, NO_OP))
            pictures[:, hold] = np.where(runs[:, None, None], shrink(turn.screens[:, 0]), pictures[:, hold - 1])
            points += runs * turn.points
            lives_lost += runs * np.maximum(self._lives - turn.lives, 0)
            self._lives = np.where(runs, turn.lives, self._lives)
            is_over |= runs & turn.over
            is_cut_off |= runs & turn.cut_off & ~turn.over
        self._pictures = pictures
        ended = is_over | is_cut_off
        self._scores.add(points, self._lives, ended)
        rewards = np.array([self._rules[area].reward(points[area], lives_lost[area]) for area in range(num_areas)])
        endings = self._endings(ended, rewards, is_cut_off)
        if ended.any():
            self._begin(self._emulators.restart(ended), ended)
        return self._hand_over(np.where(ended[:, None], 0.0, rewards), endings)

    def set_parameters(self, parameters: Mapping[str, float]) -> None:
        """Changes how games that begin from now on are paid: `PARAMETERS`, the reward function by its number from 0."""
        changes: dict[str, Any] = dict(parameters)
        for name in changes:
            if name not in self.PARAMETERS:
                raise ValueError(f"unknown environment parameter {name!r}; known are {', '.join(self.PARAMETERS)}")
        if "reward_function" in changes:
            changes["reward_function"] = _reward_function(changes["reward_function"])
        self._settings = replace(self._settings, **changes)

    def statistics(self) -> list[Statistic]:
        """Returns the scores of the games that have ended, whatever the rewards, and the lives left on average."""
        return self._scores.statistics()

    def close(self) -> None:
        """Ends the emulators' threads."""
        self._emulators.close()

    def _directions(self, actions: Actions) -> np.ndarray:
        if self._settings.controls == "discrete":
            return actions.discrete[:, 0]
        return joystick(actions.continuous, self._settings.dead_zone)

    def _begin(self, turn: Turn, begun: np.ndarray) -> None:
        """Takes the first picture of the games that have `begun` `[n]` bool."""
        self._pictures[begun] = shrink(turn.screens[begun, 0])[:, None]
        self._lives = np.where(begun, turn.lives, self._lives)
        self._agents[begun] = self._ids.take(begun.sum())
        for area in np.flatnonzero(begun):
            self._rules[area] = self._settings

    def _hand_over(self, rewards: np.ndarray, endings: Endings) -> dict[str, Step]:
        seen = (self._pictures.copy(),)
        decisions = Decisions(self._agents.copy(), seen, rewards[:, 0], group_rewards=rewards[:, 1])
        return {BEHAVIOR: Step(decisions, endings)}

    def _endings(self, ended: np.ndarray, rewards: np.ndarray, truncated: np.ndarray) -> Endings:
        seen = (self._pictures[ended],)
        paid = rewards[ended]
        return Endings(self._agents[ended], seen, paid[:, 0], truncated[ended], group_rewards=paid[:, 1])


def shrink(screens: np.ndarray) -> np.ndarray:
    """Returns every second pixel of `screens` `[n, height, width, 3]` uint8: the mean of its colors, rounded down."""
    seen = screens[:, ::2, ::2]
    total = seen[..., 0].astype(np.uint16) + seen[..., 1] + seen[..., 2]
    return (total // 3).astype(np.uint8)


def joystick(stick: np.ndarray, dead_zone: float) -> np.ndarray:
    """Returns the direction `[n]` int, 0 to 8, of a stick held at `stick` `[n, 2]` float, in [-1, 1].

    The first number points right and the second up; up to `dead_zone` from the middle, neither does anything.
    """
    tilt: np.ndarray = (stick > dead_zone).astype(int) - (stick < -dead_zone)
    return _DIRECTIONS[tilt[:, 1] + 1, tilt[:, 0] + 1]


def _reward_function(number: float) -> str:
    names = list(REWARD_FUNCTIONS)
    if number not in range(len(names)):
        known = ", ".join(f"{place} {name}" for place, name in enumerate(names))
        raise ValueError(f"reward_function is {number:g}, but takes a whole number: {known}")
    return names[int(number)]


ENTRY = Entry(
    summary="The Atari game Ms. Pac-Man: four small pictures a step, nine directions or a joystick, six rewards.",
    settings=MsPacmanSettings,
    make=MsPacman,
)
