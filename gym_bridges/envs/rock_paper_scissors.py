"""How do many matches of repeated rock-paper-scissors run side by side, for a trainer with two teams?

The rules are in `rps_rules`; here they meet ids, episodes, rewards and parameters.
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
from gym_bridges.envs import rps_rules as rules
from gym_bridges.registry import Entry

BEHAVIOR = "RockPaperScissors"
TEAMS = (f"{BEHAVIOR}?team=0", f"{BEHAVIOR}?team=1")

_Seats = tuple[np.ndarray, tuple[np.ndarray], np.ndarray]
"""One team's agent ids, observations and rewards, in the order of the areas."""


@dataclass(frozen=True)
class RockPaperScissorsSettings:
    """The options of the environment.

    Attributes:
      recall: number of past rounds that both players see, at least 1.
      rounds: length of a match in rounds, at least 1.
      rock_vs_paper, rock_vs_scissors, paper_vs_scissors: what the first named move is paid against the second.
      rewards: "round" pays every round at once; "match" pays the sum of all rounds with the last one, and 0 before, so
        that the sign of an episode's last reward is the result of the match.
    """

    recall: int = 3
    rounds: int = 10
    rock_vs_paper: float = -1.0
    rock_vs_scissors: float = 1.0
    paper_vs_scissors: float = -1.0
    rewards: Literal["round", "match"] = "round"

    def __post_init__(self) -> None:
        for name in ("recall", "rounds"):
            value = getattr(self, name)
            if value != int(value) or value < 1:
                raise ValueError(f"{name} is {value}, but takes a whole number of at least 1")
        for name in ("rock_vs_paper", "rock_vs_scissors", "paper_vs_scissors"):
            if not np.isfinite(getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)}, but takes a finite number")
        if self.rewards not in ("round", "match"):
            raise ValueError(f"rewards is {self.rewards!r}, but takes 'round' or 'match'")

    def payoff(self) -> np.ndarray:
        """Returns the payoff matrix `[3, 3]` of one round."""
        return rules.payoff_matrix(self.rock_vs_paper, self.rock_vs_scissors, self.paper_vs_scissors)


class RockPaperScissors:
    """`num_areas` independent matches, one round a step; being equally long, they begin and end together."""

    PARAMETERS = ("rounds", "rock_vs_paper", "rock_vs_scissors", "paper_vs_scissors")
    """The settings that an environment parameter may change."""

    # The running matches. Seats are teams: column 0 of the ids, the view and the sign are team 0's.
    _seat_ids: np.ndarray  # [num_areas, 2]
    _recall: np.ndarray  # [num_areas, recall], as team 0 sees it
    _score: np.ndarray  # [num_areas], what team 0 has earned
    _payoff: np.ndarray  # [3, 3]
    _round: int  # rounds played
    _rounds: int  # rounds to be played

    def __init__(self, settings: RockPaperScissorsSettings, num_areas: int) -> None:
        seen = ObservationSpec("recall", (rules.SLOT_SIZE * settings.recall,))
        self.behaviors = dict.fromkeys(TEAMS, BehaviorSpec((seen,), ActionSpec(branches=(len(rules.MOVES),))))
        self._num_areas = num_areas
        self._settings = settings  # of the matches that begin from now on
        self._ids = EpisodeIds()
        self._move_counts = np.zeros(len(rules.MOVES), int)  # moves of both teams since the last statistics
        self._match_ended = False  # since the last statistics
        nobody = np.zeros(0)
        self._no_endings = Endings(nobody.astype(int), (np.zeros((0, *seen.shape)),), nobody, nobody.astype(bool))

    def reset(self, seed: int | None) -> Mapping[str, Step]:
        """Begins a new match in every area. The game has no chance moves, so `seed` changes nothing."""
        self._begin()
        seats = self._seats(np.zeros(self._num_areas))
        return {team: Step(Decisions(*seat), self._no_endings) for team, seat in seats.items()}

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Step]:
        """Plays one round in every area; a match that is over is followed by the next at once."""
        first, second = (actions[team].discrete[:, 0] for team in TEAMS)
        rewards = self._payoff[first, second]
        self._recall = rules.remember(self._recall, rules.joint_move(first, second))
        self._round += 1
        self._score += rewards
        self._move_counts += np.bincount(np.concatenate([first, second]), minlength=len(rules.MOVES))

        over = self._round == self._rounds
        if self._settings.rewards == "match":
            rewards = self._score if over else np.zeros(self._num_areas)
        paid = self._seats(rewards)
        if not over:
            return {team: Step(Decisions(*seat), self._no_endings) for team, seat in paid.items()}
        self._match_ended = True
        self._begin()
        fresh = self._seats(np.zeros(self._num_areas))
        truncated = np.zeros(self._num_areas, bool)
        return {team: Step(Decisions(*fresh[team]), Endings(*paid[team], truncated)) for team in TEAMS}

    def set_parameters(self, parameters: Mapping[str, float]) -> None:
        """Changes payoffs (any finite number) or `rounds` (a whole number >= 1) for matches that begin from now on."""
        changes: dict[str, Any] = dict(parameters)
        for name in changes:
            if name not in self.PARAMETERS:
                raise ValueError(f"unknown environment parameter {name!r}; known are {', '.join(self.PARAMETERS)}")
        self._settings = replace(self._settings, **changes)

    def statistics(self) -> list[Statistic]:
        """Returns the share of each move among those of both teams, in [0, 1]; nothing until a match has ended."""
        if not self._match_ended:
            return []
        shares = self._move_counts / self._move_counts.sum()
        self._match_ended = False
        self._move_counts[:] = 0
        return [
            Statistic(f"{BEHAVIOR}/Share of {move}", float(share))
            for move, share in zip(rules.MOVES, shares, strict=True)
        ]

    def close(self) -> None:
        """Nothing to free."""

    def _begin(self) -> None:
        self._seat_ids = self._ids.take(2 * self._num_areas).reshape(-1, 2)
        self._recall = np.full((self._num_areas, self._settings.recall), rules.EMPTY)
        self._score = np.zeros(self._num_areas)
        self._round = 0
        self._rounds = self._settings.rounds
        self._payoff = self._settings.payoff()

    def _seats(self, rewards: np.ndarray) -> dict[str, _Seats]:
        """Returns the seats of each team, as it sees itself; `rewards` `[num_areas]` are team 0's."""
        first, second = self._seat_ids.T
        return {
            TEAMS[0]: (first, (rules.observe(self._recall),), rewards),
            TEAMS[1]: (second, (rules.observe(rules.mirror(self._recall)),), -rewards),
        }


ENTRY = Entry(
    summary="Repeated rock-paper-scissors, two teams; players recall the last rounds.",
    settings=RockPaperScissorsSettings,
    make=RockPaperScissors,
)
