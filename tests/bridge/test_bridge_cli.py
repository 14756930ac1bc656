"""Does `gym-bridge` do what it says, and are its builds found by ML-Agents on every system?"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mlagents_envs import env_utils
from mlagents_envs.environment import UnityEnvironment
from typer.testing import CliRunner

from gym_bridges import executable
from gym_bridges.cli import app

run = CliRunner()


def test_list_names_every_environment_with_a_line_about_it() -> None:
    listed = json.loads(run.invoke(app, ["list", "--json"]).stdout)
    assert listed["RockPaperScissors"].startswith("Repeated rock-paper-scissors")
    assert re.search(r"^RockPaperScissors +Repeated", run.invoke(app, ["list"]).stdout, flags=re.MULTILINE)


def test_check_says_that_an_environment_conforms() -> None:
    done = run.invoke(app, ["check", "RockPaperScissors", "--num-steps", "50"])
    assert done.exit_code == 0
    assert done.stdout == "RockPaperScissors conforms: 3 areas, 50 steps.\n"


def test_check_fails_with_a_sentence_for_each_breach() -> None:
    done = run.invoke(app, ["check", "RockPaperScissors", "--num-steps", "5", "--json"])  # a match has 10 rounds
    assert done.exit_code == 1
    assert json.loads(done.stdout)["complaints"] == [
        "no episode ended within 5 steps: if episodes are longer than that, play more steps"
    ]


def test_check_tells_what_ends_an_environment_in_a_sentence_too() -> None:
    done = run.invoke(app, ["check", "sample_envs:broken", "--num-steps", "5"])
    assert done.exit_code == 1
    assert done.stdout.startswith("sample_envs:broken: sample_envs:broken: area 0: step(")
    assert done.stdout.endswith("raised RuntimeError: the arm fell off\n")


def test_build_writes_down_the_options_of_the_environment(tmp_path: Path) -> None:
    words = ["build", "CartPole-v1", str(tmp_path / "Game"), "--max-episode-steps", "3", "--kwargs", '{"a": 1}']
    assert run.invoke(app, words).exit_code == 0
    text = (tmp_path / "Game").read_text()
    assert """CartPole-v1 --max-episode-steps 3 --kwargs '{"a": 1}' "$@\"""" in text
    assert run.invoke(app, [*words, "--max-steps", "3"]).exit_code == 2


def test_list_all_names_the_environments_of_the_libraries() -> None:
    listed = json.loads(run.invoke(app, ["list", "--all", "--json"]).stdout)
    assert {"CartPole-v1", "FetchReach-v4", "pettingzoo/classic/connect_four_v3", "Atari-Pong"} <= set(listed)


def test_list_says_that_there_are_families() -> None:
    assert "Atari-<Game>" in json.loads(run.invoke(app, ["list", "--json"]).stdout)


@pytest.mark.parametrize("command", ["check", "play", "build"])
def test_an_unknown_environment_is_an_error_that_names_the_nearest(command: str) -> None:
    done = run.invoke(app, [command, "RockPaperScisors", *(["path"] if command == "build" else [])])
    assert done.exit_code == 2
    assert "did you mean" in done.output


def test_an_environment_of_ones_own_is_found_by_module_and_name() -> None:
    assert run.invoke(app, ["check", "sample_areas:COUNTER", "--num-steps", "50"]).exit_code == 0
    assert "'MISSING' does not exist in sample_areas" in run.invoke(app, ["check", "sample_areas:MISSING"]).output


@pytest.mark.parametrize(
    ("platform", "file"),
    [
        ("linux", "Game"),
        ("darwin", "Game.app/Contents/MacOS/Game"),
        ("win32", "Game.exe"),
    ],
)
def test_ml_agents_finds_the_executable_of_every_system(
    platform: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = executable.write(["RockPaperScissors"], tmp_path / "new" / "Game", Path(sys.executable), platform)
    monkeypatch.setattr(env_utils, "get_platform", lambda: platform)
    assert env_utils.validate_environment_path(str(given)) == str(tmp_path / "new" / file)
    assert os.access(tmp_path / "new" / file, os.X_OK) or platform == "win32"


@pytest.mark.parametrize(("platform", "suffix"), [("linux", ".x86_64"), ("darwin", ".app"), ("win32", ".exe")])
def test_the_systems_own_suffix_may_be_given(platform: str, suffix: str, tmp_path: Path) -> None:
    written = executable.write(["RockPaperScissors"], tmp_path / f"Game{suffix}", Path(sys.executable), platform)
    assert written == tmp_path / "Game"


@pytest.mark.parametrize("folder", ["my.apps", "old.x86", "some.executables", "what[1]"])
def test_a_path_that_ml_agents_would_not_find_is_refused(folder: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mlagents-learn cannot start a build whose path has"):
        executable.write(["RockPaperScissors"], tmp_path / folder / "Game", Path(sys.executable))
    assert list(tmp_path.iterdir()) == []


def test_a_build_plays(tmp_path: Path, port: int) -> None:
    done = run.invoke(app, ["build", "RockPaperScissors", str(tmp_path / "a folder" / "Game")])
    assert str(tmp_path / "a folder" / "Game") in done.stdout
    environment = UnityEnvironment(str(tmp_path / "a folder" / "Game"), base_port=port, timeout_wait=19)
    try:
        environment.reset()
        assert len(environment.get_steps("RockPaperScissors?team=0")[0]) == 1
    finally:
        environment.close()


@pytest.mark.parametrize("launcher", ["RockPaperScissors", "RockPaperScissors.app/Contents/MacOS/RockPaperScissors"])
def test_the_ready_made_builds_start_from_any_folder(launcher: str, rock_paper_scissors: Path, tmp_path: Path) -> None:
    build = rock_paper_scissors.parent / launcher
    done = subprocess.run([build, "--ronds"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("did you mean --rounds?")) == (2, 1)


def test_play_waits_for_the_trainer_and_leaves_with_it(port: int) -> None:
    command = [sys.executable, "-m", "gym_bridges.cli", "play", "RockPaperScissors", "--port", str(port)]
    playing = subprocess.Popen([*command, "--rounds", "1"], stderr=subprocess.PIPE, text=True)
    assert playing.stderr is not None
    assert f"Waiting for mlagents-learn (without --env) on port {port}" in playing.stderr.readline()
    environment = UnityEnvironment(None, base_port=port, timeout_wait=19)
    try:
        environment.reset()
        environment.step()
        assert len(environment.get_steps("RockPaperScissors?team=0")[1]) == 1  # --rounds 1: every step ends a match
    finally:
        environment.close()
    assert playing.wait(timeout=20) == 0
    playing.stderr.close()


def test_play_passes_on_what_is_wrong_with_an_option() -> None:
    command = [sys.executable, "-m", "gym_bridges.cli", "play", "RockPaperScissors", "--ronds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "unknown option --ronds; did you mean --rounds?" in done.stderr
