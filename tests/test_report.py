"""Does the report say what the result files of a run say?"""

import time
from pathlib import Path

import pytest
from mlagents_selfplay import matchlog, strength
from mlagents_selfplay.files import DamagedFile
from mlagents_selfplay.matchlog import read_match_log
from mlagents_selfplay.report import BehaviorReport, report
from mlagents_selfplay.results import NoSuchRun

from tests.hand_made import HEADER, NINE_WINS_AND_A_DRAW, write_behavior


def report_on(run: Path, **content: object) -> BehaviorReport:
    write_behavior(run, **content)  # type: ignore[arg-type]
    return report(run)[0]


def write_log(folder: Path, text: str) -> Path:
    path = folder / "matches.csv"
    path.write_text(text)
    return path


def test_the_history_is_listed_with_gaps_from_the_start_on(tmp_path: Path) -> None:
    found = report_on(tmp_path, steps=[100, 150, 400], step=450)
    assert [(snapshot.step, snapshot.gap, snapshot.bytes) for snapshot in found.snapshots] == [
        (100, 100, 1000),
        (150, 50, 1000),
        (400, 250, 1000),
    ]
    assert [snapshot.elo for snapshot in found.snapshots] == [1300.0, 1350.0, 1600.0]
    assert (found.step, found.bytes, found.capacity, found.delta, found.discrepancy) == (450, 3000, 4, 0.5, 1.5)


def test_matches_before_a_snapshot_count_for_it_and_the_initial_policy_is_the_anchor(tmp_path: Path) -> None:
    found = report_on(tmp_path, rows=NINE_WINS_AND_A_DRAW)
    snapshot = found.snapshots[0].bradley_terry
    # One virtual draw beside 9 wins and a draw: odds of 10 : 1, which are 400 points above the anchor's 1200.
    assert snapshot is not None
    assert snapshot.rating == pytest.approx(1600.0)
    # 11 games with p = 10/11 carry 11 x 10/11 x 1/11 = 10/11 per square nat of 173.718 points; 1.96 errors are 357.1.
    assert (snapshot.low, snapshot.high) == pytest.approx((1242.9, 1957.1), abs=0.1)
    assert snapshot.games == 10
    assert found.anchor == "Game/initial"
    assert found.pinned[0].bradley_terry == strength.Estimate(1200.0, 1200.0, 1200.0, 10.0)


def test_the_learner_is_rated_by_its_matches_since_the_newest_snapshot(tmp_path: Path) -> None:
    found = report_on(tmp_path, rows=[*NINE_WINS_AND_A_DRAW, "101,0,initial,0", "101,1,initial,1"])
    assert found.learner.name == "current"
    assert found.learner.elo == 1300.0
    assert found.learner.bradley_terry is not None
    assert found.learner.bradley_terry.rating == pytest.approx(1200.0)  # one win and one loss against the anchor
    assert found.learner.bradley_terry.games == 2


def test_a_learner_without_matches_since_the_newest_snapshot_is_rated_as_that(tmp_path: Path) -> None:
    found = report_on(tmp_path, rows=NINE_WINS_AND_A_DRAW)
    assert found.learner.name == "100"
    assert found.learner.bradley_terry == found.snapshots[0].bradley_terry


def test_evicted_snapshots_take_part_in_the_fit_and_are_not_shown(tmp_path: Path) -> None:
    on_the_way_to_50 = [row.replace("50,0,", "30,0,", 1) for row in NINE_WINS_AND_A_DRAW]
    found = report_on(tmp_path, rows=[*on_the_way_to_50, *["80,0,50,0.5"] * 10])
    assert [snapshot.step for snapshot in found.snapshots] == [100]
    rating = found.snapshots[0].bradley_terry
    # The snapshot of step 100 drew with that of step 50, which had 9 wins and a draw against the anchor. Its two
    # neighbours share its virtual draw: 400 log10((9.5 + 0.375) / (0.5 + 0.375)) = 421.0.
    assert rating is not None
    assert rating.rating == pytest.approx(1621.0, abs=0.05)


def test_where_the_initial_policy_was_never_met_the_oldest_snapshot_with_games_is_the_anchor(tmp_path: Path) -> None:
    found = report_on(tmp_path, steps=[100, 200], rows=["150,0,100,1", "150,0,100,0"])
    assert found.anchor == "Game/100"
    assert found.pinned[0].bradley_terry is None
    ratings = [snapshot.bradley_terry for snapshot in found.snapshots]
    assert [rating.rating for rating in ratings if rating] == pytest.approx([1300.0, 1300.0])  # Elo of the snapshot


