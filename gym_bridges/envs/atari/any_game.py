"""How does a trainer play any Atari game? Preprocessed as in the literature, one agent an area."""

from __future__ import annotations

import functools
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
from gym_bridges.envs.atari import games
from gym_bridges.envs.atari.emulators import MAX_FRAMES, Emulators, EmulatorSettings
from gym_bridges.envs.atari.ranges import check_range
from gym_bridges.envs.atari.scores import Scoreboard
from gym_bridges.registry import Entry

ID_PREFIX = "Atari-"
"""Before the name of a game, it is the id of the environment and the name of its behavior."""


@dataclass(frozen=True)
class AtariSettings:
    """The options of an Atari game; the defaults are those of Mnih et al. 2015 (doi:10.1038/nature14236).

    Attributes:
      frame_skip: frames for which an action is held, at least 1.
      size: height and width of the picture that is seen, in pixels, 36 to 160.
      grayscale: brightness (one channel a picture), rather than color (three).
      frame_stack: number of successive pictures seen together, at least 1.
      max_pool: the brighter pixel of the last two frames is seen, rather than that of the last one.
      sticky_actions: probability in [0, 1] that a frame holds the action before; 0.25 in Machado et al. 2018.
      no_op_starts: a game begins with a random number of idle frames, less than this one; at least 1.
      press_fire: a game begins with one press of the button, if the game has a use for it.
      full_action_set: all 18 actions of the console, rather than those that the game has a use for.
      episodic_life: an episode ends with every life; the game goes on.
      clip_rewards: a reward is the sign of the points, rather than the points.
      max_frames: frames after which a game is cut off, at least 1.
      threads: that emulate; 0 is one for each area, but no more than there are processors.
    """

    frame_skip: int = 4
    size: int = 84
    grayscale: bool = True
    frame_stack: int = 4
    max_pool: bool = True
    sticky_actions: float = 0.0
    no_op_starts: int = 30
    press_fire: bool = True
    full_action_set: bool = False
    episodic_life: bool = False
    clip_rewards: bool = True
    max_frames: int = MAX_FRAMES
    threads: int = 0

    def __post_init__(self) -> None:
        for name in ("frame_skip", "frame_stack", "no_op_starts", "max_frames"):
            check_range(self, name, 1)
        check_range(self, "size", 36, 160)  # 36: the least that ML-Agents' nature_cnn takes; 160: the console's width
        check_range(self, "sticky_actions", 0, 1)
        check_range(self, "threads", 0)


class AnyGame:
    """`num_areas` copies of one game.

    Args:
      game: its name, see `games`.
      settings: its options.
      num_areas: number of copies.
    """

    def __init__(self, game: str, settings: AtariSettings, num_areas: int) -> None:
        self._emulators = Emulators(
            EmulatorSettings(
                rom_id=games.rom_id(game),
                frame_skip=settings.frame_skip,
                screen=(settings.size, settings.size),
                grayscale=settings.grayscale,
                frame_stack=settings.frame_stack,
                max_pool=settings.max_pool,
                sticky_actions=settings.sticky_actions,
                no_op_starts=settings.no_op_starts,
                press_fire=settings.press_fire,
                full_action_set=settings.full_action_set,
                max_frames=settings.max_frames,
                threads=settings.threads,
            ),
            num_areas,
        )
        self._behavior = ID_PREFIX + game
        channels = settings.frame_stack * (1 if settings.grayscale else 3)
        spec = BehaviorSpec(
            observations=(ObservationSpec("screen", (channels, settings.size, settings.size), "image"),),
            actions=ActionSpec(branches=(self._emulators.num_actions,)),
        )
        self.behaviors = {self._behavior: spec}
        self._settings = settings
        self._ids = EpisodeIds()
        self._scores = Scoreboard(self._behavior, num_areas)
        self._agents = np.zeros(num_areas, int)
        self._lives = np.zeros(num_areas, int)

    def reset(self, seed: int | None) -> Mapping[str, Step]:
        """Begins a new game in every area."""
        turn = self._emulators.start(seed)
        self._lives = turn.lives
        self._scores.begin()
        self._agents = self._ids.take(len(self._agents))
        nobody = np.arange(0)
        endings = Endings(nobody, (_channels_first(turn.screens[nobody]),), np.zeros(0), np.zeros(0, bool))
        return self._hand_over(turn.screens, np.zeros(len(self._agents)), endings)

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Step]:
        """Holds each area's action; a game that has ended is followed by the next at once."""
        turn = self._emulators.step(actions[self._behavior].discrete[:, 0])
        self._scores.add(turn.points, turn.lives, turn.ended)
        rewards = (np.sign(turn.points) if self._settings.clip_rewards else turn.points).astype(float)
        is_over = turn.over | (turn.lives < self._lives) if self._settings.episodic_life else turn.over
        ended = is_over | turn.cut_off
        truncated = turn.cut_off & ~is_over
        seen = (_channels_first(turn.screens[ended]),)
        endings = Endings(self._agents[ended], seen, rewards[ended], truncated[ended])
        if turn.ended.any():
            turn = self._emulators.restart(turn.ended)
        self._lives = turn.lives
        self._agents[ended] = self._ids.take(ended.sum())
        return self._hand_over(turn.screens, np.where(ended, 0.0, rewards), endings)

    def set_parameters(self, parameters: Mapping[str, float]) -> None:
        """Raises ValueError for any name: the games have no environment parameters."""
        if parameters:
            raise ValueError(f"unknown environment parameter {next(iter(parameters))!r}; {self._behavior} has none")

    def statistics(self) -> list[Statistic]:
        """Returns the scores of the games that have ended, whatever the rewards, and the lives left on average."""
        return self._scores.statistics()

    def close(self) -> None:
        """Ends the emulators' threads."""
        self._emulators.close()

    def _hand_over(self, screens: np.ndarray, rewards: np.ndarray, endings: Endings) -> dict[str, Step]:
        return {self._behavior: Step(Decisions(self._agents.copy(), (_channels_first(screens),), rewards), endings)}


def entry(game: str) -> Entry:
    """Returns what the bridge needs to play a game.

    Args:
      game: its name, such as "Pong"; see `games`.

    Raises:
      KeyError: if there is none of that name; the message names the nearest one.
    """
    return Entry(
        summary=f"The Atari game {games.rom_id(game).replace('_', ' ')}, preprocessed as in the literature.",
        settings=AtariSettings,
        make=functools.partial(AnyGame, game),
    )


def _channels_first(screens: np.ndarray) -> np.ndarray:
    """Returns `[n, frame_stack, height, width]`, or with a last axis of 3 colors, as `[n, channels, height, width]`."""
    if screens.ndim == 4:
        return screens
    count, stack, height, width, colors = screens.shape
    return np.moveaxis(screens, 4, 2).reshape(count, stack * colors, height, width)
