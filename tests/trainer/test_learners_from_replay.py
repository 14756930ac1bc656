"""Do learners of numbers that learn from replay learn in self-play, against their own past?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mlagents.torch_utils import torch
from mlagents_selfplay.algorithms.replay import NOBODY

from tests.trainer.inprocess import Training

FAST = {
    "batch_size": 64,
    "buffer_size": 5_000,
    "buffer_init_steps": 100,
    "random_steps": 100,
    "learning_rate": 3e-3,
    "steps_per_update": 1.0,
    "tau": 0.05,
}


@pytest.mark.parametrize(
    "learner", ["td3", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("ddpg", "fast_sac"))]
)
def test_a_learner_learns_in_self_play_and_its_replay_knows_whom_it_met(learner: str, tmp_path: Path) -> None:
    training = Training(
        tmp_path,
        {"actions": "continuous", "shortest": 1, "longest": 1},
        learner=learner,
        learner_hyperparameters=FAST,
        snapshot_interval=150,
    )
    training.until(600)
    replay = training.trainer.learner.replay
    met = set(replay.columns["opponent"][: replay._next].tolist())
    assert NOBODY not in met
    assert met & set(training.trainer.roster.pool.history.steps)
    actor = training.trainer.learner.policy.actor
    cues = torch.tensor([[1.0, 0, 0, 0], [-1.0, 0, 0, 0]])
    assert actor.best_action([cues]).detach().numpy()[:, 0] == pytest.approx(np.array([1, -1]), abs=0.9)
