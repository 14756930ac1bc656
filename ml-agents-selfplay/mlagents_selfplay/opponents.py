"""Whoever sits opposite the learner, and how they decide: snapshots together, imported and scripted ones alone.

Snapshots of one network are evaluated in one pass, whichever of them sit where: their parameters lie stacked, one slot
each; rows are grouped by opponent and padded, and the network is mapped over the stack. The mapped network is traced
once for each shape into a flat graph, which costs about as much to run as the network itself with the same rows
(benchmark `opponents`). What cannot be mapped (recurrent networks, actors of other plug-ins) is evaluated one opponent
after another.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from mlagents.torch_utils import default_device, torch
from mlagents_envs.logging_util import get_logger
from torch.func import functional_call

from mlagents_selfplay.graphs import traced

logger = get_logger(__name__)

STACKED_PARAMETERS = 500_000  # above this size of an actor, copying a stack costs more than the calls it saves
MIN_WIDTH = 8  # rows of a group; padding so little costs nothing beside the calls, and spares three shapes in four

Array = np.ndarray[Any, np.dtype[Any]]


class Decisions(NamedTuple):
    """What `n` seats see when they decide.

    observations: one array `[n, *shape]` for each sensor.
    masks: `[n, sum of branches]`, 1 allowed and 0 forbidden; of width 0 without discrete branches.
    memories: `[n, memory size]`, zeros at the start of an episode; of width 0 without memory.
    agents: ids of the seats, unique in the run.
    """

    observations: list[Array]
    masks: Array
    memories: Array
    agents: list[str]

    def rows(self, index: Array) -> Decisions:
        """Returns the given rows only, `[m]`."""
        return Decisions(
            [observation[index] for observation in self.observations],
            self.masks[index],
            self.memories[index],
            [self.agents[i] for i in index],
        )


class Actions(NamedTuple):
    """What `n` seats do, as the environment gets it: continuous `[n, size]` in [-1, 1], discrete `[n, branches]`."""

    continuous: Array
    discrete: Array
    memories: Array


class Opponent(Protocol):
    """A player with its own way to act, outside the stack: an imported model or a script."""

    def act(self, decisions: Decisions) -> Actions:
        """Decides for every row."""

    def forget(self, agent: str) -> None:
        """Drops what is remembered of an agent whose episode is over."""


class SnapshotActors:
    """Actors of one architecture, at most `slots` at a time, evaluated together.

    Args:
      actor: the network; copied, its weights do not matter.
      slots: actors to make room for, at least 1.
    """

    def __init__(self, actor: torch.nn.Module, slots: int) -> None:
        self._actor = copy.deepcopy(actor).requires_grad_(False)
        self._names = _names_of_tensors(self._actor)
        self._slots = slots
        self._stack: dict[str, torch.Tensor] = {}
        self._slot_of: dict[str, int] = {}  # least recently used first
        self._graphs: dict[tuple[int, ...], Callable[..., Any]] = {}
        self._gathered: tuple[tuple[int, ...], dict[str, torch.Tensor]] = ((), {})
        size = sum(value.numel() for value in self._actor.state_dict().values())
        self._mappable = (
            hasattr(actor, "network_body") and not getattr(actor, "memory_size", 0) and size <= STACKED_PARAMETERS
        )

    def __contains__(self, player: str) -> bool:
        return player in self._slot_of

    def __len__(self) -> int:
        return len(self._slot_of)

    def mismatch(self, weights: dict[str, Array]) -> str | None:
        """Says what is wrong with weights of another architecture, or None if they fit."""
        own = self._actor.state_dict()
        for name, value in own.items():
            if name not in weights:
                return f"it has no {name}"
            if tuple(weights[name].shape) != tuple(value.shape):
                return f"{name} has shape {tuple(weights[name].shape)} where the network has {tuple(value.shape)}"
        unknown = sorted(set(weights) - set(own))
        return f"the network has no {unknown[0]}" if unknown else None

    def put(self, player: str, weights: dict[str, Array], busy: set[str]) -> bool:
        """Loads an actor into a slot, in place of the least recently used one that is not among `busy`.

        Returns:
          False if every slot is busy; then nothing has changed.

        Raises:
          ValueError: if the weights are of another architecture.
        """
        wrong = self.mismatch(weights)
        if wrong is not None:
            raise ValueError(wrong)
        slot = self._free_slot(busy)
        if slot is None:
            return False
        state = self._actor.state_dict()
        for name in self._names:
            own = state[name]
            if name not in self._stack:
                self._stack[name] = torch.zeros((self._slots, *own.shape), dtype=own.dtype, device=default_device())
            self._stack[name][slot] = torch.as_tensor(np.asarray(weights[name]))
        self._slot_of[player] = slot
        self._gathered = ((), {})
        return True

    def act(self, players: Sequence[str], decisions: Decisions) -> Actions:
        """Lets each row be decided by its player.

        Args:
          players: one for each row, `[n]`, all loaded.
          decisions: of `n` rows.
        """
        for player in dict.fromkeys(players):
            self._slot_of[player] = self._slot_of.pop(player)
        slots, group = np.unique([self._slot_of[player] for player in players], return_inverse=True)
        with torch.no_grad():
            if self._mappable:
                try:
                    return self._act_together(slots, group, decisions)
                except (RuntimeError, NotImplementedError, ValueError, TypeError) as error:
                    logger.debug(f"Opponents are evaluated one after another from now on: {error}")
                    self._mappable = False
            return self._act_in_turn(slots, group, decisions)

    def action_probabilities(self, player: str, observations: Sequence[Array]) -> Array:
        """Returns the chance of each action of a loaded actor with one discrete branch, `[n, actions]`, by itself.

        Args:
          player: who is asked.
          observations: one array `[n, *shape]` for each sensor; nothing is forbidden.
        """
        slot = self._slot_of[player]
        weights = {name: self._stack[name][slot] for name in self._names}
        tensors = [torch.as_tensor(observation, device=default_device()) for observation in observations]
        with torch.no_grad():
            chances = _call(_Chances(self._actor), weights, (tensors,)).double()
        return np.asarray((chances / chances.sum(dim=1, keepdim=True)).cpu().numpy())

    def _free_slot(self, busy: set[str]) -> int | None:
        unused = set(range(self._slots)) - set(self._slot_of.values())
        if unused:
            return min(unused)
        idle = next((player for player in self._slot_of if player not in busy), None)
        return None if idle is None else self._slot_of.pop(idle)

    def _act_together(self, slots: Array, group: Array, decisions: Decisions) -> Actions:
        # Rows sorted by group, each group padded to the same power of two, so that few shapes are ever traced.
        counts = np.bincount(group)
        width, groups = _power_of_two(max(counts.max(), MIN_WIDTH)), _power_of_two(len(slots))
        order = np.argsort(group, kind="stable")
        rows = (
            np.arange(len(group))
            - np.repeat(np.cumsum(counts) - counts, counts)
            + np.repeat(np.arange(len(slots)), counts) * width
        )
        padded = np.zeros(groups * width, dtype=np.int64)
        padded[rows] = order
        inputs = [_grid(value, padded, groups, width) for value in (*decisions.observations, decisions.masks)]
        parameters = self._gather(tuple(slots.tolist()) + (int(slots[0]),) * (groups - len(slots)))
        shape = (groups, width)
        if shape not in self._graphs:
            self._graphs[shape] = _traced(self._actor, parameters, inputs)
        continuous, discrete = self._graphs[shape](parameters, inputs)
        back = np.empty_like(rows)
        back[order] = rows
        return Actions(
            continuous.reshape(groups * width, -1).cpu().numpy()[back],
            discrete.reshape(groups * width, -1).cpu().numpy()[back].astype(np.int32),
            decisions.memories,
        )

    def _act_in_turn(self, slots: Array, group: Array, decisions: Decisions) -> Actions:
        parts = []
        for number, slot in enumerate(slots):
            index = np.flatnonzero(group == number)
            weights = {name: self._stack[name][slot] for name in self._names}
            parts.append((index, _act_alone(self._actor, weights, decisions.rows(index))))
        return merge(len(group), parts)

    def _gather(self, slots: tuple[int, ...]) -> dict[str, torch.Tensor]:
        if self._gathered[0] != slots:
            index = torch.as_tensor(slots, device=default_device())
            self._gathered = (slots, {name: self._stack[name].index_select(0, index) for name in self._names})
        return self._gathered[1]


def merge(size: int, parts: Sequence[tuple[Array, Actions]]) -> Actions:
    """Puts the actions of parts of the rows together again; the indices of the parts cover `size` rows."""
    first = parts[0][1]
    merged = Actions(*(np.zeros((size, field.shape[1]), dtype=field.dtype) for field in first))
    for index, actions in parts:
        for whole, part in zip(merged, actions, strict=True):
            whole[index] = part
    return merged


class _Deciding(torch.nn.Module):
    """From observations and masks to the environment's actions, in tensors only; log-probabilities are left out."""

    def __init__(self, actor: Any) -> None:
        super().__init__()
        self.actor = actor

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        encoding, _ = self.actor.network_body(list(inputs[:-1]))
        action, _, _ = self.actor.action_model(encoding, inputs[-1])
        continuous = action.continuous_tensor
        if continuous is None:
            continuous = encoding.new_zeros(len(encoding), 0)
        elif self.actor.action_model.clip_action:
            continuous = torch.clamp(continuous, -3, 3) / 3
        discrete = action.discrete_tensor[:, 0, :] if action.discrete_list else encoding.new_zeros(len(encoding), 0)
        return continuous, discrete


