"""What did a seat's episode come to: win 1, draw 1/2 or loss 0?"""

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WIN, DRAW, LOSS = 1.0, 0.5, 0.0
RULES = ("last_reward", "episode_return")


@dataclass(frozen=True)
class OutcomeSettings:
    """The rule that turns rewards into outcomes.

    Attributes:
      rule: what counts as the score of a seat: `last_reward`, the reward of its last step, as ML-Agents has it, or
        `episode_return`, the sum of all its rewards. Prefer the latter where rewards come before the end.
      win_above: a score above it is a win.
      loss_below: a score below it is a loss; at most `win_above`. What lies between, both ends included, is a draw.

    Raises:
      ValueError: if a value is outside what is allowed; the message names the key.
    """

    rule: str = "last_reward"
    win_above: float = 0.0
    loss_below: float = 0.0

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"rule: {self.rule!r} is not one of {', '.join(RULES)}")
        if not self.loss_below <= self.win_above:
            raise ValueError(f"loss_below: {self.loss_below!r} is not at most win_above = {self.win_above!r}")


def seat_score(last_reward: float, episode_return: float, settings: OutcomeSettings) -> float:
    """Picks the number that decides, in units of reward.

    Raises:
      ValueError: if it is not finite.
    """
    score = last_reward if settings.rule == "last_reward" else episode_return
    if not math.isfinite(score):
        raise ValueError(f"{settings.rule}: {score!r} is not a finite number")
    return score


def seat_outcome(last_reward: float, episode_return: float, truncated: bool, settings: OutcomeSettings) -> float | None:
    """Judges one finished seat.

    Args:
      last_reward: the reward of the seat's last step.
      episode_return: the undiscounted sum of its rewards.
      truncated: whether the episode was cut off rather than decided (ML-Agents: `interrupted`).
      settings: the rule.

    Returns:
      1 for a win, 1/2 for a draw, 0 for a loss; None for a truncated episode, which has no outcome.

    Raises:
      ValueError: if the deciding number is not finite.
    """
    if truncated:
        return None
    score = seat_score(last_reward, episode_return, settings)
    if score > settings.win_above:
        return WIN
    return LOSS if score < settings.loss_below else DRAW


def pairwise_outcomes(scores: Sequence[float]) -> npt.NDArray[np.float64]:
    """Compares every team of a match with every other: the higher score wins, equal scores draw.

    Args:
      scores: `[P]`, one per team, in units of reward; NaN for a team whose episode was truncated.

    Returns:
      `[P, P]`, entry (i, j) the outcome of i against j; (i, j) and (j, i) sum to 1. The diagonal is 1/2. The rows and
      columns of truncated teams are NaN.
    """
    array = np.asarray(scores, dtype=np.float64)
    difference = array[:, None] - array[None, :]
    return 0.5 * (1.0 + np.sign(difference))


class DegenerateWatch:
    """Warns once when the outcomes of the last matches say nothing about strength.

    That is so when every seat of the window lost, won or drew alike, and when in most matches all sides lost (or all
    won) together: then the rule and the rewards do not fit. Ratings and prioritised sampling would be led astray.
    """

    def __init__(self, window: int = 100) -> None:
        """Starts with an empty window.

        Args:
          window: matches that are looked at together, at least 1.

        Raises:
          ValueError: if `window` is below 1.
        """
        if window < 1:
            raise ValueError(f"window: {window!r} is not at least 1 match")
        self._window = window
        self._matches: deque[tuple[float, ...]] = deque()
        self._seats: Counter[float] = Counter()  # of the window, by outcome
        self._together: Counter[float] = Counter()  # matches of several sides that all came to this outcome
        self._warned = False

    def add(self, outcomes: Sequence[float]) -> str | None:
        """Takes in one finished match.

        Args:
          outcomes: of its sides, each 0, 1/2 or 1, at least one; one alone where the other sides are not known.

        Returns:
          The warning, the first time that a full window is degenerate; otherwise None.
        """
        if self._warned:
            return None
        self._matches.append(tuple(outcomes))
        self._count(self._matches[-1], 1)
        if len(self._matches) > self._window:
            self._count(self._matches.popleft(), -1)
        finding = self._finding() if len(self._matches) == self._window else None
        if finding is None:
            return None
        self._warned = True
        return (
            f"Degenerate outcomes: in the last {self._window} matches {finding}. Ratings mean nothing so. "
            "Check the outcome rule (last_reward or episode_return), win_above and loss_below against the rewards."
        )

    def _count(self, match: tuple[float, ...], change: int) -> None:
        for outcome in match:
            self._seats[outcome] += change
        if len(match) > 1 and len(set(match)) == 1:
            self._together[match[0]] += change

    def _finding(self) -> str | None:
        every_seat = sum(self._seats.values())
        for outcome, verb in ((WIN, "won"), (DRAW, "drew"), (LOSS, "lost")):
            if self._seats[outcome] == every_seat:
                return f"every seat {verb}"
        for outcome, verb in ((LOSS, "lost"), (WIN, "won")):
            if 2 * self._together[outcome] > len(self._matches):
                return f"all sides {verb} together {self._together[outcome]} times"
        return None
