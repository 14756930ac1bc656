"""Is who was met compared with what the sampler says about that moment?"""

from pathlib import Path

import numpy as np
import pytest
from mlagents_selfplay.dashboard.lives import Lives
from mlagents_selfplay.dashboard.meetings import draw_rule_from, meetings
from mlagents_selfplay.matchlog import MatchLog, read_match_log

from tests.dashboard.results import DRAWS
from tests.hand_made import HEADER

EVEN = Lives(np.array([100, 200]), np.array([-1, -1]), exact=True)


def log_of(tmp_path: Path, *rows: str) -> MatchLog:
    path = tmp_path / "matches.csv"
    path.write_text(HEADER + "".join(f"{row},0,10\n" for row in rows))
    return read_match_log(path)


def test_shares_are_of_matches_and_both_sides_of_a_mirror_match_are_one(tmp_path: Path) -> None:
    # Two mirror matches, a row for either side, and two others.
    mirror = ["300,0,current,1", "300,1,current,0"] * 2
    met = meetings(log_of(tmp_path, *mirror, "300,0,100,1", "300,1,200,1"), EVEN, None, {}, 300)
    assert dict(zip(met.players, met.met.tolist(), strict=True)) == {"100": 0.25, "200": 0.25, "current": 0.5}
    assert met.matches == 4.0


def test_the_sampler_is_asked_about_the_moment_at_which_a_match_began(tmp_path: Path) -> None:
    # At step 150 there are the initial policy and 100. Uniform in time with delta 0: each stands for the gap before it,
    # the initial one for the gap after it, the current policy for the time since: 100 : 100 : 50. Half of all draws
    # (latest_ratio) is the current policy before that is asked: 0.2, 0.2 and 0.1 + 0.5.
    met = meetings(log_of(tmp_path, "150,0,100,1"), EVEN, draw_rule_from({"draws": DRAWS}), {}, 300)
    assert dict(zip(met.players, met.said.tolist(), strict=True)) == pytest.approx(
        {"initial": 0.2, "100": 0.2, "current": 0.6}
    )


def test_an_evicted_snapshot_is_expected_only_while_it_was_there(tmp_path: Path) -> None:
    history = Lives(np.array([100, 200]), np.array([250, -1]), exact=True)
    draws = draw_rule_from({"draws": DRAWS})
    before = meetings(log_of(tmp_path, "240,0,100,1"), history, draws, {}, 300)
    after = meetings(log_of(tmp_path, "260,0,200,1"), history, draws, {}, 300)
    assert before.said[before.players.index("100")] > 0.0
    assert "100" not in after.players


def test_pinned_opponents_share_their_ratio(tmp_path: Path) -> None:
    draws = draw_rule_from({"draws": {**DRAWS, "pinned": ["rock", "paper"], "pinned_ratio": 0.2}})
    met = meetings(log_of(tmp_path, "150,0,rock,1"), EVEN, draws, {}, 300)
    said = dict(zip(met.players, met.said.tolist(), strict=True))
    assert said["rock"] == said["paper"] == pytest.approx(0.1)
    assert said["current"] == pytest.approx(0.8 * 0.6)
    assert sum(said.values()) == pytest.approx(1.0)


def test_a_sampler_that_goes_by_results_is_asked_about_now(tmp_path: Path) -> None:
    sampler = {**DRAWS["sampler"], "kind": "pfsp", "pfsp_weighting": "linear", "latest_ratio": 0.0}
    draws = draw_rule_from({"draws": {**DRAWS, "sampler": sampler}})
    scores = {"recent": {"100": [6.0, 6.0], "200": [0.0, 6.0]}}
    met = meetings(log_of(tmp_path, "150,0,100,1"), EVEN, draws, scores, 300)
    # With two virtual draws the win rates are 7/8 and 1/8, of unknown ones 1/2. Weights 1 - x:
    # 1/8, 7/8, initial and current 1/2 each; in all 2.
    assert dict(zip(met.players, met.said.tolist(), strict=True)) == pytest.approx(
        {"initial": 0.25, "100": 0.0625, "200": 0.4375, "current": 0.25}
    )


def test_a_draw_that_serves_many_matches_makes_intervals_wider(tmp_path: Path) -> None:
    log = log_of(tmp_path, *["150,0,100,1"] * 50, *["150,0,initial,1"] * 50)
    one = meetings(log, EVEN, draw_rule_from({"draws": DRAWS}), {}, 300)
    ten = meetings(log, EVEN, draw_rule_from({"draws": {**DRAWS, "matches_per_draw": 10}}), {}, 300)
    # Wilson's interval of 50 of 100 is 0.404 to 0.596, that of 5 of 10 is 0.237 to 0.763.
    place = one.players.index("100")
    assert (one.low[place], one.high[place]) == pytest.approx((0.404, 0.596), abs=5e-4)
    assert (ten.low[place], ten.high[place]) == pytest.approx((0.237, 0.763), abs=5e-4)


@pytest.mark.parametrize("history", [{}, {"draws": {}}, {"draws": {**DRAWS, "sampler": {"kind": "nobody"}}}])
def test_without_the_settings_of_draws_nothing_is_expected(tmp_path: Path, history: dict) -> None:
    assert draw_rule_from(history) is None
    assert np.isnan(meetings(log_of(tmp_path, "150,0,100,1"), EVEN, None, {}, 300).said).all()
