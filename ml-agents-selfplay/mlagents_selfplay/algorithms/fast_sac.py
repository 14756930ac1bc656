"""SAC without a network for values of states: an actor that stays as random as it can afford to, with twin critics.

ML-Agents' own `sac` is the form of 2018a, with a third network that learns the value of a state; this is the later one,
for continuous actions only, in traced graphs, with what learners from replay share here: hindsight, demonstrations,
exact resumes.
"""

from __future__ import annotations

import math
from typing import Any

import attr
from mlagents.torch_utils import default_device, torch
from mlagents.trainers.policy.torch_policy import TorchPolicy
from mlagents.trainers.settings import TrainerSettings
from torch import Tensor, nn

from mlagents_selfplay.algorithms import targets
from mlagents_selfplay.algorithms.actors import Critics, StochasticActor
from mlagents_selfplay.algorithms.continuous import ContinuousLearner, ContinuousSettings, JudgedActor, adam
from mlagents_selfplay.algorithms.replay_optimizer import Batch, ReplayOptimizer
from mlagents_selfplay.algorithms.updates import Follower, GradientStep, lagging_copy
from mlagents_selfplay.checks import number

TRAINER_TYPE = "fast_sac"


@attr.resolve_types  # ML-Agents looks at them
@attr.s(auto_attribs=True)
class SACSettings(ContinuousSettings):
    """The keys of trainer type `fast_sac`; `docs/algorithms/sac.md` explains the effect of each."""

    init_entcoef: Any = attr.ib(default=1.0, validator=number(0, above=True))  # the first temperature, in reward


class Temperature(nn.Module):
    """What a nat of entropy is worth, in reward; learned.

    Args:
      first: above 0.
    """

    def __init__(self, first: float) -> None:
        super().__init__()
        self.log_alpha = nn.Parameter(torch.tensor(math.log(first), device=default_device()))

    def forward(self) -> Tensor:
        """Returns alpha, `[]`, without gradient."""
        return self.log_alpha.detach().exp()


class CriticLoss(nn.Module):
    """How far the soft values of what was done are from what they should have been."""

    def __init__(self, critics: nn.Module, target_critics: nn.Module, actor: Any, temperature: nn.Module) -> None:
        super().__init__()
        self.critics = critics
        self.target_critics = target_critics
        self.actor = actor
        self.temperature = temperature

    def forward(self, given: tuple[Batch, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns the loss, and what is to be known beside it; `given` are a batch and standard normal noise."""
        batch, noise = given
        a_t, log_prob_t = self.actor.draw_action(batch.observations_t, noise)
        q_t = self.target_critics(batch.observations_t, a_t)
        target_tm1 = targets.sac_target(batch.r_t, batch.discount_t, q_t, log_prob_t, self.temperature())
        q_tm1 = self.critics(batch.observations_tm1, batch.continuous_tm1)
        loss = targets.squared_loss(q_tm1, target_tm1)
        return loss, {"Losses/Value Loss": loss, "Policy/Extrinsic Value Estimate": q_tm1.mean()}


class SoftActorLoss(JudgedActor):
    """How little the critics think of the actor's actions, how certain it is of them, and what certainty costs."""

    def __init__(self, actor: Any, critics: Critics, temperature: Temperature, settings: SACSettings) -> None:
        super().__init__(actor, critics, settings)
        self.temperature = temperature

    def forward(self, given: tuple[Batch, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns the loss, and what is to be known beside it; `given` are a batch and standard normal noise."""
        batch, noise = given
        a_tm1, log_prob_tm1 = self.actor.draw_action(batch.observations_tm1, noise)
        q_tm1 = self.critics(batch.observations_tm1, a_tm1)
        policy_loss = targets.sac_policy_loss(q_tm1, log_prob_tm1, self.temperature())
        loss, known = self.complete(policy_loss, a_tm1, q_tm1[0], batch)
        known["Policy/Continuous Entropy Coeff"] = self.temperature()
        known["Policy/Entropy"] = -log_prob_tm1.mean()
        target_entropy = -float(noise.shape[1])
        return loss + targets.sac_temperature_loss(self.temperature.log_alpha, log_prob_tm1, target_entropy), known


class SACOptimizer(ReplayOptimizer):
    """Adam on both losses, and the target critics that follow."""

    def __init__(self, policy: TorchPolicy, trainer_settings: TrainerSettings) -> None:
        super().__init__(policy, trainer_settings)
        self._settings: SACSettings = trainer_settings.hyperparameters
        specs, network = policy.behavior_spec.observation_specs, trainer_settings.network_settings
        self.critics = Critics(2, policy.actor, specs, network, self._settings.first_weights)
        self.target_critics = lagging_copy(self.critics)
        self._follow = Follower(self.target_critics, self.critics)
        self.temperature = Temperature(self._settings.init_entcoef)
        self.critic_adam = adam(self.critics, trainer_settings)
        self.actor_adam = adam(nn.ModuleList([policy.actor, self.temperature]), trainer_settings)
        critic_loss = CriticLoss(self.critics, self.target_critics, policy.actor, self.temperature)
        self._critic_step = GradientStep(critic_loss, self.critic_adam)
        actor_loss = SoftActorLoss(policy.actor, self.critics, self.temperature, self._settings)
        self._actor_step = GradientStep(actor_loss, self.actor_adam)

    def learn(self, batch: Batch) -> tuple[dict[str, Tensor], None]:
        """Takes one step; see `ReplayOptimizer.learn`."""
        rate = self.update_learning_rate(self.critic_adam, self.actor_adam)
        shape = (2, *batch.continuous_tm1.shape)
        noise = torch.randn(shape, generator=torch.default_generator).to(default_device())
        known = self._critic_step((batch, noise[0]))
        known.update(self._actor_step((batch, noise[1])))
        self._follow(self._settings.tau)
        return {**known, "Policy/Learning Rate": torch.tensor(rate)}, None

    def get_modules(self) -> dict[str, Any]:
        """What a checkpoint holds beside the policy."""
        return {
            "Optimizer:critics": self.critics,
            "Optimizer:target_critics": self.target_critics,
            "Optimizer:temperature": self.temperature,
            "Optimizer:critic_adam": self.critic_adam,
            "Optimizer:actor_adam": self.actor_adam,
        }


class SACTrainer(ContinuousLearner):
    """Trains one behavior by SAC. The constructor's arguments are those of every ML-Agents trainer."""

    actor_class = StochasticActor

    @staticmethod
    def get_trainer_name() -> str:
        """The name in the YAML."""
        return TRAINER_TYPE

    def create_optimizer(self) -> SACOptimizer:
        """Returns what learns."""
        return SACOptimizer(self.policy, self.trainer_settings)
