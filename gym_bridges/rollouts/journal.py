"""What did the learner's seats of one behavior live through? Rows as they come, and the pieces they make up.

A row is one decision: what was seen, what was done, and the reward until the agent's next decision or end. Rows of many
agents come mixed; `take` sorts them into pieces, each one agent's rows in order. A piece ends with the episode, at the
horizon, or with the rollout.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gym_bridges.areas import BehaviorSpec

NOBODY = -1


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
            "piece": np.zeros(1024, np.int64),
        }
        self._size = 0
        self._pieces = 0
        self._closed: list[tuple[np.ndarray, list[np.ndarray], np.ndarray, np.ndarray]] = []

    def __len__(self) -> int:
        return self._size

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
    ) -> np.ndarray:
        """Takes in a row for each of some pieces, `[n]`, and returns the numbers of the rows.

        Args:
          pieces: that the rows go on.
          seen: one `[n, *shape]` for each sensor.
          allowed: `[n, sum of branches]`, or None if everything is.
          continuous: `[n, size]`, as the network gave it.
          discrete: `[n, branches]`.
        """
        end = self._size + len(pieces)
        while end > len(self._rows["piece"]):
            self._rows = {name: np.concatenate((field, np.zeros_like(field))) for name, field in self._rows.items()}
        rows = slice(self._size, end)
        for sensor, values in enumerate(seen):
            self._rows[f"observation.{sensor}"][rows] = values
        self._rows["continuous"][rows] = continuous
        self._rows["discrete"][rows] = discrete
        self._rows["allowed"][rows] = True if allowed is None else allowed
        self._rows["reward"][rows] = 0.0
        self._rows["piece"][rows] = pieces
        self._size = end
        return np.arange(rows.start, rows.stop)

    def pay(self, rows: np.ndarray, rewards: np.ndarray) -> None:
        """Adds rewards to rows."""
        self._rows["reward"][rows] += rewards

    def seen_at(self, row: int) -> list[np.ndarray]:
        """Returns what was seen at a row, one `[1, *shape]` for each sensor."""
        return [self._rows[f"observation.{sensor}"][row : row + 1] for sensor in range(self._sensors)]

    def close(self, pieces: np.ndarray, seen: Sequence[np.ndarray], terminal: np.ndarray, ended: np.ndarray) -> None:
        """Ends pieces, `[n]`.

        Args:
          pieces: which.
          seen: after the last row, one `[n, *shape]` for each sensor.
          terminal: `[n]`, whether the episode ended by itself there.
          ended: `[n]`, whether it ended there at all.
        """
        self._closed.append((pieces, [np.array(values) for values in seen], terminal, ended))

    def take(self, dropped: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the closed pieces and their rows, and begins anew; pieces that were not closed are lost.

        Args:
          dropped: numbers of rows to leave out.

        Returns:
          The rows, `[n, ...]`, piece after piece: `observation.I`, `continuous`, `discrete`, `allowed`, `reward`; for
          each piece, `[m, ...]`: `length` in rows, `next.I`, `terminal`, `ended`.
        """
        keep = np.ones(self._size, bool)
        keep[dropped] = False
        piece = np.where(keep, self._rows["piece"][: self._size], NOBODY)
        lengths = np.bincount(piece[keep], minlength=self._pieces)
        parts = self._closed or [(np.zeros(0, np.int64), self._nothing(), np.zeros(0, bool), np.zeros(0, bool))]
        numbers, terminal, ended = (np.concatenate([part[i] for part in parts]) for i in (0, 2, 3))
        after = [np.concatenate([part[1][sensor] for part in parts]) for sensor in range(self._sensors)]
        filled = lengths[numbers] > 0
        place = np.full(self._pieces + 1, self._pieces + 1)  # of each piece among the closed ones; the last is nobody's
        place[numbers[filled]] = np.arange(filled.sum())
        order = np.argsort(place[piece], kind="stable")[: lengths[numbers].sum()]
        result = {name: field[: self._size][order] for name, field in self._rows.items() if name != "piece"}
        result["length"] = lengths[numbers[filled]]
        result |= {f"next.{sensor}": values[filled] for sensor, values in enumerate(after)}
        result |= {"terminal": terminal[filled], "ended": ended[filled]}
        self._size, self._pieces, self._closed = 0, 0, []
        return result

    def _nothing(self) -> list[np.ndarray]:
        return [self._rows[f"observation.{sensor}"][:0] for sensor in range(self._sensors)]
