"""Who plays whom? Stories on a tape, compared as a whole with what should follow."""

from mlagents_selfplay.selfplay.draws import Draws
from mlagents_selfplay.selfplay.matches import CURRENT, Role
from mlagents_selfplay.selfplay.matchmaking import Entrant, Game

from tests.selfplay.story import BEHAVIOR, assert_nothing_is_left, two_teams

# Seats


def test_every_match_has_its_own_opponent_and_keeps_it() -> None:
    story = two_teams()
    story.sit("a", "x0", "y0")
    story.sit("b", "x1", "y1")
    story.end("y0", "y1")
    story.sit("a", "z0")  # The next match of the second area begins while the first still plays.
    story.sit("b", "z1")
    story.end("x0", "x1")
    story.end("z0", "z1")
    assert story.told() == [
        "draw b1", "x0 is current", "draw b2", "y0 is current",
        "x1 is b1", "y1 is b2",
        "over: y0 met b b2, team 0 learned",
        "draw b3", "z0 is current", "z1 is b3",
        "over: x0 met b b1, team 0 learned",
        "over: z0 met b b3, team 0 learned",
    ]  # fmt: skip
    assert_nothing_is_left(story.game)


def test_a_seat_keeps_its_player_when_that_has_left_the_history() -> None:
    story = two_teams()
    story.sit("a", "x0")
    story.gone.add("b1")
    story.sit("b", "x1")
    story.end("x0", "x1")
    assert story.told() == ["draw b1", "x0 is current", "x1 is b1", "over: x0 met b b1, team 0 learned"]


def test_group_mates_share_one_place_and_one_opponent() -> None:
    story = two_teams()
    story.sit("a", "x0", "x1", group=1)
    story.sit("a", "y0", "y1", group=2)
    story.sit("b", "x2", "x3", group=3)
    story.sit("b", "y2", "y3", group=4)
    story.end("x0", "x1", "x2", "x3")
    story.end("y0", "y1", "y2", "y3")
    assert story.told() == [
        "draw b1", "x0 is current", "x1 is current", "draw b2", "y0 is current", "y1 is current",
        "x2 is b1", "x3 is b1", "y2 is b2", "y3 is b2",
        "over: x0+x1 met b b1, team 0 learned",
        "over: y0+y1 met b b2, team 0 learned",
    ]  # fmt: skip
    assert_nothing_is_left(story.game)


def test_a_group_mate_who_joins_later_meets_the_same_opponent_and_the_match_waits_for_those_who_left_early() -> None:
    story = two_teams()
    story.sit("a", "x0", "x1", group=1)
    story.sit("b", "x2", group=2)
    story.end("x0")
    story.sit("a", "x4", group=1)
    story.sit("b", "x3", group=2)
    story.end("x1", "x2", "x3")
    story.end("x4")
    assert story.told() == [
        "draw b1", "x0 is current", "x1 is current", "x2 is b1",
        "x4 is current", "x3 is b1",
        "over: x0+x1+x4 met b b1, team 0 learned",
    ]  # fmt: skip
    assert_nothing_is_left(story.game)


def test_turn_taking_teams_find_each_other_though_one_decides_a_message_later() -> None:
    story = two_teams()
    story.sit("a", "x0", "y0")
    story.sit("b", "x1", "y1")
    story.end("x0", "x1")
    story.sit("a", "z0")  # Team 1 of this match decides with the next message,
    story.end("y0", "y1")
    story.sit("a", "w0")  # by when another match has begun.
    story.sit("b", "z1")
    story.sit("b", "w1")
    story.end("z0", "z1", "w0", "w1")
    assert story.told() == [
        "draw b1", "x0 is current", "draw b2", "y0 is current", "x1 is b1", "y1 is b2",
        "over: x0 met b b1, team 0 learned",
        "draw b3", "z0 is current",
        "over: y0 met b b2, team 0 learned",
        "draw b4", "w0 is current", "z1 is b3", "w1 is b4",
        "over: z0 met b b3, team 0 learned",
        "over: w0 met b b4, team 0 learned",
    ]  # fmt: skip
    assert_nothing_is_left(story.game)


