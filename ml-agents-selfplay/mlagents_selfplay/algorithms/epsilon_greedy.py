"""What do learners of choices have in common? They do what they think best, and now and then anything."""

from __future__ import annotations

from typing import Any

import attr
import numpy as np
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.policy.torch_policy import TorchPolicy
from mlagents.trainers.settings import NetworkSettings
from mlagents_envs.base_env import ActionTuple, BehaviorSpec, DecisionSteps

from mlagents_selfplay.algorithms.exploration import (
    Exploration,
    ExponentialSchedule,
    LinearSchedule,
    epsilon_greedy,
)
from mlagents_selfplay.algorithms.off_policy import OffPolicyLearner
from mlagents_selfplay.checks import integer, number, one_of


@attr.resolve_types  # ML-Agents looks at them
@attr.s(auto_attribs=True)
class EpsilonGreedySettings:
    """How often a learner of choices tries a random one."""

    epsilon_start: Any = attr.ib(default=1.0, validator=number(0, 1))  # chance of a random action
    epsilon_end: Any = attr.ib(default=0.05, validator=number(0, 1))
    epsilon_steps: Any = attr.ib(default=10_000, validator=integer(1, "learner steps"))  # from start to end, or to 1/e
    epsilon_schedule: Any = attr.ib(default="linear", validator=one_of("linear", "exponential"))

    def epsilon(self, step: int) -> float:
        """Returns the chance of a random action at a learner step."""
        kind = LinearSchedule if self.epsilon_schedule == "linear" else ExponentialSchedule
        return kind(self.epsilon_start, self.epsilon_end, self.epsilon_steps)(step)


class EpsilonGreedyPolicy(TorchPolicy):
    """A policy that now and then does anything that is allowed.

    Attributes:
      epsilon: chance of it.
      rng: generator of it; advanced by every decision.
    """

    def __init__(self, *args: Any, rng: np.random.Generator) -> None:
        super().__init__(*args)
        self.epsilon = 0.0
        self.rng = rng

    def evaluate(self, decision_requests: DecisionSteps, global_agent_ids: list[str]) -> dict[str, Any]:
        """Decides for every agent that asks."""
        outputs: dict[str, Any] = super().evaluate(decision_requests, global_agent_ids)
        if self.epsilon > 0:
            branches = list(self.behavior_spec.action_spec.discrete_branches)
            masks = decision_requests.action_mask or [np.zeros((len(decision_requests), size)) for size in branches]
            allowed = [1 - np.asarray(mask) for mask in masks]
            tried = epsilon_greedy(outputs["action"].discrete, allowed, self.epsilon, self.rng)
            outputs["action"] = outputs["env_action"] = ActionTuple(discrete=tried.astype(np.int32))
        return outputs


class EpsilonGreedyLearner(OffPolicyLearner):
    """A learner of choices: tries random ones, less and less often."""

    def set_exploration(self) -> None:
        """Sets epsilon; a policy that is only watched is greedy."""
        epsilon = self.hyperparameters.epsilon(self.get_step) if self.is_training else 0.0
        self.policy.epsilon = epsilon
        self._stats_reporter.set_stat("Policy/Epsilon", epsilon)

    def exploration(self) -> Exploration:
        """Returns the chance of a random action at this learner step."""
        return Exploration(uniform=self.policy.epsilon)

    def policy_of(self, spec: BehaviorSpec, network: NetworkSettings, actor: type, **options: Any) -> TorchPolicy:
        """Returns a policy with an actor of a class, made with options.

        Raises:
          TrainerConfigError: if there is anything but discrete actions.
        """
        if spec.action_spec.continuous_size or not spec.action_spec.discrete_size:
            raise TrainerConfigError(
                f"Behavior {self.brain_name}: trainer type {self.get_trainer_name()} needs discrete actions only; this "
                f"one has {spec.action_spec.continuous_size} continuous ones and {spec.action_spec.discrete_size} "
                "discrete branches. For continuous actions there are ddpg, td3, sac and ppo."
            )
        return EpsilonGreedyPolicy(self.seed, spec, network, actor, options, rng=self.rng)
