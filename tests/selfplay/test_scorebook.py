"""What did the matches come to? Rows, ratings and win rates against values worked out by hand."""

import json

import pytest
from mlagents_selfplay.selfplay.matches import CURRENT, Match, Role, SeatResult, Side
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings
from mlagents_selfplay.selfplay.scorebook import INITIAL, MatchRow, Ratings, Scorebook

FENCER = [Role("Fencer", team) for team in range(3)]


def side(player: str, *rewards: float, truncated: bool = False) -> Side:
    """The seats of one role, in the order in which they ended; each earns its reward in the last of 10 steps."""
    return Side(player, results=[SeatResult(f"{player}-{i}", r, r, 10, truncated) for i, r in enumerate(rewards)])


def match_of(sides: dict[Role, Side], step: int = 500) -> Match:
    players = {role: side.player for role, side in sides.items()}
    return Match(0, {role.behavior: step for role in sides}, 0, players, sides)


def duel(opponent: str, reward: float, truncated: bool = False) -> Match:
    return match_of(
        {FENCER[0]: side(CURRENT, reward, truncated=truncated), FENCER[1]: side(opponent, -reward, truncated=truncated)}
    )


@pytest.fixture
def ratings() -> Ratings:
    return Ratings(32.0, 1200.0)


@pytest.fixture
def book(ratings: Ratings) -> Scorebook:
    return Scorebook("Fencer", OutcomeSettings(), ratings)


@pytest.mark.parametrize(("reward", "outcome"), [(1.0, 1.0), (0.0, 0.5), (-1.0, 0.0)])
def test_a_row_tells_of_the_seat(book: Scorebook, reward: float, outcome: float) -> None:
    rows, warning = book.record(FENCER[0], duel("200", reward))
    assert rows == [MatchRow(500, 0, "200", outcome, reward, 10)]
    assert warning is None


def test_ratings_move_by_the_rule_of_elo(book: Scorebook, ratings: Ratings) -> None:
    ratings.put("Fencer", "200", 1200.0)
    book.record(FENCER[0], duel("200", 1.0))
    # Equals: half of K = 32 goes from the loser to the winner.
    assert ratings.rating("Fencer", CURRENT) == pytest.approx(1216.0)
    assert ratings.rating("Fencer", "200") == pytest.approx(1184.0)
    assert book.games == 1


def test_the_anchor_keeps_its_rating(book: Scorebook, ratings: Ratings) -> None:
    book.record(FENCER[0], duel(INITIAL, 1.0))
    assert ratings.rating("Fencer", INITIAL) == 1200.0
    assert ratings.rating("Fencer", CURRENT) == pytest.approx(1216.0)


def test_a_mirror_match_is_logged_and_moves_nothing(book: Scorebook, ratings: Ratings) -> None:
    mirror = duel(CURRENT, 1.0)
    assert book.record(FENCER[0], mirror)[0] == [MatchRow(500, 0, CURRENT, 1.0, 1.0, 10)]
    assert book.record(FENCER[1], mirror)[0] == [MatchRow(500, 1, CURRENT, 0.0, -1.0, 10)]
    assert (book.games, ratings.rating("Fencer", CURRENT)) == (0, 1200.0)


def test_a_truncated_match_has_a_row_without_an_outcome_and_moves_nothing(book: Scorebook, ratings: Ratings) -> None:
    assert book.record(FENCER[0], duel("200", 1.0, truncated=True))[0] == [MatchRow(500, 0, "200", None, 1.0, 10)]
    assert (book.games, book.win_rate("200")[1], ratings.rating("Fencer", CURRENT)) == (0, 0.0, 1200.0)


def test_a_group_has_one_outcome_that_of_its_last_member_and_a_row_for_each_seat(book: Scorebook) -> None:
    match = match_of({FENCER[0]: side(CURRENT, -1.0, 1.0), FENCER[1]: side("200", -1.0, -1.0)})
    assert book.record(FENCER[0], match)[0] == [
        MatchRow(500, 0, "200", 1.0, -1.0, 10),
        MatchRow(500, 0, "200", 1.0, 1.0, 10),
    ]
    assert book.games == 1


def test_three_teams_are_judged_pair_by_pair(book: Scorebook, ratings: Ratings) -> None:
    ratings.put("Fencer", "200", 1200.0)
    ratings.put("Fencer", "300", 1200.0)
    match = match_of({FENCER[0]: side(CURRENT, 0.0), FENCER[1]: side("200", -1.0), FENCER[2]: side("300", 1.0)})
    rows, _ = book.record(FENCER[0], match)
    # Second of three: a win and a loss against equals, whose mean is 1/2 and which cancel in the rating.
    assert rows == [MatchRow(500, 0, "200+300", 0.5, 0.0, 10)]
    assert ratings.rating("Fencer", CURRENT) == pytest.approx(1200.0)
    # A pair of three counts half: 32 / 2 x 1/2 = 8 points.
    assert ratings.rating("Fencer", "200") == pytest.approx(1192.0)
    assert ratings.rating("Fencer", "300") == pytest.approx(1208.0)
    assert book.win_rate("200") == (1.0, 1.0)
    assert book.win_rate("300") == (0.0, 1.0)


