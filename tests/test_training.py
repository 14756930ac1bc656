"""Does one line train?"""

import json
from pathlib import Path

import pytest
import yaml
from mlagents_selfplay.cli import app
from mlagents_selfplay.training import TrainingError, build_of
from typer.testing import CliRunner

WORDS = ["train", "ppo", "RockPaperScissors", "--selfplay", "--steps", "2000", "--num-areas", "32", "--json"]


def test_it_trains_and_says_where_yaml_and_model_are(tmp_path: Path) -> None:
    changes = ["--set", "buffer_size=1024", "--set", "snapshot_interval=1000"]
    said = CliRunner().invoke(app, [*WORDS, *changes, "--results-dir", str(tmp_path)])
    assert said.exit_code == 0, said.stderr
    (run,) = json.loads(said.stdout)["runs"]
    assert Path(run["models"]["RockPaperScissors"]).is_file()
    step, reward = run["rewards"]["RockPaperScissors"][-1]
    assert 0 < step <= 2000
    assert -10 <= reward <= 10  # ten rounds, each worth a point
    used = yaml.safe_load((tmp_path / "ppo-RockPaperScissors.yaml").read_text())["default_settings"]
    assert used["hyperparameters"]["learner_hyperparameters"]["buffer_size"] == 1024
    assert (tmp_path / "ppo-RockPaperScissors" / "RockPaperScissors" / "selfplay" / "history.json").is_file()


def test_a_run_that_is_there_already_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # with it, errors come last however they are written
    (tmp_path / "ppo-RockPaperScissors").mkdir()
    (tmp_path / "ppo-RockPaperScissors" / "mine").touch()
    said = CliRunner().invoke(app, [*WORDS, "--results-dir", str(tmp_path)])
    assert said.exit_code == 2
    assert "--force" in said.stderr
    assert (tmp_path / "ppo-RockPaperScissors" / "mine").is_file()


def test_an_environment_that_nobody_knows_is_refused_with_what_the_bridge_says(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="RockPaper.*did you mean"):
        build_of("RockPaperScisors", tmp_path)


def test_a_build_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "Game.x86_64").touch()
    assert build_of(str(tmp_path / "Game"), tmp_path) == tmp_path / "Game"
