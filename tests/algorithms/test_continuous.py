"""Do the learners of continuous actions learn? Toys that take seconds."""

from pathlib import Path

import numpy as np
import pytest

from tests.algorithms.toys import Identity, Reach, Training, play

QUICK = {"batch_size": 64, "buffer_size": 10_000, "buffer_init_steps": 200, "random_steps": 200, "learning_rate": 3e-3}
LEARNERS = ("ddpg", "td3", "fast_sac")


@pytest.mark.parametrize("learner", LEARNERS)
def test_says_the_number_that_it_sees(learner: str, tmp_path: Path) -> None:
    training = Training(
        Identity(8, np.random.default_rng(0)), tmp_path, learner, **QUICK, steps_per_update=4.0, tau=0.05
    )
    training.until(4_000)
    # Two numbers from [-0.9, 0.9]: who always says 0 gets -0.54.
    assert np.mean(play(training.policy, Identity(50, np.random.default_rng(1)), 50)) > -0.02


@pytest.mark.parametrize("learner", LEARNERS)
def test_reaches_goals_with_hindsight(learner: str, tmp_path: Path) -> None:
    training = Training(
        Reach(8, np.random.default_rng(0)),
        tmp_path,
        learner,
        **QUICK,
        steps_per_update=4.0,
        tau=0.05,
        hindsight={"distance": 0.1},
    )
    training.until(8_000)
    # At best about 5 steps on the way, each -1; who stays where it is gets -12.
    assert np.mean(play(training.policy, Reach(100, np.random.default_rng(1)), 100)) > -7.5
