"""Who won? Plays the games that it is dealt, many areas at once and all players of a message in one pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from mlagents.trainers.behavior_id_utils import BehaviorIdentifiers
from mlagents_envs.base_env import ActionTuple

from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.lineup import Lineup
from mlagents_selfplay.evaluation.players import find
from mlagents_selfplay.selfplay.draws import Draws
from mlagents_selfplay.selfplay.matches import Match, Role, Side
from mlagents_selfplay.selfplay.matchmaking import Entrant, Game
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings, pairwise_outcomes, seat_outcome, seat_score

PATIENCE = 50  # messages in which a second team should have shown itself
STILL = find(["still"], 1)
NOBODY = ""  # sits where there is no game left to play, and does nothing


class Fixture(NamedTuple):
    """A game that is to be played, and who sits where, see `seats_of_first`."""

    first: str
    second: str
    seating: int


class GameResult(NamedTuple):
    """A game that was played.

    Attributes:
      fixture: who played.
      outcome: of the first, in [0, 1]; a draw is 1/2. None if the episode was cut off.
      first_return: sum of rewards of the first's last seat to end, in reward units.
      second_return: the same of the second; NaN if nobody plays against the first.
      length: decisions of the longest seat.
    """

    fixture: Fixture
    outcome: float | None
    first_return: float
    second_return: float
    length: int


def num_seatings(roles: int) -> int:
    """Returns how many ways there are to seat two players: 2 with two roles, 1 with one, else twice the roles."""
    return roles if roles <= 2 else 2 * roles


def seats_of_first(seating: int, roles: int) -> list[bool]:
    """Says for each role whether the first player takes it.

    In the first half of the seatings the first has one role and the second all others, in the other half it is the
    other way round. So with two roles, seating 1 swaps the seats.
    """
    alone = seating < roles
    return [alone == (role == seating % roles) for role in range(roles)]


class Pitch(Game):
    """Seats the two players of each fixture that it takes from an iterator, which is advanced when a game begins."""

    def __init__(self, roles: Iterable[Role], fixtures: Iterator[Fixture]) -> None:
        super().__init__()
        self.on: dict[Match, Fixture] = {}
        self.over: list[tuple[Fixture, Match]] = []
        self._fixtures = fixtures
        self._next: Fixture | None = None
        nobody = Draws(1, lambda: NOBODY, lambda _: True)
        for role in roles:
            self.enter(role, Entrant(nobody, lambda: False, lambda: 0, 1))

    def _open(self, worker: int) -> Match:
        self._next = next(self._fixtures, None)
        match = super()._open(worker)
        if self._next is not None:
            self.on[match] = self._next
        return match

    def _player(self, role: Role, learning_team: int) -> str:
        if self._next is None:
            return NOBODY
        place = list(self.entrants).index(role)
        takes = seats_of_first(self._next.seating, len(self.entrants))[place]
        return self._next.first if takes else self._next.second

    def _close(self, match: Match) -> None:
        self._take_off(match)
        if match in self.on:
            self.over.append((self.on.pop(match), match))


def wait_for_teams(environment: Any) -> None:
    """Steps an environment that has shown one team only, until a second one decides or an episode ends.

    In a game of turns the others are seen a message later. Meanwhile agents do nothing.

    Args:
      environment: opened and reset; in mid-episode afterwards.
    """
    rng = np.random.default_rng(0)  # a still player draws nothing
    for _ in range(PATIENCE):
        for behavior_id, spec in environment.behavior_specs.items():
            asking, ended = environment.get_steps(behavior_id)
            if len(environment.behavior_specs) > 1 or len(ended):
                return
            lineup = Lineup(behavior_id, spec, STILL, False, rng)
            names = [STILL[0].name] * len(asking)
            actions = lineup.act(names, lineup.decisions(asking.obs, asking.action_mask, names))
            environment.set_actions(behavior_id, ActionTuple(actions.continuous, actions.discrete))
        environment.step()


def roles_of(environment: Any) -> dict[str, Role]:
    """Returns every team of every behavior that an environment has shown, by behavior id, in ascending order."""
    parsed = {name: BehaviorIdentifiers.from_name_behavior_id(name) for name in environment.behavior_specs}
    roles = {name: Role(parts.brain_name, parts.team_id) for name, parts in parsed.items()}
    return dict(sorted(roles.items(), key=lambda entry: entry[1]))


def play(
    environment: Any, lineups: Mapping[str, Lineup], fixtures: Iterable[Fixture], rule: OutcomeSettings
) -> Iterator[GameResult]:
    """Plays all fixtures, in the areas as they get free, and yields each game when it ends.

    Every game that was begun is played to its end, so that short ones do not count more often than long ones. Agents
    are paired into games by the order of their ids, as in training.

    Args:
      environment: opened and reset; it is reset again, so that nobody is seated in mid-episode.
      lineups: who can act, by behavior.
      fixtures: taken one by one when a game begins, so a schedule can look at the results up to then.
      rule: what counts as a win.
    """
    roles = roles_of(environment)
    dealt = iter(fixtures)
    first = next(dealt, None)
    if first is None:
        return
    pitch = Pitch(roles.values(), itertools.chain([first], dealt))
    environment.reset()
    while True:
        steps = {behavior_id: environment.get_steps(behavior_id) for behavior_id in roles}
        for behavior_id, (_, ended) in steps.items():
            _finish(pitch, behavior_id, ended, lineups[roles[behavior_id].behavior])
        over, pitch.over = pitch.over, []
        for fixture, match in over:
            yield _result(fixture, match, list(roles.values()), rule)
        for behavior_id, (asking, _) in steps.items():
            _seat(pitch, behavior_id, roles[behavior_id], asking)
        if not pitch.on:
            return
        for behavior, lineup in lineups.items():
            _act(environment, pitch, lineup, [name for name, role in roles.items() if role.behavior == behavior], steps)
        environment.step()


def _finish(pitch: Pitch, behavior_id: str, ended: Any, lineup: Lineup) -> None:
    rewards = (ended.reward + ended.group_reward).tolist()
    for agent, reward, cut_off in zip(ended.agent_id.tolist(), rewards, ended.interrupted.tolist(), strict=True):
        seat = (behavior_id, agent)
        player = pitch.plays(seat)
        if player is not None:
            pitch.observe(seat, reward, 0)
            pitch.finish(seat, reward, bool(cut_off))
            lineup.forget(player, _agent(behavior_id, agent))


def _seat(pitch: Pitch, behavior_id: str, role: Role, asking: Any) -> None:
    agents = asking.agent_id.tolist()
    rewards = (asking.reward + asking.group_reward).tolist()
    new = sorted(agent for agent in agents if pitch.plays((behavior_id, agent)) is None)
    if new:
        group_of = dict(zip(agents, asking.group_id, strict=True))
        pitch.begin(0, role, [(behavior_id, agent) for agent in new], [int(group_of[agent]) for agent in new])
    for agent, reward in zip(agents, rewards, strict=True):
        # What an agent is paid before its first decision is not the doing of whoever plays it.
        pitch.observe((behavior_id, agent), 0.0 if agent in new else reward, 1)


def _act(environment: Any, pitch: Pitch, lineup: Lineup, behavior_ids: Sequence[str], steps: Mapping[str, Any]) -> None:
    """Decides for all agents of one behavior, whatever their team, in one pass."""
    asking = {behavior_id: steps[behavior_id][0] for behavior_id in behavior_ids if len(steps[behavior_id][0])}
    if not asking:
        return
    seats = [(behavior_id, agent) for behavior_id, rows in asking.items() for agent in rows.agent_id.tolist()]
    players = [pitch.plays(seat) or NOBODY for seat in seats]
    parts = list(asking.values())
    observations = [np.concatenate(sensor) for sensor in zip(*(rows.obs for rows in parts), strict=True)]
    masks = None
    if all(rows.action_mask is not None for rows in parts):
        masks = [np.concatenate(branch) for branch in zip(*(rows.action_mask for rows in parts), strict=True)]
    decisions = lineup.decisions(observations, masks, [_agent(*seat) for seat in seats])
    actions = lineup.act(players, decisions)
    ends = np.cumsum([len(rows) for rows in parts])
    for behavior_id, end, rows in zip(asking, ends, parts, strict=True):
        of_team = slice(end - len(rows), end)
        environment.set_actions(behavior_id, ActionTuple(actions.continuous[of_team], actions.discrete[of_team]))


def _agent(behavior_id: str, agent: int) -> str:
    return f"{behavior_id}-{agent}"


def _result(fixture: Fixture, match: Match, roles: Sequence[Role], rule: OutcomeSettings) -> GameResult:
    takes = dict(zip(roles, seats_of_first(fixture.seating, len(roles)), strict=True))
    sides = {role: side for role, side in match.sides.items() if side.results}
    own = [side for role, side in sides.items() if takes[role]]
    others = [side for role, side in sides.items() if not takes[role]]
    returns = [
        float(np.mean([side.results[-1].episode_return for side in part])) if part else float("nan")
        for part in (own, others)
    ]
    length = max((seat.length for side in sides.values() for seat in side.results), default=0)
    return GameResult(fixture, _outcome(own, others, rule), returns[0], returns[1], length)


def _outcome(own: Sequence[Side], others: Sequence[Side], rule: OutcomeSettings) -> float | None:
    """Judges a game from both sides, so that one which both sides lose is a draw; None if it has no outcome.

    With more than two sides, each of the first is compared with each of the second, the higher score winning.
    """
    if len(own) == len(others) == 1:
        ends = [side.results[-1] for side in (*own, *others)]
        mine, theirs = (seat_outcome(end.last_reward, end.episode_return, end.truncated, rule) for end in ends)
        known = [value for value in (mine, None if theirs is None else 1.0 - theirs) if value is not None]
    else:
        table = pairwise_outcomes([_score(side, rule) for side in (*own, *others)])
        known = table[: len(own), len(own) :][~np.isnan(table[: len(own), len(own) :])].tolist()
    return float(np.mean(known)) if known else None


def _score(side: Side, rule: OutcomeSettings) -> float:
    end = side.results[-1]
    return float("nan") if end.truncated else seat_score(end.last_reward, end.episode_return, rule)


def make_lineups(environment: Any, make: Callable[[str, Any], Lineup]) -> dict[str, Lineup]:
    """Makes a lineup for each behavior of an environment.

    Args:
      environment: opened and reset.
      make: is given name and spec of a behavior.

    Raises:
      EvaluationError: if the environment has shown no agent.
    """
    specs = {role.behavior: environment.behavior_specs[name] for name, role in roles_of(environment).items()}
    if not specs:
        raise EvaluationError("The environment has shown no agent, so there is nobody to play.")
    return {behavior: make(behavior, spec) for behavior, spec in specs.items()}