def test_only_so_many_snapshots_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strength, "MOST_SNAPSHOTS", 3)
    rows = [f"{step + 5},0,{step},1" for step in range(10, 90, 10)]  # eight evicted snapshots, each beaten by the next
    found = report_on(tmp_path, steps=[100, 200], rows=rows)
    rating = found.snapshots[0].bradley_terry
    # Room for one of the evicted, the last: 80. Those before it are that one, so its only game is with 100.
    assert rating is not None
    assert rating.games == 1


def test_win_rates_of_the_last_part_have_wilson_intervals(tmp_path: Path) -> None:
    old = ["10,0,initial,0"] * 40
    last = ["300,0,initial,1"] * 8 + ["300,0,initial,0"] * 2  # the last fifth of 50 rows
    recent = report_on(tmp_path, steps=[100], step=300, rows=[*old, *last]).recent
    assert recent is not None
    assert (recent.since_step, recent.games) == (300, 10)
    rate = recent.win_rates[0]
    assert (rate.opponent, rate.games, rate.rate) == ("initial policy", 10, 0.8)
    assert (rate.low, rate.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)  # Wilson's for 8 of 10


def test_win_rates_name_the_oldest_and_the_newest_snapshot_met_and_the_pinned_ones(tmp_path: Path) -> None:
    pinned = [{"name": "initial", "rating": 1200.0}, {"name": "rock(1, 0)", "rating": 900.0}]
    rows = ['300,0,"rock(1, 0)",1', "300,0,100,0", "300,0,250,0.5", "300,0,250,", "300,0,current,1"] * 5
    found = report_on(tmp_path, steps=[100, 250], rows=rows, pinned=pinned)
    assert found.recent is not None
    assert {(rate.opponent, rate.player): (rate.games, rate.rate) for rate in found.recent.win_rates} == {
        ("oldest snapshot met", "100"): (1, 0.0),
        ("newest snapshot met", "250"): (1, 0.5),
        ("pinned rock(1, 0)", "rock(1, 0)"): (1, 1.0),
        ("all of them", ""): (3, 0.5),
    }
    assert found.matches.seats == 25
    assert (found.matches.rated, found.matches.mirror, found.matches.truncated) == (15, 5, 5)


def test_the_age_of_an_opponent_is_the_learner_steps_between_it_and_the_learner(tmp_path: Path) -> None:
    pinned = [{"name": "initial", "rating": 1200.0}, {"name": "script", "rating": 900.0}]
    rows = ["300,0,initial,1", "300,0,100,1", "300,0,current,1", "300,0,script,1"] * 5
    recent = report_on(tmp_path, rows=rows, pinned=pinned).recent
    assert recent is not None
    assert recent.mean_opponent_age == pytest.approx((300 + 200 + 0) / 3)  # a script has no age


def test_a_seat_with_several_opponents_is_shared_among_them(tmp_path: Path) -> None:
    log = read_match_log(write_log(tmp_path, HEADER + "30,0,10+current+10,0.75,0,5\n40,1,20,,0,5\n"))
    assert log.seats == 2
    assert [log.players[opponent] for opponent in log.opponents] == ["10", "current", "10", "20"]
    assert log.steps.tolist() == [30, 30, 30, 40]
    assert log.weights.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])
    assert log.outcomes[:3].tolist() == [0.75] * 3
    assert log.rated.tolist() == [True, False, True, False]


def test_a_name_with_a_plus_is_one_player_if_it_is_known(tmp_path: Path) -> None:
    path = write_log(tmp_path, HEADER + "30,0,a+b,1,0,5\n")
    assert read_match_log(path, {"a+b"}).players == ["a+b"]
    assert read_match_log(path).players == ["a", "b"]


def test_a_log_is_read_in_parts_without_losing_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matchlog, "ROWS_AT_A_TIME", 3)
    path = write_log(tmp_path, HEADER + "".join(f"{step},0,{step % 2},1,0,5\n" for step in range(6)))
    log = read_match_log(path)
    assert log.steps.tolist() == [0, 1, 2, 3, 4, 5]
    assert [log.players[opponent] for opponent in log.opponents] == ["0", "1"] * 3


