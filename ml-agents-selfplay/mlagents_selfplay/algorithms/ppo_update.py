"""One step of PPO down the gradient: the loss as ML-Agents has it, traced once into a flat graph with its gradients.

The networks are small, so most of an update is not arithmetic but the way there: modules, autograd's records, one
small kernel for each parameter in the optimiser. The graph holds the same operations in the same order without the
rest, and Adam runs as one kernel. Networks with a memory are not traced: as single operations, their recurrence takes
two to six times as long as PyTorch's kernel for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlagents.torch_utils import default_device, torch
from mlagents.trainers.buffer import BufferKey, RewardSignalUtil
from mlagents.trainers.ppo.optimizer_torch import TorchPPOOptimizer
from mlagents.trainers.torch_entities.action_log_probs import ActionLogProbs
from mlagents.trainers.torch_entities.agent_action import AgentAction
from mlagents.trainers.torch_entities.utils import ModelUtils
from mlagents.trainers.trajectory import ObsUtil
from torch.func import functional_call, grad

from mlagents_selfplay.graphs import traced

Tensors = dict[Any, torch.Tensor]


class PPOUpdate:
    """Changes the networks of an optimiser of ML-Agents, as its own `update` would.

    Args:
      optimizer: whose networks, schedules and Adam are used; its Adam is told to run as one kernel.
    """

    def __init__(self, optimizer: TorchPPOOptimizer) -> None:
        self._optimizer = optimizer
        self._networks = _Networks(optimizer.policy.actor, optimizer.critic)
        self._sensors = len(optimizer.policy.behavior_spec.observation_specs)
        self._parameters = {name: value for name, value in self._networks.named_parameters() if value.requires_grad}
        self._fixed = list(_fixed_tensors(self._networks))  # normalisers replace theirs, so they are looked up again
        self._sequence_length = optimizer.policy.sequence_length
        self._graphs: dict[int, Callable[..., Any]] = {}  # by rows of a batch
        for group in optimizer.optimizer.param_groups:
            group.update(fused=True, foreach=False)

    def __call__(self, batch: Tensors) -> dict[str, torch.Tensor]:
        """Takes one step.

        Args:
          batch: `[n, ...]` tensors under ML-Agents' names for them.

        Returns:
          What TensorBoard is to show.
        """
        optimizer = self._optimizer
        step = optimizer.policy.get_current_step()
        rates = (optimizer.decay_learning_rate, optimizer.decay_epsilon, optimizer.decay_beta)
        learning_rate, epsilon, beta = (rate.get_value(step) for rate in rates)
        parameters = self._parameters
        fixed = {name: getattr(module, attribute) for name, module, attribute in self._fixed}
        limits = torch.tensor([epsilon, beta], device=default_device())
        gradients, (policy_loss, value_loss) = self._gradients(parameters, fixed, batch, limits)
        for name, parameter in parameters.items():
            parameter.grad = gradients[name]
        ModelUtils.update_learning_rate(optimizer.optimizer, learning_rate)
        optimizer.optimizer.step()
        return {
            "Losses/Policy Loss": policy_loss.abs(),
            "Losses/Value Loss": value_loss,
            "Policy/Learning Rate": torch.tensor(learning_rate),
            "Policy/Epsilon": torch.tensor(epsilon),
            "Policy/Beta": torch.tensor(beta),
        }

    def _gradients(self, *arguments: Any) -> Any:
        """Returns the gradients by name of the parameter, and the losses; takes what `_loss` takes."""
        parameters, _, batch, _ = arguments
        if self._optimizer.policy.use_recurrent:
            loss, losses = self._loss(*arguments)
            gradients = torch.autograd.grad(loss, list(parameters.values()))
            return dict(zip(parameters, gradients, strict=True)), [found.detach() for found in losses]
        rows = len(batch[BufferKey.ADVANTAGES])
        if rows not in self._graphs:
            self._graphs[rows] = traced(grad(self._loss, has_aux=True), *arguments)
        return self._graphs[rows](*arguments)

    def _loss(
        self, parameters: Mapping[str, torch.Tensor], fixed: Mapping[str, torch.Tensor], batch: Tensors, limits: Any
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Clipped policy loss, half of the clipped value loss, and the entropy bonus, as ML-Agents weighs them."""
        epsilon, beta = limits[0], limits[1]
        seen = [batch[ObsUtil.get_name_at(sensor)] for sensor in range(self._sensors)]
        memories = (batch.get(BufferKey.MEMORY), batch.get(BufferKey.CRITIC_MEMORY), self._sequence_length)
        found, values = functional_call(
            self._networks,
            {**parameters, **fixed},
            (seen, actions_of(batch), batch[BufferKey.ACTION_MASK], *memories),
            tie_weights=False,
        )
        real = batch.get(BufferKey.MASKS)
        value_losses = [
            clipped_value_loss(
                value,
                batch[RewardSignalUtil.value_estimates_key(name)],
                batch[RewardSignalUtil.returns_key(name)],
                epsilon,
                real,
            )
            for name, value in values.items()
        ]
        value_loss = torch.stack(value_losses).mean()
        log_ratio = found["log_probs"].flatten() - _log_probs_of(batch).flatten()
        policy_loss = clipped_policy_loss(log_ratio, batch[BufferKey.ADVANTAGES], epsilon, real)
        return policy_loss + 0.5 * value_loss - beta * _mean(found["entropy"], real), (policy_loss, value_loss)


