"""What do networks look like that give numbers, and that value them? ML-Agents' own bodies with other heads."""

from __future__ import annotations

import math
from typing import Any

from mlagents.torch_utils import default_device, torch
from mlagents.trainers.settings import NetworkSettings
from mlagents.trainers.torch_entities.action_log_probs import ActionLogProbs
from mlagents.trainers.torch_entities.agent_action import AgentAction
from mlagents.trainers.torch_entities.encoders import VectorInput
from mlagents.trainers.torch_entities.layers import Initialization, linear_layer
from mlagents.trainers.torch_entities.networks import NetworkBody, SimpleActor
from mlagents_envs.base_env import ActionSpec, ObservationSpec
from torch import Tensor, nn
from torch.nn.functional import softplus

MLAGENTS, UNIFORM = FIRST_WEIGHTS = ("mlagents", "uniform")


def draw_first_weights(network: nn.Module, kind: str) -> None:
    """Draws first weights anew where they are not to be ML-Agents'.

    Args:
      network: is changed.
      kind: `mlagents` leaves it as it is. `uniform` draws weights and biases of all linear layers evenly within
        1 / sqrt(inputs) of 0, from torch's generator.

    Source: of `uniform`, Lillicrap et al. 2016, arXiv:1509.02971, section 7, for all but the last layers. PyTorch draws
    all so unasked, and so does the program of Fujimoto et al. 2018.
    """
    if kind == UNIFORM:
        for module in network.modules():
            if isinstance(module, nn.Linear):
                module.reset_parameters()


def _head(size: int, numbers: int) -> nn.Module:
    """Returns a layer whose first outputs are small, as those of ML-Agents' own actors."""
    layer: nn.Module = linear_layer(size, numbers, kernel_init=Initialization.KaimingHeNormal, kernel_gain=0.2)
    return layer


class DeterministicModel(nn.Module):
    """Stands where ML-Agents' actors have their distribution of actions: one action, squashed into [-1, 1].

    Args:
      size: of the encoding.
      numbers: of an action, D.
    """

    clip_action = False  # squashed already

    def __init__(self, size: int, numbers: int) -> None:
        super().__init__()
        self.mu = _head(size, numbers)

    def best(self, encoding: Tensor) -> Tensor:
        """Returns `[n, D]`; `encoding` is `[n, size]`."""
        action: Tensor = torch.tanh(self.mu(encoding))
        return action

    def forward(self, encoding: Tensor, _: Tensor) -> tuple[AgentAction, ActionLogProbs, Tensor]:
        """Returns the action, with log-probabilities and entropies of 0: there is no chance."""
        action = self.best(encoding)
        return (
            AgentAction(action, None),
            ActionLogProbs(torch.zeros_like(action), None, None),
            action.new_zeros(len(action)),
        )

    def get_action_out(self, encoding: Tensor, _: Tensor) -> tuple[Any, ...]:
        """Returns what is exported: the same numbers as action and as deterministic one."""
        action = self.best(encoding)
        return action, None, action, action, None


