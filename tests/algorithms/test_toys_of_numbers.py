"""Do the learners of numbers, and those with goals, solve games that have one right answer, within seconds?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.algorithms.toys import GoalBitFlip, Number, Play, Reach, deterministic_returns

LEARNERS = ("ddpg", "td3", "fast_sac")
FAST = {
    "batch_size": 64,
    "buffer_size": 10_000,
    "buffer_init_steps": 200,
    "random_steps": 200,
    "learning_rate": 3e-3,
    "steps_per_update": 4.0,
    "tau": 0.05,
}
WITH_GOALS = {"hidden_units": 64, "num_layers": 2, "goal_conditioning_type": "none"}
FLIP = {
    "batch_size": 128,
    "buffer_size": 50_000,
    "buffer_init_steps": 500,
    "learning_rate": 1e-3,
    "steps_per_update": 4.0,
    "tau": 0.02,
    "epsilon_steps": 5_000,
    "priority_exponent": 0.0,
}


def play(
    kind: str, toy: Any, folder: Path, gamma: float = 0.9, network: dict[str, Any] | None = None, **keys: Any
) -> Play:
    return Play(
        kind,
        toy,
        folder,
        areas=8,
        hyperparameters={**FAST, **keys},
        reward_signals={"extrinsic": {"gamma": gamma}},
        network_settings=network or {"hidden_units": 32, "num_layers": 2},
    )


@pytest.mark.parametrize("kind", LEARNERS)
def test_a_learner_says_the_numbers_that_it_sees(kind: str, tmp_path: Path) -> None:
    played = play(kind, Number, tmp_path).until(2_500)
    # Two numbers from [-0.9, 0.9]: who always says 0 gets -0.54 on average.
    assert np.mean(deterministic_returns(played.policy, Number(), 50)) > -0.03


@pytest.mark.parametrize(
    "kind", ["td3", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("ddpg", "fast_sac"))]
)
def test_a_learner_reaches_goals_with_hindsight(kind: str, tmp_path: Path) -> None:
    played = play(kind, Reach, tmp_path, network=WITH_GOALS, hindsight={"distance": 0.1}).until(6_000)
    assert np.mean(deterministic_returns(played.policy, Reach(), 50)) > -7.5


@pytest.mark.parametrize(("hindsight", "solves"), [({"distance": 0.5, "ends_at_goal": True}, True), (None, False)])
def test_dqn_flips_twelve_bits_with_hindsight_and_not_without(
    hindsight: dict[str, Any] | None, solves: bool, tmp_path: Path
) -> None:
    played = Play(
        "dqn",
        lambda: GoalBitFlip(12),
        tmp_path,
        areas=16,
        hyperparameters={**FLIP, "hindsight": hindsight},
        reward_signals={"extrinsic": {"gamma": 0.95}},
        network_settings={"hidden_units": 128, "num_layers": 1, "goal_conditioning_type": "none"},
    ).until(12_000)
    solved = np.mean([paid > -12 for paid in deterministic_returns(played.policy, GoalBitFlip(12), 50)])
    assert solved >= 0.95 if solves else solved <= 0.1