def test_a_match_without_opponents_has_no_row(book: Scorebook) -> None:
    assert book.record(FENCER[0], match_of({FENCER[0]: side(CURRENT, 1.0)})) == ([], None)


def test_a_win_rate_fades_so_that_the_learner_of_long_ago_counts_less(book: Scorebook) -> None:
    rate, games = book.win_rate("200")
    assert (str(rate), games) == ("nan", 0.0)
    book.record(FENCER[0], duel("200", 1.0))
    book.record(FENCER[0], duel("200", -1.0))
    # A game ago counts 0.99: wins 0.99, games 0.99 + 1.
    rate, games = book.win_rate("200")
    assert rate == pytest.approx(0.99 / 1.99)
    assert games == pytest.approx(1.99)


def test_the_quality_of_a_beaten_opponent_falls_and_a_new_one_starts_with_the_best(book: Scorebook) -> None:
    book.record(FENCER[0], duel("200", -1.0))
    assert book.quality("200") == 0.0  # Only a win lowers it.
    book.record(FENCER[0], duel("200", 1.0))
    book.record(FENCER[0], duel("300", 1.0))
    assert book.quality("200") == pytest.approx(-0.01)  # The only one: N p = 1, so eta = 0.01.
    assert book.quality("never met") == max(book.quality("200"), book.quality("300"))


def test_opponents_that_cannot_be_met_any_more_are_forgotten(book: Scorebook) -> None:
    for player in ("200", "300"):
        book.record(FENCER[0], duel(player, 1.0))
    book.keep({"300"})
    assert book.win_rate("200")[1] == 0.0
    assert book.win_rate("300")[1] == 1.0
    assert set(book.state()["qualities"]) == {"300"}


def test_behaviors_of_an_asymmetric_game_are_rated_against_each_other(ratings: Ratings) -> None:
    striker = Scorebook("Striker", OutcomeSettings(), ratings)
    Scorebook("Goalie", OutcomeSettings(), ratings)
    roles = Role("Striker", 0), Role("Goalie", 1)
    match = match_of({roles[0]: side(CURRENT, 1.0), roles[1]: side(INITIAL, -1.0)})
    striker.record(roles[0], match)
    assert ratings.rating("Striker", CURRENT) == pytest.approx(1216.0)
    assert ratings.rating("Goalie", INITIAL) == 1200.0  # The anchor: the first by name, though it was entered later.
    assert ratings.rating("Goalie", CURRENT) == 1200.0
    assert striker.win_rate(INITIAL) == (1.0, 1.0)


def test_the_learners_of_an_asymmetric_game_move_no_rating_when_they_meet(ratings: Ratings) -> None:
    striker = Scorebook("Striker", OutcomeSettings(), ratings)
    Scorebook("Goalie", OutcomeSettings(), ratings)
    match = match_of({Role("Striker", 0): side(CURRENT, 1.0), Role("Goalie", 1): side(CURRENT, -1.0)})
    rows, _ = striker.record(Role("Striker", 0), match)
    assert [row.opponent for row in rows] == [CURRENT]
    assert ratings.rating("Striker", CURRENT) == 1200.0


def test_outcomes_that_say_nothing_are_warned_of_once(book: Scorebook) -> None:
    both_lose = match_of({FENCER[0]: side(CURRENT, -1.0), FENCER[1]: side("200", -1.0)})
    warnings = [book.record(FENCER[0], both_lose)[1] for _ in range(300)]
    [warning] = [warning for warning in warnings if warning]
    assert "every seat lost" in warning


def test_a_resumed_book_goes_on_where_it_was(book: Scorebook, ratings: Ratings) -> None:
    for reward in (1.0, -1.0, 1.0):
        book.record(FENCER[0], duel("200", reward))
    resumed_ratings = Ratings(32.0, 1200.0)
    resumed = Scorebook("Fencer", OutcomeSettings(), resumed_ratings)
    resumed.restore(json.loads(json.dumps(book.state())))
    assert resumed.state() == book.state()
    for one in (book, resumed):
        one.record(FENCER[0], duel("200", 1.0))
    assert resumed_ratings.rating("Fencer", CURRENT) == ratings.rating("Fencer", CURRENT)
    assert resumed.win_rate("200") == book.win_rate("200")