def test_processes_do_not_mix() -> None:
    story = two_teams()
    story.sit("a", "x0", worker=0)
    story.sit("b", "y1", worker=1)
    story.sit("b", "x1", worker=0)
    story.sit("a", "y0", worker=1)
    assert story.told() == ["draw b1", "x0 is current", "draw b2", "y1 is b2", "x1 is b1", "y0 is current"]


def test_a_seat_without_a_result_counts_for_nothing_and_blocks_nothing() -> None:
    story = two_teams()
    story.sit("a", "x0")
    story.sit("b", "x1")
    story.game.end("x0")  # As in a forced reset: no trajectory comes.
    story.end("x1")
    assert story.told() == ["draw b1", "x0 is current", "x1 is b1"]
    assert_nothing_is_left(story.game)


def test_abandoned_matches_leave_nothing_behind() -> None:
    story = two_teams()
    story.sit("a", "x0", "x1", group=1)
    story.sit("b", "x2", group=2)
    story.game.abandon(BEHAVIOR)
    story.settle()
    story.sit("a", "y0", group=1)  # The same group id, in the next episode.
    assert story.told() == ["draw b1", "x0 is current", "x1 is current", "x2 is b1", "draw b2", "y0 is current"]
    story.end("y0")
    assert_nothing_is_left(story.game)


def test_an_environment_that_was_started_again_may_use_its_ids_again() -> None:
    story = two_teams()
    story.sit("a", "x0")
    story.sit("b", "x1")
    story.game.end("x0")  # It crashed; the new process is there before the trainers have looked,
    story.sit("a", "x0")  # and even uses the id of a seat whose end was never told.
    story.sit("b", "x1")
    story.settle()
    story.end("x0", "x1")
    assert story.told() == [
        "draw b1", "x0 is current", "x1 is b1",
        "draw b2", "x0 is current", "x1 is b2",
        "over: x0 met b b2, team 0 learned",
    ]  # fmt: skip
    assert_nothing_is_left(story.game)


def test_an_unknown_seat_is_nobodys() -> None:
    game = two_teams().game
    game.end("nobody")
    game.observe("nobody", 1.0, 1)
    game.finish("nobody", 1.0, False)
    assert game.plays("nobody") is None
    assert not game.learns("nobody", mirror=True)


def test_a_result_is_the_sum_of_all_pieces_of_the_episode() -> None:
    story = two_teams()
    story.sit("a", "x0")
    story.sit("b", "x1")
    story.game.observe("x0", 1.5, 64)
    story.game.observe("x0", -0.5, 10)
    story.game.finish("x0", -0.25, True)
    story.game.finish("x1", 0.0, True)
    [(role, match)] = story.game.take_finished(BEHAVIOR)
    assert role == Role(BEHAVIOR, 0)
    [result] = match.sides[role].results
    assert (result.last_reward, result.episode_return, result.length, result.truncated) == (-0.25, 1.0, 74, True)


# Draws


def test_one_draw_serves_the_next_matches_that_start_and_no_match_that_is_on() -> None:
    story = two_teams(interval=3)
    for match in "uvwxyzr":
        story.sit("a", f"{match}0")
        story.sit("b", f"{match}1")
    assert [word for word in story.told() if "1 is" in word or "draw" in word] == [
        "draw b1", "u1 is b1", "v1 is b1", "w1 is b1",
        "draw b2", "x1 is b2", "y1 is b2", "z1 is b2",
        "draw b3", "r1 is b3",
    ]  # fmt: skip


def test_a_draw_whose_player_has_left_the_history_is_not_used_up() -> None:
    story = two_teams(interval=3)
    story.sit("b", "u1")
    story.gone.add("b1")
    story.sit("b", "v1")
    assert story.told() == ["draw b1", "u1 is b1", "draw b2", "v1 is b2"]


def test_what_one_role_has_been_dealt_counts_as_playing_when_the_next_role_of_the_match_draws() -> None:
    # Or else the second draw could take the first one's place in memory.
    game = Game()
    seen: list[set[str]] = []

    def draw() -> str:
        seen.append(game.players_on(BEHAVIOR) - {CURRENT})
        return f"p{len(seen)}"

    for team in range(3):
        game.enter(Role(BEHAVIOR, team), Entrant(Draws(1, draw, lambda _: True), lambda: True, lambda: 0, 10))
    game.begin(0, Role(BEHAVIOR, 0), ["x0"], [0])
    assert seen == [set(), {"p1"}]
