"""Does the condensed match log say what the whole one does, while it grows, and in bounded memory?"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlagents_selfplay.dashboard import matches
from mlagents_selfplay.dashboard.matches import CondensedLog, MatchLogs, last_episodes
from mlagents_selfplay.files import DamagedFile
from mlagents_selfplay.matchlog import MatchLog, read_match_log
from mlagents_selfplay.report import report

from tests.dashboard.results import write_run
from tests.hand_made import HEADER

ROWS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.integers(0, 1),
        st.sampled_from(["current", "initial", "10", "20", "10+current"]),
        st.sampled_from(["", "0", "0.5", "1"]),
    ),
    max_size=40,
)


def text_of(rows: list[tuple[int, int, str, str]]) -> str:
    return "".join(f"{step},{team},{opponent},{outcome},0,5\n" for step, team, opponent, outcome in rows)


def counts(log: MatchLog) -> dict[tuple[int, int, str, str], float]:
    found: dict[tuple[int, int, str, str], float] = {}
    for entry in zip(log.steps, log.teams, log.opponents, log.outcomes, log.weights, strict=True):
        step, team, code, outcome, weight = entry
        key = (int(step), int(team), log.players[code], f"{outcome:g}")
        found[key] = found.get(key, 0.0) + float(weight)
    return found


@given(parts=st.lists(ROWS, max_size=4))
@settings(max_examples=40, deadline=None)
def test_it_counts_what_the_whole_log_holds_however_it_arrives(
    parts: list[list[tuple[int, int, str, str]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("log") / "matches.csv"
    path.write_text(HEADER)
    condensed = CondensedLog(path)
    for rows in parts:
        with path.open("a") as file:
            file.write(text_of(rows))
        found = condensed.update()
    found = condensed.update()
    whole = read_match_log(path)
    assert found.seats == whole.seats
    assert counts(found) == pytest.approx(counts(whole))


def test_a_line_that_is_still_being_written_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "matches.csv"
    path.write_text(HEADER + "0,0,initial,1,0,5\n10,0,init")
    log = CondensedLog(path)
    assert log.update().seats == 1
    with path.open("a") as file:
        file.write("ial,0,0,5\n")
    found = log.update()
    assert (found.seats, found.players, found.outcomes.tolist()) == (2, ["initial"], [1.0, 0.0])


def test_a_log_that_a_resume_cut_back_is_read_anew_even_if_it_is_longer_by_now(tmp_path: Path) -> None:
    path = tmp_path / "matches.csv"
    path.write_text(HEADER + "0,0,initial,1,0,5\n10,0,initial,1,0,5\n")
    log = CondensedLog(path)
    log.update()
    path.write_text(HEADER + "0,0,initial,1,0,5\n" + "20,0,100,0,0,5\n" * 3)
    found = log.update()
    assert found.seats == 4
    assert set(found.steps.tolist()) == {0, 20}


def test_no_log_is_an_empty_one(tmp_path: Path) -> None:
    assert CondensedLog(tmp_path / "matches.csv").update().seats == 0


def test_blocks_may_end_anywhere_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "matches.csv"
    path.write_text(HEADER + "1000,0,initial,0.5,0,5\n" * 50)
    monkeypatch.setattr(matches, "BLOCK_BYTES", 64)  # between two and three lines
    found = CondensedLog(path).update()
    assert (found.seats, found.games.tolist()) == (50, [50])


def test_steps_are_rounded_when_there_are_too_many_kinds_of_rows_and_no_game_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "matches.csv"
    path.write_text(HEADER + "".join(f"{step},0,initial,1,0,5\n" for step in range(1000)))
    log = CondensedLog(path, most_cells=100)
    found = log.update()
    # 1000 / 8 = 125 cells are too many, 1000 / 16 rounds up to 63.
    assert (log.rounded_to, len(found.steps), int(found.games.sum())) == (16, 63, 1000)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0,0,initial,2,0,5", "outcome 2 is not in"),
        ("x,0,initial,1,0,5", "counting from line 2"),
        ("0,0,initial", "counting from line 2"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "matches.csv"
    path.write_text(f"{HEADER}{line}\n")
    with pytest.raises(DamagedFile, match=said):
        CondensedLog(path).update()


def test_a_log_of_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "matches.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DamagedFile, match="line 1: 'a,b'"):
        CondensedLog(path).update()


def test_a_report_from_counts_is_the_report_from_rows(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    from_rows, from_counts = report(run)[0], report(run, MatchLogs().read)[0]
    assert from_counts.matches == from_rows.matches
    ratings = [
        [snapshot.bradley_terry.rating for snapshot in one.snapshots if snapshot.bradley_terry is not None]
        for one in (from_rows, from_counts)
    ]
    assert len(ratings[0]) == 8
    assert ratings[1] == pytest.approx(ratings[0])


def test_only_so_many_logs_are_kept(tmp_path: Path) -> None:
    logs = MatchLogs(most=1)
    for name in ("a", "b", "a"):
        path = tmp_path / name
        path.write_text(HEADER + "0,0,initial,1,0,5\n")
        assert logs.read(path).seats == 1
    assert len(logs._logs) == 1


def test_the_last_episodes_are_the_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "matches.csv"
    path.write_text(HEADER + "".join(f"{step},0,initial,1,{step / 2},5\n" for step in range(10)) + "99,0,ini")
    assert last_episodes(path, 3)["return"].tolist() == [3.5, 4.0, 4.5]
    assert len(last_episodes(path, 100)) == 10
    assert len(last_episodes(tmp_path / "none.csv", 3)) == 0


def test_the_last_episodes_of_a_long_log_are_read_from_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "matches.csv"
    path.write_text(HEADER + "".join(f"{step},0,initial,1,{step},5\n" for step in range(100)))
    monkeypatch.setattr(matches, "TAIL_BYTES", 100)  # 4 lines of 23 bytes and a part of one
    assert last_episodes(path, 50)["return"].tolist() == [96.0, 97.0, 98.0, 99.0]


def test_the_last_part_of_a_condensed_log_is_measured_in_games(tmp_path: Path) -> None:
    path = tmp_path / "matches.csv"
    path.write_text(HEADER + "0,0,initial,1,0,5\n" * 6 + "10,0,initial,0,0,5\n" * 4)
    log = CondensedLog(path).update()
    assert log.last(4).steps.tolist() == [10]
    assert log.last(5).steps.tolist() == [0, 10]  # an entry is never divided
    assert np.array_equal(log.last(10).games, [6, 4])
