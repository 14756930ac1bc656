"""What did the learner's seats of one behavior live through? Rows as they come, and the pieces they make up.

A row is one decision: what was seen, what was done, and the reward until the agent's next decision or end. Rows of many
agents come mixed; `take` sorts them into pieces, each one agent's rows in order. A piece ends with the episode, at the
horizon, or with the rollout; one that has not ended stays here and goes on in the next rollout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gym_bridges.areas import BehaviorSpec

NOBODY = -1


class Seat(NamedTuple):
    """Whose a piece is, `[n]` each: the agent, the number of its match, and its team."""

    agent: np.ndarray
    match: np.ndarray
    team: np.ndarray


class Moved(NamedTuple):
    """Where rows and pieces have gone: the new number at the place of the old one, or NOBODY."""

    rows: np.ndarray
    pieces: np.ndarray


class Journal:
    """The rows of a rollout.

    Args:
      spec: what agents see and do.
    """

    def __init__(self, spec: BehaviorSpec) -> None:
        self._sensors = len(spec.observations)
        sizes = {"continuous": spec.actions.continuous, "discrete": len(spec.actions.branches)}
        self._rows: dict[str, np.ndarray] = {
            **{
                f"observation.{i}": np.zeros((1024, *seen.shape), np.uint8 if seen.kind == "image" else np.float32)
                for i, seen in enumerate(spec.observations)
            },
            "continuous": np.zeros((1024, sizes["continuous"]), np.float32),
            "discrete": np.zeros((1024, sizes["discrete"]), np.int32),
            "allowed": np.zeros((1024, sum(spec.actions.branches)), bool),
            "reward": np.zeros(1024, np.float32),
            "group_reward": np.zeros(1024, np.float32),
            "version": np.zeros(1024, np.int64),
            "memory": np.zeros((1024, 0), np.float32),
            "piece": np.zeros(1024, np.int64),
        }
        self.clear()

    def __len__(self) -> int:
        return self._size

    def clear(self) -> None:
        """Forgets all rows and pieces."""
        self._size = 0
        self._pieces = 0
        self._closed: list[tuple[np.ndarray, list[np.ndarray], np.ndarray, np.ndarray, Seat]] = []

    def begin(self, count: int) -> np.ndarray:
        """Opens pieces and returns their numbers, `[count]`."""
        first, self._pieces = self._pieces, self._pieces + count
        return np.arange(first, self._pieces)

    def add(
        self,
        pieces: np.ndarray,
        seen: Sequence[np.ndarray],
        allowed: np.ndarray | None,
        continuous: np.ndarray,
        discrete: np.ndarray,
        memories: np.ndarray,
        version: int,
    ) -> np.ndarray:
        """Takes in a row for each of some pieces, `[n]`, and returns the numbers of the rows.

        Args:
          pieces: that the rows go on.
          seen: one `[n, *shape]` for each sensor.
          allowed: `[n, sum of branches]`, or None if everything is.
          continuous: `[n, size]`, as the network gave it.
          discrete: `[n, branches]`.
          memories: `[n, memory_size]`, what was remembered when it was decided; the size never changes.
          version: of the weights that decided.
        """
        end = self._size + len(pieces)
        while end > len(self._rows["piece"]):
            self._rows = {name: np.concatenate((field, np.zeros_like(field))) for name, field in self._rows.items()}
        if not self._size and self._rows["memory"].shape[1] != memories.shape[1]:
            self._rows["memory"] = np.zeros((len(self._rows["piece"]), memories.shape[1]), np.float32)
        rows = slice(self._size, end)
        for sensor, values in enumerate(seen):
            self._rows[f"observation.{sensor}"][rows] = values
        self._rows["continuous"][rows] = continuous
        self._rows["discrete"][rows] = discrete
        self._rows["allowed"][rows] = True if allowed is None else allowed
        self._rows["reward"][rows] = 0.0
        self._rows["group_reward"][rows] = 0.0
        self._rows["version"][rows] = version
        self._rows["memory"][rows] = memories
        self._rows["piece"][rows] = pieces
        self._size = end
        return np.arange(rows.start, rows.stop)

    def pay(self, rows: np.ndarray, own: np.ndarray, group: np.ndarray | float = 0.0) -> None:
        """Adds to rows what their agents were paid alone, and as part of a group."""
        self._rows["reward"][rows] += own
        self._rows["group_reward"][rows] += group

    def seen_at(self, row: int) -> list[np.ndarray]:
        """Returns what was seen at a row, one `[1, *shape]` for each sensor."""
        return [self._rows[f"observation.{sensor}"][row : row + 1] for sensor in range(self._sensors)]

    def close(
        self, pieces: np.ndarray, seen: Sequence[np.ndarray], terminal: np.ndarray, ended: np.ndarray, seat: Seat
    ) -> None:
        """Ends pieces, `[n]`.

        Args:
          pieces: which.
          seen: after the last row, one `[n, *shape]` for each sensor.
          terminal: `[n]`, whether the episode ended by itself there.
          ended: `[n]`, whether it ended there at all.
          seat: whose they are.
        """
        self._closed.append((pieces, [np.array(values) for values in seen], terminal, ended, seat))

    def take(self, dropped: np.ndarray) -> tuple[dict[str, np.ndarray], Moved]:
        """Returns the closed pieces with their rows, and where those went that are still open: to the beginning.

        Args:
          dropped: numbers of rows to leave out.

        Returns:
          The rows, `[n, ...]`, piece after piece: `observation.I`, `continuous`, `discrete`, `allowed`, `reward`,
          `group_reward`, `version`, `memory`; for each piece, `[m, ...]`: `length` in rows, `next.I`, `terminal`,
          `ended`, `agent`, `match`, `team`. And the new numbers of what is left.
        """
        keep = np.ones(self._size, bool)
        keep[dropped] = False
        piece = np.where(keep, self._rows["piece"][: self._size], NOBODY)
        lengths = np.bincount(piece[keep], minlength=self._pieces)
        nothing = np.zeros(0, np.int64)
        parts = self._closed or [(nothing, self._nothing(), nothing > 0, nothing > 0, Seat(nothing, nothing, nothing))]
        numbers, terminal, ended = (np.concatenate([part[i] for part in parts]) for i in (0, 2, 3))
        after = [np.concatenate([part[1][sensor] for part in parts]) for sensor in range(self._sensors)]
        seat = Seat(*(np.concatenate(one) for one in zip(*(part[4] for part in parts), strict=True)))
        filled = lengths[numbers] > 0
        place = np.full(self._pieces + 1, self._pieces + 1)  # of each piece among the closed ones; the last is nobody's
        place[numbers[filled]] = np.arange(filled.sum())
        order = np.argsort(place[piece], kind="stable")[: lengths[numbers].sum()]
        result = {name: field[: self._size][order] for name, field in self._rows.items() if name != "piece"}
        result["length"] = lengths[numbers[filled]]
        result |= {f"next.{sensor}": values[filled] for sensor, values in enumerate(after)}
        result |= {"terminal": terminal[filled], "ended": ended[filled]}
        result |= {name: values[filled] for name, values in seat._asdict().items()}
        return result, self._keep_open(piece, numbers)

    def _keep_open(self, piece: np.ndarray, closed: np.ndarray) -> Moved:
        """Moves the rows of pieces that are not among the `closed` to the beginning; `piece` is that of each row."""
        is_open = np.ones(self._pieces + 1, bool)
        is_open[closed] = is_open[NOBODY] = False
        left = np.flatnonzero(is_open[piece])
        moved = Moved(np.full(self._size, NOBODY), np.full(self._pieces, NOBODY))
        moved.rows[left] = np.arange(len(left))
        moved.pieces[is_open[:-1]] = np.arange(is_open.sum())
        for name, field in self._rows.items():
            field[: len(left)] = moved.pieces[piece[left]] if name == "piece" else field[left]
        self._size, self._pieces, self._closed = len(left), int(is_open.sum()), []
        return moved

    def _nothing(self) -> list[np.ndarray]:
        return [self._rows[f"observation.{sensor}"][:0] for sensor in range(self._sensors)]
