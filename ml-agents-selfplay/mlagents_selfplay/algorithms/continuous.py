"""What do the learners of continuous actions from replay have in common? Settings, exploration, demonstrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import attr
import numpy as np
from mlagents.torch_utils import default_device, torch
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.policy.torch_policy import TorchPolicy
from mlagents.trainers.settings import NetworkSettings, TrainerSettings
from mlagents_envs.base_env import ActionTuple, BehaviorSpec, DecisionSteps
from torch import Tensor, nn
from torch.func import functional_call

from mlagents_selfplay.algorithms import demonstrations, targets
from mlagents_selfplay.algorithms.actors import (
    FIRST_WEIGHTS,
    MLAGENTS,
    ContinuousActor,
    Critics,
    draw_first_weights,
)
from mlagents_selfplay.algorithms.demonstrations import DemonstrationSettings, demonstrations_block
from mlagents_selfplay.algorithms.exploration import (
    AdaptiveParameterNoise,
    Exploration,
    GaussianNoise,
    OrnsteinUhlenbeckNoise,
    action_distance,
    epsilon_uniform,
)
from mlagents_selfplay.algorithms.hindsight import HindsightSettings, hindsight_block
from mlagents_selfplay.algorithms.off_policy import EXTRINSIC, OffPolicyLearner
from mlagents_selfplay.algorithms.replay import Array, Replay
from mlagents_selfplay.algorithms.replay_optimizer import Batch, OffPolicySettings, batch_of
from mlagents_selfplay.checks import integer, number, one_of

NOISES = {"gaussian": GaussianNoise, "ornstein_uhlenbeck": OrnsteinUhlenbeckNoise}


@attr.resolve_types  # ML-Agents looks at them
@attr.s(auto_attribs=True)
class ContinuousSettings(OffPolicySettings):
    """The keys that every learner of continuous actions has."""

    batch_size: Any = attr.ib(default=256, validator=integer(1, "transitions"))
    buffer_size: Any = attr.ib(default=1_000_000, validator=integer(2, "transitions"))
    tau: Any = attr.ib(default=0.005, validator=number(0, 1, above=True))  # share of the online network in an update
    random_steps: Any = attr.ib(default=1_000, validator=integer(0, "learner steps"))  # acted at random, at first
    epsilon: Any = attr.ib(default=0.0, validator=number(0, 1))  # chance of a random action ever after
    first_weights: Any = attr.ib(default=MLAGENTS, validator=one_of(*FIRST_WEIGHTS))  # see actors.draw_first_weights
    action_penalty: Any = attr.ib(default=0.0, validator=number(0))  # of the actor's mean squared action, in reward
    hindsight: Optional[HindsightSettings] = attr.ib(default=None, converter=hindsight_block)  # noqa: UP045 - for cattr
    demonstrations: Optional[DemonstrationSettings] = attr.ib(  # noqa: UP045 - for cattr
        default=None, converter=demonstrations_block
    )


@attr.resolve_types  # ML-Agents looks at them
@attr.s(auto_attribs=True)
class DeterministicSettings(ContinuousSettings):
    """The keys of learners whose actor does not explore by itself."""

    action_noise: Any = attr.ib(default="gaussian", validator=one_of("none", *NOISES))
    action_noise_scale: Any = attr.ib(default=0.1, validator=number(0))  # 1 is half of an action's range
    parameter_noise: Any = attr.ib(default=0.0, validator=number(0))  # by how much it is to change actions; 0: none
    parameter_noise_interval: Any = attr.ib(default=50, validator=integer(1, "learner steps"))  # between adaptations


class ExploringPolicy(TorchPolicy):
    """A policy that adds noise to its actions, or to the parameters that they come from, or acts at random.

    Attributes:
      explores: whether it does so at all.
      noise: on actions, or None.
      noisy_parameters: which the actor acts with in place of its own, or None.
    """

    def __init__(
        self, *args: Any, random_steps: int, epsilon: float, noise: Any, explores: bool, rng: np.random.Generator
    ) -> None:
        super().__init__(*args)
        self.explores = explores
        self.noise = noise
        self.noisy_parameters: dict[str, Tensor] | None = None
        self._random_steps = random_steps
        self._epsilon = epsilon
        self._rng = rng

    @property
    def exploration(self) -> Exploration:
        """What `evaluate` adds to the actor's actions at this learner step, noise on parameters apart, in numbers."""
        if not self.explores:
            return Exploration()
        if self.get_current_step() < self._random_steps:
            return Exploration(uniform=1.0)
        noise = Exploration() if self.noise is None else self.noise.exploration
        return noise._replace(uniform=self._epsilon)

    def evaluate(self, decision_requests: DecisionSteps, global_agent_ids: list[str]) -> dict[str, Any]:
        """Decides for every agent that asks."""
        outputs: dict[str, Any] = super().evaluate(decision_requests, global_agent_ids)
        if self.explores:
            tried = self._try(outputs["action"].continuous, decision_requests.obs, global_agent_ids)
            outputs["action"] = outputs["env_action"] = ActionTuple(continuous=tried.astype(np.float32))
        return outputs

    def _try(self, actions: Array, observations: list[Array], agents: list[str]) -> Array:
        if self.get_current_step() < self._random_steps:
            return self._rng.uniform(-1.0, 1.0, actions.shape)
        if self.noisy_parameters is not None:
            seen = [torch.as_tensor(sensor, device=default_device()) for sensor in observations]
            actions = acting_with(self.actor, self.noisy_parameters, seen).cpu().numpy()
        if self.noise is not None:
            actions = np.clip(actions + self.noise.draw(agents, self._rng), -1.0, 1.0)
        return epsilon_uniform(actions, self._epsilon, self._rng) if self._epsilon else actions

    def remove_memories(self, agent_ids: list[str]) -> None:
        """ML-Agents calls this when an episode is over: noise begins anew."""
        super().remove_memories(agent_ids)
        if self.noise is not None:
            self.noise.forget(agent_ids)


