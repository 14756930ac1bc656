"""What does a learner from replay learn from, and with which settings? Batches of transitions, one step for each."""

from __future__ import annotations

from typing import Any, NamedTuple

import attr
from mlagents.torch_utils import default_device, torch
from mlagents.trainers.optimizer.torch_optimizer import TorchOptimizer
from mlagents.trainers.settings import HyperparamSettings
from mlagents.trainers.torch_entities.utils import ModelUtils

from mlagents_selfplay.algorithms.replay import Array, Transitions
from mlagents_selfplay.algorithms.targets import n_step
from mlagents_selfplay.checks import flag, integer, number, one_of


@attr.resolve_types  # ML-Agents looks at them
@attr.s(auto_attribs=True)
class OffPolicySettings(HyperparamSettings):
    """The keys that every learner from replay has; they mean what they mean for ML-Agents' sac."""

    batch_size: Any = attr.ib(default=128, validator=integer(1, "transitions"))
    buffer_size: Any = attr.ib(default=50_000, validator=integer(2, "transitions"))  # and one for each trajectory
    buffer_init_steps: Any = attr.ib(default=1_000, validator=integer(0, "learner steps"))  # before the first update
    learning_rate: Any = attr.ib(default=3e-4, validator=number(0, above=True))
    learning_rate_schedule: Any = attr.ib(default="constant", validator=one_of("constant", "linear"))
    steps_per_update: Any = attr.ib(default=1.0, validator=number(0, above=True))  # learner steps
    n_step: Any = attr.ib(default=1, validator=integer(1, "steps"))  # rewards counted before the value takes over
    save_replay_buffer: Any = attr.ib(default=True, validator=flag)  # with every checkpoint; resumes are exact with it

    @property
    def reward_signal_steps_per_update(self) -> float:
        """ML-Agents asks for it; there is no reward signal that learns."""
        return float(self.steps_per_update)


class Batch(NamedTuple):
    """`B` transitions as tensors, over up to n steps; names and shapes as in `Transitions`.

    `r_t` `[B]` (or `[B, streams]`) and `discount_t` `[B]` span these steps; `weights` `[B]` is how much each counts.
    """

    observations_tm1: list[torch.Tensor]
    continuous_tm1: torch.Tensor
    discrete_tm1: torch.Tensor
    allowed_tm1: torch.Tensor
    r_t: torch.Tensor
    discount_t: torch.Tensor
    observations_t: list[torch.Tensor]
    allowed_t: torch.Tensor
    weights: torch.Tensor


def batch_of(transitions: Transitions, weights: Array) -> Batch:
    """Returns transitions as tensors on the device that learns."""

    def tensor(array: Array) -> torch.Tensor:
        return torch.as_tensor(array, device=default_device())

    rewards, discounts = tensor(transitions.rewards), tensor(transitions.discounts)
    if rewards.dim() == 2:
        r_t, discount_t = n_step(rewards, discounts)
    else:
        streams = [n_step(stream, discounts) for stream in rewards.unbind(-1)]
        r_t, discount_t = torch.stack([r for r, _ in streams], -1), streams[0][1]
    return Batch(
        [tensor(seen) for seen in transitions.observations_tm1],
        tensor(transitions.continuous_tm1),
        tensor(transitions.discrete_tm1),
        tensor(transitions.allowed_tm1),
        r_t,
        discount_t,
        [tensor(seen) for seen in transitions.observations_t],
        tensor(transitions.allowed_t),
        tensor(weights),
    )


class ReplayOptimizer(TorchOptimizer):
    """How a batch changes the networks; the base of the learners' optimisers."""

    def learn(self, batch: Batch) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
        """Takes one step.

        Returns:
          What TensorBoard is to show, by its name there, scalars; and the errors `[B]` that set priorities, if any.
        """
        raise NotImplementedError

    def update_learning_rate(self, *optimizers: torch.optim.Optimizer) -> float:
        """Sets the learning rate of this learner step, and returns it."""
        settings: OffPolicySettings = self.trainer_settings.hyperparameters
        left = max(0.0, 1.0 - self.policy.get_current_step() / self.trainer_settings.max_steps)
        rate = float(settings.learning_rate * (left if settings.learning_rate_schedule == "linear" else 1.0))
        for optimizer in optimizers:
            ModelUtils.update_learning_rate(optimizer, rate)
        return rate
