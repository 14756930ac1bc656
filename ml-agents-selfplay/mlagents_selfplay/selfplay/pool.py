"""Which players does a behavior have, and which of them is the next opponent?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .history import SnapshotHistory
from .matchmaking import CURRENT
from .samplers import (
    LOOK_AT_RESULTS,
    Candidates,
    SamplerSettings,
    cumulated,
    draw,
    draw_cumulated,
    probabilities,
)
from .scorebook import INITIAL, Scorebook

Distribution = tuple[list[str], np.ndarray[Any, np.dtype[np.float64]]]


class OpponentPool:
    """The snapshots and pinned opponents of one behavior; a player is named by its step, or by its pin.

    The initial policy is always there: it is the snapshot of step 0, but stands outside the history's budget.

    Args:
      capacity: most snapshots in the history, at least 2.
      sampler: how the eligible snapshots and the current policy share the draws.
      pinned: names of the listed pinned opponents; `initial` among them lets it be drawn whatever delta says.
      pinned_ratio: in [0, 1], probability of drawing a pinned opponent, each alike; unused if none is listed.
      rng: advanced by every draw.
    """

    def __init__(
        self,
        capacity: int,
        sampler: SamplerSettings,
        pinned: list[str],
        pinned_ratio: float,
        rng: np.random.Generator,
    ) -> None:
        self.history = SnapshotHistory(capacity)
        self.sampler = sampler
        self.pinned = list(pinned)
        self.pinned_ratio = pinned_ratio
        self.rng = rng
        self.guests: dict[str, float] = {}  # from other members' histories: chances among them
        self.guest_ratio = 0.0
        self._initial_playable = True
        self._made_from: Any = None  # the last distribution
        self._last: Distribution = ([CURRENT], np.ones(1))
        self._sums = [1.0]  # its probabilities, added up

    @property
    def players(self) -> set[str]:
        """Everybody who can be drawn, but for the current policy."""
        initial = {INITIAL} if self._initial_playable else set()
        return {str(step) for step in self.history.steps} | set(self.pinned) | set(self.guests) | initial

    def invite(self, guests: dict[str, float], ratio: float) -> None:
        """Replaces the guests, opponents from the histories of other members of a population.

        Args:
          guests: relative chance of being drawn by name, above 0.
          ratio: in [0, 1], probability of drawing a guest at all, if there is any.
        """
        self.guests, self.guest_ratio = dict(guests), ratio

    def add(self, step: int) -> list[str]:
        """Takes a snapshot of learner step `step` into the history and returns the players that left it."""
        return [str(evicted) for evicted in self.history.add(step)]

    def forget(self, player: str) -> None:
        """Strikes out a player whose file turned out to be damaged."""
        if player == INITIAL:
            self._initial_playable = False
        if player in self.pinned:
            self.pinned.remove(player)
        self.guests.pop(player, None)
        steps = [step for step in self.history.steps if str(step) != player]
        self.history.restore({"capacity": self.history.capacity, "steps": steps})

    def distribution(self, now: int, book: Scorebook) -> Distribution:
        """Returns the players that the sampler chooses from at learner step `now`, and the probability of each.

        Many matches open between two changes of what it depends on, so the last answer is kept.

        Returns:
          Names `[N + 1]`, the current policy last, and probabilities `[N + 1]`; pinned opponents are drawn before.
        """
        results = book.changes if self.sampler.kind in LOOK_AT_RESULTS else 0
        made_from = (now, book, results, self.history.steps, self._initial_playable)
        if self._made_from != made_from:
            self._made_from, self._last = made_from, self._distribution(now, book)
            self._sums = cumulated(self._last[1])
        return self._last

    def _distribution(self, now: int, book: Scorebook) -> Distribution:
        steps = [step for step in self.history.steps if step > 0]
        if self._initial_playable:
            steps.insert(0, 0)
        names = [INITIAL if step == 0 else str(step) for step in steps]
        candidates = Candidates(steps=np.array(steps, dtype=np.int64), now=max(now, *steps, 0))
        if self.sampler.kind in LOOK_AT_RESULTS:
            win_rates, games = np.array([book.win_rate(name) for name in names]).reshape(-1, 2).T
            qualities = np.array([book.quality(name) for name in names])
            candidates = replace(candidates, win_rates=win_rates, games=games, qualities=qualities)
        return [*names, CURRENT], probabilities(candidates, self.sampler)

    def draw(self, now: int, book: Scorebook, on: set[str], room: int) -> str:
        """Draws the next opponent.

        Args:
          now: learner steps.
          book: results of the learner that is going to meet the opponent.
          on: players that are in a match now.
          room: most distinct players that may be in matches at once; once it is used up, only one of `on` or the
            current policy is drawn.
        """
        full = len(on - {CURRENT}) >= room
        guests = [name for name in self.guests if name in on or not full]
        if guests and self.rng.random() < self.guest_ratio:
            weights = np.array([self.guests[name] for name in guests])
            return guests[draw(weights / weights.sum(), self.rng)]
        pinned = [name for name in self.pinned if name in on or not full]
        if pinned and self.rng.random() < self.pinned_ratio:
            return pinned[int(self.rng.integers(len(pinned)))]
        names, chances = self.distribution(now, book)
        if full:
            chances = chances * [name in on or name == CURRENT for name in names]
            if chances.sum() == 0.0:
                return CURRENT
            return names[draw(chances / chances.sum(), self.rng)]
        return names[draw_cumulated(self._sums, self.rng)]

    def state(self) -> dict[str, Any]:
        """Returns history, guests and random state, ready for JSON."""
        guests = {"chances": self.guests, "ratio": self.guest_ratio}
        return {"history": self.history.state(), "guests": guests, "rng": self.rng.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from `state()`.

        Raises:
          ValueError: if the state was taken at another capacity.
        """
        self.history.restore(state["history"])
        self.invite(state["guests"]["chances"], state["guests"]["ratio"])
        self.rng.bit_generator.state = state["rng"]
