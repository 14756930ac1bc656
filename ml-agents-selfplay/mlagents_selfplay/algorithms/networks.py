"""What does a network look like that says how good each choice is? ML-Agents' own body with another head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlagents.torch_utils import torch
from mlagents.trainers.settings import NetworkSettings
from mlagents.trainers.torch_entities.action_log_probs import ActionLogProbs
from mlagents.trainers.torch_entities.agent_action import AgentAction
from mlagents.trainers.torch_entities.layers import linear_layer
from mlagents.trainers.torch_entities.networks import NetworkBody, SimpleActor
from mlagents_envs.base_env import ActionSpec, ObservationSpec
from torch import nn

from mlagents_selfplay.algorithms import targets


class QHead(nn.Module):
    """Values of the choices of every branch.

    Args:
      size: of the encoding.
      branches: choices of each branch.
      duelling: whether the value of the state is learned apart from what each choice adds to it.
    """

    def __init__(self, size: int, branches: Sequence[int], duelling: bool) -> None:
        super().__init__()
        self._branches = tuple(branches)
        self.choices = linear_layer(size, sum(branches))
        self.state = linear_layer(size, len(branches)) if duelling else None

    def forward(self, encoding: torch.Tensor) -> list[torch.Tensor]:
        """Returns one `[n, A]` for each branch; `encoding` is `[n, size]`."""
        values = list(self.choices(encoding).split(self._branches, -1))
        if self.state is None:
            return values
        states = self.state(encoding).split(1, -1)
        return [targets.duelling(state, value) for state, value in zip(states, values, strict=True)]


class GreedyModel(nn.Module):
    """Stands where ML-Agents' actors have their distribution of actions: the best allowed choice of every branch.

    Args:
      values: network from an encoding to one `[n, A]` for each branch.
      branches: choices of each branch.
      break_ties: whether equally good choices are drawn from evenly; else it is the first of them.
    """

    clip_action = False  # there are no continuous actions

    def __init__(self, values: nn.Module, branches: Sequence[int], break_ties: bool = False) -> None:
        super().__init__()
        self.values = values
        self._branches = tuple(branches)
        self._break_ties = break_ties

    def forward(self, encoding: torch.Tensor, masks: torch.Tensor) -> tuple[AgentAction, ActionLogProbs, torch.Tensor]:
        """Returns choices `[n, 1]` of each branch, with log-probabilities and entropies of 0: there is no chance."""
        values = only_allowed(self.values(encoding), masks, self._branches)
        choices = [_any_best(value) if self._break_ties else value.argmax(-1, keepdim=True) for value in values]
        nothing = encoding.new_zeros(len(encoding))
        return AgentAction(None, choices), ActionLogProbs(None, [nothing for _ in choices], None), nothing

    def get_action_out(self, encoding: torch.Tensor, masks: torch.Tensor) -> tuple[Any, ...]:
        """Returns what is exported: the same greedy choices `[n, branches]` as actions and as deterministic ones."""
        values = only_allowed(self.values(encoding), masks, self._branches)
        greedy = torch.cat([value.argmax(-1, keepdim=True) for value in values], dim=1)
        return None, greedy, greedy, None, greedy


class QActor(SimpleActor):
    """An actor that does what it thinks best.

    Args:
      observation_specs: what it sees.
      network_settings: of ML-Agents' network body.
      action_spec: discrete branches only.
      duelling: whether the head is a duelling one.
    """

    def __init__(
        self,
        observation_specs: list[ObservationSpec],
        network_settings: NetworkSettings,
        action_spec: ActionSpec,
        duelling: bool,
    ) -> None:
        super().__init__(observation_specs, network_settings, action_spec)
        head = QHead(network_settings.hidden_units, action_spec.discrete_branches, duelling)
        self.action_model = GreedyModel(head, action_spec.discrete_branches)

    def q_values(self, observations: list[torch.Tensor]) -> list[torch.Tensor]:
        """Returns the values of all choices, forbidden ones among them: one `[n, A]` for each branch."""
        encoding, _ = self.network_body(observations)
        values: list[torch.Tensor] = self.action_model.values(encoding)
        return values


def only_allowed(values: Sequence[torch.Tensor], allowed: torch.Tensor, branches: Sequence[int]) -> list[torch.Tensor]:
    """Returns one `[n, A]` for each branch in which no forbidden choice is the best.

    Args:
      values: one `[n, A]` for each branch.
      allowed: `[n, sum of branches]`, not 0 where the choice is allowed.
      branches: choices of each branch.
    """
    masks = allowed.split(list(branches), -1)
    return [targets.only_allowed(value, mask) for value, mask in zip(values, masks, strict=True)]


def _any_best(values: torch.Tensor) -> torch.Tensor:
    is_best = values == values.max(-1, keepdim=True).values
    return (is_best * (torch.rand_like(values) + 1.0)).argmax(-1, keepdim=True)


class TwoBodies(nn.Module):
    """Two of ML-Agents' network bodies beside each other, in place of one: the encodings lie one after the other."""

    memory_size = 0

    def __init__(self, first: NetworkBody, second: NetworkBody) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def forward(
        self, inputs: list[torch.Tensor], memories: torch.Tensor | None = None, sequence_length: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Returns encodings `[n, 2 x size]`, and the memories, which are not used."""
        return torch.cat([self.first(inputs)[0], self.second(inputs)[0]], -1), memories


class TwoStreams(nn.Module):
    """Values of the choices of every branch in two streams, out of two encodings that lie one after the other.

    Args:
      size: of one encoding.
      branches: choices of each branch.
    """

    def __init__(self, size: int, branches: Sequence[int]) -> None:
        super().__init__()
        self.first = QHead(size, branches, duelling=False)
        self.second = QHead(size, branches, duelling=False)

    def streams(self, encodings: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Returns for each stream one `[n, A]` for each branch."""
        first, second = encodings.chunk(2, -1)
        return self.first(first), self.second(second)

    def forward(self, encodings: torch.Tensor) -> list[torch.Tensor]:
        """Returns what decides, the sum of both streams: one `[n, A]` for each branch."""
        return [sum(pair) for pair in zip(*self.streams(encodings), strict=True)]


class TwoStreamActor(SimpleActor):
    """An actor that does what two networks together think best; arguments as for `QActor`."""

    def __init__(
        self, observation_specs: list[ObservationSpec], network_settings: NetworkSettings, action_spec: ActionSpec
    ) -> None:
        super().__init__(observation_specs, network_settings, action_spec)
        bodies = [NetworkBody(observation_specs, network_settings) for _ in range(2)]
        self.network_body = TwoBodies(*bodies)
        branches = action_spec.discrete_branches
        self.action_model = GreedyModel(TwoStreams(network_settings.hidden_units, branches), branches)

    def q_values(self, observations: list[torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Returns for each stream the values of all choices: one `[n, A]` for each branch."""
        encodings, _ = self.network_body(observations)
        two_streams: Any = self.action_model.values
        streams: tuple[list[torch.Tensor], list[torch.Tensor]] = two_streams.streams(encodings)
        return streams