def _names_of_tensors(actor: torch.nn.Module) -> list[str]:
    """The entries of the state, each once: a module that two others share, as the normaliser is, stands there twice."""
    unshared = {
        f"{path}.{name}" if path else name
        for path, module in actor.named_modules()
        for name, _ in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
    }
    return [name for name in actor.state_dict() if name in unshared]


def _call(module: torch.nn.Module, weights: dict[str, torch.Tensor], inputs: tuple[Any, ...]) -> Any:
    """Calls a module around an `actor` with other weights."""
    given = {f"actor.{name}": value for name, value in weights.items()}
    return functional_call(module, given, inputs, tie_weights=False)  # tied ones would stay in a module that is shared


def _traced(
    actor: torch.nn.Module, parameters: dict[str, torch.Tensor], inputs: list[torch.Tensor]
) -> Callable[..., Any]:
    deciding = _Deciding(actor)

    def one(weights: dict[str, torch.Tensor], given: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        return _call(deciding, weights, tuple(given))

    return traced(torch.vmap(one, randomness="different"), parameters, inputs)


def _act_alone(actor: torch.nn.Module, weights: dict[str, torch.Tensor], decisions: Decisions) -> Actions:
    tensors = [torch.as_tensor(observation, device=default_device()) for observation in decisions.observations]
    masks = torch.as_tensor(decisions.masks, device=default_device())
    memories = torch.as_tensor(decisions.memories, device=default_device()).unsqueeze(0)
    _, outputs, memories_out = _call(_Stats(actor), weights, (tensors, masks, memories))
    action = outputs["env_action"]
    has_memory = decisions.memories.shape[1] > 0
    return Actions(
        action.continuous,
        action.discrete.astype(np.int32),
        memories_out.squeeze(0).cpu().numpy() if has_memory else decisions.memories,
    )


class _Stats(torch.nn.Module):
    """ML-Agents' own way to act, as a module's forward pass so that weights can be handed in."""

    def __init__(self, actor: Any) -> None:
        super().__init__()
        self.actor = actor

    def forward(self, observations: list[torch.Tensor], masks: torch.Tensor, memories: torch.Tensor) -> Any:
        return self.actor.get_action_and_stats(observations, masks=masks, memories=memories)


class _Chances(torch.nn.Module):
    """The distribution over the only discrete branch, as a module's forward pass so that weights can be handed in."""

    def __init__(self, actor: Any) -> None:
        super().__init__()
        self.actor = actor

    def forward(self, observations: list[torch.Tensor]) -> torch.Tensor:
        encoding, _ = self.actor.network_body(observations)
        allowed = encoding.new_ones(len(encoding), sum(self.actor.action_spec.discrete_branches))
        _, log_probs, _ = self.actor.action_model(encoding, allowed)
        return torch.exp(log_probs.all_discrete_tensor)


def _grid(value: Array, index: Array, groups: int, width: int) -> torch.Tensor:
    return torch.as_tensor(value[index].reshape(groups, width, *value.shape[1:]), device=default_device())


def _power_of_two(count: int) -> int:
    return 1 << int(count - 1).bit_length()
