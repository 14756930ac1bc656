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
    """`num_areas` independent matches; in every step, each plays one round."""

    PARAMETERS = ("rounds", "rock_vs_paper", "rock_vs_scissors", "paper_vs_scissors")
    """The settings that an environment parameter may change."""

    def __init__(self, settings: RockPaperScissorsSettings, num_areas: int) -> None:
        spec = BehaviorSpec(
            observations=(ObservationSpec("recall", (rules.SLOT_SIZE * settings.recall,)),),
            actions=ActionSpec(branches=(len(rules.MOVES),)),
        )
        self.behaviors = dict.fromkeys(TEAMS, spec)
        self._settings = settings
        self._ids = EpisodeIds()
        self._move_counts = np.zeros(len(rules.MOVES), int)  # moves of both teams since the last statistics
        self._match_ended = False  # since the last statistics
        # The matches. Seats are teams: column 0 of `_seat_ids` and the sign of `_score` belong to team 0.
        self._seat_ids = np.zeros((num_areas, 2), int)
        self._recall = np.full((num_areas, settings.recall), rules.EMPTY)  # as team 0 sees it
        self._round = np.zeros(num_areas, int)  # rounds played in the running match
        self._score = np.zeros(num_areas)  # what team 0 has earned in the running match
        self._rounds = np.zeros(num_areas, int)  # length of the running match
        self._payoff = np.zeros((num_areas, 3, 3))

    def reset(self, seed: int | None) -> Mapping[str, Step]:
        """Begins a new match in every area. The game has no chance moves, so `seed` changes nothing."""
        num_areas = len(self._round)
        self._begin(np.arange(num_areas))
        return self._hand_over(np.zeros(num_areas), self._endings(np.arange(0), np.zeros(0)))

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Step]:
        """Plays one round in every area; a match that is over is followed by the next at once."""
        first, second = (actions[team].discrete[:, 0] for team in TEAMS)
        earned = self._payoff[np.arange(len(first)), first, second]
        self._recall = rules.remember(self._recall, rules.joint_move(first, second))
        self._round += 1
        self._score += earned
        self._move_counts += np.bincount(np.concatenate([first, second]), minlength=len(rules.MOVES))

        is_over = self._round == self._rounds
        over = np.flatnonzero(is_over)
        self._match_ended |= len(over) > 0
        rewards = earned if self._settings.rewards == "round" else np.where(is_over, self._score, 0.0)
        endings = self._endings(over, rewards[over])
        self._begin(over)
        return self._hand_over(np.where(is_over, 0.0, rewards), endings)

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

    def _begin(self, areas: np.ndarray) -> None:
        self._seat_ids[areas] = self._ids.take(2 * len(areas)).reshape(-1, 2)
        self._recall[areas] = rules.EMPTY
        self._round[areas] = 0
        self._score[areas] = 0.0
        self._rounds[areas] = self._settings.rounds
        self._payoff[areas] = self._settings.payoff()

    def _seats(self, areas: np.ndarray, rewards: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Returns (ids, observations, rewards) of the given areas, for each team as it sees itself."""
        recall, ids = self._recall[areas], self._seat_ids[areas]
        return [
            (ids[:, 0], rules.observe(recall), rewards),
            (ids[:, 1], rules.observe(rules.mirror(recall)), -rewards),
        ]

    def _endings(self, areas: np.ndarray, rewards: np.ndarray) -> list[Endings]:
        truncated = np.zeros(len(areas), bool)
        return [Endings(ids, (seen,), paid, truncated) for ids, seen, paid in self._seats(areas, rewards)]

    def _hand_over(self, rewards: np.ndarray, endings: list[Endings]) -> dict[str, Step]:
        everywhere = self._seats(np.arange(len(rewards)), rewards)
        decisions = [Decisions(ids, (seen,), paid) for ids, seen, paid in everywhere]
        batches = zip(TEAMS, decisions, endings, strict=True)
        return {team: Step(decided, ended) for team, decided, ended in batches}


ENTRY = Entry(
    summary="Repeated rock-paper-scissors, two teams; players recall the last rounds.",
    settings=RockPaperScissorsSettings,
    make=RockPaperScissors,
)
