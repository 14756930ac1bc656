"""How do many policies of one architecture act at once? Layers of plain arrays, the rows of each policy together.

What is carried here are ML-Agents' network bodies: a normaliser for the numbers that are seen, convolutions (see
`pictures`) and one dense layer for each picture, hidden layers with the activation x / (1 + e^-x) on the numbers first,
then the pictures, and perhaps a memory behind them (long short-term memory). Their heads are known by the names of
their arrays, `[in, out]` weights and `[out]` biases:

| arrays | actions |
|---|---|
| `mu`, `sigma` `[size]` | drawn from a Gaussian, cut at 3 and scaled to [-1, 1] when they are sent |
| `mu` alone | one number, squashed into [-1, 1] |
| `mu`, `log_sigma` | drawn from a Gaussian, squashed into [-1, 1] |
| `logits` of all branches in a row | drawn from the categorical distribution of each branch |
| `values` of all branches in a row | the best allowed choice of each branch |
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gym_bridges.areas import ActionSpec, BehaviorSpec
from gym_bridges.rollouts.pictures import blocks_of, convolved, leaky

BOUND = 3.0  # a Gaussian action is cut there and scaled to [-1, 1], as ML-Agents does before it sends it
NORMALISED = 5.0  # a normalised observation is cut there
LOG_SIGMA = (-20.0, 2.0)  # bounds of a spread that depends on what is seen
FORBIDDEN = np.float32(-1e8)


class Acted(NamedTuple):
    """What `n` rows do.

    continuous: `[n, size]` as the network gave it; `sent` is what the environment gets, in [-1, 1].
    discrete: `[n, branches]` int32.
    """

    continuous: np.ndarray
    sent: np.ndarray
    discrete: np.ndarray


class _Order(NamedTuple):
    """Rows by policy: which row comes when, whose it is, and from where to where each policy's rows lie."""

    rows: np.ndarray
    owner: np.ndarray
    groups: list[tuple[int, int, int]]

    def back(self, values: np.ndarray) -> np.ndarray:
        """Returns values of the ordered rows in the order in which the rows were given."""
        result = np.empty_like(values)
        result[self.rows] = values
        return result