class SquashedGaussianModel(nn.Module):
    """Stands where ML-Agents' actors have their distribution of actions: a Gaussian, squashed into [-1, 1].

    Args:
      size: of the encoding.
      numbers: of an action, D.
      deterministic: whether actions are the most probable ones, as `--deterministic` asks for.

    Source: Haarnoja et al. 2018, arXiv:1812.05905, appendix C. ML-Agents has it too, but takes a squashed action
    back to a number to find how probable it was, and does not squash its deterministic action.
    """

    clip_action = False  # squashed already

    def __init__(self, size: int, numbers: int, deterministic: bool) -> None:
        super().__init__()
        self.mu = _head(size, numbers)
        self.log_sigma = _head(size, numbers)
        self._deterministic = deterministic

    def best(self, encoding: Tensor) -> Tensor:
        """Returns the most probable action before squashing, squashed: `[n, D]`; `encoding` is `[n, size]`."""
        action: Tensor = torch.tanh(self.mu(encoding))
        return action

    def draw(self, encoding: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Returns actions `[n, D]` and their log-probabilities `[n, D]`, number by number.

        Args:
          encoding: `[n, size]`.
          noise: `[n, D]`, drawn from the standard normal distribution.
        """
        log_sigma = self.log_sigma(encoding).clamp(-20.0, 2.0)
        number = self.mu(encoding) + log_sigma.exp() * noise
        log_density = -0.5 * noise**2 - log_sigma - 0.5 * math.log(2.0 * math.pi)
        # log(1 - tanh(x)^2), which squashing takes off, without a difference of nearly equal numbers.
        squashing = 2.0 * (math.log(2.0) - number - softplus(-2.0 * number))
        return torch.tanh(number), log_density - squashing

    def forward(self, encoding: Tensor, _: Tensor) -> tuple[AgentAction, ActionLogProbs, Tensor]:
        """Returns actions, their log-probabilities, and what a draw says of the entropy, `[n]`."""
        noise = torch.randn_like(self.mu(encoding))
        action, log_prob = self.draw(encoding, torch.zeros_like(noise) if self._deterministic else noise)
        return AgentAction(action, None), ActionLogProbs(log_prob, None, None), -log_prob.sum(-1)

    def get_action_out(self, encoding: Tensor, _: Tensor) -> tuple[Any, ...]:
        """Returns what is exported: a drawn action, and the deterministic one."""
        best = self.best(encoding)
        drawn, _log_prob = self.draw(encoding, torch.randn_like(best))
        return drawn, None, drawn, best, None


class ContinuousActor(SimpleActor):
    """ML-Agents' actor, of which the body is kept and the last layer is another."""

    def best_action(self, observations: list[Tensor]) -> Tensor:
        """Returns the deterministic action, `[n, D]`."""
        encoding, _ = self.network_body(observations)
        action: Tensor = self.action_model.best(encoding)
        return action


class DeterministicActor(ContinuousActor):
    """An actor that knows one action for what it sees.

    Args:
      observation_specs: what it sees.
      network_settings: of ML-Agents' network body.
      action_spec: continuous actions only.
    """

    def __init__(
        self, observation_specs: list[ObservationSpec], network_settings: NetworkSettings, action_spec: ActionSpec
    ) -> None:
        super().__init__(observation_specs, network_settings, action_spec)
        self.action_model = DeterministicModel(self.encoding_size, action_spec.continuous_size)


class StochasticActor(ContinuousActor):
    """An actor that draws its action. Arguments as for `DeterministicActor`."""

    def __init__(
        self, observation_specs: list[ObservationSpec], network_settings: NetworkSettings, action_spec: ActionSpec
    ) -> None:
        super().__init__(observation_specs, network_settings, action_spec)
        self.action_model = SquashedGaussianModel(
            self.encoding_size, action_spec.continuous_size, network_settings.deterministic
        )

    def draw_action(self, observations: list[Tensor], noise: Tensor) -> tuple[Tensor, Tensor]:
        """Returns actions `[n, D]` and their log-probabilities `[n]`, drawn by the standard normal `noise` `[n, D]`."""
        encoding, _ = self.network_body(observations)
        action, log_prob = self.action_model.draw(encoding, noise)
        return action, log_prob.sum(-1)


class Critics(nn.Module):
    """Networks that value actions; they share nothing but what the actor knows of the scale of observations.

    Args:
      count: of them, C.
      actor: whose normalisers they use.
      observation_specs: what is seen.
      network_settings: of ML-Agents' network body.
      first_weights: see `draw_first_weights`.
    """

    def __init__(
        self,
        count: int,
        actor: ContinuousActor,
        observation_specs: list[ObservationSpec],
        network_settings: NetworkSettings,
        first_weights: str,
    ) -> None:
        super().__init__()
        numbers = actor.action_spec.continuous_size
        bodies = [NetworkBody(observation_specs, network_settings, numbers) for _ in range(count)]
        self.bodies = nn.ModuleList(bodies)
        self.values = nn.ModuleList(linear_layer(network_settings.hidden_units, 1) for _ in range(count))
        draw_first_weights(self, first_weights)
        for body in bodies:
            for own, actors in zip(body.processors, actor.network_body.processors, strict=True):
                if isinstance(own, VectorInput):
                    own.normalizer = actors.normalizer
        self.to(default_device())

    def forward(self, observations: list[Tensor], actions: Tensor) -> Tensor:
        """Returns the values `[C, n]` of `actions` `[n, D]`."""
        return torch.stack([self.one(number, observations, actions) for number in range(len(self.bodies))])

    def one(self, number: int, observations: list[Tensor], actions: Tensor) -> Tensor:
        """Returns the values `[n]` of `actions` `[n, D]` in the eyes of one critic."""
        encoding, _ = self.bodies[number](observations, actions)
        value: Tensor = self.values[number](encoding)[:, 0]
        return value
