"""What has an agent lived through? A piece of an episode in arrays, wherever it was played."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from mlagents.trainers.trajectory import Trajectory

Array = np.ndarray[Any, np.dtype[Any]]


class Lived(NamedTuple):
    """`T` agent steps of one episode, as they were lived through; names and shapes as in `Piece`.

    agent: global id; another one in every episode.
    own_rewards: `[T]` float32, paid to the agent alone.
    group_rewards: `[T]` float32, paid to its group.
    ended: whether the episode ended after the last step; `terminal`: by itself.
    """

    agent: str
    observations: tuple[Array, ...]
    continuous: Array
    discrete: Array
    allowed: Array
    own_rewards: Array
    group_rewards: Array
    terminal: bool
    ended: bool


def lived_of(trajectory: Trajectory, branches: Sequence[int]) -> Lived:
    """Returns what ML-Agents has collected; `branches` are the choices of each discrete branch."""
    steps = trajectory.steps
    return Lived(
        trajectory.agent_id,
        observations_of(trajectory),
        *actions_of(trajectory, branches),
        np.array([step.reward for step in steps], np.float32),
        np.array([step.group_reward for step in steps], np.float32),
        trajectory.done_reached and not trajectory.interrupted,
        trajectory.done_reached,
    )


def observations_of(trajectory: Trajectory) -> tuple[Array, ...]:
    """Returns what was seen before each of `T` steps and after the last: one `[T + 1, *shape]` for each sensor."""
    steps = trajectory.steps
    return tuple(
        np.array([*(step.obs[sensor] for step in steps), last], np.float32)
        for sensor, last in enumerate(trajectory.next_obs)
    )


def actions_of(trajectory: Trajectory, branches: Sequence[int]) -> tuple[Array, Array, Array]:
    """Returns what was done in `T` steps and what was allowed: `Piece.continuous`, `discrete` and `allowed`.

    Args:
      trajectory: as ML-Agents made it.
      branches: choices of each discrete branch.
    """
    steps = trajectory.steps
    continuous = np.array([step.action.continuous for step in steps], np.float32).reshape(len(steps), -1)
    discrete = np.array([step.action.discrete for step in steps], np.int32).reshape(len(steps), -1)
    allowed = np.ones((len(steps), sum(branches)), bool)
    for row, step in enumerate(steps):
        if step.action_mask is not None and branches:
            allowed[row] = ~np.concatenate(step.action_mask).astype(bool)
    return continuous, discrete, allowed
