"""What does a run of `mlagents-learn` leave? Enough of it for an evaluation, made without training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from mlagents.torch_utils import torch
from mlagents_envs.base_env import ActionSpec, BehaviorSpec, DimensionProperty, ObservationSpec, ObservationType
from mlagents_selfplay.evaluation.networks import new_actor, trainer_settings

BEHAVIOR = "RockPaperScissors"
SEEN = ObservationSpec((30,), (DimensionProperty.NONE,), ObservationType.DEFAULT, "recall")
SPEC = BehaviorSpec([SEEN], ActionSpec.create_discrete((3,)))
NETWORK = {"hidden_units": 8, "num_layers": 1}
ROCK, PAPER, SCISSORS = range(3)


def make_run(run: Path, moves: Mapping[int, int], trainer_type: str = "ppo", **network: Any) -> Path:
    """Writes a run whose checkpoints, by learner step, always make the same move of rock-paper-scissors."""
    block = {
        "trainer_type": trainer_type,
        "hyperparameters": {"batch_size": 32, "buffer_size": 320},
        "network_settings": {**NETWORK, **network},
    }
    if trainer_type == "selfplay":
        block["hyperparameters"] = {"outcome": "episode_return", "learner_hyperparameters": block["hyperparameters"]}
    folder = run / BEHAVIOR
    folder.mkdir(parents=True)
    (run / "configuration.yaml").write_text(yaml.safe_dump({"behaviors": {BEHAVIOR: block}}))
    actor = new_actor(trainer_settings(run, BEHAVIOR), BEHAVIOR, SPEC, False)
    for step, move in moves.items():
        save_constant(folder / f"{BEHAVIOR}-{step}.pt", actor, move)
    save_constant(folder / "checkpoint.pt", actor, moves[max(moves)])
    return run


def save_constant(path: Path, actor: torch.nn.Module, move: int) -> None:
    """Writes a checkpoint of an actor whose last layer sees nothing and prefers one move by far."""
    state = {name: value.clone() for name, value in actor.state_dict().items()}
    bias = next(name for name in state if "branches" in name and name.endswith("bias"))
    state[bias.replace("bias", "weight")].zero_()
    state[bias] = torch.as_tensor(np.where(np.arange(3) == move, 50.0, 0.0), dtype=torch.float32)
    torch.save({"Policy": state}, path)
