"""What becomes of the matches that are on when a run is saved and resumed?"""

import json

from mlagents_selfplay.selfplay.draws import Draws

from tests.selfplay.story import two_teams


def test_after_a_resume_the_open_matches_are_played_again_and_then_all_goes_on_as_it_would_have() -> None:
    before = two_teams(turn=3)
    before.sit("a", "u0", "v0")
    before.sit("b", "u1", "v1")
    before.end("u0", "u1")
    saved = json.loads(json.dumps(before.game.state()))
    assert saved["matches_opened"] == 2
    assert [match["players"] for match in saved["matches_on"]] == [[["Fencer", 0, "current"], ["Fencer", 1, "b2"]]]

    after = two_teams(turn=3)
    after.game.restore(saved)
    assert after.game.state() == saved
    after.sit("a", "w0", "x0", "y0")
    after.sit("b", "w1", "x1", "y1")
    assert after.told() == [
        "w0 is current", "draw b1", "x0 is current",  # The match of v0 and v1 again, then the turn's third match,
        "draw a1", "y0 is a1",  # and the other team's turn.
        "w1 is b2", "x1 is b1", "y1 is current",
    ]  # fmt: skip
    assert after.game.matches_opened == 4


def test_a_match_whose_opponent_has_left_the_history_is_not_played_again() -> None:
    before = two_teams()
    before.sit("a", "u0", "v0")
    after = two_teams()
    after.gone.add("b1")
    after.game.restore(before.game.state())
    after.sit("a", "w0", "x0")
    assert [match["players"][1][2] for match in after.game.state()["matches_on"]] == ["b2", "b1"]
    assert after.told() == ["w0 is current", "draw b1", "x0 is current"]


def test_of_two_states_of_one_game_the_later_one_counts() -> None:
    before = two_teams()
    before.sit("a", "u0")
    earlier = before.game.state()
    before.sit("a", "v0")
    later = before.game.state()
    for order in ((earlier, later), (later, earlier)):
        game = two_teams().game
        for state in order:
            game.restore(state)
        assert game.state() == later


def test_an_open_draw_is_taken_up_where_it_was() -> None:
    names = iter(["p", "q"])
    draws = Draws(3, lambda: next(names), lambda _: True)
    assert [draws.next(), draws.next()] == ["p", "p"]
    resumed = Draws(3, lambda: "fresh", lambda _: True)
    resumed.restore(json.loads(json.dumps(draws.state())))
    assert [resumed.next(), resumed.next()] == ["p", "fresh"]
