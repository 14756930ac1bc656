"""How all players stand after games that can be followed on paper."""

import numpy as np
import pytest
from mlagents_selfplay.evaluation.matches import Fixture, GameResult
from mlagents_selfplay.evaluation.schedule import Table
from mlagents_selfplay.evaluation.standings import standings, structure


def table_of(players: str, **games: float) -> Table:
    """Games by pair, each `ab=2.5` standing for as many wins of a against b, out of four."""
    table = Table(list(players), 2)
    for (first, second), wins in ((tuple(pair), wins) for pair, wins in games.items()):
        for number in range(4):
            outcome = min(max(wins - number, 0.0), 1.0)
            table.add(GameResult(Fixture(first, second, number % 2), outcome, 0.0, 0.0, 1))
    return table


def test_rock_paper_scissors_has_equal_ratings_and_one_circle() -> None:
    table = table_of("rps", pr=4, sp=4, rs=4)
    found = standings(table, 0, np.random.default_rng(0))
    assert [standing.bradley_terry for standing in found] == pytest.approx([1200] * 3)
    assert [standing.nash for standing in found] == pytest.approx([1 / 3] * 3)
    assert [standing.alpha_rank for standing in found] == pytest.approx([1 / 3] * 3)
    assert [standing.score for standing in found] == [0.5] * 3
    assert [standing.beaten_by for standing in found] == ["p", "s", "r"]
    assert [standing.best_response for standing in found] == [1.0] * 3
    shape = structure(table)
    assert (shape.transitive, shape.cyclic) == pytest.approx((0.0, 1.0))
    # Four wins of four are at least 4 / (4 + 1.96^2) = 0.51 for certain, so the circle is there; r, s, p: r beats s.
    assert shape.cycles == [("r", "s", "p")]


def test_on_a_ladder_the_top_is_the_equilibrium_and_every_figure_rises() -> None:
    found = standings(table_of("abc", ba=3, cb=3, ca=3.5), 0, np.random.default_rng(0))
    for key in ("bradley_terry", "score", "alpha_rank"):
        values = [getattr(standing, key) for standing in found]
        assert values == sorted(values)
        assert values[0] < values[2]
    assert [standing.nash for standing in found] == pytest.approx([0, 0, 1])
    # c wins 3/4 against b and 7/8 against a: payoffs 2 x 3/4 - 1 and 2 x 7/8 - 1.
    assert [standing.nash_skill for standing in found] == pytest.approx([-0.75, -0.5, 0.0])
    assert found[0].bradley_terry == found[0].elo == 1200
    assert found[2].elo > max(found[0].elo, found[1].elo)


def test_only_draws_leave_all_alike() -> None:
    even = Table(["a", "b"], 2)
    for seating in (0, 1):
        even.add(GameResult(Fixture("a", "b", seating), 0.5, 0.0, 0.0, 1))
    assert [standing.bradley_terry for standing in standings(even, 0, np.random.default_rng(0))] == [1200, 1200]
    assert structure(even).transitive == 1.0


def test_players_without_games_have_no_figures_that_games_would_give() -> None:
    found = standings(Table(["a", "b"], 2), 0, np.random.default_rng(0), {"b": 0.25})
    assert [(standing.score, standing.elo, standing.exploitability) for standing in found] == [
        (None, None, None),
        (None, None, 0.25),
    ]
    assert structure(Table(["a", "b"], 2)).transitive is None