@pytest.mark.slow
def test_a_million_matches_are_reported_in_seconds(tmp_path: Path) -> None:
    steps = range(0, 10_000_000, 10)
    rows = [f"{step},{step % 2},{step // 200_000 * 100_000},{step // 10 % 2}" for step in steps]
    write_behavior(tmp_path, steps=range(5_000_000, 10_000_001, 100_000), rows=rows)
    start = time.process_time()
    assert report(tmp_path)[0].matches.seats == 1_000_000
    assert time.process_time() - start < 4.0  # seconds of one core; 1.3 when this was written


def test_the_two_sides_of_an_asymmetric_game_are_rated_against_each_other(tmp_path: Path) -> None:
    write_behavior(tmp_path, "Striker", rows=NINE_WINS_AND_A_DRAW)
    write_behavior(tmp_path, "Keeper", rows=["0,1,current,1"])
    keeper, striker = report(tmp_path)
    assert (keeper.opponents, striker.opponents) == ("Striker", "Keeper")
    assert keeper.anchor == striker.anchor == "Keeper/initial"
    assert striker.snapshots[0].bradley_terry is not None
    assert striker.snapshots[0].bradley_terry.rating == pytest.approx(1600.0)  # as in the symmetric game
    assert striker.pinned[0].bradley_terry is None  # it was the keeper's initial policy that played
    assert striker.recent is not None
    assert striker.recent.mean_opponent_age is None  # steps of the other behavior


def test_the_folder_of_a_behavior_gives_that_behavior_alone_with_the_same_figures(tmp_path: Path) -> None:
    write_behavior(tmp_path, "Striker", rows=NINE_WINS_AND_A_DRAW)
    write_behavior(tmp_path, "Keeper", rows=["0,1,current,1"])
    assert report(tmp_path / "Striker") == report(tmp_path)[1:]


def test_with_several_other_behaviors_nobody_is_rated(tmp_path: Path) -> None:
    for team, name in enumerate(("A", "B", "C")):
        write_behavior(tmp_path, name, rows=[f"50,{team},initial+initial,1"])
    assert [(found.opponents, found.snapshots[0].bradley_terry) for found in report(tmp_path)] == [(None, None)] * 3


def test_a_run_in_progress_has_no_matches_yet_or_half_a_last_line(tmp_path: Path) -> None:
    folder = write_behavior(tmp_path, rows=NINE_WINS_AND_A_DRAW)
    log = folder / "selfplay" / "matches.csv"
    log.write_text(log.read_text() + "60,0,ini")
    assert report(tmp_path)[0].matches.seats == 10
    log.unlink()
    found = report(tmp_path)[0]
    assert (found.matches.seats, found.recent, found.learner.bradley_terry) == (0, None, None)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRun, match="There is no folder .*nowhere"):
        report(tmp_path / "nowhere")


def test_a_folder_without_data_of_self_play_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "Game").mkdir()
    with pytest.raises(NoSuchRun, match="no run of trainer_type: selfplay"):
        report(tmp_path)


def test_a_run_before_its_first_snapshot_says_so(tmp_path: Path) -> None:
    (tmp_path / "Game" / "selfplay").mkdir(parents=True)
    with pytest.raises(NoSuchRun, match="history.json is not there yet"):
        report(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is damaged or not readable"),
        ('{"format": 2}', "has format version 2; this version of mlagents-selfplay reads 1"),
        ('{"format": 1}', r"is damaged \(KeyError\('snapshots'\)\)"),
    ],
)
def test_a_history_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path, content: str, message: str) -> None:
    folder = write_behavior(tmp_path)
    (folder / "selfplay" / "history.json").write_text(content)
    with pytest.raises(DamagedFile, match=f"history.json {message}"):
        report(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", r"line 1: 'a,b' is not step,team,opponent"),
        (HEADER + "1,0,7,1,0,5\n2,0,7,3,0,5\n", "line 3: outcome '3' is neither empty nor a number in"),
        (HEADER + "1,0,7,won,0,5\n", "line 2: outcome 'won'"),
        (HEADER + "one,0,7,1,0,5\n", "counting from line 2: .*'one'"),
        (HEADER + "1,0,7\n", "counting from line 2"),
    ],
)
def test_a_damaged_match_log_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DamagedFile, match=message):
        read_match_log(write_log(tmp_path, text))