class Networks:
    """The policies of one behavior, by name.

    Args:
      spec: what its agents see and do.
    """

    def __init__(self, spec: BehaviorSpec) -> None:
        self._actions: ActionSpec = spec.actions
        self._vectors = [sensor for sensor, seen in enumerate(spec.observations) if seen.kind == "vector"]
        self._pictures = [sensor for sensor, seen in enumerate(spec.observations) if seen.kind == "image"]
        self._stack: dict[str, np.ndarray] = {}
        self._place: dict[str, int] = {}
        self._weights: dict[str, Mapping[str, np.ndarray]] = {}
        self.deterministic = False

    def change(self, new: Mapping[str, Mapping[str, np.ndarray]], dropped: Sequence[str]) -> None:
        """Takes in policies, some perhaps in place of older ones of the same name, and forgets others.

        Args:
          new: arrays by player: `mean` and `scale` `[inputs]` of the normaliser (or none of the two), `weight.I`
            `[in, out]` and `bias.I` `[out]` of hidden layer I, and those of a head, `mu.weight`, `mu.bias` and so on.
            For convolution J of the picture that sensor I sees, `picture.I.J.size`, its stride and the strides in its
            kernel, `picture.I.J.weight` `[values, shifts * shifts * out]` (the first takes bytes), `picture.I.J.bias`;
            behind them `picture.I.dense.weight` and `picture.I.dense.bias`, places by row, column and channel. With a
            memory of half `[h]` and half `[h]`, `lstm.weight` `[in + h, 4 * h]` and `lstm.bias` `[4 * h]`: what to take
            in, what to forget, what there is to take in, what to give out.
          dropped: players.
        """
        for player in dropped:
            self._weights.pop(player, None)
        self._weights.update(new)
        self._place = {player: place for place, player in enumerate(self._weights)}
        names = next(iter(self._weights.values()), {})
        self._stack = {name: np.stack([own[name] for own in self._weights.values()]) for name in names}

    @property
    def memory_size(self) -> int:
        """Numbers that a policy remembers, 0 if it has no memory."""
        return len(self._stack["lstm.bias"][0]) // 2 if "lstm.bias" in self._stack else 0

    def place(self, player: str) -> int:
        """Returns the number under which `act` knows a player until the next `change`."""
        return self._place[player]

    def act(
        self,
        places: np.ndarray,
        seen: Sequence[np.ndarray],
        allowed: np.ndarray | None,
        rng: np.random.Generator,
        memories: np.ndarray | None = None,
    ) -> Acted:
        """Lets each row be decided by its policy.

        Args:
          places: `[n]` of the policies.
          seen: one `[n, *shape]` for each sensor; pictures are bytes.
          allowed: `[n, sum of branches]` bool, or None if everything is.
          rng: advanced, unless `deterministic`.
          memories: `[n, memory_size]`, written to; only needed where policies have a memory.
        """
        order = _order(places)
        encoded = [self._encode(sensor, seen[sensor][order.rows], order) for sensor in self._pictures]
        if self._vectors:
            encoded.insert(0, self._normalised(np.concatenate([seen[s][order.rows] for s in self._vectors], 1), order))
        hidden = np.concatenate(encoded, axis=1)
        layer = 0
        while f"weight.{layer}" in self._stack:
            hidden = self._linear(hidden, f"weight.{layer}", f"bias.{layer}", order)
            hidden /= 1.0 + np.exp(-hidden)
            layer += 1
        if self.memory_size:
            assert memories is not None
            hidden = self._remembering(hidden, memories, order)
        continuous = sent = np.zeros((len(places), 0), np.float32)
        discrete = np.zeros((len(places), len(self._actions.branches)), np.int32)
        if self._actions.continuous:
            continuous, sent = self._numbers(hidden, order, rng)
        if self._actions.branches:
            discrete = self._choices(hidden, order, allowed, rng)
        return Acted(continuous, sent, discrete)

    def _remembering(self, hidden: np.ndarray, memories: np.ndarray, order: _Order) -> np.ndarray:
        """Returns what the memory gives out, `[n, h]`, and writes into `memories` what is remembered from now on.

        Source: Hochreiter and Schmidhuber 1997, with the gate that forgets of Gers et al. 2000.
        """
        given_out, kept = np.split(memories[order.rows], 2, axis=1)
        gates = self._linear(np.concatenate((hidden, given_out), axis=1), "lstm.weight", "lstm.bias", order)
        take_in, keep, new, give_out = np.split(gates, 4, axis=1)
        kept = _sigmoid(keep) * kept + _sigmoid(take_in) * np.tanh(new)
        given_out = _sigmoid(give_out) * np.tanh(kept)
        memories[order.rows] = np.concatenate((given_out, kept), axis=1)
        return given_out

    def _numbers(self, hidden: np.ndarray, order: _Order, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Returns continuous actions, `[n, size]`, as the network gave them and as they are sent."""
        numbers = self._linear(hidden, "mu.weight", "mu.bias", order)
        if not self.deterministic and "sigma" in self._stack:
            numbers += self._stack["sigma"][order.owner] * rng.standard_normal(numbers.shape, np.float32)
        elif not self.deterministic and "log_sigma.weight" in self._stack:
            log_sigma = self._linear(hidden, "log_sigma.weight", "log_sigma.bias", order)
            numbers += np.exp(np.clip(log_sigma, *LOG_SIGMA)) * rng.standard_normal(numbers.shape, np.float32)
        numbers = order.back(numbers)
        if "sigma" in self._stack:
            return numbers, np.clip(numbers, -BOUND, BOUND) / BOUND
        squashed = np.tanh(numbers)
        return squashed, squashed

    def _choices(
        self, hidden: np.ndarray, order: _Order, allowed: np.ndarray | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Returns a choice of each branch, `[n, branches]` int32."""
        greedy = "values.weight" in self._stack
        head = "values" if greedy else "logits"
        scores = order.back(self._linear(hidden, f"{head}.weight", f"{head}.bias", order))
        if allowed is not None:
            scores = np.where(allowed, scores, -np.inf if greedy else FORBIDDEN)
        if not greedy and not self.deterministic:  # the largest of logits plus Gumbel noise is drawn by the softmax
            with np.errstate(divide="ignore"):
                scores -= np.log(rng.standard_exponential(scores.shape, np.float32))
        return best_of_each(scores, self._actions.branches)

    def _normalised(self, numbers: np.ndarray, order: _Order) -> np.ndarray:
        numbers = numbers.astype(np.float32, copy=False)
        if "mean" in self._stack:
            numbers = (numbers - self._stack["mean"][order.owner]) / self._stack["scale"][order.owner]
            np.clip(numbers, -NORMALISED, NORMALISED, out=numbers)
        return numbers

    def _encode(self, sensor: int, pictures: np.ndarray, order: _Order) -> np.ndarray:
        """Returns what hidden layers are told of pictures `[n, channels, height, width]`, `[n, size]`."""
        name, layer = f"picture.{sensor}", 0
        seen = pictures.transpose(0, 2, 3, 1)
        while f"{name}.{layer}.size" in self._stack:
            stride, shifts = self._stack[f"{name}.{layer}.size"][0].tolist()
            product = functools.partial(self._product, weight=f"{name}.{layer}.weight", order=order)
            bias = self._stack[f"{name}.{layer}.bias"][order.owner]
            seen = convolved(blocks_of(seen, stride), shifts, product, bias)
            layer += 1
        flat = np.ascontiguousarray(seen, np.float32).reshape(len(seen), -1)
        return leaky(self._linear(flat, f"{name}.dense.weight", f"{name}.dense.bias", order))

    def _linear(self, rows: np.ndarray, weight: str, bias: str, order: _Order) -> np.ndarray:
        """Returns what a layer makes of `[n, in]`, `[n, out]`."""
        out = self._product(rows, weight, order)
        out += self._stack[bias][order.owner]
        return out

    def _product(self, rows: np.ndarray, weight: str, order: _Order) -> np.ndarray:
        """Returns `[n, ..., out]`, rows `[n, ..., in]` times the weights of whom they belong to."""
        weights = self._stack[weight]
        out = np.empty((*rows.shape[:-1], weights.shape[2]), np.float32)
        for begin, end, place in order.groups:
            flat, result = rows[begin:end].reshape(-1, rows.shape[-1]), out[begin:end].reshape(-1, out.shape[-1])
            np.matmul(flat, weights[place], out=result)
        return out


def best_of_each(scores: np.ndarray, branches: Sequence[int]) -> np.ndarray:
    """Returns the best choice of each branch, `[n, branches]` int32; `scores` are `[n, sum of branches]`."""
    best = np.zeros((len(scores), len(branches)), np.int32)
    first = 0
    for branch, size in enumerate(branches):
        best[:, branch] = scores[:, first : first + size].argmax(axis=1)
        first += size
    return best


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.5 * values)


def _order(places: np.ndarray) -> _Order:
    rows = np.argsort(places, kind="stable")
    owner = places[rows]
    begins = np.flatnonzero(np.diff(owner, prepend=-1))
    groups = zip(begins.tolist(), [*begins[1:].tolist(), len(owner)], owner[begins].tolist(), strict=True)
    return _Order(rows, owner, list(groups))
