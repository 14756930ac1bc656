"""Who is out, who has won, and what does a step pay? The rules of RoboSumo as pure functions of one match.

Places are those of the centres of the torsos, metres from the centre of the ring, `(x, y, height)`; of two things in a
tuple the first belongs to seat 0. Rewards are in the units of the game, in which a win is worth 2000. All is done in
plain numbers: for so few, arrays cost several times as much.

Source: the environment of Al-Shedivat et al. 2018, arXiv:1710.03641; the shaping goes back to Bansal et al. 2018,
arXiv:1710.03748.
"""

from __future__ import annotations

from math import exp, hypot
from typing import NamedTuple

WIN_REWARD = 2000.0
LOSS_REWARD = -2000.0
DRAW_REWARD = -1000.0
CONTROL_COST = 0.1
PUSH_COST = 10.0
MOVE_REWARD = 0.1  # s/m
LINE_WIDTH = 0.1  # m beyond the border line on which a torso is still inside
FALLEN_BELOW = 0.29  # m, the centre of a torso

Place = tuple[float, float, float]


class Parts(NamedTuple):
    """What one seat is paid for one step, in parts.

    Attributes:
      win: for the opponent being out.
      lose: for being out.
      draw: for a match that has outlasted its time.
      control: for the effort of the action, at most 0.
      push: for the opponent's distance from the centre, in [-10, 0).
      move: for moving towards the opponent, at least 0.
    """

    win: float
    lose: float
    draw: float
    control: float
    push: float
    move: float

    @property
    def main(self) -> float:
        """What the result pays."""
        return self.win + self.lose + self.draw

    @property
    def shaping(self) -> float:
        """What is paid in every step to lead towards a result."""
        return self.control + self.push + self.move


class Verdict(NamedTuple):
    """What one step of a match came to.

    Attributes:
      over: whether the match has ended, which it does for both seats.
      winner: the seat that is not out while the other is; None while there is none.
      seats: what each is paid.
    """

    over: bool
    winner: int | None
    seats: tuple[Parts, Parts]


def judge(
    before: tuple[Place, Place],
    after: tuple[Place, Place],
    efforts: tuple[float, float],
    *,
    seconds: float,
    tatami_size: float,
    is_late: bool,
) -> Verdict:
    """Judges one step.

    Args:
      before: the places before the step.
      after: the places after it.
      efforts: sums of squares of the actions.
      seconds: what one step takes.
      tatami_size: distance of the border lines from the centre, m.
      is_late: whether the match has outlasted its time with this step.
    """
    out = (is_out(after[0], tatami_size), is_out(after[1], tatami_size))

    def parts(own: int, other: int) -> Parts:
        return Parts(
            WIN_REWARD if out[other] else 0.0,
            LOSS_REWARD if out[own] else 0.0,
            DRAW_REWARD if is_late else 0.0,
            -CONTROL_COST * efforts[own],
            push_reward(after[other]),
            move_reward(before[own], after[own], after[other], seconds),
        )

    winner = None if out[0] == out[1] else out.index(False)
    return Verdict(out[0] or out[1] or is_late, winner, (parts(0, 1), parts(1, 0)))


def is_out(place: Place, tatami_size: float) -> bool:
    """Returns whether a torso is across the line, or fallen."""
    x, y, height = place
    return max(abs(x), abs(y)) >= tatami_size + LINE_WIDTH or height < FALLEN_BELOW


def push_reward(opponent: Place) -> float:
    """Returns what the opponent's place pays, in [-10, 0): the nearer to the centre, the less."""
    return -PUSH_COST * exp(-hypot(opponent[0], opponent[1]))


def move_reward(before: Place, after: Place, opponent: Place, seconds: float) -> float:
    """Returns 0.1 times the own speed, m/s in the plane, towards where the opponent now is; at least 0."""
    x, y = opponent[0] - before[0], opponent[1] - before[1]
    distance = hypot(x, y)
    if distance == 0.0:
        return 0.0
    towards = ((after[0] - before[0]) * x + (after[1] - before[1]) * y) / distance
    return max(MOVE_REWARD * towards / seconds, 0.0)
