"""What do the tests of the learners share? Runs of rock-paper-scissors by `mlagents-learn` itself."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture
def rock_paper_scissors() -> Callable[..., str]:
    """Trains a learner by self-play against a fixed agent, and returns what was printed."""

    def train(learner: str, hyperparameters: dict[str, Any], agent: str, folder: Path, max_steps: int) -> str:
        block = {
            "trainer_type": "selfplay",
            "hyperparameters": {
                "learner": learner,
                "learner_hyperparameters": hyperparameters,
                "latest_ratio": 0.0,
                "opponent_change_interval": 1,
                "outcome": "episode_return",
                "pinned_opponents": [f"python:mlagents_selfplay.scripted:{agent}"],
                "pinned_ratio": 1.0,
                "snapshot_interval": 2_000,
            },
            "network_settings": {"hidden_units": 32, "num_layers": 1},
            "reward_signals": {"extrinsic": {"gamma": 0.5}},
            "max_steps": max_steps,
            "summary_freq": 1_000,
        }
        config = folder / "config.yaml"
        config.write_text(yaml.safe_dump({"behaviors": {"RockPaperScissors": block}}))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "mlagents.trainers.learn", str(config), "--run-id", "run", "--no-graphics"]
        command += ["--env", str(ROOT / "gym_bridges" / "builds" / "RockPaperScissors"), "--num-areas", "16"]
        command += ["--results-dir", str(folder), "--base-port", str(port), "--seed", "1", "--torch-device", "cpu"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout + done.stderr

    return train
