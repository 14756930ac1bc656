"""Does the bridge seat agents exactly as the trainer's own matchmaking does on the wire?"""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlagents_selfplay.selfplay.draws import Draws
from mlagents_selfplay.selfplay.matches import CURRENT, Role, SeatResult
from mlagents_selfplay.selfplay.matchmaking import Entrant, Game

from gym_bridges.rollouts.seats import OutOfMatches, Result, Seats

BEHAVIOR = "Fencer"


def game_of(teams: int, interval: int) -> Game:
    """Every draw names another player: s1, s2, ..."""
    game, number = Game(), count(1)
    for team in range(teams):
        draws = Draws(interval, lambda: f"s{next(number)}", lambda _: True)
        game.enter(Role(BEHAVIOR, team), Entrant(draws, lambda: True, lambda: 0, turn_length=3))
    return game


@given(
    teams=st.integers(1, 3),
    interval=st.integers(1, 3),
    events=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.booleans()), max_size=60),
)
def test_every_agent_gets_the_player_and_the_match_that_it_would_get_on_the_wire(
    teams: int, interval: int, events: list[tuple[int, int, bool]]
) -> None:
    wire, dealer, seats = game_of(teams, interval), game_of(teams, interval), Seats()
    there: list[tuple[int, Role, int, object]] = []
    for agent, (team, group, leaves) in enumerate(events):
        if leaves and there:
            left, role, group_of_left, match = there.pop(team % len(there))
            wire.finish(left, 0.0, False)
            seats.rise(match, role, group_of_left, Result(0.0, 0.0, 0.0, 1, False))
            continue
        role = Role(BEHAVIOR, team % teams)
        (player,) = wire.begin(0, role, [agent], [group])
        try:
            match = seats.sit(role, group)
        except OutOfMatches:
            number, dealt = dealer.deal(0)
            players = [[*r, p] for r, p in dealt.players.items()]
            seats.deal([{"number": number, "learning_team": dealt.learning_team, "players": players}])
            match = seats.sit(role, group)
        assert match.players[role] == player
        assert wire.learns(agent, mirror=False) == (player == CURRENT and role.team == match.learning_team)
        there.append((agent, role, group, match))
    assert dealer.state() | {"matches_on": []} == wire.state() | {"matches_on": []}


def test_results_come_back_with_the_match_once_its_last_seat_has_ended() -> None:
    game, seats = game_of(2, 1), Seats()
    number, dealt = game.deal(0)
    players = [[*role, player] for role, player in dealt.players.items()]
    seats.deal([{"number": number, "learning_team": dealt.learning_team, "players": players}])
    roles = [Role(BEHAVIOR, 0), Role(BEHAVIOR, 1)]
    matches = [seats.sit(role, 0) for role in roles]
    assert matches[0] is matches[1]
    seats.rise(matches[0], roles[0], 0, Result(1.0, 2.0, 2.0, 5, False))
    assert seats.take_over() == ([], 1)
    seats.rise(matches[1], roles[1], 0, Result(-1.0, -2.0, -2.0, 5, False))
    ((over,), begun) = seats.take_over()
    assert begun == 0
    game.settle(
        over.number,
        [(role, SeatResult("x", r.last_reward, r.episode_return, r.length, False)) for role, r in over.results],
    )
    ((role, match),) = game.take_finished(BEHAVIOR)
    assert match.sides[role].player == CURRENT
    assert match.sides[role].results[0].episode_return == 2.0
    assert game.players_on(BEHAVIOR) == set()


def test_a_match_that_was_withdrawn_is_not_settled() -> None:
    game = game_of(2, 1)
    number, dealt = game.deal(0)
    assert game.players_on(BEHAVIOR) == {CURRENT, "s1"}
    game.withdraw(0)
    assert game.players_on(BEHAVIOR) == set()
    game.settle(number, [(role, SeatResult("x", 1.0, 1.0, 1, False)) for role in dealt.players])
    assert game.take_finished(BEHAVIOR) == []


def test_without_a_match_nobody_is_seated() -> None:
    with pytest.raises(OutOfMatches):
        Seats().sit(Role(BEHAVIOR, 0), 0)