def clipped_policy_loss(
    log_ratio: torch.Tensor, advantage: torch.Tensor, epsilon: torch.Tensor, real: torch.Tensor | None = None
) -> torch.Tensor:
    """Returns what to minimise so that good actions become likelier, but not by more than a factor of 1 + epsilon.

    Args:
      log_ratio: `[n, k]`, log-probability of each part of an action now, less that when it was taken. Each of the k
        parts (a continuous number, a branch) counts by itself, as in ML-Agents; others take their sum.
      advantage: `[n]`.
      epsilon: above 0.
      real: `[n]`, the rows that count; None if all do.

    Source: Schulman et al. 2017, arXiv:1707.06347, equation 7, negated.
    """
    ratio = log_ratio.exp()
    advantage = advantage.unsqueeze(-1)
    return -_mean(torch.min(ratio * advantage, ratio.clamp(1.0 - epsilon, 1.0 + epsilon) * advantage), real)


def clipped_value_loss(
    value: torch.Tensor,
    old_value: torch.Tensor,
    returns: torch.Tensor,
    epsilon: torch.Tensor,
    real: torch.Tensor | None = None,
) -> torch.Tensor:
    """Returns the mean squared error, or that of a value kept within epsilon of its old one, if that is larger.

    Args:
      value: `[n]`, the critic's now.
      old_value: `[n]`, when the experience was gathered.
      returns: `[n]`, what it should be.
      epsilon: above 0, in units of reward, as in ML-Agents.
      real: `[n]`, the rows that count; None if all do.
    """
    near = old_value + (value - old_value).clamp(-epsilon, epsilon)
    return _mean(torch.max((returns - value) ** 2, (returns - near) ** 2), real)


def _mean(values: torch.Tensor, real: torch.Tensor | None) -> torch.Tensor:
    """Returns the mean of `[n]` or `[n, k]` values over the rows that count."""
    return values.mean() if real is None else values[real].mean()


def actions_of(batch: Mapping[Any, torch.Tensor]) -> AgentAction:
    """Returns the actions of a batch, without the detour over NumPy that `AgentAction.from_buffer` takes."""
    return AgentAction(batch[BufferKey.CONTINUOUS_ACTION], list(batch[BufferKey.DISCRETE_ACTION].unbind(1)))


def _log_probs_of(batch: Tensors) -> ActionLogProbs:
    discrete = list(batch[BufferKey.DISCRETE_LOG_PROBS].unbind(1))
    return ActionLogProbs(batch[BufferKey.CONTINUOUS_LOG_PROBS], discrete or None, None)


def _fixed_tensors(networks: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module, str]]:
    """Yields the tensors that no gradient changes: full name, module, and its attribute."""
    for path, module in networks.named_modules():
        own = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
        for attribute, value in own:
            if not value.requires_grad:
                yield f"{path}.{attribute}", module, attribute


class _Networks(torch.nn.Module):
    """Actor and critic as one module, which may be one and the same."""

    def __init__(self, actor: torch.nn.Module, critic: torch.nn.Module) -> None:
        super().__init__()
        self.actor = actor
        self.critic = critic

    def forward(
        self,
        seen: list[torch.Tensor],
        actions: AgentAction,
        masks: torch.Tensor,
        memories: torch.Tensor | None,
        critic_memories: torch.Tensor | None,
        sequence_length: int,
    ) -> Any:
        found = self.actor.get_stats(seen, actions, masks, memories, sequence_length)
        values, _ = self.critic.critic_pass(seen, critic_memories, sequence_length)
        return found, values
