"""Split-Q: gains and punishments are learned apart, each with a weight and a memory of its own, and decide together."""

from __future__ import annotations

from typing import Any

import attr
import numpy as np
from mlagents.torch_utils import torch
from mlagents.trainers.policy.torch_policy import TorchPolicy
from mlagents.trainers.settings import NetworkSettings, TrainerSettings
from mlagents_envs.base_env import BehaviorSpec
from torch import nn

from mlagents_selfplay.algorithms import targets
from mlagents_selfplay.algorithms.epsilon_greedy import EpsilonGreedyLearner, EpsilonGreedySettings
from mlagents_selfplay.algorithms.networks import TwoStreamActor, only_allowed
from mlagents_selfplay.algorithms.replay import Array
from mlagents_selfplay.algorithms.replay_optimizer import Batch, OffPolicySettings, ReplayOptimizer
from mlagents_selfplay.algorithms.updates import Follower, GradientStep, lagging_copy
from mlagents_selfplay.checks import integer, number, one_of, optional

TRAINER_TYPE = "split_q"


@attr.s(auto_attribs=True, frozen=True)
class Preset:
    """Weights and memories of both streams; Lin et al. 2019, arXiv:1906.11286, table 1, without the random spread."""

    reward_memory: float
    reward_weight: float
    punishment_memory: float
    punishment_weight: float


PRESETS = {
    "SQL": Preset(1, 1, 1, 1),  # split Q-learning without a bias
    "PQL": Preset(1, 1, 0, 0),  # gains only
    "NQL": Preset(0, 0, 1, 1),  # punishments only
    "ADD": Preset(1, 1, 0.5, 1),  # addiction
    "ADHD": Preset(0.2, 1, 0.2, 1),
    "AD": Preset(0.1, 1, 0.1, 1),  # Alzheimer's disease
    "CP": Preset(0.5, 0.5, 1, 1),  # chronic pain
    "bvFTD": Preset(0.5, 100, 0.5, 1),  # dementia with a loss of restraint
    "PD": Preset(0.5, 1, 0.5, 100),  # Parkinson's disease
    "M": Preset(0.5, 1, 0.5, 1),  # moderate in everything
}


@attr.resolve_types  # ML-Agents looks at them
@attr.s(auto_attribs=True)
class SplitQSettings(EpsilonGreedySettings, OffPolicySettings):
    """The keys of trainer type `split_q`; `docs/algorithms/split_q.md` explains the effect of each."""

    streams: Any = attr.ib(default="sign", validator=one_of("sign", "group_reward"))  # where the two come from
    preset: Any = attr.ib(default="SQL", validator=one_of(*PRESETS))  # what the next four are unless they are set
    reward_weight: Any = attr.ib(default=None, validator=optional(number(0)))
    reward_memory: Any = attr.ib(default=None, validator=optional(number(0)))  # share that is kept; 1 forgets nothing
    punishment_weight: Any = attr.ib(default=None, validator=optional(number(0)))
    punishment_memory: Any = attr.ib(default=None, validator=optional(number(0)))
    memory_rule: Any = attr.ib(default="code", validator=one_of("code", "paper"))
    memory_step_size: Any = attr.ib(default=0.1, validator=number(0, 1, above=True))  # alpha of the paper's rule
    tau: Any = attr.ib(default=0.005, validator=number(0, 1, above=True))  # share of the online networks; 1: copied
    target_update_interval: Any = attr.ib(default=1, validator=integer(1, "updates"))
    max_gradient_norm: Any = attr.ib(default=10.0, validator=optional(number(0, above=True)))

    def __attrs_post_init__(self) -> None:
        for key, value in attr.asdict(PRESETS[self.preset]).items():
            if getattr(self, key) is None:
                setattr(self, key, value)


