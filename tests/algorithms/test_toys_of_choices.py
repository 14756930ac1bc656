"""Do the learners of choices solve games that have one right answer, within seconds?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.algorithms.toys import BitFlip, Identity, Play

FAST = {
    "batch_size": 32,
    "buffer_size": 2_000,
    "buffer_init_steps": 200,
    "learning_rate": 5e-3,
    "steps_per_update": 2.0,
    "epsilon_steps": 800,
}
FAST_TABLE = {"learning_rate": 0.2, "epsilon_start": 0.1, "epsilon_end": 0.0, "epsilon_steps": 2_000}
HYPERPARAMETERS: dict[str, dict[str, Any]] = {
    "dqn": {**FAST, "tau": 0.05, "epsilon_end": 0.0, "max_gradient_norm": None},
    "split_q": {**FAST, "tau": 0.05, "epsilon_end": 0.0},
    "tabular_q": FAST_TABLE,
}


def play(kind: str, toy: Any, folder: Path, **keys: Any) -> Play:
    hyperparameters = {**HYPERPARAMETERS[kind], **keys.pop("hyperparameters", {})}
    signals = {"extrinsic": {"gamma": 0.8}}  # short games need no long view, and learn faster without
    return Play(kind, toy, folder, hyperparameters=hyperparameters, reward_signals=signals, **keys)


@pytest.mark.parametrize("kind", HYPERPARAMETERS)
def test_a_learner_names_what_it_sees(kind: str, tmp_path: Path) -> None:
    assert play(kind, Identity, tmp_path).until(1_800).mean_return > 3.5  # of 4


@pytest.mark.parametrize("kind", ["dqn", "tabular_q"])
def test_two_branches_are_learned_beside_each_other(kind: str, tmp_path: Path) -> None:
    assert play(kind, lambda: Identity((3, 2)), tmp_path).until(2_400).mean_return > 6.8  # of 8


@pytest.mark.slow
def test_pictures_are_learned_from(tmp_path: Path) -> None:
    played = play("dqn", lambda: Identity(as_picture=True), tmp_path).until(1_500)
    assert played.trainer.replay.columns["observation.0"].dtype == "uint8"
    assert played.mean_return > 3.5  # of 4


@pytest.mark.parametrize("kind", HYPERPARAMETERS)
def test_a_learner_flips_the_bits_that_are_wrong(kind: str, tmp_path: Path) -> None:
    played = play(kind, lambda: BitFlip(3), tmp_path, hyperparameters={"epsilon_end": 0.02}).until(3_000)
    assert played.mean_return > -1.1  # Perfect play pays -0.71; any play at all -2.1 or so.


@pytest.mark.parametrize("kind", HYPERPARAMETERS)
def test_what_is_forbidden_is_never_done(kind: str, tmp_path: Path) -> None:
    # Only wrong bits may be flipped, so that even a learner that knows nothing needs no step too many.
    played = play(kind, lambda: BitFlip(4, masked=True), tmp_path, hyperparameters={"epsilon_end": 1.0}).until(400)
    assert min(played.trainer.reward_buffer) >= -3


@pytest.mark.parametrize(
    "variant",
    [
        {"double": False, "duelling": False, "priority_exponent": 0.0},
        {"tau": 1.0, "target_update_interval": 50, "n_step": 3},
    ],
    ids=["with nothing beside it", "with a copied target and three steps"],
)
def test_dqn_learns_in_other_ways_too(variant: dict[str, Any], tmp_path: Path) -> None:
    assert play("dqn", Identity, tmp_path, hyperparameters=variant).until(1_800).mean_return > 3.4  # of 4
