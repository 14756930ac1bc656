"""What do the tests of a league tell it? Settings of small populations, and reports that a member could have made."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from mlagents.torch_utils import torch
from mlagents_selfplay.population.evolution import EvolutionSettings
from mlagents_selfplay.population.ranges import Range
from mlagents_selfplay.population.records import Meeting, Report
from mlagents_selfplay.population.settings import PopulationSettings
from safetensors.numpy import save

RANGES = {"learning_rate": Range(1e-5, 1e-2, "log"), "extrinsic.gamma": Range(0.9, 0.999, "complement")}
RULES = EvolutionSettings(start_after=200, change_after=100, parent_below=0.5)


def settings(**keys: Any) -> PopulationSettings:
    """Returns settings of a population that evolves from step 200 on, in intervals of 100 learner steps."""
    given = {"members": 2, "max_steps": 100_000, "interval": 100, "hyperparameters": RANGES, "evolution": RULES}
    return PopulationSettings(Path("trainer.yaml"), "RockPaperScissors", **{**given, **keys})


def snapshot(value: float) -> bytes:
    """Returns the file of a snapshot whose only weight is `value`."""
    return save({"weight": np.array([value], np.float32)})


def checkpoint(value: float) -> bytes:
    """Returns the file of a checkpoint whose only weight is `value`."""
    file = io.BytesIO()
    adam = {"state": {}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    torch.save({"Policy": {"weight": torch.tensor([value])}, "Optimizer": adam}, file)
    return file.getvalue()


def report(member: str, step: int, won: list[tuple[str, float]] | None = None, **keys: Any) -> Report:
    """Returns a report after a snapshot at `step`; the weights are the number of the step.

    Args:
      member: who.
      step: learner steps.
      won: guests and outcomes.
      keys: further fields.
    """
    given = {
        "opened": 0,
        "awaiting": False,
        "matches_bytes": step,
        "meetings": [Meeting(*one) for one in won or []],
        "snapshot_step": step,
        "snapshot": snapshot(step),
        "checkpoint": checkpoint(step),
        "final": False,
    }
    return Report(member, step, **{**given, **keys})
