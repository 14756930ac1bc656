"""Do learners of choices learn by self-play, know whom they met, and go on after a resume?"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlagents_selfplay.algorithms.replay import NO_SNAPSHOT

from tests.trainer.inprocess import Training
from tests.trainer.runs import SMALL

KEEN = {"dqn": {**SMALL["dqn"], "epsilon_steps": 300}, "tabular_q": {"epsilon_start": 0.2}}


def training(folder: Path, learner: str = "dqn", **keys: Any) -> Training:
    return Training(folder, learner=learner, learner_hyperparameters=KEEN[learner], snapshot_interval=60, **keys)


def test_the_replay_knows_whose_weights_each_step_was_played_against(tmp_path: Path) -> None:
    train = training(tmp_path, pinned_opponents=["python:tests.environments.players:constant(1)"], pinned_ratio=0.3)
    train.until(240)
    learner = train.trainer.learner
    rows = np.arange(learner.replay.oldest, learner.replay.oldest + len(learner.replay)) % learner.replay.capacity
    met = set(learner.replay.columns["opponent"][rows].tolist())
    snapshots = {0, *train.trainer.roster.pool.history.steps}
    assert NO_SNAPSHOT in met  # the script
    assert met & (snapshots - {0})
    assert max(met) <= learner.get_step


@pytest.mark.parametrize("learner", ["dqn", "tabular_q"])
def test_a_resumed_learner_has_its_replay_its_table_and_its_random_state(learner: str, tmp_path: Path) -> None:
    train = training(tmp_path, learner)
    train.until(200)
    train.trainer.save_model()
    resumed = training(tmp_path, learner, load=True)
    before, after = train.trainer.learner, resumed.trainer.learner
    assert after.get_step == before.get_step
    assert after.rng.bit_generator.state == before.rng.bit_generator.state
    for name, value in before.policy.actor.state_dict().items():
        assert np.array_equal(value.numpy(), after.policy.actor.state_dict()[name].numpy()), name
    if learner == "dqn":
        assert len(after.replay) == len(before.replay)


@pytest.mark.timeout(600)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("learner", "agent"), [("dqn", "rock"), ("tabular_q", "rock"), ("tabular_q", "paper"), ("tabular_q", "scissors")]
)
def test_each_fixed_agent_is_beaten(
    learner: str, agent: str, tmp_path: Path, rock_paper_scissors: Callable[..., str]
) -> None:
    """Against one fixed agent and over a real wire; 10 rounds a match, so the best return is 10."""
    hyperparameters = {
        "dqn": {"batch_size": 64, "buffer_init_steps": 500, "steps_per_update": 4.0, "epsilon_steps": 2_000},
        "tabular_q": {"learning_rate": 0.2, "epsilon_start": 0.2, "epsilon_end": 0.0, "epsilon_steps": 3_000},
    }[learner]
    output = rock_paper_scissors(learner, hyperparameters, agent, tmp_path, max_steps=6_000)
    last = float(re.findall(r"Mean Reward: (-?\d+\.\d+)", output)[-1])
    assert last > 8  # dqn still tries something else every twentieth time
