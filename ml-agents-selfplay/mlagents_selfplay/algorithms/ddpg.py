"""DDPG: an actor climbs what a critic thinks of its actions; both learn from replay, towards networks that lag."""

from __future__ import annotations

from typing import Any

import attr
from mlagents.torch_utils import torch
from mlagents.trainers.policy.torch_policy import TorchPolicy
from mlagents.trainers.settings import TrainerSettings
from torch import Tensor, nn

from mlagents_selfplay.algorithms import targets
from mlagents_selfplay.algorithms.actors import Critics, DeterministicActor
from mlagents_selfplay.algorithms.continuous import ActorLoss, ContinuousLearner, DeterministicSettings, adam
from mlagents_selfplay.algorithms.replay_optimizer import Batch, ReplayOptimizer
from mlagents_selfplay.algorithms.updates import Follower, GradientStep, lagging_copy

TRAINER_TYPE = "ddpg"


@attr.resolve_types  # ML-Agents looks at them
@attr.s(auto_attribs=True)
class DDPGSettings(DeterministicSettings):
    """The keys of trainer type `ddpg`; `docs/algorithms/ddpg.md` explains the effect of each."""


class CriticLoss(nn.Module):
    """How far the values of what was done are from what they should have been."""

    def __init__(self, critics: nn.Module, target_critics: Any, target_actor: Any) -> None:
        super().__init__()
        self.critics = critics
        self.target_critics = target_critics
        self.target_actor = target_actor

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns the loss, and what is to be known beside it."""
        a_t = self.target_actor.best_action(batch.observations_t)
        q_t = self.target_critics(batch.observations_t, a_t)[0]
        target_tm1 = targets.ddpg_target(batch.r_t, batch.discount_t, q_t)
        q_tm1 = self.critics(batch.observations_tm1, batch.continuous_tm1)
        loss = targets.squared_loss(q_tm1, target_tm1)
        return loss, {"Losses/Value Loss": loss, "Policy/Extrinsic Value Estimate": q_tm1.mean()}


class DDPGOptimizer(ReplayOptimizer):
    """Adam on both losses, and the target networks that follow."""

    def __init__(self, policy: TorchPolicy, trainer_settings: TrainerSettings) -> None:
        super().__init__(policy, trainer_settings)
        self._settings: DDPGSettings = trainer_settings.hyperparameters
        specs, network = policy.behavior_spec.observation_specs, trainer_settings.network_settings
        self.critics = Critics(1, policy.actor, specs, network, self._settings.first_weights)
        self.target_critics, self.target_actor = lagging_copy(self.critics), lagging_copy(policy.actor)
        self._followers = [Follower(self.target_critics, self.critics), Follower(self.target_actor, policy.actor)]
        self.critic_adam, self.actor_adam = adam(self.critics, trainer_settings), adam(policy.actor, trainer_settings)
        critic_loss = CriticLoss(self.critics, self.target_critics, self.target_actor)
        self._critic_step = GradientStep(critic_loss, self.critic_adam)
        self._actor_step = GradientStep(ActorLoss(policy.actor, self.critics, self._settings), self.actor_adam)

    def learn(self, batch: Batch) -> tuple[dict[str, Tensor], None]:
        """Takes one step; see `ReplayOptimizer.learn`."""
        rate = self.update_learning_rate(self.critic_adam, self.actor_adam)
        known = self._critic_step(batch)
        known.update(self._actor_step(batch))
        for follow in self._followers:
            follow(self._settings.tau)
        return {**known, "Policy/Learning Rate": torch.tensor(rate)}, None

    def get_modules(self) -> dict[str, Any]:
        """What a checkpoint holds beside the policy."""
        return {
            "Optimizer:critics": self.critics,
            "Optimizer:target_critics": self.target_critics,
            "Optimizer:target_actor": self.target_actor,
            "Optimizer:critic_adam": self.critic_adam,
            "Optimizer:actor_adam": self.actor_adam,
        }


class DDPGTrainer(ContinuousLearner):
    """Trains one behavior by DDPG. The constructor's arguments are those of every ML-Agents trainer."""

    actor_class = DeterministicActor

    @staticmethod
    def get_trainer_name() -> str:
        """The name in the YAML."""
        return TRAINER_TYPE

    def create_optimizer(self) -> DDPGOptimizer:
        """Returns what learns."""
        return DDPGOptimizer(self.policy, self.trainer_settings)
