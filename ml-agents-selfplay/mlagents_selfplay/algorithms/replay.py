"""What does a learner from replay remember? Agent steps, in typed arrays that are allocated once, overwritten in turn.

Agent steps lie in the order in which they came, one row each, and every piece of an episode is closed by one more row
that holds only what was seen last. What follows a row is therefore the row after it, and nothing is stored twice.
Pictures that came as bytes are kept as bytes. Rows are numbered from 0 for ever; row `n` lies at `n` modulo the
capacity, so that a number stays valid until its row is overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from mlagents_envs.base_env import BehaviorSpec
from mlagents_envs.logging_util import get_logger

from mlagents_selfplay.algorithms.pictures import as_bytes, as_floats
from mlagents_selfplay.algorithms.sum_tree import SumTree

logger = get_logger(__name__)

NOBODY = -1
"""The opponent where there is none."""

NO_SNAPSHOT = -2
"""The opponent where it is a pinned one with weights of its own, or a script."""

SMALLEST_PRIORITY = 1e-6  # so that no row is forgotten for good; Schaul et al. 2016, section 3.3

Array = np.ndarray[Any, np.dtype[Any]]


class Piece(NamedTuple):
    """`T` agent steps of one episode in their order.

    observations: one `[T + 1, *shape]` float32 for each sensor, or uint8 for a picture; the last row is what was seen
      after the last step.
    continuous: `[T, size]` float32.
    discrete: `[T, branches]` int32.
    allowed: `[T, sum of branches]` bool.
    rewards: `[T]` float32, or `[T, streams]`.
    terminal: whether the episode ended by itself after the last step.
    episode: number of the episode in the run.
    begin: step of the episode at which the piece begins; 0 is its first.
    opponent: learner step of the opponent's weights, or NOBODY or NO_SNAPSHOT.
    """

    observations: tuple[Array, ...]
    continuous: Array
    discrete: Array
    allowed: Array
    rewards: Array
    terminal: bool
    episode: int
    begin: int
    opponent: int = NOBODY

    @property
    def length(self) -> int:
        """T, the agent steps."""
        return len(self.rewards)


class Transitions(NamedTuple):
    """`B` times: in `s_tm1` the agent did `a_tm1`, was paid over up to `N` steps, and saw `s_t`.

    observations_tm1: one `[B, *shape]` float32 for each sensor.
    continuous_tm1: `[B, size]` float32.
    discrete_tm1: `[B, branches]` int64.
    allowed_tm1: `[B, sum of branches]` bool.
    rewards: `[B, N]` float32, or `[B, N, streams]`; 0 after the end of the piece.
    discounts: `[B, N]` float32, gamma, 0 where the episode ended by itself, 1 after the end of the piece.
    observations_t: one `[B, *shape]` float32 for each sensor, after the last of these steps.
    allowed_t: `[B, sum of branches]` bool; all true where the game had no time to say.
    """

    observations_tm1: tuple[Array, ...]
    continuous_tm1: Array
    discrete_tm1: Array
    allowed_tm1: Array
    rewards: Array
    discounts: Array
    observations_t: tuple[Array, ...]
    allowed_t: Array


class Replay:
    """Memory of a fixed size.

    Args:
      spec: what agents see and do.
      capacity: rows; each piece takes one more than it has steps.
      streams: shape of one reward: `()`, or `(k,)` for k streams.
      priority_exponent: alpha in [0, 1]; 0 draws uniformly, 1 in proportion to the errors.
    """

    def __init__(
        self, spec: BehaviorSpec, capacity: int, streams: tuple[int, ...] = (), priority_exponent: float = 0.0
    ) -> None:
        actions = spec.action_spec
        self.capacity = capacity
        self.columns: dict[str, Array] = {
            "continuous": np.zeros((capacity, actions.continuous_size), np.float32),
            "discrete": np.zeros((capacity, actions.discrete_size), np.int32),
            "allowed": np.ones((capacity, sum(actions.discrete_branches)), bool),
            "reward": np.zeros((capacity, *streams), np.float32),
            "terminal": np.zeros(capacity, bool),
            "head": np.zeros(capacity, np.int64),  # number of the row that begins the piece
            "tail": np.zeros(capacity, np.int64),  # number of the row that closes the piece
            "episode": np.zeros(capacity, np.int64),
            "step": np.zeros(capacity, np.int32),  # of the episode
            "opponent": np.zeros(capacity, np.int64),
        }
        self._sensors = [f"observation.{sensor}" for sensor in range(len(spec.observation_specs))]
        for name, sensor in zip(self._sensors, spec.observation_specs, strict=True):
            self.columns[name] = np.zeros((capacity, *sensor.shape), np.uint8 if len(sensor.shape) == 3 else np.float32)
        self._tree = SumTree(capacity) if priority_exponent > 0 else None
        self._exponent = priority_exponent
        self._largest_priority = 1.0
        self._next = 0  # number of the row that comes next
        self._tails = 0  # among the rows that are held

    def __len__(self) -> int:
        """Transitions that can be drawn."""
        return self._next - self.oldest - self._tails

    @property
    def oldest(self) -> int:
        """Number of the oldest row that is held."""
        return max(0, self._next - self.capacity)

    @property
    def has_priorities(self) -> bool:
        """Whether some transitions are drawn more often than others."""
        return self._tree is not None

    @property
    def num_bytes(self) -> int:
        """Size of the arrays."""
        return sum(column.nbytes for column in self.columns.values())

    def add(self, piece: Piece) -> int:
        """Takes in a piece of an episode, over the oldest rows if there is no room.

        Returns:
          The number of the row that closes it.

        Raises:
          ValueError: if the piece alone is larger than the replay.
        """
        steps = piece.length
        if steps >= self.capacity:
            raise ValueError(f"a trajectory of {steps} steps does not fit into a replay of {self.capacity} rows")
        numbers = np.arange(self._next, self._next + steps + 1)
        rows, tail = numbers % self.capacity, int(numbers[-1])
        overwritten = numbers[numbers >= self.capacity] - self.capacity
        self._tails += 1 - int((self.columns["tail"][overwritten % self.capacity] == overwritten).sum())
        for name, seen in zip(self._sensors, piece.observations, strict=True):
            self._see(name, rows, seen)
        for name in ("continuous", "discrete", "allowed"):
            self.columns[name][rows[:-1]] = getattr(piece, name)
        self.columns["allowed"][rows[-1]] = True
        self.columns["reward"][rows[:-1]] = piece.rewards
        self.columns["terminal"][rows] = False
        self.columns["terminal"][rows[-2]] = piece.terminal
        self.columns["head"][rows] = numbers[0]
        self.columns["tail"][rows] = tail
        self.columns["episode"][rows] = piece.episode
        self.columns["step"][rows] = piece.begin + np.arange(steps + 1)
        self.columns["opponent"][rows] = piece.opponent
        if self._tree is not None:
            self._tree.put(rows, np.append(np.full(steps, self._largest_priority), 0.0))
        self._next = tail + 1
        return tail

    def allow(self, tail: int, allowed: Array) -> None:
        """Says what was allowed at the row that closes a piece, once the episode goes on: `[sum of branches]`."""
        if tail >= self.oldest:
            self.columns["allowed"][tail % self.capacity] = allowed

    def draw(self, count: int, rng: np.random.Generator, importance_exponent: float = 0.0) -> tuple[Array, Array]:
        """Draws transitions, with replacement, each as likely as the other or by priority.

        Args:
          count: of transitions; the replay holds at least one.
          rng: generator; advanced.
          importance_exponent: beta in [0, 1]; how far weights make up for being drawn more often.

        Returns:
          Numbers of rows, `[count]`, and weights in (0, 1], `[count]` float32, the largest of them 1.

        Source: Schaul et al. 2016, arXiv:1511.05952, section 3.
        """
        if self._tree is None:
            return self._draw_uniformly(count, rng), np.ones(count, np.float32)
        rows, share = self._tree.draw(count, rng)
        weights = (len(self) * share) ** -importance_exponent
        newest = self._next - 1
        return newest - (newest - rows) % self.capacity, (weights / weights.max()).astype(np.float32)

    def prioritise(self, numbers: Array, errors: Array) -> None:
        """Sets how much is to be learned from rows, `[B]`, by the size of their errors, `[B]`; needs priorities."""
        assert self._tree is not None
        priorities = (np.abs(errors) + SMALLEST_PRIORITY).astype(np.float64) ** self._exponent
        self._largest_priority = max(self._largest_priority, float(priorities.max()))
        self._tree.put(numbers % self.capacity, priorities)

    def transitions(self, numbers: Array, gamma: float, n_step: int = 1) -> Transitions:
        """Returns what began at rows `[B]`, over at most `n_step` steps and never past the end of a piece.

        Args:
          numbers: of rows that begin a transition.
          gamma: discount of a step, in [0, 1].
          n_step: at least 1.
        """
        tails = self.columns["tail"][numbers % self.capacity]
        within = numbers[:, None] + np.arange(n_step)
        there = within < tails[:, None]
        steps = within % self.capacity
        rewards = self.columns["reward"][steps]
        rewards[~there] = 0.0
        discounts = np.where(self.columns["terminal"][steps], 0.0, gamma).astype(np.float32)
        discounts[~there] = 1.0
        before, after = numbers % self.capacity, np.minimum(numbers + n_step, tails) % self.capacity
        return Transitions(
            self.observations(before),
            self.columns["continuous"][before],
            self.columns["discrete"][before].astype(np.int64),
            self.columns["allowed"][before],
            rewards,
            discounts,
            self.observations(after),
            self.columns["allowed"][after],
        )

    def place_in_piece(self, numbers: Array) -> tuple[Array, Array]:
        """Returns how many steps of the same piece are held before each of rows `[B]`, and how many after."""
        rows = numbers % self.capacity
        heads = np.maximum(self.columns["head"][rows], self.oldest)
        return numbers - heads, self.columns["tail"][rows] - numbers - 1

    def observation(self, sensor: int, numbers: Array) -> Array:
        """Returns what one sensor saw at rows `[B]`: `[B, *shape]` float32."""
        return as_floats(self.columns[self._sensors[sensor]][numbers % self.capacity])

    def observations(self, numbers: Array) -> tuple[Array, ...]:
        """Returns what was seen at rows `[B]`: one `[B, *shape]` float32 for each sensor."""
        return tuple(self.observation(sensor, numbers) for sensor in range(len(self._sensors)))

    def state(self) -> dict[str, Array]:
        """Returns all that is held, oldest first, as copies."""
        rows = np.arange(self.oldest, self._next) % self.capacity
        kept = {name: column[rows] for name, column in self.columns.items()}
        if self._tree is not None:
            kept["priority"] = self._tree.priorities[rows]
        return {**kept, "next": np.array([self._next]), "largest_priority": np.array([self._largest_priority])}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Goes on from `state()`; of what does not fit, the newest rows are kept.

        Raises:
          ValueError: if the state is that of another behavior.
        """
        self._next = int(state["next"][0])
        numbers = np.arange(self._next - len(state["tail"]), self._next)[-self.capacity :]
        rows = numbers % self.capacity
        for name, column in self.columns.items():
            if name not in state or state[name].shape[1:] != column.shape[1:]:
                raise ValueError(
                    f"{name} is {state[name].shape[1:] if name in state else 'missing'}, not {column.shape[1:]}"
                )
            if state[name].dtype != column.dtype:
                self._widen(name)
            self.columns[name][rows] = state[name][-self.capacity :]
        self._tails = int((self.columns["tail"][rows] == numbers).sum())
        self._largest_priority = float(state["largest_priority"][0])
        if self._tree is not None:
            unknown = np.where(self.columns["tail"][rows] == numbers, 0.0, self._largest_priority)
            self._tree.put(rows, state.get("priority", unknown)[-self.capacity :])

    def _draw_uniformly(self, count: int, rng: np.random.Generator) -> Array:
        numbers = rng.integers(self.oldest, self._next, count)
        while True:
            closing = np.flatnonzero(self.columns["tail"][numbers % self.capacity] == numbers)
            if not len(closing):
                return numbers
            numbers[closing] = rng.integers(self.oldest, self._next, len(closing))

    def _see(self, name: str, rows: Array, seen: Array) -> None:
        if self.columns[name].dtype == np.uint8:
            bytes_seen = as_bytes(seen)
            if bytes_seen is not None:
                self.columns[name][rows] = bytes_seen
                return
            self._widen(name)
        self.columns[name][rows] = as_floats(seen)

    def _widen(self, name: str) -> None:
        self.columns[name] = as_floats(self.columns[name])
        logger.warning(
            f"{name} is a picture with values that are no bytes; the replay keeps it in 32 bits, four times the size."
        )
