"""What does a recurrent network need of rows? Sequences of one length, and the critic's memory where each begins."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from mlagents.torch_utils import default_device, torch

from mlagents_selfplay.algorithms.experience import Array, Segments
from mlagents_selfplay.algorithms.pictures import as_input

PADDING = -1  # in place of a row


class Valued(NamedTuple):
    """What a critic expects of `n` rows in `m` pieces that make up `s` sequences.

    values: `[n]`.
    next_values: `[m]`, after the last row of each piece.
    memories: `[s, memory_size]`, the critic's at the first row of each sequence.
    """

    values: Array
    next_values: Array
    memories: Array


def sequences_of(lengths: Array, size: int) -> Array:
    """Cuts pieces of episodes into sequences of one length, filled up at their ends with `PADDING`.

    Args:
      lengths: `[m]` rows of each piece, at least 1; they lie one after another.
      size: rows of a sequence, at least 1.

    Returns:
      `[s, size]` numbers of rows.
    """
    begins = np.cumsum(lengths) - lengths
    counts = -(-lengths // size)
    piece = np.repeat(np.arange(len(lengths)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    places = within[:, None] * size + np.arange(size)
    return np.where(places < lengths[piece, None], begins[piece, None] + places, PADDING)


def valued_in_turn(critic: Any, name: str, observations: tuple[Array, ...], segments: Segments, size: int) -> Valued:
    """Lets a critic with a memory go through all pieces side by side, row by row, from an empty memory on.

    Args:
      critic: of ML-Agents, with `critic_pass` and `memory_size`.
      name: of the reward signal.
      observations: one `[n, *shape]` for each sensor.
      segments: how the rows fall into pieces.
      size: rows of a sequence.
    """
    lengths = segments.lengths
    begins, counts = np.cumsum(lengths) - lengths, -(-lengths // size)
    first = np.cumsum(counts) - counts
    values = np.zeros(lengths.sum(), np.float32)
    kept = np.zeros((counts.sum(), critic.memory_size), np.float32)
    memory = torch.zeros((1, len(lengths), critic.memory_size), device=default_device())
    with torch.no_grad():
        for row in range(int(lengths.max())):
            there = np.flatnonzero(lengths > row)
            if row % size == 0:
                kept[first[there] + row // size] = memory[0, there].cpu().numpy()
            seen = [as_input(sensor[begins[there] + row]) for sensor in observations]
            found, after = critic.critic_pass(seen, memories=memory[:, there], sequence_length=1)
            values[begins[there] + row] = found[name].cpu().numpy()
            memory[:, there] = after
        seen = [as_input(sensor) for sensor in segments.next_observations]
        found, _ = critic.critic_pass(seen, memories=memory, sequence_length=1)
    return Valued(values, found[name].cpu().numpy(), kept)
