"""Does the unmodified `mlagents-learn` train on our builds, and does nothing stay behind however it ends?"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import yaml

pytestmark = pytest.mark.slow

LEARN = str(Path(sys.executable).with_name("mlagents-learn"))
STOCK_SELF_PLAY = {
    "trainer_type": "ppo",
    "hyperparameters": {"batch_size": 128, "buffer_size": 512},
    "network_settings": {"hidden_units": 16, "num_layers": 1},
    "max_steps": 1500,
    "summary_freq": 500,
    "self_play": {"save_steps": 200, "swap_steps": 100, "team_change": 400, "window": 3},
}


def learn(port: int, folder: Path, build: Path, behaviors: dict, *words: str, **env_settings: object) -> list[str]:
    """Writes a configuration and returns the command that trains with it; results go to `folder/r/x`."""
    configuration = folder / "configuration.yaml"
    configuration.write_text(yaml.safe_dump({"behaviors": behaviors, "env_settings": env_settings}))
    places = ["--results-dir", str(folder / "r"), "--run-id", "x", "--base-port", str(port)]
    return [LEARN, str(configuration), "--env", str(build), *places, *words]


def test_stock_self_play_trains_and_exports(port: int, tmp_path: Path, rock_paper_scissors: Path) -> None:
    command = learn(port, tmp_path, rock_paper_scissors, {"RockPaperScissors": STOCK_SELF_PLAY}, "--num-areas", "8")
    done = subprocess.run(
        [*command, "--env-args", "--rounds", "5"], capture_output=True, text=True, timeout=100, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "Connected new brain: RockPaperScissors?team=1" in done.stdout
    assert "ELO: " in done.stdout
    assert (tmp_path / "r" / "x" / "RockPaperScissors.onnx").is_file()
    log = (tmp_path / "r" / "x" / "run_logs" / "Player-0.log").read_text()
    assert "8 areas" in log
    assert log.endswith("the trainer has left\n")


def test_a_crash_ends_training_with_an_error_that_leads_to_the_traceback(
    port: int, tmp_path: Path, build_of: Callable[[str], Path]
) -> None:
    command = learn(
        port,
        tmp_path,
        build_of("CRASHING"),
        {"Count": {"trainer_type": "ppo"}},
        max_lifetime_restarts=0,
        timeout_wait=19,
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=tmp_path)
    log = tmp_path / "r" / "x" / "run_logs" / "Player-0.log"
    assert done.returncode == 1
    assert f"RuntimeError: the arm fell off; the traceback is in {log}" in done.stderr
    assert "raise RuntimeError" in log.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux is the trainer's worker a fork that stays behind")
def test_a_trainer_that_is_killed_leaves_no_process_behind(
    port: int, tmp_path: Path, rock_paper_scissors: Path
) -> None:
    behaviors = {"RockPaperScissors": {**STOCK_SELF_PLAY, "max_steps": 10_000_000}}
    command = learn(port, tmp_path, rock_paper_scissors, behaviors)
    trainer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    try:
        log = tmp_path / "r" / "x" / "run_logs" / "Player-0.log"
        wait_until(log.exists)
        descendants = psutil.Process(trainer.pid).children(recursive=True)
        assert any("gym_bridges.launch" in one.cmdline() for one in descendants)
    finally:
        trainer.kill()
        trainer.wait()
    wait_until(lambda: not any(one.is_running() for one in descendants), seconds=10)


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)
