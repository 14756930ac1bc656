"""Is the shipped population's YAML right, and is anything wrong in one an error that names it?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from mlagents_selfplay.population.configuration import check, configuration
from mlagents_selfplay.population.settings import SettingsError, read_settings, settings_from

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def shipped() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "config" / "population.yaml").read_text())


def test_the_shipped_population_is_four_members_of_rock_paper_scissors() -> None:
    settings = read_settings(ROOT / "config" / "population.yaml")
    assert (settings.members, settings.behavior) == (4, "RockPaperScissors")
    assert settings.names == ["agt_0", "agt_1", "agt_2", "agt_3"]
    assert set(settings.hyperparameters) == {"learning_rate", "beta", "extrinsic.gamma"}
    assert settings.evolution.factors == (0.8, 1.2)


def test_the_shipped_wrestlers_are_two_and_of_settings_that_a_run_takes() -> None:
    settings = read_settings(ROOT / "config" / "population_robosumo.yaml")
    check(settings)
    assert (settings.members, settings.behavior) == (2, "RoboSumoAnt")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("member", 4, "member is not a key here.*Did you mean members?"),
        ("members", 1, "members: 1 is not allowed; it must be at least 2"),
        ("members", "four", "members: 'four' is not allowed; it must be a whole number"),
        ("guest_ratio", 1.5, "guest_ratio: 1.5 is not in"),
        ("matchmaking", "elo", "matchmaking: 'elo' is not one of rating, random"),
        ("elo_k", 0, "elo_k: 0.0 is not allowed; it must be above 0"),
        ("behavior", "Go", "behavior: 'Go' is not one of RockPaperScissors"),
        ("behavior", "MsPacman", "behavior: MsPacman has trainer_type ppo, not selfplay"),
        ("trainer_config", "nowhere.yaml", "trainer_config: .*nowhere.yaml cannot be read"),
        ("evolution.inherit", 0.5, "evolution: inherit is not a key here"),
        ("evolution.factors", [0.8], "evolution: factors: .* is not allowed; it must be a list of two numbers"),
        ("evolution.parent_below", 47, "evolution: parent_below: 47.0 is not in"),
        ("evolution.start_after", -1, "evolution: start_after: -1 is not allowed; it must be at least 0"),
        ("hyperparameters.learning_rate.low", 1, "hyperparameters.learning_rate: low: 1.0 is not below high"),
        ("hyperparameters.beta.steps", 3, "hyperparameters.beta: steps is not a key here"),
        ("hyperparameters.momentum", {"low": 0, "high": 1}, "hyperparameters.momentum cannot change"),
        ("hyperparameters.curiosity.gamma", {"low": 0, "high": 1}, "curiosity.gamma cannot change"),
        ("hyperparameters", {}, "hyperparameters: there is nothing to evolve"),
        ("mode", "averaging", "hyperparameters: averaged copies all have those of trainer_config"),
    ],
)
def test_whatever_is_wrong_is_named(path: str, value: Any, said: str) -> None:
    block = shipped()
    where, *keys = path.split(".", 1) if path.startswith(("evolution", "hyperparameters.")) else [path]
    target = block
    if where == "hyperparameters" and keys and keys[0].split(".")[0] in block["hyperparameters"]:
        target, keys = block["hyperparameters"], keys[0].split(".", 1)
        where, keys = keys[0], keys[1:]
    if keys:
        target[where][keys[0]] = value
    else:
        target[where] = value
    with pytest.raises(SettingsError, match=said):
        check(settings_from(block, "population.yaml"))


def test_a_member_starts_with_what_was_drawn_and_takes_a_snapshot_at_every_interval() -> None:
    settings = read_settings(ROOT / "config" / "population.yaml")
    check(settings)
    content = configuration(settings, {"learning_rate": 0.25, "extrinsic.gamma": 0.5})
    block = content["behaviors"]["RockPaperScissors"]
    assert list(content["behaviors"]) == ["RockPaperScissors"]
    assert block["hyperparameters"]["learner_hyperparameters"]["learning_rate"] == 0.25
    assert block["hyperparameters"]["learner_hyperparameters"]["lambd"] == 0.95  # as in trainer_config.yaml
    assert block["hyperparameters"]["snapshot_interval"] == settings.interval == 10_000
    assert block["reward_signals"]["extrinsic"] == {"gamma": 0.5, "strength": 1.0}


def test_a_missing_key_is_named() -> None:
    block = shipped()
    del block["behavior"]
    with pytest.raises(SettingsError, match="behavior is missing"):
        settings_from(block, "population.yaml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere.yaml cannot be read"):
        read_settings(tmp_path / "nowhere.yaml")
