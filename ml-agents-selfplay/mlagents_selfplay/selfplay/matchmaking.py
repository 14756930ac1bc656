"""Who plays whom: the matches that are on, and the seats in them.

A *role* is one team of one behavior. When an agent makes its first decision, it takes a *seat* in a match: the oldest
match of its worker that still lacks its role, or a new one. A new match fixes, once, which team learns and which player
sits in every role; nothing that happens later changes a seat, so neither an opponent nor the learning team ever changes
inside an episode. Group mates share one place. Everything here is plain Python without a network in sight.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mlagents_selfplay.selfplay.draws import Draws
from mlagents_selfplay.selfplay.matches import CURRENT, Match, Role, SeatId, SeatResult, Side, opponents_in
from mlagents_selfplay.selfplay.turns import Turns


@dataclass
class Entrant:
    """What the game has to know of a role, asked anew at every match.

    Attributes:
      draws: who plays the role when another team learns.
      learns: whether the role's behavior still learns.
      step: the behavior's learner steps so far.
      turn_length: matches for which the role's team stays the learning team.
    """

    draws: Draws
    learns: Callable[[], bool]
    step: Callable[[], int]
    turn_length: int


@dataclass
class _Seat:
    match: Match
    role: Role
    group: tuple[int, Role, int] | None
    episode_return: float = 0.0
    length: int = 0
    ended: bool = False


class Game:
    """All roles of a run and their matches; safe to use from two threads.

    Attributes:
      entrants: by role, ascending.
      teams: that meet, ascending.
      matches_opened: so far.
    """

    def __init__(self) -> None:
        self.entrants: dict[Role, Entrant] = {}
        self.teams: list[int] = []
        self.matches_opened = 0
        self._turns = Turns(self._team_learns, self._turn_length)
        self._seats: dict[SeatId, _Seat] = {}
        self._groups: dict[tuple[int, Role, int], tuple[Match, int]] = {}  # place of a group: its match, its seats
        self._on: dict[Match, None] = {}  # in the order in which they opened
        self._players_on: dict[str, Counter[str]] = {}  # by behavior: in how many roles of these matches each one is
        self._lacking: dict[int, list[Match]] = {}  # by worker: matches that still lack a role
        self._ended: dict[str, list[SeatId]] = {}
        self._finished: dict[str, deque[tuple[Role, Match]]] = {}
        self._dealt: dict[int, Match] = {}  # by number: played out of sight, see `deal`
        self._last_number = 0
        self._from_before: deque[tuple[int, dict[Role, str]]] = deque()  # learning team and players, after a resume
        self._lock = threading.RLock()

    def enter(self, role: Role, entrant: Entrant) -> None:
        """Registers a role; matches that open from now on have a place for it."""
        with self._lock:
            self.entrants[role] = entrant
            self.entrants = dict(sorted(self.entrants.items()))
            self.teams = sorted({role.team for role in self.entrants})
            self._ended.setdefault(role.behavior, [])
            self._finished.setdefault(role.behavior, deque())

    @property
    def learning_team(self) -> int:
        """The team that learns in the match that opens next."""
        return self._turns.coming(self.teams)

    def begin(self, worker: int, role: Role, seats: Sequence[SeatId], groups: Sequence[int]) -> list[str]:
        """Seats agents that make their first decision, in this order.

        Args:
          worker: environment process of the agents.
          role: their role, entered before.
          seats: ids, unique in the run while the episode lasts, `[n]`.
          groups: group ids of the agents, `[n]`; 0 stands for no group.

        Returns:
          The player of each seat, `[n]`.
        """
        with self._lock:
            return [self._seat(worker, role, seat, group) for seat, group in zip(seats, groups, strict=True)]

    def plays(self, seat: SeatId) -> str | None:
        """Returns the player in `seat`, or None if nobody sits there."""
        held = self._seats.get(seat)
        return None if held is None else held.match.players[held.role]

    def opponents_of(self, seat: SeatId) -> list[str]:
        """Returns who plays the other teams in the match of `seat`, by team; nobody if nobody sits there."""
        held = self._seats.get(seat)
        if held is None:
            return []
        return opponents_in(held.match.players, held.role.team)

    def learns(self, seat: SeatId, mirror: bool) -> bool:
        """Returns whether `seat` teaches the learner: the learning team's seats do, with `mirror` all that it plays."""
        held = self._seats.get(seat)
        if held is None or held.match.players[held.role] != CURRENT:
            return False
        return mirror or held.role.team == held.match.learning_team

    def end(self, seat: SeatId) -> None:
        """Notes that the episode of `seat` is over; its result may still be on the way."""
        with self._lock:
            held = self._seats.get(seat)
            if held is None or held.ended:
                return
            held.ended = True
            held.match.sides[held.role].seated -= 1
            self._ended[held.role.behavior].append(seat)
            if held.group is not None:
                match, seated = self._groups[held.group]
                if seated > 1:
                    self._groups[held.group] = (match, seated - 1)
                else:
                    del self._groups[held.group]
            lacking = self._lacking[held.match.worker]
            if held.match in lacking and held.match.over:
                lacking.remove(held.match)

    def take_ended(self, behavior: str) -> list[SeatId]:
        """Returns the seats that ended since the last call; pass them to `discard` once their results are in."""
        with self._lock:
            ended, self._ended[behavior] = self._ended[behavior], []
            return ended

    def observe(self, seat: SeatId, reward: float, steps: int) -> None:
        """Adds the rewards and agent steps of a piece of the episode of `seat`."""
        held = self._seats.get(seat)
        if held is not None:
            held.episode_return += reward
            held.length += steps

    def finish(self, seat: SeatId, last_reward: float, truncated: bool) -> None:
        """Closes `seat` with the result of its last step."""
        with self._lock:
            held = self._seats.get(seat)
            if held is None:
                return
            self.end(seat)
            result = SeatResult(seat, last_reward, held.episode_return, held.length, truncated)
            held.match.sides[held.role].results.append(result)
            self._leave(seat, held)

    def discard(self, seats: Sequence[SeatId]) -> None:
        """Forgets seats that ended without a result, as in a forced reset; finished ones are gone already."""
        with self._lock:
            for seat in seats:
                held = self._seats.get(seat)
                if held is not None and held.ended:
                    self._leave(seat, held)

    def abandon(self, behavior: str) -> None:
        """Ends and forgets every seat of `behavior`, as after a reset of the environments."""
        with self._lock:
            seats = [seat for seat, held in self._seats.items() if held.role.behavior == behavior]
            for seat in seats:
                self.end(seat)
            self.discard(seats)

    def take_finished(self, behavior: str) -> list[tuple[Role, Match]]:
        """Returns the matches that are over, once for each role in which the learner of `behavior` sat."""
        with self._lock:
            finished = list(self._finished[behavior])
            self._finished[behavior].clear()
            return finished

    def deal(self, worker: int) -> tuple[int, Match]:
        """Opens a match that `worker` plays by itself, from the first seat to the last; returns its number as well."""
        with self._lock:
            match = self._open(worker)
            self._last_number += 1
            self._dealt[self._last_number] = match
            return self._last_number, match

    def settle(self, number: int, results: Sequence[tuple[Role, SeatResult]]) -> None:
        """Closes a dealt match with the results of all its seats, in the order in which they ended."""
        with self._lock:
            match = self._dealt.pop(number, None)
            if match is None:
                return  # it was withdrawn in the meantime
            for role, result in results:
                match.sides.setdefault(role, Side(match.players[role])).results.append(result)
            self._close(match)

    def withdraw(self, worker: int) -> None:
        """Forgets the matches dealt to `worker`, which is gone or was reset."""
        with self._lock:
            for number in [number for number, match in self._dealt.items() if match.worker == worker]:
                self._take_off(self._dealt.pop(number))

    def players_on(self, behavior: str) -> set[str]:
        """Returns every player of `behavior` that sits in a match now."""
        with self._lock:
            return set(self._players_on.get(behavior, ()))

    def state(self) -> dict[str, Any]:
        """Returns turn, counters and the matches that are on, ready for JSON."""
        with self._lock:
            on = [(match.learning_team, match.players) for match in self._on] + list(self._from_before)
            return {
                "matches_opened": self.matches_opened,
                **self._turns.state(),
                "matches_on": [
                    {"learning_team": team, "players": [[*role, player] for role, player in players.items()]}
                    for team, players in on
                ],
            }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from `state()`: the matches that were on then are played again, by the same players.

        Of two states, as two behaviors of one game save them, the later one counts.
        """
        with self._lock:
            if state["matches_opened"] < self.matches_opened:
                return
            self.matches_opened = state["matches_opened"]
            self._turns.restore(state)
            self._from_before = deque(
                (match["learning_team"], {Role(behavior, team): player for behavior, team, player in match["players"]})
                for match in state["matches_on"]
            )

    def _team_learns(self, team: int) -> bool:
        return any(entrant.learns() for role, entrant in self.entrants.items() if role.team == team)

    def _turn_length(self, team: int) -> int:
        return max(entrant.turn_length for role, entrant in self.entrants.items() if role.team == team)

    def _seat(self, worker: int, role: Role, seat: SeatId, group: int) -> str:
        if seat in self._seats:  # an environment that crashed and started again counts its agents from the beginning
            self.end(seat)
            self._leave(seat, self._seats[seat])
        place = (worker, role, group) if group > 0 else None
        if place is not None and place in self._groups:
            match, seated = self._groups[place]
        else:
            match, seated = self._match_that_lacks(worker, role), 0
        if place is not None:
            self._groups[place] = (match, seated + 1)
        match.sides.setdefault(role, Side(match.players[role])).seated += 1
        match.seats_held += 1
        self._seats[seat] = _Seat(match, role, place)
        return match.players[role]

    def _match_that_lacks(self, worker: int, role: Role) -> Match:
        lacking = self._lacking.setdefault(worker, [])
        for match in lacking:
            if role in match.players and role not in match.sides:
                if len(match.sides) + 1 == len(match.players):
                    lacking.remove(match)
                return match
        match = self._open(worker)
        if len(match.players) > 1:
            lacking.append(match)
        return match

    def _open(self, worker: int) -> Match:
        steps = {role.behavior: entrant.step() for role, entrant in self.entrants.items()}
        match = Match(worker, steps)
        self._on[match] = None  # at once: whoever has been dealt in counts as playing when the next role draws
        if not self._deal_from_before(match):
            match.learning_team = self._turns.take(self.teams)
            for role in self.entrants:
                self._put_on(match, role, self._player(role, match.learning_team))
            self.matches_opened += 1
        return match

    def _put_on(self, match: Match, role: Role, player: str) -> None:
        match.players[role] = player
        self._players_on.setdefault(role.behavior, Counter())[player] += 1

    def _take_off(self, match: Match) -> None:
        del self._on[match]
        for role, player in match.players.items():
            roles = self._players_on[role.behavior]
            roles[player] -= 1
            if not roles[player]:
                del roles[player]

    def _deal_from_before(self, match: Match) -> bool:
        while self._from_before:
            match.learning_team, players = self._from_before.popleft()
            if players.keys() == self.entrants.keys() and all(
                player == CURRENT or self.entrants[role].draws.playable(player) for role, player in players.items()
            ):
                for role, player in players.items():
                    self._put_on(match, role, player)
                return True
        return False

    def _player(self, role: Role, learning_team: int) -> str:
        entrant = self.entrants[role]
        if len(self.teams) < 2 or (role.team == learning_team and entrant.learns()):
            return CURRENT
        return entrant.draws.next()

    def _leave(self, seat: SeatId, held: _Seat) -> None:
        del self._seats[seat]
        match = held.match
        match.seats_held -= 1
        if match.seats_held == 0 and match in self._on:
            self._close(match)

    def _close(self, match: Match) -> None:
        self._take_off(match)
        for role, side in match.sides.items():
            if side.player == CURRENT and side.results:
                self._finished[role.behavior].append((role, match))