class SplitQLoss(nn.Module):
    """How far the values of what was done are from what they should have been, in both streams."""

    def __init__(self, online: Any, target: Any, settings: SplitQSettings) -> None:
        super().__init__()
        self.online: Any = online
        self.target: Any = target
        self._branches = list(online.action_spec.discrete_branches)
        self._settings = settings

    def forward(self, batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Returns the loss, and what is to be known beside it."""
        settings, chosen = self._settings, batch.discrete_tm1.unbind(-1)
        of_streams = zip(
            self.online.q_values(batch.observations_tm1),
            self.target.q_values(batch.observations_tm1),
            self.online.q_values(batch.observations_t),
            self.target.q_values(batch.observations_t),
            batch.r_t.unbind(-1),
            (settings.reward_weight, settings.punishment_weight),
            (settings.reward_memory, settings.punishment_memory),
            strict=True,
        )
        losses, values = [], []
        for now, now_lagging, selectors, lagging, r_t, weight, memory in of_streams:
            q_tm1, q_tm1_target = (_value_of(q, chosen) for q in (now, now_lagging))
            allowed = [only_allowed(q, batch.allowed_t, self._branches) for q in (selectors, lagging)]
            v_t = targets.branching_value([targets.double_q_value(*pair) for pair in zip(*allowed, strict=True)])
            if settings.memory_rule == "paper":
                target_tm1 = targets.split_q_target_of_paper(
                    r_t,
                    batch.discount_t,
                    v_t,
                    q_tm1,
                    weight=weight,
                    memory=memory,
                    step_size=settings.memory_step_size,
                )
            else:
                target_tm1 = targets.split_q_target_of_code(
                    r_t, batch.discount_t, v_t, q_tm1_target, weight=weight, memory=memory
                )
            losses.append(targets.huber_loss(q_tm1, target_tm1, batch.weights))
            values.append(q_tm1.mean())
        loss = torch.stack(losses).sum()
        return loss, {"loss": 0.5 * loss, "reward": values[0], "punishment": values[1]}


def _value_of(values: list[torch.Tensor], chosen: tuple[torch.Tensor, ...]) -> torch.Tensor:
    return targets.branching_value([targets.chosen(q, a) for q, a in zip(values, chosen, strict=True)])


class SplitQOptimizer(ReplayOptimizer):
    """Adam on the loss of both streams, and the target networks that follow."""

    def __init__(self, policy: TorchPolicy, trainer_settings: TrainerSettings) -> None:
        super().__init__(policy, trainer_settings)
        self._settings: SplitQSettings = trainer_settings.hyperparameters
        self.target = lagging_copy(policy.actor)
        self._follow = Follower(self.target, policy.actor)
        parameters = [parameter for parameter in policy.actor.parameters() if parameter.requires_grad]
        self.adam = torch.optim.Adam(parameters, lr=self._settings.learning_rate)
        loss = SplitQLoss(policy.actor, self.target, self._settings)
        self._step = GradientStep(loss, self.adam, self._settings.max_gradient_norm)

    def learn(self, batch: Batch) -> tuple[dict[str, torch.Tensor], None]:
        """Takes one step; see `ReplayOptimizer.learn`."""
        rate = self.update_learning_rate(self.adam)
        known = self._step(batch)
        if self._step.count % self._settings.target_update_interval == 0:
            self._follow(self._settings.tau)
        return {
            "Losses/Value Loss": known["loss"],
            "Policy/Reward Value": known["reward"],
            "Policy/Punishment Value": known["punishment"],
            "Policy/Learning Rate": torch.tensor(rate),
        }, None

    def get_modules(self) -> dict[str, Any]:
        """What a checkpoint holds beside the policy."""
        return {"Optimizer:adam": self.adam, "Optimizer:target": self.target}


class SplitQTrainer(EpsilonGreedyLearner):
    """Trains one behavior by Split-Q. The constructor's arguments are those of every ML-Agents trainer."""

    streams = (2,)

    @staticmethod
    def get_trainer_name() -> str:
        """The name in the YAML."""
        return TRAINER_TYPE

    def make_policy(self, spec: BehaviorSpec, network: NetworkSettings) -> TorchPolicy:
        """Returns the policy that acts."""
        return self.policy_of(spec, network, TwoStreamActor)

    def create_optimizer(self) -> SplitQOptimizer:
        """Returns what learns."""
        return SplitQOptimizer(self.policy, self.trainer_settings)

    def rewards_of(self, own: Array, group: Array) -> Array:
        """Returns gains and punishments, `[T, 2]`: reward and group reward, or the reward where it is above 0 or not.

        The wire has no third place for a reward, and no learner for a single agent has another use for the second.
        """
        if self.hyperparameters.streams == "group_reward":
            return np.stack([own, group], -1).astype(np.float32)
        paid = super().rewards_of(own, group)
        return np.stack([paid.clip(min=0), paid.clip(max=0)], -1)
