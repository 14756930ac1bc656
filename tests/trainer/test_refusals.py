"""Is every mistake in the configuration one clear error, with the key, the value and what is allowed?"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.settings import TrainerSettings
from mlagents_selfplay.trainer import SelfPlayTrainer

from tests.trainer.inprocess import Training
from tests.trainer.runs import behavior

REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"delta": 1.5}, r"delta: 1\.5 is not allowed; it must be in \[0, 1\]"),
    ({"delta": -0.1}, r"delta: -0\.1 is not allowed; it must be in \[0, 1\]"),
    ({"delta": "half"}, r"delta: 'half' is not allowed; it must be in \[0, 1\]"),
    ({"delta": True}, r"delta: True is not allowed; it must be in \[0, 1\]"),
    ({"delta": float("nan")}, r"delta: nan is not allowed"),
    ({"latest_ratio": 2}, r"latest_ratio: 2 is not allowed; it must be in \[0, 1\]"),
    ({"pinned_ratio": -1}, r"pinned_ratio: -1 is not allowed; it must be in \[0, 1\]"),
    ({"history_capacity": 1}, "history_capacity: 1 is not allowed; it must be a whole number of snapshots, at least 2"),
    ({"history_capacity": 2.5}, r"history_capacity: 2\.5 is not allowed; it must be a whole number of snapshots"),
    ({"history_capacity": "64"}, "history_capacity: '64' is not allowed; it must be a whole number of snapshots"),
    (
        {"snapshot_interval": 0},
        "snapshot_interval: 0 is not allowed; it must be a whole number of learner steps, at le",
    ),
    ({"opponent_change_interval": 0}, "opponent_change_interval: 0 is not allowed; it must be a whole number of episo"),
    ({"team_change_interval": -5}, "team_change_interval: -5 is not allowed; it must be a whole number of episodes"),
    ({"opponents_in_memory": 0}, "opponents_in_memory: 0 is not allowed; it must be a whole number of opponents"),
    ({"snapshot_precision": "float8"}, "snapshot_precision: 'float8' is not allowed; it must be one of float32, float"),
    ({"sampler": "unifrom"}, r"sampler: 'unifrom' is not allowed; it must be one of .*\(did you mean uniform\?\)"),
    ({"scheme": "naiv"}, r"scheme: 'naiv' is not allowed; it must be one of .*\(did you mean naive\?\)"),
    ({"scheme": "naive", "delta": 0.5}, "delta: 0.5 is not allowed; it must be left out beside scheme: naive"),
    ({"pfsp_weighting": "cubic"}, "pfsp_weighting: 'cubic' is not allowed; it must be one of variance, linear, squar"),
    ({"outcome": "sum"}, "outcome: 'sum' is not allowed; it must be one of last_reward, episode_return"),
    ({"loss_below": 1, "win_above": 0}, "loss_below: 1 is not allowed; it must be at most win_above = 0"),
    ({"win_above": "much"}, "win_above: 'much' is not allowed; it must be a number"),
    ({"elo_k": 0}, "elo_k: 0 is not allowed; it must be a number above 0"),
    ({"initial_elo": float("inf")}, "initial_elo: inf is not allowed; it must be a number"),
    ({"curriculum_measure": "elo"}, "curriculum_measure: 'elo' is not allowed; it must be one of reward, rating, win"),
    ({"learns": "yes"}, "learns: 'yes' is not allowed; it must be true or false"),
    ({"learn_from_mirror_matches": 1}, "learn_from_mirror_matches: 1 is not allowed; it must be true or false"),
    ({"pinned_opponents": "initial"}, "pinned_opponents: 'initial' is not allowed; it must be a list of texts"),
    ({"pinned_opponents": [3]}, r"pinned_opponents: \[3\] is not allowed; it must be a list of texts"),
    ({"learner": "pp0"}, "learner: 'pp0' is not allowed; it must be one of the registered trainer types .*ppo"),
    ({"learner": "selfplay"}, "learner: 'selfplay' is not allowed; it must be one of the registered trainer types"),
    (
        {"learner_hyperparameters": {"learning_rat": 1}},
        r"learner_hyperparameters\.learning_rat .* mean learning_rate\?",
    ),
    ({"learner_hyperparameters": {"batch_size": "big"}}, r"learner_hyperparameters\.batch_size: 'big' is not allowed"),
    ({"learner_hyperparameters": [1]}, r"learner_hyperparameters: \[1\] is not allowed; it must be a block of keys"),
    ({"delat": 0.5}, "delat"),
]


@pytest.mark.parametrize(("keys", "error"), REFUSALS, ids=[str(keys) for keys, _ in REFUSALS])
def test_a_value_that_is_not_allowed_is_refused_at_load(keys: dict[str, Any], error: str) -> None:
    with pytest.raises(TrainerConfigError, match=error):
        TrainerSettings.structure(behavior(**keys), TrainerSettings)


def test_the_smallest_and_largest_allowed_values_are_taken() -> None:
    keys = {"delta": 0, "latest_ratio": 1, "history_capacity": 2, "snapshot_interval": 1, "opponent_change_interval": 1}
    settings = TrainerSettings.structure(behavior(**keys), TrainerSettings).hyperparameters
    assert {key: getattr(settings, key) for key in keys} == keys


def test_the_stock_block_is_refused_and_the_error_says_what_to_write_instead(tmp_path: Path) -> None:
    configuration = {**behavior(), "self_play": {"save_steps": 100, "window": 5}}
    settings = TrainerSettings.structure(configuration, TrainerSettings)
    with pytest.raises(TrainerConfigError, match="snapshot_interval for save_steps.*history_capacity for window"):
        SelfPlayTrainer("Arena", 1, settings, True, False, 1, str(tmp_path))


PINNED: list[tuple[str, str]] = [
    ("nobody", r"nobody is not known; give initial, FILE\.safetensors, FILE\.pt, FILE\.onnx or python:module:factory"),
    ("missing.safetensors", r"missing\.safetensors does not exist"),
    ("missing.pt", r"missing\.pt does not exist"),
    ("missing.onnx", r"missing\.onnx does not exist"),
    ("{}/junk.safetensors", r"junk\.safetensors cannot be used: .*damaged"),
    ("{}/junk.pt", r"junk\.pt is not a checkpoint of ML-Agents"),
    ("{}/junk.onnx", r"junk\.onnx is not a model that onnxruntime can load"),
    ("{}/other.safetensors", r"other\.safetensors is of another architecture than behavior Arena: it has no "),
    ("{}/100.safetensors", "would be named '100', which is taken"),
    ("python:no_such_module:factory", "cannot be made: ModuleNotFoundError"),
    ("python:mlagents_selfplay.scripted:nobody", "cannot be made: AttributeError"),
    (
        "python:mlagents_selfplay.scripted:rock",
        r"cannot be made: a mixed strategy over 3 actions cannot play branches \(3, 2\)",
    ),
    ("python:mlagents_selfplay.scripted:mixed(oops)", "cannot be made: ValueError"),
]


@pytest.mark.parametrize(("source", "error"), PINNED, ids=[source for source, _ in PINNED])
def test_a_pinned_opponent_that_cannot_play_is_refused(tmp_path: Path, source: str, error: str) -> None:
    from safetensors.numpy import save_file

    for name in ("junk.safetensors", "junk.pt", "junk.onnx"):
        (tmp_path / name).write_bytes(b"\x93junk" * 20)
    for name in ("other", "100"):
        save_file({"something": np.zeros(3, np.float32)}, tmp_path / f"{name}.safetensors")
    with pytest.raises(TrainerConfigError, match=f"pinned_opponents: .*{error}"):
        Training(tmp_path / "x", pinned_opponents=[source.format(tmp_path)])


def test_the_same_pinned_opponent_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainerConfigError, match="would be named 'initial', which is taken"):
        Training(tmp_path / "x", pinned_opponents=["initial", "initial"])


def test_a_behavior_of_two_teams_of_which_none_learns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        TrainerConfigError, match=r"learns: False is not allowed here; teams \[0, 1\] share this behavior"
    ):
        Training(tmp_path / "x", learns=False)
