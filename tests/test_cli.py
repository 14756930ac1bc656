"""Does `mlagents-selfplay` print what was found, and fail when it should?"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mlagents_selfplay import doctor
from mlagents_selfplay.cli import app
from mlagents_selfplay.doctor import BROKEN, OK, WARNING, Finding
from typer.testing import CliRunner

from tests.hand_made import NINE_WINS_AND_A_DRAW, write_behavior

run = CliRunner()


def test_history_prints_one_json_object_with_every_figure(tmp_path: Path) -> None:
    write_behavior(tmp_path, rows=NINE_WINS_AND_A_DRAW)
    done = run.invoke(app, ["history", str(tmp_path), "--json"])
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    game = found["behaviors"]["Game"]
    assert found["run"] == str(tmp_path)
    assert game["snapshots"][0]["step"] == 100
    assert game["snapshots"][0]["bradley_terry"]["rating"] == pytest.approx(1600.0)
    assert game["pinned"][0]["name"] == "initial"
    assert game["matches"]["rated"] == 10
    assert game["recent"]["win_rates"][0]["games"] == 2  # the last fifth of ten


def test_history_shows_a_line_for_each_snapshot(tmp_path: Path) -> None:
    write_behavior(tmp_path, steps=[100, 25_000], step=25_500, rows=NINE_WINS_AND_A_DRAW)
    lines = run.invoke(app, ["history", str(tmp_path)], env={"COLUMNS": "100"}).stdout.splitlines()
    cells = [line.split() for line in lines]
    assert ["initial,", "pinned", "1200", "1200", "anchor", "10"] in cells
    assert ["100", "100", "1,000", "1300", "1600", "1243", "to", "1957", "10"] in cells
    assert ["25,000", "24,900", "1,000", "26200", "-", "-", "0"] in cells
    assert ["the", "learner", "now", "500", "1300", "-", "-", "0"] in cells
    assert "2 of at most 4 snapshots, 0.0 MB. Discrepancy 1.50 (1: a full history, evenly spaced), delta 0.5." in lines
    assert "10 finished seats: 10 rated, 0 in mirror matches, 0 truncated." in lines


def test_a_long_name_leaves_the_figures_legible_on_a_narrow_terminal(tmp_path: Path) -> None:
    name = "mixed(0.25, 0.25, 0.25, 0.125, 0.125)"
    pinned = [{"name": "initial", "rating": 1200.0}, {"name": name, "rating": 1111.0}]
    write_behavior(tmp_path, steps=[1_234_567], rows=[f'1300000,0,"{name}",1'] * 3, pinned=pinned, step=1_300_000)
    output = run.invoke(app, ["history", str(tmp_path)], env={"COLUMNS": "80"}).stdout
    assert "…" not in output
    assert "1,234,567" in output


def test_history_says_which_anchor_it_took_if_the_initial_policy_was_never_met(tmp_path: Path) -> None:
    write_behavior(tmp_path, rows=["150,0,100,1"], step=150)
    output = run.invoke(app, ["history", str(tmp_path)], env={"COLUMNS": "200"}).stdout
    assert "The initial policy was never met, so the anchor of Bradley-Terry is Game/100." in output


def test_history_of_no_run_is_an_error_in_one_line(tmp_path: Path) -> None:
    done = run.invoke(app, ["history", str(tmp_path / "nowhere")])
    assert done.exit_code == 2
    assert done.stderr == f"mlagents-selfplay history: There is no folder {tmp_path / 'nowhere'}.\n"
    assert done.stdout == ""


def test_history_of_a_damaged_run_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    folder = write_behavior(tmp_path)
    (folder / "selfplay" / "history.json").write_text("{")
    done = run.invoke(app, ["history", str(tmp_path), "--json"])
    assert done.exit_code == 2
    assert str(folder / "selfplay" / "history.json") in done.stderr


def test_history_does_not_wait_for_torch_or_ml_agents(tmp_path: Path) -> None:
    write_behavior(tmp_path)
    program = (
        "import sys; from mlagents_selfplay.cli import app; app(standalone_mode=False); "
        "print([name for name in ('torch', 'mlagents', 'scipy') if name in sys.modules])"
    )
    command = [sys.executable, "-c", program, "history", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("level", "code"), [(OK, 0), (WARNING, 0), (BROKEN, 1)])
def test_doctor_fails_if_something_is_broken(monkeypatch: pytest.MonkeyPatch, level: str, code: int) -> None:
    monkeypatch.setattr(
        doctor, "examine", lambda: [Finding(OK, "Python", "3.10.13"), Finding(level, "torch", "2.9", "b")]
    )
    done = run.invoke(app, ["doctor"])
    assert done.exit_code == code
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["ok", "Python", "3.10.13"],
        [level, "torch", "2.9", "->", "b"],
    ]
    as_json = run.invoke(app, ["doctor", "--json"])
    assert as_json.exit_code == code
    assert json.loads(as_json.stdout) == {
        "healthy": code == 0,
        "findings": [
            {"level": "ok", "subject": "Python", "fact": "3.10.13", "advice": ""},
            {"level": level, "subject": "torch", "fact": "2.9", "advice": "b"},
        ],
    }
