"""Which games are dealt, and what the table makes of them."""

from collections import Counter

import numpy as np
import pytest
from mlagents_selfplay.evaluation.matches import Fixture, GameResult, num_seatings, seats_of_first
from mlagents_selfplay.evaluation.schedule import Table, fixtures
from mlagents_selfplay.selfplay.ratings import win_rate_interval


def result(first: str, second: str, outcome: float | None, seating: int = 0) -> GameResult:
    return GameResult(Fixture(first, second, seating), outcome, 0.0, 0.0, 1)


def test_with_two_teams_the_second_seating_swaps_the_seats() -> None:
    assert num_seatings(2) == 2
    assert [seats_of_first(seating, 2) for seating in range(2)] == [[True, False], [False, True]]


def test_with_three_teams_either_player_is_alone_in_every_seat_once() -> None:
    found = [seats_of_first(seating, 3) for seating in range(num_seatings(3))]
    alone = [[True, False, False], [False, True, False], [False, False, True]]
    assert found == alone + [[not taken for taken in row] for row in alone]


def test_every_pair_plays_the_same_number_of_games_half_of_them_swapped() -> None:
    dealt = list(fixtures(Table(["a", "b", "c"], 2), 6, "all"))
    assert Counter(dealt) == {
        Fixture(first, second, seating): 3 for first, second in ("ab", "ac", "bc") for seating in (0, 1)
    }
    assert len({fixture[:2] for fixture in dealt[:6]}) == 3  # all pairs have met before one meets again


def test_an_odd_number_of_games_is_kept_to() -> None:
    assert len(list(fixtures(Table(["a", "b"], 2), 7, "all"))) == 7


def test_games_that_were_played_are_not_dealt_again_not_even_those_told_by_the_other_player() -> None:
    table = Table(["a", "b"], 2)
    for seating, first, second in ((0, "a", "b"), (0, "b", "a"), (0, "a", "b")):
        table.add(result(first, second, 1.0, seating))  # b in the first seat is a in the second: seating 1
    assert list(fixtures(table, 4, "all")) == [Fixture("a", "b", 1)]


def test_games_that_were_cut_off_count_as_played_but_not_as_an_outcome() -> None:
    table = Table(["a", "b"], 2)
    table.add(result("a", "b", None))
    assert table.games.sum() == 0
    assert list(fixtures(table, 2, "all")) == [Fixture("a", "b", 1)]


def test_games_go_where_the_interval_is_widest() -> None:
    table = Table(["a", "b", "c"], 2)
    dealt: Counter[frozenset[str]] = Counter()
    rng = np.random.default_rng(0)
    for fixture in fixtures(table, 100, "widest"):
        dealt[frozenset(fixture[:2])] += 1
        sure = "c" in fixture[:2]  # c loses to both; a and b are even
        table.add(result(fixture.first, fixture.second, 1.0 if sure else float(rng.integers(2)), fixture.seating))
    # 300 in all. Wilson's half width at rate 1 is z^2 / 2 / (n + z^2), at 1/2 z / 2 / sqrt(n + z^2): a win rate of 1
    # after 20 games is as narrow as one of 1/2 after about 154. So most games go to the pair that is even.
    assert dealt.total() == 300
    assert dealt[frozenset("ab")] > 200
    widths = {
        pair: np.subtract(*win_rate_interval(table.wins[pair], int(table.games[pair]))[::-1]) for pair in table.pairs
    }
    assert max(widths.values()) < 1.15 * min(widths.values())


def test_the_table_holds_draws_as_half_a_win_for_each() -> None:
    table = Table(["a", "b"], 2)
    for outcome in (1.0, 0.5, 0.5, 0.0):
        table.add(result("b", "a", outcome))
    assert table.wins.tolist() == [[0, 2], [2, 0]]
    assert table.draws[0, 1] == table.draws[1, 0] == 2
    assert table.payoff().tolist() == [[0.5, 0.5], [0.5, 0.5]]
    low, high = table.bounds()
    # Wilson for 2 of 4: centre 1/2, half width 1.96 sqrt(1/16 + 1.96^2/64) / (1 + 1.96^2/4) = 0.350.
    assert (low[0, 1], high[0, 1]) == pytest.approx((0.150, 0.850), abs=1e-3)


def test_games_of_players_that_are_not_in_the_table_do_not_count() -> None:
    table = Table(["a", "b"], 2)
    assert not table.add(result("a", "gone", 1.0))
    assert not table.add(result("a", "b", 1.0, seating=7))
    assert table.games.sum() == 0


def test_players_of_one_group_do_not_meet() -> None:
    table = Table(["a", "b", "c", "d"], 2, apart=[{"a", "b"}, {"b", "c", "d"}])
    assert table.pairs == [(0, 2), (0, 3)]
    assert Counter(frozenset(fixture[:2]) for fixture in fixtures(table, 4, "all")) == {
        frozenset("ac"): 4,
        frozenset("ad"): 4,
    }
