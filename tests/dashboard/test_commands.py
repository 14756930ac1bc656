"""Does a form stand for the command that a user would type, and say what is wrong with what was filled in?"""

from pathlib import Path
from typing import Any

import pytest
from mlagents_selfplay.dashboard import commands
from mlagents_selfplay.dashboard.commands import WrongInput


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in which one is, with a configuration, a build and one run."""
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text("behaviors: {}\n")
    build = Path("build")
    build.write_text("#!/bin/sh\n")
    build.chmod(0o755)
    Path("plain").write_text("no program\n")
    Path("results/old").mkdir(parents=True)
    monkeypatch.setattr(commands, "free_ports", lambda count: 5005)
    return tmp_path


def filled_in(**changes: Any) -> dict[str, Any]:
    form = {
        "config": "config.yaml",
        "env": "build",
        "run_id": "new",
        "mode": "new",
        "num_areas": 32,
        "num_envs": 2,
        "seed": "",
    }
    return {**form, **changes}


def test_a_training_is_the_command_of_ml_agents(folder: Path) -> None:
    assert " ".join(commands.training(filled_in(), Path("results"))) == (
        "mlagents-learn config.yaml --run-id new --results-dir results "
        "--env build --num-areas 32 --num-envs 2 --base-port 5005 --no-graphics"
    )


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({"run_id": "old", "mode": "resume"}, ["--resume"]),
        ({"run_id": "old", "mode": "force"}, ["--force"]),
        ({"seed": 7}, ["--seed", "7"]),
        ({"env": ""}, ["--run-id", "new", "--results-dir", "results"]),
    ],
)
def test_every_field_has_its_flag(folder: Path, changes: dict[str, Any], ending: list[str]) -> None:
    assert commands.training(filled_in(**changes), Path("results"))[-len(ending) :] == ending


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("config", "", "Name a trainer configuration"),
        ("config", "none.yaml", "no file none.yaml"),
        ("config", "build", "is no .yaml file"),
        ("env", "nowhere", "no build nowhere"),
        ("env", "plain", "cannot be executed"),
        ("env", "results", "is a folder"),
        ("run_id", "", "Give the run a name"),
        ("run_id", "--resume", "Give the run a name"),
        ("run_id", "../up", "Give the run a name"),
        ("run_id", "old", "There is a run old already"),
        ("mode", "resume", "There is no run new"),
        ("mode", "what", "not one of"),
        ("num_areas", 0, "from 1 to 4,096 is needed, not 0"),
        ("num_areas", "", "not nothing"),
        ("num_areas", True, "not True"),
        ("num_envs", 1.5, "not 1.5"),
        ("seed", -1, "from 0 to"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_allowed(folder: Path, field: str, value: object, said: str) -> None:
    with pytest.raises(WrongInput) as wrong:
        commands.training(filled_in(**{field: value}), Path("results"))
    named = "run_id" if value == "resume" else field
    assert list(wrong.value.problems) == [named]
    assert said in wrong.value.problems[named]


def test_all_wrong_fields_are_named_at_once(folder: Path) -> None:
    with pytest.raises(WrongInput) as wrong:
        commands.training(filled_in(config="", run_id="", num_envs=0), Path("results"))
    assert set(wrong.value.problems) == {"config", "run_id", "num_envs"}


def test_a_test_is_a_tournament_of_the_runs(folder: Path) -> None:
    form = {"runs": ["old"], "env": "build", "games": 10, "name": "t"}
    assert commands.test(form, Path("results")) == (
        [
            "mlagents-selfplay",
            "evaluate",
            "results/old",
            "--env",
            "build",
            "--games",
            "10",
            "--name",
            "t",
            "--results-dir",
            "results",
        ]
    )


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("runs", [], "at least one run"),
        ("runs", ["none"], "no run none"),
        ("runs", ["-x"], "no run -x"),
        ("env", "", "Name a build"),
        ("games", 0, "from 1 to 1,000,000"),
        ("name", "a/b", "Give the tournament a name"),
    ],
)
def test_a_wrong_field_of_a_test_is_named(folder: Path, field: str, value: object, said: str) -> None:
    form = {"runs": ["old"], "env": "build", "games": 10, "name": "t", field: value}
    with pytest.raises(WrongInput) as wrong:
        commands.test(form, Path("results"))
    assert list(wrong.value.problems) == [field]
    assert said in wrong.value.problems[field]
