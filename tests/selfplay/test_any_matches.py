"""What holds of seats and matches whatever happens? Random events, as real games bring them and worse."""

from collections.abc import Iterator
from itertools import count

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from mlagents_selfplay.selfplay.draws import Draws
from mlagents_selfplay.selfplay.matches import CURRENT, Role
from mlagents_selfplay.selfplay.matchmaking import Entrant, Game

from tests.selfplay.story import BEHAVIOR, assert_nothing_is_left


def events(seed: int, length: int) -> Iterator[tuple[str, int, int]]:
    """Yields (kind, number, number) with kinds in proportions that make matches begin, overlap and end."""
    rng = np.random.default_rng(seed)
    for _ in range(length):
        kind = rng.choice(["begin", "finish", "vanish", "abandon", "settle"], p=[0.5, 0.36, 0.05, 0.01, 0.08])
        yield str(kind), int(rng.integers(1 << 30)), int(rng.integers(1 << 30))


@settings(max_examples=60)
@given(
    seed=st.integers(0, 1 << 32),
    teams=st.integers(1, 4),
    interval=st.integers(1, 5),
    turn=st.integers(1, 4),
    workers=st.integers(1, 2),
)
def test_whatever_happens_nobody_changes_and_every_match_is_settled_once(
    seed: int, teams: int, interval: int, turn: int, workers: int
) -> None:
    roles = [Role(BEHAVIOR, team) for team in range(teams)]
    rng = np.random.default_rng(seed)
    game = Game()
    for role in roles:
        draws = Draws(interval, lambda: str(rng.integers(4)) if rng.random() < 0.8 else CURRENT, lambda _: True)
        game.enter(role, Entrant(draws, lambda: True, lambda: 0, turn))
    ids, seated, settled = count(), {}, []
    finished_seats: set[int] = set()

    def settle() -> None:
        game.discard(game.take_ended(BEHAVIOR))
        settled.extend(game.take_finished(BEHAVIOR))

    for kind, first, second in events(seed, 80):
        if kind == "begin":
            seats = [next(ids) for _ in range(1 + second % 3)]
            group = 0 if second % 2 else 1 + first % 3
            role = roles[first % teams]
            players = game.begin(first % workers, role, seats, [group] * len(seats))
            seated.update(zip(seats, ((role, player) for player in players), strict=True))
        elif kind in ("finish", "vanish") and seated:
            seat = list(seated)[first % len(seated)]
            if kind == "finish":
                game.finish(seat, 1.0, False)
                finished_seats.add(seat)
            else:
                game.end(seat)
            del seated[seat]
        elif kind == "abandon":
            game.abandon(BEHAVIOR)
            seated.clear()
        elif kind == "settle":
            settle()
        for seat, (role, player) in seated.items():
            assert game.plays(seat) == player
            match = game._seats[seat].match
            assert (player == CURRENT) or role.team != match.learning_team
            assert game.learns(seat, mirror=False) == (player == CURRENT and role.team == match.learning_team)
    for seat in seated:
        game.finish(seat, 1.0, False)
        finished_seats.add(seat)
    settle()

    assert_nothing_is_left(game)
    assert len({(role, id(match)) for role, match in settled}) == len(settled)
    results = [
        result.seat
        for match in {id(m): m for _, m in settled}.values()
        for s in match.sides.values()
        for result in s.results
    ]
    assert len(set(results)) == len(results)
    assert set(results) <= finished_seats
