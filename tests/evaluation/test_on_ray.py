"""Tournaments, experiments and studies on Ray: the same results, by the commands that users type."""

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

import pytest
import yaml

from tests.on_ray import DAEMONS, ROOT, name_of, ray_environment, reachable_from_elsewhere, started_by

__all__ = ["ray_environment"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # seconds; a busy machine is no defect
CONFIG = str(ROOT / "config" / "trainer_config.yaml")


def started(words: list[str], environment: dict[str, str], folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mlagents_selfplay.cli", *words, "--results-dir", str(folder), "--json"]
    with (folder / "said.txt").open("w") as said:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=said, text=True)


def result_of(process: subprocess.Popen[str], folder: Path) -> dict[str, Any]:
    said, _ = process.communicate()
    assert process.returncode == 0, (folder / "said.txt").read_text()[-4000:]
    return json.loads(said)


def test_a_tournament_on_ray_is_the_same_and_nothing_of_it_can_be_reached_from_elsewhere(
    build: Callable[..., str], tmp_path: Path, ray_environment: dict[str, str]
) -> None:
    words = ["evaluate", "rock", "paper", "scissors", "--env", build("RockPaperScissors"), "--games", "40"]
    words += ["--num-areas", "2", "--num-envs", "2", "--outcome", "episode_return", "--ray", "local"]
    process = started(words, ray_environment, tmp_path)
    games = tmp_path / "evaluations" / "rock" / "games.csv"
    while not games.exists() or len(games.read_text().splitlines()) < 10:
        assert process.poll() is None, (tmp_path / "said.txt").read_text()[-4000:]
        time.sleep(0.1)
    daemons = [one for one in started_by(process.pid) if name_of(one) in DAEMONS]
    assert {name_of(one) for one in daemons} == DAEMONS
    assert len([one for one in started_by(process.pid) if "_RemoteWorker" in name_of(one)]) == 2
    assert reachable_from_elsewhere(process.pid, range(6005, 6025)) == set()  # two workers, ten ports each
    content = result_of(process, tmp_path)
    assert content["payoff"] == [[0.5, 0, 1], [1, 0.5, 0], [0, 1, 0.5]]  # the circle of the game
    assert content["games_done"] == 120
    for _ in range(600):
        if not any(one.is_running() for one in daemons):
            return
        time.sleep(0.1)
    pytest.fail("Ray outlives the command")


def test_an_environment_that_cannot_be_played_on_ray_is_the_same_error_as_without(
    build: Callable[..., str], tmp_path: Path, ray_environment: dict[str, str]
) -> None:
    dies = build("RockPaperScissors", before=f"[ -e {tmp_path}/once ] && exit 1; touch {tmp_path}/once")
    words = ["evaluate", "rock", "paper", "--env", dies, "--num-envs", "1", "--ray", "local"]
    process = started(words, ray_environment, tmp_path)
    process.communicate()
    assert process.returncode == 2
    last = (tmp_path / "said.txt").read_text().strip().splitlines()[-1]
    assert last.startswith(f"mlagents-selfplay evaluate: {dies} cannot be played")


def test_an_experiment_on_ray_trains_side_by_side_and_goes_on_after_a_kill(
    build: Callable[..., str], tmp_path: Path, ray_environment: dict[str, str]
) -> None:
    words = f"""experiment --environment {build("RockPaperScissors")} --experiment_id 1 --number_of_runs 2
        --checkpoint_at_iterations 2000,4000 --benchmarking_episodes 4 --self_play_training_schemes naive,full_history
        --algorithms ppo --fixed_agents rock --trainer_config {CONFIG} --num-areas 8 --ray local""".split()
    out = tmp_path / "experiments" / "1"
    first = out / "run-0" / "training" / "naive-ppo" / "run_logs" / "timers.json"
    process = started(words, ray_environment, tmp_path)
    together = 0
    while not first.exists():
        assert process.poll() is None, (tmp_path / "said.txt").read_text()[-4000:]
        together = max(together, len(list((out / "run-0" / "training").glob("*.log"))))
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = first.stat().st_mtime
    assert together == 2  # both began before one had ended
    result = result_of(started(words, ray_environment, tmp_path), tmp_path)
    assert result["status"] == "finished"
    assert {part["status"] for part in (*result["trainings"], *result["benchmarks"])} == {"finished"}
    assert first.stat().st_mtime == before
    assert list(result["win_rates"]) == ["naive-ppo", "full_history-ppo", "rock"]
    assert (out / "plots" / "benchmark_winrates.svg").exists()
    assert (out / "run-1" / "benchmarks" / "4000" / "payoff.svg").exists()


def test_a_study_on_ray_trains_side_by_side(tmp_path: Path, ray_environment: dict[str, str]) -> None:
    game = {"environment": "RockPaperScissors", "steps": 2000, "num_areas": 8, "block": CONFIG}
    arms = {"stock": {"trainer": "ghost"}, "ours": {}}
    content = {"study": "small", "seeds": 1, "games": {"RockPaperScissors": game}, "arms": arms, "pool_per_run": 1}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump({**content, "games_of_each_pair": 2}))
    result = result_of(
        started(["experiment", str(tmp_path / "study.yaml"), "--ray", "local"], ray_environment, tmp_path), tmp_path
    )
    assert set(result["games"]["RockPaperScissors"]["arms"]) == {"stock", "ours"}
    training = tmp_path / "studies" / "small" / "RockPaperScissors" / "training"
    begun = {name: (training / f"{name}-1.yaml").stat().st_mtime for name in arms}
    ended = {name: (training / f"{name}-1" / "run_logs" / "timers.json").stat().st_mtime for name in arms}
    assert max(begun.values()) < min(ended.values())  # both had begun before one had ended
