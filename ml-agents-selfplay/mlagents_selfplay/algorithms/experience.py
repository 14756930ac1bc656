"""What an on-policy learner has lived through since its last update, in contiguous arrays that are allocated once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from mlagents.trainers.trajectory import AgentExperience
from mlagents_envs.base_env import BehaviorSpec

from mlagents_selfplay.algorithms.pictures import as_bytes, as_floats

Array = np.ndarray[Any, np.dtype[Any]]


class Rows(NamedTuple):
    """`n` agent steps, one array a field.

    observations: one `[n, *shape]` float32 for each sensor, or uint8 for a picture.
    continuous: `[n, size]` float32, the actions as the network gave them.
    discrete: `[n, branches]` int64.
    continuous_log_probs: `[n, size]` float32.
    discrete_log_probs: `[n, branches]` float32.
    masks: `[n, sum of branches]` float32, 1 allowed and 0 forbidden.
    rewards: `[n]` float32, the agent's own and its group's together.
    memories: `[n, memory_size]` float32, what the policy remembered when it decided; empty without a memory.
    """

    observations: tuple[Array, ...]
    continuous: Array
    discrete: Array
    continuous_log_probs: Array
    discrete_log_probs: Array
    masks: Array
    rewards: Array
    memories: Array


class Segments(NamedTuple):
    """`m` pieces of episodes that lie one after another and fill the rows.

    lengths: `[m]` rows of each, at least 1.
    next_observations: one `[m, *shape]` for each sensor, as in `Rows`: what was seen after the last row.
    terminal: `[m]`, whether the episode ended there by itself, so that nothing is to be expected any more.
    """

    lengths: Array
    next_observations: tuple[Array, ...]
    terminal: Array


class Experience:
    """Rows in the order in which they were added.

    Args:
      spec: what agents see and do.
      rows: agent steps to make room for; more are taken in at the cost of a copy.
      memory_size: numbers that the policy remembers.
    """

    def __init__(self, spec: BehaviorSpec, rows: int, memory_size: int = 0) -> None:
        actions = spec.action_spec
        shapes = [observation.shape for observation in spec.observation_specs]
        self._branches = sum(actions.discrete_branches)
        self._rows = Rows(
            tuple(np.zeros((rows, *shape), np.uint8 if len(shape) == 3 else np.float32) for shape in shapes),
            np.zeros((rows, actions.continuous_size), np.float32),
            np.zeros((rows, actions.discrete_size), np.int64),
            np.zeros((rows, actions.continuous_size), np.float32),
            np.zeros((rows, actions.discrete_size), np.float32),
            np.zeros((rows, self._branches), np.float32),
            np.zeros(rows, np.float32),
            np.zeros((rows, memory_size), np.float32),
        )
        self._size = 0
        self._lengths: list[int] = []
        self._next_observations: list[Sequence[Array]] = []
        self._terminal: list[bool] = []

    def __len__(self) -> int:
        return self._size

    @property
    def rows(self) -> Rows:
        """Everything that was added since `clear`; views, valid until the next `add`."""
        return _map(lambda field: field[: self._size], self._rows)

    @property
    def segments(self) -> Segments:
        """How the rows fall into pieces of episodes."""
        return Segments(
            np.array(self._lengths, np.int64),
            tuple(np.stack(list(map(as_floats, sensor))) for sensor in zip(*self._next_observations, strict=True)),
            np.array(self._terminal, bool),
        )

    def add(self, steps: Sequence[AgentExperience], next_observations: Sequence[Array], terminal: bool) -> Rows:
        """Takes in a piece of an episode.

        Args:
          steps: as ML-Agents made them, in order, at least one.
          next_observations: what the agent saw after the last of them, one array for each sensor.
          terminal: whether the episode ended by itself after the last step; false if it was cut off or goes on.

        Returns:
          The rows just added, as views.
        """
        begin, end = self._size, self._size + len(steps)
        self._make_room(end)
        for sensor in range(len(next_observations)):
            self._see(sensor, begin, np.array([step.obs[sensor] for step in steps]))
        added = _map(lambda field: field[begin:end], self._rows)
        if added.continuous.shape[1]:
            added.continuous[:] = [step.action.continuous for step in steps]
            added.continuous_log_probs[:] = [step.action_probs.continuous for step in steps]
        if added.discrete.shape[1]:
            added.discrete[:] = [step.action.discrete for step in steps]
            added.discrete_log_probs[:] = [step.action_probs.discrete for step in steps]
            added.masks[:] = [_allowed(step.action_mask, self._branches) for step in steps]
        added.rewards[:] = [step.reward + step.group_reward for step in steps]
        if added.memories.shape[1]:
            added.memories[:] = [step.memory for step in steps]
        self._size = end
        self._lengths.append(len(steps))
        self._next_observations.append(next_observations)
        self._terminal.append(terminal)
        return added

    def extend(self, rows: Rows, segments: Segments) -> None:
        """Takes in many pieces at once."""
        begin, end = self._size, self._size + len(rows.rewards)
        self._make_room(end)
        for sensor, seen in enumerate(rows.observations):
            self._see(sensor, begin, seen)
        for own, other in zip(self._rows[1:], rows[1:], strict=True):
            own[begin:end] = other
        self._size = end
        self._lengths.extend(segments.lengths.tolist())
        self._next_observations.extend(zip(*segments.next_observations, strict=True))
        self._terminal.extend(segments.terminal.tolist())

    def clear(self) -> None:
        """Forgets all rows and keeps the room."""
        self._size = 0
        for pieces in (self._lengths, self._next_observations, self._terminal):
            pieces.clear()

    def _see(self, sensor: int, begin: int, seen: Array) -> None:
        """Keeps what was seen from a row on; pictures as bytes as long as they are such."""
        rows, own = slice(begin, begin + len(seen)), self._rows.observations
        kept = as_bytes(seen) if own[sensor].dtype == np.uint8 else as_floats(seen)
        if kept is None:
            wider = tuple(as_floats(column) if place == sensor else column for place, column in enumerate(own))
            self._rows, kept = self._rows._replace(observations=wider), seen
        self._rows.observations[sensor][rows] = kept

    def _make_room(self, size: int) -> None:
        while size > len(self._rows.rewards):
            self._rows = _map(lambda field: np.concatenate((field, np.zeros_like(field))), self._rows)


def advantages(rewards: Array, values: Array, next_values: Array, lengths: Array, gamma: float, lambd: float) -> Array:
    """Estimates how much better each action was than its state promised, for all pieces of episodes at once.

    A_t = d_t + gamma lambda A_{t+1} with d_t = r_t + gamma V_{t+1} - V_t, within each piece; A = 0 after its last row.

    Args:
      rewards: `[n]`, r_t of all pieces, one after another.
      values: `[n]`, V_t.
      next_values: `[m]`, V after the last row of each piece; 0 where the episode ended there.
      lengths: `[m]`, rows of each piece, with the sum n.
      gamma: discount, in [0, 1].
      lambd: in [0, 1]; 0 looks one step ahead, 1 to the end.

    Returns:
      `[n]`, A_t.

    Source: Schulman et al. 2016, generalised advantage estimation, arXiv:1506.02438, equation 16.
    """
    last = np.cumsum(lengths) - 1
    following = np.roll(values, -1)
    following[last] = next_values
    result = rewards + gamma * following - values
    for back in range(1, int(lengths.max())):
        row = last[lengths > back] - back
        result[row] += gamma * lambd * result[row + 1]
    return result


def _allowed(mask: Sequence[Array] | None, branches: int) -> Array:
    """ML-Agents marks what is forbidden, branch by branch; the networks want what is allowed, all branches in a row."""
    if mask is None:
        return np.ones(branches, np.float32)
    return 1 - (mask[0] if len(mask) == 1 else np.concatenate(mask))


def _map(change: Any, rows: Rows) -> Rows:
    return Rows(tuple(map(change, rows.observations)), *map(change, rows[1:]))
