"""Experiments: what their parameters mean, what the trainings get, and a small one from end to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.experiment_files import ExperimentFiles, episodic_rewards
from mlagents_selfplay.evaluation.experiment_settings import ExperimentSettings, Job, read_settings

ROOT = Path(__file__).parents[2]
CONFIG = str(ROOT / "config" / "trainer_config.yaml")
EIGHT: dict[str, Any] = {
    "environment": "build",
    "experiment_id": 7,
    "number_of_runs": 2,
    "checkpoint_at_iterations": [1000, 1500],
    "benchmarking_episodes": 10,
    "self_play_training_schemes": ["NaiveSelfPlay", "fullhistoryselfplay"],
    "algorithms": ["ppo", "sac"],
    "fixed_agents": ["RockAgent", "random"],
}


def settings(**changes: Any) -> ExperimentSettings:
    return read_settings(None, {**EIGHT, "trainer_config": CONFIG, **changes})


def test_the_names_of_the_framework_that_this_follows_are_understood() -> None:
    found = settings()
    assert found.self_play_training_schemes == ("naive", "full_history")
    assert found.fixed_agents == ("rock", "random")
    assert found.experiment_id == "7"
    assert [job.name for job in found.jobs] == ["naive-ppo", "naive-sac", "full_history-ppo", "full_history-sac"]


def test_the_command_line_counts_for_more_than_the_file(tmp_path: Path) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(yaml.safe_dump({**EIGHT, "fixed_agents": []}))
    found = read_settings(file, {"number_of_runs": 5, "fixed_agents": None})
    assert (found.number_of_runs, found.fixed_agents) == (5, ())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"environment": None}, "environment is missing: give --environment"),
        ({"number_of_runs": 0}, "number_of_runs: 0 is not a whole number of at least 1"),
        ({"checkpoint_at_iterations": [5, 3]}, r"checkpoint_at_iterations: \[5, 3\] are not .* ascending"),
        ({"checkpoint_at_iterations": []}, "checkpoint_at_iterations"),
        ({"algorithms": ["magic"]}, "algorithms: 'magic' is not one of .*ppo"),
        ({"self_play_training_schemes": ["all"]}, "self_play_training_schemes: 'all' is not one of .*half_history"),
        ({"experiment_id": "a/b"}, "experiment_id: 'a/b' is no name of a folder"),
        (
            {"self_play_training_schemes": ["naive"], "algorithms": ["ppo"], "fixed_agents": []},
            "nobody to play against",
        ),
    ],
)
def test_a_parameter_that_is_not_allowed_is_named_with_its_value(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(EvaluationError, match=why):
        settings(**changes)


def test_an_unknown_key_of_the_file_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(yaml.safe_dump({**EIGHT, "runs": 3}))
    with pytest.raises(EvaluationError, match="runs is no key of an experiment"):
        read_settings(file, {})


def test_a_job_changes_scheme_and_learner_of_the_shipped_block_and_nothing_else() -> None:
    config = settings().config(Job("half_history", "ppo"), ["RockPaperScissors"])
    shipped = yaml.safe_load(Path(CONFIG).read_text())["behaviors"]["RockPaperScissors"]
    (block,) = config["behaviors"].values()
    changed = block["hyperparameters"]
    assert (changed["scheme"], changed["learner"]) == ("half_history", "ppo")
    assert "delta" not in changed
    assert changed["learner_hyperparameters"] == shipped["hyperparameters"]["learner_hyperparameters"]
    assert changed["outcome"] == "episode_return"
    # 1000 and 1500 are multiples of 500, so ML-Agents saves at each of them, and keeps them all.
    assert (block["max_steps"], block["checkpoint_interval"], block["keep_checkpoints"]) == (1500, 500, 7)
    assert block["network_settings"] == shipped["network_settings"]


def test_another_learner_gets_its_own_settings_or_its_defaults() -> None:
    job = Job("naive", "sac")
    plain = settings().config(job, ["RockPaperScissors"])["behaviors"]["RockPaperScissors"]["hyperparameters"]
    assert plain["learner_hyperparameters"] == {}
    said = settings(algorithm_settings={"sac": {"batch_size": 8}})
    own = said.config(job, ["RockPaperScissors"])["behaviors"]["RockPaperScissors"]["hyperparameters"]
    assert own["learner_hyperparameters"] == {"batch_size": 8}


def test_a_behavior_without_a_block_is_named() -> None:
    with pytest.raises(EvaluationError, match="has no block for behavior Chess of build"):
        settings().config(Job("naive", "ppo"), ["Chess"])


def files_of(folder: Path) -> ExperimentFiles:
    """Two runs of one job and a fixed agent, benchmarked by hand: the job wins 0.8 and 0.6, then 1.0 and 0.8."""
    files = ExperimentFiles(
        folder, settings(self_play_training_schemes=["naive"], algorithms=["ppo"], fixed_agents=["rock"])
    )
    files.begin()
    for number, rates in enumerate(((0.8, 1.0), (0.6, 0.8))):
        log = files.training_folder(number, Job("naive", "ppo")) / "Game" / "selfplay" / "matches.csv"
        log.parent.mkdir(parents=True)
        log.write_text("step,team,opponent,outcome,return,length\n0,0,current,1,10,10\n9,0,current,0,-5,10\n")
        for iteration, rate in zip((1000, 1500), rates, strict=True):
            payoff = np.array([[0.5, rate], [1 - rate, 0.5]])
            files.note_benchmark(number, iteration, "finished", payoff)
        files.finish_run(number)
    files.finish()
    return files


def test_an_experiment_leaves_the_files_of_the_framework_that_it_follows(tmp_path: Path) -> None:
    files_of(tmp_path / "7")
    run = tmp_path / "7" / "run-1"
    assert (run / "confusion_matrices" / "confusion_matrix-1500.txt").read_text() == "0.5000, 0.8000\n0.2000, 0.5000\n"
    assert (run / "confusion_matrices" / "legend.txt").read_text() == "naive-ppo, 0\nrock, 1\n"
    # Means of a row, the 1/2 on the diagonal included: (0.5 + 0.6) / 2 and (0.5 + 0.8) / 2.
    assert (run / "winrates" / "naive-ppo.txt").read_text() == "1000, 0.5500\n1500, 0.6500\n"
    assert (run / "episodic_rewards" / "naive-ppo.txt").read_text() == "1, 1\n2, -0.5\n"
    for name in ("heatmap-confusion_matrix-1000", "benchmark_winrates", "episodic_reward-naive-ppo"):
        assert (run / "plots" / f"{name}.svg").exists()
    for name in ("benchmark_winrates", "episodic_reward-naive-ppo"):
        assert (tmp_path / "7" / "plots" / f"{name}.png").exists()
    assert yaml.safe_load((tmp_path / "7" / "experiment_parameters.yml").read_text())["experiment_id"] == "7"


def test_win_rates_are_means_and_deviations_over_runs(tmp_path: Path) -> None:
    found = files_of(tmp_path / "7").results()
    assert found["status"] == "finished"
    # At 1000: (0.5 + 0.8) / 2 = 0.65 and (0.5 + 0.6) / 2 = 0.55.
    first = found["win_rates"]["naive-ppo"][0]
    assert (first["mean"], first["deviation"]) == pytest.approx((0.6, 0.05))
    assert json.loads((tmp_path / "7" / "experiment.json").read_text())["win_rates"] == found["win_rates"]


def test_another_experiment_does_not_go_into_the_same_folder(tmp_path: Path) -> None:
    files_of(tmp_path / "7")
    with pytest.raises(EvaluationError, match="was begun with benchmarking_episodes 10, not 99"):
        ExperimentFiles(tmp_path / "7", settings(benchmarking_episodes=99)).begin()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").touch()
    with pytest.raises(EvaluationError, match="is not empty"):
        ExperimentFiles(tmp_path / "other", settings()).begin()


def test_a_run_without_matches_has_no_rewards(tmp_path: Path) -> None:
    assert episodic_rewards(tmp_path).tolist() == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_experiment_that_is_killed_takes_its_training_with_it_and_goes_on_where_it_was(
    build: Callable[..., str], tmp_path: Path
) -> None:
    words = f"""experiment --environment {build("RockPaperScissors")} --experiment_id 1 --number_of_runs 1
        --checkpoint_at_iterations 2000,4000 --benchmarking_episodes 4 --self_play_training_schemes naive,full_history
        --algorithms ppo --fixed_agents rock --trainer_config {CONFIG} --results-dir {tmp_path} --num-areas 8
        --base-port 6490 --json""".split()
    command = [sys.executable, "-m", "mlagents_selfplay.cli", *words]
    out = tmp_path / "experiments" / "1"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    second = out / "run-0" / "training" / "full_history-ppo"
    while not second.exists():
        assert process.poll() is None
        time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    first = out / "run-0" / "training" / "naive-ppo" / "RockPaperScissors" / "checkpoint.pt"
    before = first.stat().st_mtime
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["status"] == "finished"
    assert {training["status"] for training in result["trainings"]} == {"finished"}
    assert first.stat().st_mtime == before
    assert list(result["win_rates"]) == ["naive-ppo", "full_history-ppo", "rock"]
    assert (out / "plots" / "benchmark_winrates.svg").exists()
