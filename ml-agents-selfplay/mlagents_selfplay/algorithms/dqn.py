"""DQN: how good is each choice? Learned from replay, with all that made it strong, each of which can be left out.

Double, duelling, prioritised, over n steps, towards a target network that lags or is copied now and then.
"""

from __future__ import annotations

from typing import Any, Optional

import attr
from mlagents.torch_utils import torch
from mlagents.trainers.policy.torch_policy import TorchPolicy
from mlagents.trainers.settings import NetworkSettings, TrainerSettings
from mlagents_envs.base_env import BehaviorSpec
from torch import nn

from mlagents_selfplay.algorithms import targets
from mlagents_selfplay.algorithms.epsilon_greedy import EpsilonGreedyLearner, EpsilonGreedySettings
from mlagents_selfplay.algorithms.exploration import LinearSchedule
from mlagents_selfplay.algorithms.hindsight import HindsightSettings, hindsight_block
from mlagents_selfplay.algorithms.networks import QActor, only_allowed
from mlagents_selfplay.algorithms.replay_optimizer import Batch, OffPolicySettings, ReplayOptimizer
from mlagents_selfplay.algorithms.updates import Follower, GradientStep, lagging_copy
from mlagents_selfplay.checks import flag, integer, number, optional

TRAINER_TYPE = "dqn"


@attr.resolve_types  # ML-Agents looks at them
@attr.s(auto_attribs=True)
class DQNSettings(EpsilonGreedySettings, OffPolicySettings):
    """The keys of trainer type `dqn`; `docs/algorithms/dqn.md` explains the effect of each."""

    tau: Any = attr.ib(default=0.005, validator=number(0, 1, above=True))  # share of the online network; 1: copied
    target_update_interval: Any = attr.ib(default=1, validator=integer(1, "updates"))
    double: Any = attr.ib(default=True, validator=flag)
    duelling: Any = attr.ib(default=True, validator=flag)
    priority_exponent: Any = attr.ib(default=0.6, validator=number(0, 1))  # 0: every transition is as likely
    importance_exponent: Any = attr.ib(default=0.4, validator=number(0, 1))  # at the start; 1 at max_steps
    max_gradient_norm: Any = attr.ib(default=10.0, validator=optional(number(0, above=True)))
    hindsight: Optional[HindsightSettings] = attr.ib(default=None, converter=hindsight_block)  # noqa: UP045 - for cattr


class DQNLoss(nn.Module):
    """How far the values of what was done are from what they should have been."""

    def __init__(self, online: Any, target: Any, double: bool) -> None:
        super().__init__()
        self.online: Any = online
        self.target: Any = target
        self._branches = list(online.action_spec.discrete_branches)
        self._double = double

    def forward(self, batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Returns the loss, and what is to be known beside it."""
        values = self.online.q_values(batch.observations_tm1)
        q_tm1 = targets.branching_value(
            [targets.chosen(q, a) for q, a in zip(values, batch.discrete_tm1.unbind(-1), strict=True)]
        )
        q_t = only_allowed(self.target.q_values(batch.observations_t), batch.allowed_t, self._branches)
        if self._double:
            selectors = only_allowed(self.online.q_values(batch.observations_t), batch.allowed_t, self._branches)
            target_tm1 = targets.double_q_target(batch.r_t, batch.discount_t, selectors, q_t)
        else:
            target_tm1 = targets.q_learning_target(batch.r_t, batch.discount_t, q_t)
        loss = targets.huber_loss(q_tm1, target_tm1, batch.weights)
        return loss, {"loss": loss, "value": q_tm1.mean(), "errors": target_tm1 - q_tm1}


class DQNOptimizer(ReplayOptimizer):
    """Adam on the loss, and the target network that follows."""

    def __init__(self, policy: TorchPolicy, trainer_settings: TrainerSettings) -> None:
        super().__init__(policy, trainer_settings)
        self._settings: DQNSettings = trainer_settings.hyperparameters
        self.target = lagging_copy(policy.actor)
        parameters = [parameter for parameter in policy.actor.parameters() if parameter.requires_grad]
        self.adam = torch.optim.Adam(parameters, lr=self._settings.learning_rate)
        loss = DQNLoss(policy.actor, self.target, self._settings.double)
        self._step = GradientStep(loss, self.adam, self._settings.max_gradient_norm)
        self._follow = Follower(self.target, policy.actor)

    def learn(self, batch: Batch) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Takes one step; see `ReplayOptimizer.learn`."""
        rate = self.update_learning_rate(self.adam)
        known = self._step(batch)
        if self._step.count % self._settings.target_update_interval == 0:
            self._follow(self._settings.tau)
        statistics = {
            "Losses/Value Loss": known["loss"],
            "Policy/Extrinsic Value": known["value"],
            "Policy/Learning Rate": torch.tensor(rate),
        }
        return statistics, known["errors"]

    def get_modules(self) -> dict[str, Any]:
        """What a checkpoint holds beside the policy."""
        return {"Optimizer:adam": self.adam, "Optimizer:target": self.target}


class DQNTrainer(EpsilonGreedyLearner):
    """Trains one behavior by DQN. The constructor's arguments are those of every ML-Agents trainer."""

    @staticmethod
    def get_trainer_name() -> str:
        """The name in the YAML."""
        return TRAINER_TYPE

    def make_policy(self, spec: BehaviorSpec, network: NetworkSettings) -> TorchPolicy:
        """Returns the policy that acts."""
        return self.policy_of(spec, network, QActor, duelling=self.hyperparameters.duelling)

    def create_optimizer(self) -> DQNOptimizer:
        """Returns what learns."""
        return DQNOptimizer(self.policy, self.trainer_settings)

    def importance_exponent(self) -> float:
        """Returns beta at this learner step."""
        return LinearSchedule(self.hyperparameters.importance_exponent, 1.0, self.get_max_steps)(self.get_step)