class ContinuousLearner(OffPolicyLearner):
    """Trains one behavior with continuous actions from replay.

    Attributes:
      actor_class: the kind of actor.
    """

    actor_class: type[ContinuousActor]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._demonstrations: Replay | None = None
        scale = getattr(self.hyperparameters, "parameter_noise", 0.0)
        self._parameter_noise = AdaptiveParameterNoise(scale) if scale else None
        self._next_adaptation = 0  # learner step

    def make_policy(self, spec: BehaviorSpec, network: NetworkSettings) -> TorchPolicy:
        """Returns the policy that acts.

        Raises:
          TrainerConfigError: if there is anything but continuous actions.
        """
        if spec.action_spec.discrete_size or not spec.action_spec.continuous_size:
            raise TrainerConfigError(
                f"Behavior {self.brain_name}: trainer type {self.get_trainer_name()} needs continuous actions only; "
                f"this one has {spec.action_spec.continuous_size} of them and {spec.action_spec.discrete_size} "
                "discrete branches. For discrete actions there are dqn, split_q, tabular_q, sac and ppo."
            )
        settings = self.hyperparameters
        kind = NOISES.get(getattr(settings, "action_noise", "none"))
        policy = ExploringPolicy(
            self.seed,
            spec,
            network,
            self.actor_class,
            {},
            random_steps=settings.random_steps,
            epsilon=settings.epsilon,
            noise=None if kind is None else kind(spec.action_spec.continuous_size, settings.action_noise_scale),
            explores=self.is_training,
            rng=self.rng,
        )
        draw_first_weights(policy.actor, settings.first_weights)
        return policy

    def exploration(self) -> Exploration:
        """Returns the noise on actions at this learner step."""
        explored: Exploration = self.policy.exploration
        return explored

    def acting_weights(self) -> dict[str, Array]:
        """Returns the parameters with the noise that is on them now."""
        noisy: dict[str, Tensor] = self.policy.noisy_parameters or {}
        return {name: value.cpu().numpy() for name, value in noisy.items()}

    def set_exploration(self) -> None:
        """Adapts the noise on parameters to what it does to actions, when it is time to."""
        settings = self.hyperparameters
        if self._parameter_noise is None or not self.is_training or self.get_step < self._next_adaptation:
            return
        self._next_adaptation = self.get_step + settings.parameter_noise_interval
        actor = self.policy.actor
        parameters = {name: value for name, value in actor.named_parameters() if value.requires_grad}
        if len(self.replay) >= settings.batch_size:
            numbers, _ = self.replay.draw(settings.batch_size, self.rng)
            seen = [torch.as_tensor(sensor, device=default_device()) for sensor in self.replay.observations(numbers)]
            noisy = self._parameter_noise.perturb(parameters, torch.default_generator)
            self._parameter_noise.adapt(
                action_distance(
                    acting_with(actor, parameters, seen).cpu().numpy(), acting_with(actor, noisy, seen).cpu().numpy()
                )
            )
        self.policy.noisy_parameters = self._parameter_noise.perturb(parameters, torch.default_generator)
        self._stats_reporter.set_stat("Policy/Parameter Noise", self._parameter_noise.sigma)

    def draw_batch(self) -> tuple[Array, Batch]:
        """Returns rows and what is learned from them; demonstrated transitions stand last, beside the rows."""
        numbers, batch = super().draw_batch()
        settings = self.hyperparameters.demonstrations
        if settings is None:
            return numbers, batch
        if self._demonstrations is None:
            self._demonstrations = self._read_demonstrations(settings)
        chosen, weights = self._demonstrations.draw(settings.batch_size, self.rng)
        transitions = self._demonstrations.transitions(chosen, self.gamma, self.hyperparameters.n_step)
        shown = batch_of(transitions, weights)
        return numbers, Batch(*(_joined(own, theirs) for own, theirs in zip(batch, shown, strict=True)))

    def _read_demonstrations(self, settings: DemonstrationSettings) -> Replay:
        spec, relabelling = self.policy.behavior_spec, self.relabelling
        pieces = demonstrations.read(Path(settings.path), spec, needs_rewards=relabelling is None)
        replay = Replay(spec, sum(piece.length + 1 for piece in pieces))
        strength = self.optimizer.reward_signals[EXTRINSIC].strength
        for piece in pieces:
            paid = piece if relabelling is None else relabelling.paid(piece)
            replay.add(paid._replace(rewards=strength * paid.rewards))
        return replay


