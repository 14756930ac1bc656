"""How do many copies of one Atari game run side by side? On ALE's own threads, behind arrays.

ALE's vector environment starts a finished game anew by itself, one step later, and asks for an action that it does not
use. Here a game that is over waits until it is restarted, so that its last picture and its last lives are seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

MAX_FRAMES = 108_000
"""Frames after which a game is cut off: half an hour at 60 frames a second (Machado et al. 2018, arXiv:1709.06009)."""

_LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class EmulatorSettings:
    """How the games are emulated and what is seen of them.

    Attributes:
      rom_id: of the game, see `games`.
      frame_skip: frames for which an action is held, at least 1; only the last of them is seen.
      screen: height and width of what is seen, in pixels; the console's own size is 210 x 160.
      grayscale: brightness, rather than red, green and blue.
      frame_stack: number of successive pictures seen together, oldest first; those before the start are black.
      max_pool: of the last two frames, the brighter pixel is seen: many games draw a sprite in every second frame only.
      sticky_actions: probability that, in a frame, the action before is held instead of the chosen one, in [0, 1].
      no_op_starts: a game begins with a random number of idle frames, less than this one.
      press_fire: a game begins with one press of the button, if the game has a use for it.
      full_action_set: all 18 actions of the console, rather than those that the game has a use for.
      max_frames: frames after which a game is cut off, at least 1.
      threads: that emulate; 0 is one for each game, but no more than there are processors.
    """

    rom_id: str
    frame_skip: int = 4
    screen: tuple[int, int] = (84, 84)
    grayscale: bool = True
    frame_stack: int = 4
    max_pool: bool = True
    sticky_actions: float = 0.0
    no_op_starts: int = 1
    press_fire: bool = False
    full_action_set: bool = False
    max_frames: int = MAX_FRAMES
    threads: int = 0


class Turn(NamedTuple):
    """What `n` games show after a step.

    Attributes:
      screens: `[n, frame_stack, height, width]` uint8, with a last axis of 3 if there is color; not to be changed.
      points: `[n]` int; scored in this step.
      lives: `[n]` int; left; 0 in games without lives.
      over: `[n]` bool; the game is over by its rules.
      cut_off: `[n]` bool; the game has lasted `max_frames`.
    """

    screens: np.ndarray
    points: np.ndarray
    lives: np.ndarray
    over: np.ndarray
    cut_off: np.ndarray

    @property
    def ended(self) -> np.ndarray:
        """`[n]` bool; games that have to be restarted."""
        return self.over | self.cut_off


class Emulators:
    """`count` copies of one game."""

    def __init__(self, settings: EmulatorSettings, count: int) -> None:
        import ale_py
        from ale_py.vector_env import AtariVectorEnv

        ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
        height, width = settings.screen
        self._games = AtariVectorEnv(
            settings.rom_id,
            count,
            num_threads=settings.threads,
            frameskip=settings.frame_skip,
            img_height=height,
            img_width=width,
            grayscale=settings.grayscale,
            stack_num=settings.frame_stack,
            maxpool=settings.max_pool,
            repeat_action_probability=settings.sticky_actions,
            noop_max=settings.no_op_starts,
            use_fire_reset=settings.press_fire,
            full_action_space=settings.full_action_set,
            max_num_frames_per_episode=settings.max_frames,
            reward_clipping=False,  # the score is wanted, too
            episodic_life=False,  # ALE's would begin a new game with every life
        )
        self._count = count

    @property
    def num_actions(self) -> int:
        """Size of the action set; action 0 does nothing."""
        return len(self._games.ale.get_action_set())

    def start(self, seed: int | None) -> Turn:
        """Begins a new game everywhere; `seed` decides all chance from here on, None goes on with the present state."""
        seeds = None
        if seed is not None:
            seeds = np.random.default_rng(seed).integers(0, _LARGEST_SEED, self._count, endpoint=True)
        screens, info = self._games.reset(seed=seeds)
        return self._begun(screens, info)

    def step(self, actions: np.ndarray) -> Turn:
        """Holds `actions` `[n]` int for `frame_skip` frames; one that ended before begins anew, its action unused."""
        screens, points, over, cut_off, info = self._games.step(actions.astype(np.int32))
        return Turn(screens, points, info["lives"], over, cut_off)

    def restart(self, ended: np.ndarray) -> Turn:
        """Begins a new game where `ended` `[n]` bool says so; the others are shown as they stand."""
        screens, info = self._games.reset(options={"reset_mask": ended})
        return self._begun(screens, info)

    def close(self) -> None:
        """Ends the threads."""
        del self._games

    def _begun(self, screens: np.ndarray, info: dict[str, np.ndarray]) -> Turn:
        nothing = np.zeros(self._count, bool)
        return Turn(screens, np.zeros(self._count, int), info["lives"], nothing, nothing)
