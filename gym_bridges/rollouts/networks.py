"""How do many policies of one architecture act at once? Layers of plain arrays, the rows of each policy together.

What is carried here are ML-Agents' networks for vector observations: normaliser, hidden layers with the activation
x / (1 + e^-x), a Gaussian head for continuous and a categorical head for each branch of discrete actions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gym_bridges.areas import ActionSpec, BehaviorSpec

BOUND = 3.0  # a Gaussian action is cut there and scaled to [-1, 1], as ML-Agents does before it sends it
NORMALISED = 5.0  # a normalised observation is cut there
FORBIDDEN = np.float32(-1e8)


class Acted(NamedTuple):
    """What `n` rows do.

    continuous: `[n, size]` as the network gave it; `sent` is what the environment gets, in [-1, 1].
    discrete: `[n, branches]` int32.
    """

    continuous: np.ndarray
    sent: np.ndarray
    discrete: np.ndarray


class Networks:
    """The policies of one behavior, by name.

    Args:
      spec: what its agents see and do.
    """

    def __init__(self, spec: BehaviorSpec) -> None:
        self._actions: ActionSpec = spec.actions
        self._stack: dict[str, np.ndarray] = {}
        self._place: dict[str, int] = {}
        self._weights: dict[str, Mapping[str, np.ndarray]] = {}
        self.deterministic = False

    def change(self, new: Mapping[str, Mapping[str, np.ndarray]], dropped: Sequence[str]) -> None:
        """Takes in policies, some perhaps in place of older ones of the same name, and forgets others.

        Args:
          new: arrays by player: `mean` and `scale` `[inputs]` of the normaliser (or none of the two), `weight.I`
            `[in, out]` and `bias.I` `[out]` of hidden layer I, `mu.weight`, `mu.bias`, `sigma` `[size]` of the
            Gaussian head, `logits.weight`, `logits.bias` of all branches in a row.
          dropped: players.
        """
        for player in dropped:
            self._weights.pop(player, None)
        self._weights.update(new)
        self._place = {player: place for place, player in enumerate(self._weights)}
        names = next(iter(self._weights.values()), {})
        self._stack = {name: np.stack([own[name] for own in self._weights.values()]) for name in names}

    def place(self, player: str) -> int:
        """Returns the number under which `act` knows a player until the next `change`."""
        return self._place[player]

    def act(self, places: np.ndarray, seen: np.ndarray, allowed: np.ndarray | None, rng: np.random.Generator) -> Acted:
        """Lets each row be decided by its policy.

        Args:
          places: `[n]` of the policies.
          seen: `[n, inputs]` float32, the observations of all sensors in a row.
          allowed: `[n, sum of branches]` bool, or None if everything is.
          rng: advanced, unless `deterministic`.
        """
        order = np.argsort(places, kind="stable")
        owner = places[order]
        begins = np.flatnonzero(np.diff(owner, prepend=-1))
        groups = list(zip(begins.tolist(), [*begins[1:].tolist(), len(owner)], owner[begins].tolist(), strict=True))
        hidden = seen[order]
        if "mean" in self._stack:
            hidden = (hidden - self._stack["mean"][owner]) / self._stack["scale"][owner]
            np.clip(hidden, -NORMALISED, NORMALISED, out=hidden)
        layer = 0
        while f"weight.{layer}" in self._stack:
            hidden = self._linear(hidden, f"weight.{layer}", f"bias.{layer}", groups, owner)
            hidden /= 1.0 + np.exp(-hidden)
            layer += 1
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        continuous = np.zeros((len(seen), 0), np.float32)
        discrete = np.zeros((len(seen), len(self._actions.branches)), np.int32)
        if self._actions.continuous:
            continuous = self._linear(hidden, "mu.weight", "mu.bias", groups, owner)
            if not self.deterministic:
                continuous += self._stack["sigma"][owner] * rng.standard_normal(continuous.shape, np.float32)
            continuous = continuous[back]
        if self._actions.branches:
            logits = self._linear(hidden, "logits.weight", "logits.bias", groups, owner)[back]
            if allowed is not None:
                logits = np.where(allowed, logits, FORBIDDEN)
            if not self.deterministic:  # the largest of logits plus Gumbel noise is drawn by the softmax
                with np.errstate(divide="ignore"):
                    logits -= np.log(rng.standard_exponential(logits.shape, np.float32))
            first = 0
            for branch, size in enumerate(self._actions.branches):
                discrete[:, branch] = logits[:, first : first + size].argmax(axis=1)
                first += size
        return Acted(continuous, np.clip(continuous, -BOUND, BOUND) / BOUND, discrete)

    def _linear(
        self, rows: np.ndarray, weight: str, bias: str, groups: list[tuple[int, int, int]], owner: np.ndarray
    ) -> np.ndarray:
        weights = self._stack[weight]
        out = np.empty((len(rows), weights.shape[2]), np.float32)
        for begin, end, place in groups:
            np.matmul(rows[begin:end], weights[place], out=out[begin:end])
        out += self._stack[bias][owner]
        return out