class JudgedActor(nn.Module):
    """What every actor's loss has beside the critics' opinion: a penalty, and the cloning of demonstrations.

    Args:
      actor: whose actions are judged.
      critics: the first of them compares what was demonstrated with what the actor does.
      settings: of the learner.
    """

    def __init__(self, actor: Any, critics: Critics, settings: ContinuousSettings) -> None:
        super().__init__()
        self.actor = actor
        self.critics = critics
        self._settings = settings

    def complete(self, loss: Tensor, a_tm1: Tensor, q_tm1: Tensor, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns the whole loss, and what is to be known beside it.

        Args:
          loss: `[]`, by the critics' opinion.
          a_tm1: `[B, D]`, the actor's actions, with gradient.
          q_tm1: `[B]`, what the first critic thinks of them.
          batch: what was seen; demonstrated transitions stand last.
        """
        if self._settings.action_penalty:
            loss = loss + self._settings.action_penalty * targets.action_penalty(a_tm1)
        known = {"Losses/Policy Loss": loss}
        demonstrated = self._settings.demonstrations
        if demonstrated is None:
            return loss, known
        shown = slice(-demonstrated.batch_size, None)
        a_demo_tm1, better = batch.continuous_tm1[shown], None
        if demonstrated.q_filter:
            q_demo_tm1 = self.critics.one(0, [seen[shown] for seen in batch.observations_tm1], a_demo_tm1)
            better = targets.q_filter(q_tm1[shown], q_demo_tm1)
            known["Policy/Demonstrations Preferred"] = better.mean()
        cloning = known["Losses/Cloning Loss"] = targets.cloning_loss(a_tm1[shown], a_demo_tm1, better)
        return demonstrated.policy_weight * loss + demonstrated.cloning_weight * cloning, known


class ActorLoss(JudgedActor):
    """How little the first critic thinks of a deterministic actor's actions. Arguments as for `JudgedActor`."""

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns the loss, and what is to be known beside it."""
        a_tm1 = self.actor.best_action(batch.observations_tm1)
        q_tm1 = self.critics.one(0, batch.observations_tm1, a_tm1)
        return self.complete(targets.deterministic_policy_loss(q_tm1), a_tm1, q_tm1, batch)


def adam(network: nn.Module, settings: TrainerSettings) -> torch.optim.Adam:
    """Returns what changes the parameters of a network."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return torch.optim.Adam(trained, lr=settings.hyperparameters.learning_rate)


def acting_with(actor: ContinuousActor, parameters: dict[str, Tensor], observations: list[Tensor]) -> Tensor:
    """Returns the deterministic actions `[n, D]` that an actor would take with other parameters."""
    with torch.no_grad():
        given = {f"actor.{name}": value for name, value in parameters.items()}
        action: Tensor = functional_call(_BestAction(actor), given, (observations,), tie_weights=False)
        return action


class _BestAction(nn.Module):
    def __init__(self, actor: ContinuousActor) -> None:
        super().__init__()
        self.actor = actor

    def forward(self, observations: list[Tensor]) -> Tensor:
        return self.actor.best_action(observations)


def _joined(own: Any, theirs: Any) -> Any:
    if isinstance(own, list):
        return [torch.cat(pair) for pair in zip(own, theirs, strict=True)]
    return torch.cat([own, theirs])
