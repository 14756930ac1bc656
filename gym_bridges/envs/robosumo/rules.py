"""Who is out, who has won, and what does a step pay? The rules of RoboSumo as pure functions.

The last axis of every array is the seat, 0 or 1; before it there may be any others (matches). Places are in metres from
the centre of the ring; rewards are in the units of the game, in which a win is worth 2000.

Source: the environment `robosumo` of Al-Shedivat et al. 2018, arXiv:1710.03641; the shaping goes back to Bansal et al.
2018, arXiv:1710.03748.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WIN_REWARD = 2000.0
LOSS_REWARD = -2000.0
DRAW_REWARD = -1000.0
CONTROL_COST = 0.1
PUSH_COST = 10.0
MOVE_REWARD = 0.1  # s/m
LINE_WIDTH = 0.1  # m beyond the border line on which a torso is still inside
FALLEN_BELOW = 0.29  # m, the centre of a torso

NOBODY = -1
"""The winner of a match that runs, or that nobody has won."""


@dataclass(frozen=True)
class Verdict:
    """What one step came to, for any number of matches.

    Attributes:
      out: `[..., 2]` bool; outside the ring or fallen.
      over: `[...]` bool; the match has ended, for both seats.
      winner: `[...]` int; 0, 1 or `NOBODY`.
      win, lose, draw: `[..., 2]` parts of the main reward: for the opponent being out, for being out oneself, and for
        a match without a result in its time.
      control, push, move: `[..., 2]` parts of the shaping: cost of the action, for the opponent's distance from the
        centre, for moving towards the opponent.
    """

    out: np.ndarray
    over: np.ndarray
    winner: np.ndarray
    win: np.ndarray
    lose: np.ndarray
    draw: np.ndarray
    control: np.ndarray
    push: np.ndarray
    move: np.ndarray

    @property
    def main(self) -> np.ndarray:
        """What the result pays, `[..., 2]`."""
        return self.win + self.lose + self.draw

    @property
    def shaping(self) -> np.ndarray:
        """What is paid in every step to lead towards a result, `[..., 2]`."""
        return self.control + self.push + self.move


def judge(
    before: np.ndarray,
    after: np.ndarray,
    efforts: np.ndarray,
    steps: np.ndarray,
    *,
    tatami_size: np.ndarray,
    timestep_limit: np.ndarray,
    seconds: float,
) -> Verdict:
    """Judges one step.

    Args:
      before: `[..., 2, 3]` centres of the torsos before the step, heights as the robots observe them.
      after: `[..., 2, 3]` the same after it.
      efforts: `[..., 2]` sums of squares of the actions.
      steps: `[...]` steps of the match so far, this one included.
      tatami_size: `[...]` distance of the border lines from the centre, m.
      timestep_limit: `[...]` steps; the first step *beyond* it ends the match.
      seconds: what one step takes.
    """
    out = is_out(after, tatami_size)
    opponent_out = out[..., ::-1]
    late = steps > timestep_limit
    return Verdict(
        out=out,
        over=out.any(axis=-1) | late,
        winner=np.where(out[..., 0] == out[..., 1], NOBODY, np.where(out[..., 1], 0, 1)),
        win=np.where(opponent_out, WIN_REWARD, 0.0),
        lose=np.where(out, LOSS_REWARD, 0.0),
        draw=np.where(late[..., None], DRAW_REWARD, 0.0) * np.ones(2),
        control=-CONTROL_COST * efforts,
        push=push_rewards(after),
        move=move_rewards(before, after, seconds),
    )


def is_out(places: np.ndarray, tatami_size: np.ndarray) -> np.ndarray:
    """Returns `[..., 2]` bool for the `[..., 2, 3]` centres of the torsos: across the line, or fallen."""
    across = np.abs(places[..., :2]).max(axis=-1) >= np.asarray(tatami_size)[..., None] + LINE_WIDTH
    return across | (places[..., 2] < FALLEN_BELOW)


def push_rewards(after: np.ndarray) -> np.ndarray:
    """Returns `[..., 2]` in [-10, 0): the nearer the opponent is to the centre, the less; `after` is `[..., 2, 3]`."""
    from_centre = np.linalg.norm(after[..., ::-1, :2], axis=-1)
    return -PUSH_COST * np.exp(-from_centre)


def move_rewards(before: np.ndarray, after: np.ndarray, seconds: float) -> np.ndarray:
    """Returns `[..., 2]` >= 0: 0.1 times the speed towards the place where the opponent now is, in the plane, m/s.

    Args:
      before: `[..., 2, 3]` centres of the torsos before the step.
      after: `[..., 2, 3]` the same after it.
      seconds: between the two.
    """
    velocity = (after[..., :2] - before[..., :2]) / seconds
    towards = after[..., ::-1, :2] - before[..., :2]
    distance = np.linalg.norm(towards, axis=-1)
    speed = (velocity * towards).sum(axis=-1) / np.maximum(distance, np.finfo(float).tiny)
    return MOVE_REWARD * np.maximum(speed, 0.0)
