"""Seeded copies of one member: each explores and learns by itself, and all go on from the mean of what they learned.

After every interval a copy waits for the others. Weights are averaged; what an optimizer remembers stays with its copy,
and so does the count of steps. Source of the idea: the trainer of several environment workers in `pyrl`, whose workers
reset their target networks to the mean; here target networks are averaged as all others are.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from mlagents.torch_utils import torch

from mlagents_selfplay.mail.letters import Letter
from mlagents_selfplay.population.league import League
from mlagents_selfplay.population.records import Record, Report


class AveragingLeague(League):
    """When all copies wait, each is sent the mean."""

    def _begin(self) -> None:
        super()._begin()
        for member in self.records:
            self._ask(member, Letter(1, waits=True), None)

    def _decide(self, report: Report, record: Record) -> None:
        waiting = [name for name, other in self.records.items() if other.awaiting and other.pending is None]
        if not waiting or not all(name in waiting or other.finished for name, other in self.records.items()):
            return
        mean = mean_of([self.folder.load_checkpoint(member) for member in waiting])
        for member in waiting:
            self._ask(member, Letter(self.records[member].letters + 1, checkpoint=mean), None)
        self._note("averaged", "", members=waiting, step=report.step)


def mean_of(checkpoints: Sequence[bytes]) -> bytes:
    """Averages checkpoints of ML-Agents.

    Args:
      checkpoints: bytes of checkpoint.pt files of one architecture, at least one.

    Returns:
      The bytes of a checkpoint with the arithmetic mean of all networks, and without optimizers.

    Raises:
      ValueError: if the architectures differ.
    """
    states = [torch.load(io.BytesIO(blob), map_location="cpu", weights_only=True) for blob in checkpoints]
    networks = {name for state in states for name, module in state.items() if _is_network(module)}
    try:
        mean = {name: _mean([state[name] for state in states]) for name in sorted(networks)}
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"checkpoints of different architectures cannot be averaged: {error}") from error
    file = io.BytesIO()
    torch.save(mean, file)
    return file.getvalue()


def _is_network(module: Any) -> bool:
    return all(isinstance(value, torch.Tensor) for value in module.values())


def _mean(states: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    if any(state.keys() != states[0].keys() for state in states):
        raise KeyError("a parameter is missing")
    return {key: torch.stack([s[key].double() for s in states]).mean(0).to(states[0][key].dtype) for key in states[0]}
