"""Which team learns, and who sits opposite? Stories on a tape, for games of one, two and more teams and behaviors."""

import pytest
from mlagents_selfplay.selfplay.draws import Draws
from mlagents_selfplay.selfplay.matches import CURRENT, Role
from mlagents_selfplay.selfplay.matchmaking import Entrant, Game

from tests.selfplay.story import BEHAVIOR, Story, assert_nothing_is_left, two_teams


def test_every_team_takes_its_turn_and_all_seats_of_a_match_agree_on_it() -> None:
    story = two_teams(turn=2)
    for match in "uvwxy":
        story.sit("a", f"{match}0")
    for match in "uvwxy":
        story.sit("b", f"{match}1")
    for match in "uvwxy":
        story.end(f"{match}0", f"{match}1")
    assert story.told() == [
        "draw b1", "u0 is current", "draw b2", "v0 is current",
        "draw a1", "w0 is a1", "draw a2", "x0 is a2",
        "draw b3", "y0 is current",
        "u1 is b1", "v1 is b2", "w1 is current", "x1 is current", "y1 is b3",
        "over: u0 met b b1, team 0 learned",
        "over: v0 met b b2, team 0 learned",
        "over: w1 met a a1, team 1 learned",
        "over: x1 met a a2, team 1 learned",
        "over: y0 met b b3, team 0 learned",
    ]  # fmt: skip


def test_three_teams_learn_in_turn_against_two_opponents() -> None:
    story = Story(Role(BEHAVIOR, 0), Role(BEHAVIOR, 1), Role(BEHAVIOR, 2), turn=1)
    for match in "uvwx":
        for team, role in enumerate("abc"):
            story.sit(role, f"{match}{team}")
        story.end(*(f"{match}{team}" for team in range(3)))
    assert story.told() == [
        "draw b1", "draw c1", "u0 is current", "u1 is b1", "u2 is c1",
        "over: u0 met b b1, c c1, team 0 learned",
        "draw a1", "draw c2", "v0 is a1", "v1 is current", "v2 is c2",
        "over: v1 met a a1, c c2, team 1 learned",
        "draw a2", "draw b2", "w0 is a2", "w1 is b2", "w2 is current",
        "over: w2 met a a2, b b2, team 2 learned",
        "draw b3", "draw c3", "x0 is current", "x1 is b3", "x2 is c3",
        "over: x0 met b b3, c c3, team 0 learned",
    ]  # fmt: skip
    assert_nothing_is_left(story.game)


def test_asymmetric_roles_learn_in_turn() -> None:
    story = Story(Role("Goalie", 1), Role("Striker", 0), turn=1)
    for match in "uv":
        story.sit("b", f"{match}0")
        story.sit("a", f"{match}1")
        story.end(f"{match}0", f"{match}1")
    assert story.told() == [
        "draw a1", "u0 is current", "u1 is a1", "over: u0 met a a1, team 0 learned",
        "draw b1", "v0 is b1", "v1 is current", "over: v1 met b b1, team 1 learned",
    ]  # fmt: skip


def test_a_role_that_does_not_learn_is_always_the_opponent() -> None:
    story = Story(Role("Goalie", 1), Role("Striker", 0), turn=1, learners=lambda role: role.behavior == "Striker")
    for match in "uv":
        story.sit("b", f"{match}0")
        story.sit("a", f"{match}1")
    assert story.told() == ["draw a1", "u0 is current", "u1 is a1", "draw a2", "v0 is current", "v1 is a2"]


def test_behaviors_of_one_team_learn_together_against_the_other_team() -> None:
    story = Story(Role("Goalie", 0), Role("Goalie", 1), Role("Striker", 0), Role("Striker", 1), turn=1)
    for role, seat in zip("abcd", ("g0", "g1", "s0", "s1"), strict=True):
        story.sit(role, seat)
    story.end("g0", "g1", "s0", "s1")
    assert story.told() == [
        "draw b1", "draw d1", "g0 is current", "g1 is b1", "s0 is current", "s1 is d1",
        "over: g0 met b b1, team 0 learned",  # Each is measured against its own kind.
        "over: s0 met d d1, team 0 learned",
    ]  # fmt: skip


def test_when_nobody_learns_any_more_the_turn_goes_on_as_if_all_did() -> None:
    story = two_teams(turn=1, learners=lambda role: False)
    story.sit("a", "u0", "v0")
    # Neither team's learner is seated by right, so both roles draw.
    assert story.told() == ["draw a1", "draw b1", "u0 is a1", "draw a2", "draw b2", "v0 is a2"]


def test_a_single_team_plays_itself_and_no_match_has_an_opponent() -> None:
    story = Story(Role(BEHAVIOR, 0))
    story.sit("a", "x0", "y0")
    for seat in ("x0", "y0"):
        assert story.game.learns(seat, mirror=False)
        story.end(seat)
    assert story.told() == [
        "x0 is current", "y0 is current",
        "over: x0 met nobody, team 0 learned", "over: y0 met nobody, team 0 learned",
    ]  # fmt: skip
    assert_nothing_is_left(story.game)


@pytest.mark.parametrize(("mirror", "opponent_teaches"), [(True, True), (False, False)])
def test_in_a_mirror_match_the_opponent_teaches_only_if_asked_to(mirror: bool, opponent_teaches: bool) -> None:
    game = Game()
    for team in range(2):
        draws = Draws(1, lambda: CURRENT, lambda _: True)
        game.enter(Role(BEHAVIOR, team), Entrant(draws, lambda: True, lambda: 0, 10))
        game.begin(0, Role(BEHAVIOR, team), [team], [0])
    assert game.learns(0, mirror)
    assert game.learns(1, mirror) is opponent_teaches


def test_a_snapshot_never_teaches() -> None:
    story = two_teams()
    story.sit("a", "x0")
    story.sit("b", "x1")
    assert story.game.learns("x0", mirror=False)
    assert not story.game.learns("x1", mirror=True)
