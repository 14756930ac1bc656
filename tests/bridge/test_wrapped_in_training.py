"""Does the unmodified `mlagents-learn` train on wrapped environments, and end cleanly when one breaks?"""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from conftest import free_port
from test_with_mlagents_learn import learn

from gym_bridges import executable

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # seconds; ten without company

PPO = {
    "trainer_type": "ppo",
    "hyperparameters": {"batch_size": 64, "buffer_size": 512},
    "network_settings": {"hidden_units": 16, "num_layers": 1},
    "max_steps": 800,
    "summary_freq": 200,
}
SELF_PLAY = {
    **PPO,
    "trainer_type": "selfplay",
    "hyperparameters": {
        "learner": "ppo",
        "learner_hyperparameters": PPO["hyperparameters"],
        "snapshot_interval": 300,
        "team_change_interval": 20,
    },
}


def train(
    folder: Path,
    words: list[str],
    behaviors: dict,
    environment_parameters: dict[str, float] | None = None,
    **env_settings: object,
) -> subprocess.CompletedProcess[str]:
    build = executable.write(words, folder / "Build", Path(sys.executable))
    command = learn(free_port(), folder, build, behaviors, "--num-areas", "4", "--seed", "1", **env_settings)
    if environment_parameters:
        with (folder / "configuration.yaml").open("a") as configuration:
            yaml.safe_dump({"environment_parameters": environment_parameters}, configuration)
    return subprocess.run(command, capture_output=True, text=True, timeout=280, cwd=folder)


def test_cart_pole_trains_with_ppo_under_environment_parameters(tmp_path: Path) -> None:
    # A pole needs 8 steps to fall, and every step pays 1: cut off after 7, each episode pays 7.
    done = train(tmp_path, ["CartPole-v1"], {"CartPole-v1": PPO}, {"max_episode_steps": 7})
    assert done.returncode == 0, done.stderr
    assert "Mean Reward: 7.000. Std of Reward: 0.000" in done.stdout
    assert (tmp_path / "r" / "x" / "CartPole-v1.onnx").is_file()


def test_a_game_of_turns_trains_by_self_play(tmp_path: Path) -> None:
    done = train(tmp_path, ["sample_envs:Nim", "--tip", "0"], {"Nim": SELF_PLAY})
    assert done.returncode == 0, done.stderr
    assert "Connected new brain: Nim?team=1" in done.stdout
    rows = (tmp_path / "r" / "x" / "Nim" / "selfplay" / "matches.csv").read_text().splitlines()
    outcomes = [row.split(",")[rows[0].split(",").index("outcome")] for row in rows[1:]]
    assert len(outcomes) > 100
    assert {float(outcome) for outcome in outcomes} == {0.0, 1.0}  # Nim knows no draw


def test_connect_four_trains_by_self_play(tmp_path: Path) -> None:
    pytest.importorskip("pygame")
    done = train(tmp_path, ["pettingzoo/classic/connect_four_v3"], {"connect_four_v3": SELF_PLAY})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "r" / "x" / "connect_four_v3" / "selfplay" / "matches.csv").is_file()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("nan", "observation 'observation' of a decision: nan at [0]"),
        ("hang", "step hangs: area 0 did not come back within 1 s (--step-timeout)"),
    ],
)
def test_training_on_a_broken_environment_ends_with_one_clear_error(how: str, message: str, tmp_path: Path) -> None:
    words = ["sample_envs:broken", "--how", how, "--step-timeout", "1"]
    done = train(tmp_path, words, {"broken": PPO}, max_lifetime_restarts=0, timeout_wait=19)
    assert done.returncode == 1
    assert message in done.stderr
    assert "sample_envs:broken" in done.stderr
    deadline = time.monotonic() + 10
    while any(str(tmp_path) in " ".join(_command_line(one)) for one in psutil.process_iter()):
        assert time.monotonic() < deadline, "a process stayed behind"
        time.sleep(0.1)


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
