"""What do all learners from replay have in common? An ML-Agents trainer that remembers, draws, learns and resumes.

A subclass says how actions come about (`make_policy`), how a batch changes the networks (`create_optimizer`) and, if it
wants to, how much it explores at which learner step (`set_exploration`) and what a step is paid (`rewards_of`).
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import attr
import numpy as np
from mlagents.torch_utils import default_device, torch
from mlagents.trainers.behavior_id_utils import BehaviorIdentifiers
from mlagents.trainers.buffer import BufferKey
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.policy.torch_policy import TorchPolicy
from mlagents.trainers.settings import (
    NetworkSettings,
    RewardSignalType,
    TrainerSettings,
)
from mlagents.trainers.torch_entities.encoders import VectorInput
from mlagents.trainers.torch_entities.networks import ObservationEncoder
from mlagents.trainers.trainer.off_policy_trainer import OffPolicyTrainer
from mlagents.trainers.trajectory import Trajectory
from mlagents_envs.base_env import BehaviorSpec
from mlagents_envs.logging_util import get_logger
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from mlagents_selfplay import randomness
from mlagents_selfplay.algorithms.exploration import Exploration
from mlagents_selfplay.algorithms.hindsight import Relabelling
from mlagents_selfplay.algorithms.lived import Lived, lived_of
from mlagents_selfplay.algorithms.replay import NOBODY, Array, Piece, Replay
from mlagents_selfplay.algorithms.replay_optimizer import Batch, ReplayOptimizer, batch_of
from mlagents_selfplay.checkpoints import CrashSafeSaver
from mlagents_selfplay.files import write_atomically

logger = get_logger(__name__)

EXTRINSIC = RewardSignalType.EXTRINSIC.value


class OffPolicyLearner(OffPolicyTrainer):
    """Trains one behavior from replay. The constructor's arguments are those of every ML-Agents trainer.

    Attributes:
      relabelling: what gives transitions other goals, if hindsight is asked for.
      rng: generator of everything that is drawn here; saved with every checkpoint.

    Raises:
      TrainerConfigError: if the behavior asks for what learners from replay do not have.
    """

    streams: tuple[int, ...] = ()  # shape of one reward

    def __init__(
        self,
        behavior_name: str,
        reward_buff_cap: int,
        trainer_settings: TrainerSettings,
        training: bool,
        load: bool,
        seed: int,
        artifact_path: str,
    ) -> None:
        _refuse_what_is_missing(behavior_name, trainer_settings)
        if not training:  # watching a model must not rotate its checkpoints
            trainer_settings = attr.evolve(trainer_settings, checkpoint_interval=np.iinfo(np.int64).max)
        self._replay_file = Path(artifact_path) / "replay.safetensors"
        super().__init__(behavior_name, reward_buff_cap, trainer_settings, training, load, seed, artifact_path)
        self.checkpoint_replay_buffer = False  # ML-Agents' own is empty
        self.rng = np.random.default_rng([seed, crc32(behavior_name.encode())])
        self._replay: Replay | None = None
        self.relabelling: Relabelling | None = None
        self._episodes = 0  # begun so far
        self._episode_of: dict[str, tuple[int, int]] = {}  # by agent: number of its episode, steps so far
        self._tail_of: dict[str, int] = {}  # by agent: the row that closes the last piece of its episode
        self._opponent_of: dict[str, int] = {}  # by agent
        self._lacking = int(self.hyperparameters.batch_size)  # learner steps until the next rollout is complete

    # What a subclass says

    def make_policy(self, spec: BehaviorSpec, network: NetworkSettings) -> TorchPolicy:
        """Returns the policy that acts."""
        raise NotImplementedError

    def create_optimizer(self) -> ReplayOptimizer:
        """Returns what learns; the policy exists."""
        raise NotImplementedError

    def set_exploration(self) -> None:
        """Called whenever the learner step has changed, before the policy acts again; does nothing here."""

    def exploration(self) -> Exploration:
        """Returns how the learner explores at this learner step, besides what its weights do; not at all here."""
        return Exploration()

    def acting_weights(self) -> dict[str, Array]:
        """Returns what the actor acts with at this learner step in place of its own parameters, by their names."""
        return {}

    def rewards_of(self, own: Array, group: Array) -> Array:
        """Returns what `T` steps were paid before `strength`, `[T, *streams]` float32, here all in one.

        Args:
          own: `[T]`, the agent's rewards.
          group: `[T]`, its group's.
        """
        self._warn_if_group_reward({BufferKey.GROUP_REWARD: group})
        return (own + group).astype(np.float32)

    def take(self, agent: str, piece: Piece) -> None:
        """Remembers a piece of an agent's episode."""
        if agent in self._tail_of:
            self.replay.allow(self._tail_of[agent], piece.allowed[0])
        self._tail_of[agent] = self.replay.add(piece)

    def draw_batch(self) -> tuple[Array, Batch]:
        """Returns the rows at which drawn transitions begin, `[B]`, and what is learned from them."""
        settings = self.hyperparameters
        numbers, weights = self.replay.draw(settings.batch_size, self.rng, self.importance_exponent())
        transitions = self.replay.transitions(numbers, self.gamma, settings.n_step)
        if self.relabelling is not None:
            transitions = self.relabelling(self.replay, numbers, transitions, self.gamma, self.rng)
        return numbers, batch_of(transitions, weights)

    def importance_exponent(self) -> float:
        """How far weights make up for priorities at this learner step, in [0, 1]."""
        return 0.0

    # What ML-Agents and self-play ask of a trainer

    @property
    def replay(self) -> Replay:
        """What is remembered."""
        if self._replay is None:
            exponent = getattr(self.hyperparameters, "priority_exponent", 0.0)
            spec = self.policy.behavior_spec
            self._replay = Replay(spec, self.hyperparameters.buffer_size, self.streams, exponent)
        return self._replay

    @property
    def gamma(self) -> float:
        """Discount of a step."""
        return float(self.optimizer.reward_signals[EXTRINSIC].gamma)

    def create_model_saver(self, trainer_settings: TrainerSettings, model_path: str, load: bool) -> CrashSafeSaver:
        """Returns what writes checkpoints."""
        return CrashSafeSaver(trainer_settings, model_path, load, self.saving)

    def create_policy(self, parsed_behavior_id: BehaviorIdentifiers, behavior_spec: BehaviorSpec) -> TorchPolicy:
        """Makes the policy."""
        return self.make_policy(behavior_spec, self.trainer_settings.network_settings)

    def add_policy(self, parsed_behavior_id: BehaviorIdentifiers, policy: TorchPolicy) -> None:
        """Makes the optimiser, and loads what a resume finds."""
        super().add_policy(parsed_behavior_id, policy)
        settings = self.hyperparameters
        hindsight = getattr(settings, "hindsight", None)
        if hindsight is not None:
            strength = self.optimizer.reward_signals[EXTRINSIC].strength
            self.relabelling = Relabelling(policy.behavior_spec, hindsight, strength)
        self.update_steps = max(1, int((self.get_step - settings.buffer_init_steps) / settings.steps_per_update))
        if self.is_training and self.model_saver.resumed:
            self._resume()
        self.set_exploration()

    def get_policy(self, name_behavior_id: str) -> TorchPolicy:
        """Returns the one policy."""
        return self.policy

    def note_opponent(self, agent: str, opponent: int) -> None:
        """Says whom an agent meets in the episode that it plays.

        Args:
          agent: global id.
          opponent: learner step of the opponent's weights, or NOBODY or NO_SNAPSHOT.
        """
        self._opponent_of[agent] = opponent

    @property
    def steps_wanted(self) -> int:
        """Learner steps that agents should live through elsewhere before the next updates; 0 when training is over.

        As many as a batch has transitions: the weights then lag by about as much as on the wire, where trajectories of
        all agents come at once, and a rollout is still long beside what it takes to ask for it.
        """
        if not self.should_still_train:
            return 0
        return int(min(self._lacking, self.get_max_steps + 1 - self.get_step))

    def take_rollout(self, pieces: Sequence[Lived], versions: Array) -> None:
        """Takes in what agents have lived through elsewhere; nothing any more when training is over.

        Args:
          pieces: in the order in which they ended.
          versions: `[rows]`, the learner step whose weights decided.
        """
        if not self.should_still_train:
            return
        if len(versions):
            self._stats_reporter.add_stat("Policy/Age of Weights", float((self.get_step - versions).mean()))
        for lived in pieces:
            steps = len(lived.own_rewards)
            if lived.ended:
                _, before = self._episode_of.get(lived.agent, (0, 0))
                self._stats_reporter.add_stat("Environment/Episode Length", before + steps)
            self._live_through(lived)
            self._lacking -= steps
        if self._lacking <= 0:
            self._lacking = int(self.hyperparameters.batch_size)

    def saving(self, step: int, write_checkpoint: Callable[[], None]) -> Callable[[], None]:
        """Returns a function that writes a checkpoint with all that a resume needs beside it; a kill leaves two.

        It is to be called before anything more is learned; the replay is not copied.
        """
        if not self.is_training:
            return write_checkpoint
        aside = self._replay_file.with_suffix(".next.safetensors")
        keeps = self.hyperparameters.save_replay_buffer and self._replay is not None
        arrays = self.replay.state() if keeps else {"empty": np.zeros(1)}
        described = {"state": json.dumps({"step": step, **self._state()})}

        def save() -> None:
            try:
                write_atomically(aside, lambda file: save_file(arrays, file.name, described))
            except SafetensorError as error:
                raise OSError(f"{aside}: {error}") from error  # as on a full disk
            write_checkpoint()
            os.replace(aside, self._replay_file)

        return save

    def end_episode(self) -> None:
        """All episodes were cut short by a reset of the environments."""
        super().end_episode()
        for kept in (self._episode_of, self._tail_of, self._opponent_of):
            kept.clear()

    # ML-Agents' hooks

    def _process_trajectory(self, trajectory: Trajectory) -> None:
        self._live_through(lived_of(trajectory, self.policy.behavior_spec.action_spec.discrete_branches))

    def _live_through(self, lived: Lived) -> None:
        """Counts the steps of a piece of an episode, remembers it, and books what was paid."""
        agent, steps = lived.agent, len(lived.own_rewards)
        self._maybe_write_summary(self.get_step + steps)
        self._maybe_save_model(self.get_step + steps)
        self._increment_step(steps, next(iter(self.policies)))
        rewards = self.optimizer.reward_signals[EXTRINSIC].strength * self.rewards_of(
            lived.own_rewards, lived.group_rewards
        )
        piece = self._piece(lived, rewards)
        if self.should_still_train:
            self._update_normalisation(piece)
            self.take(agent, piece)
        self.collected_rewards["environment"][agent] += float(lived.own_rewards.sum())
        self.collected_rewards[EXTRINSIC][agent] += float(rewards.sum())
        if lived.ended:
            self._update_end_episode_stats(agent, self.optimizer)
            for kept in (self._episode_of, self._tail_of, self._opponent_of):
                kept.pop(agent, None)
        self.set_exploration()

    def _is_ready_update(self) -> bool:
        settings = self.hyperparameters
        return len(self.replay) >= settings.batch_size and self.get_step >= settings.buffer_init_steps

    def _update_policy(self) -> bool:
        self.cumulative_returns_since_policy_update.clear()
        settings = self.hyperparameters
        found: dict[str, list[torch.Tensor]] = defaultdict(list)
        while (self.get_step - settings.buffer_init_steps) / self.update_steps > settings.steps_per_update:
            for name, value in self.learn_once().items():
                found[name].append(value)
            self.update_steps += 1
        for name, values in found.items():
            self._stats_reporter.add_stat(name, float(torch.stack(values).mean()))
        return bool(found)

    def learn_once(self) -> dict[str, torch.Tensor]:
        """Makes one update, and returns what TensorBoard is to show."""
        numbers, batch = self.draw_batch()
        statistics, errors = self.optimizer.learn(batch)
        if errors is not None and self.replay.has_priorities:
            self.replay.prioritise(numbers, errors.cpu().numpy())
        return statistics

    # Trajectories

    def _piece(self, lived: Lived, rewards: Array) -> Piece:
        agent = lived.agent
        if agent not in self._episode_of:
            self._episode_of[agent] = (self._episodes, 0)
            self._episodes += 1
        episode, begin = self._episode_of[agent]
        self._episode_of[agent] = (episode, begin + len(rewards))
        return Piece(
            lived.observations,
            lived.continuous,
            lived.discrete,
            lived.allowed,
            rewards,
            lived.terminal,
            episode,
            begin,
            self._opponent_of.get(agent, NOBODY),
        )

    def _update_normalisation(self, piece: Piece) -> None:
        for encoder in self.policy.actor.modules():
            if isinstance(encoder, ObservationEncoder):
                for processor, seen in zip(encoder.processors, piece.observations, strict=True):
                    if isinstance(processor, VectorInput):
                        processor.update_normalization(torch.as_tensor(seen[:-1], device=default_device()))

    # Resuming

    def _state(self) -> dict[str, Any]:
        return {
            "updates": self.update_steps,
            "episodes": self._episodes,
            "rng": self.rng.bit_generator.state,
            "randomness": randomness.global_state(),
        }

    def _resume(self) -> None:
        for file in (self._replay_file, self._replay_file.with_suffix(".next.safetensors")):
            try:
                with safe_open(file, framework="numpy") as saved:
                    state = json.loads(saved.metadata()["state"])
                    if state["step"] != self.get_step:
                        continue
                    if "empty" not in saved.keys():  # noqa: SIM118 - no mapping
                        self.replay.restore({name: saved.get_tensor(name) for name in saved.keys()})  # noqa: SIM118
            except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
                logger.warning(f"{self.brain_name}: {file} cannot be used: {error}")
                continue
            self._restore(state)
            return
        logger.warning(
            f"{self.brain_name}: no replay was saved with the checkpoint of step {self.get_step}; it begins empty."
        )

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.update_steps, self._episodes = state["updates"], state["episodes"]
        self.rng.bit_generator.state = state["rng"]
        randomness.restore_global_state(state["randomness"])


def _refuse_what_is_missing(behavior: str, settings: TrainerSettings) -> None:
    kind = settings.trainer_type
    if settings.network_settings.memory is not None:
        raise TrainerConfigError(f"Behavior {behavior}: network_settings.memory is not possible with {kind}.")
    if set(settings.reward_signals) != {RewardSignalType.EXTRINSIC}:
        named = ", ".join(signal.value for signal in settings.reward_signals)
        raise TrainerConfigError(f"Behavior {behavior}: {kind} learns from reward_signals: extrinsic, not {named}.")
    if settings.behavioral_cloning is not None:
        raise TrainerConfigError(f"Behavior {behavior}: behavioral_cloning is not possible with {kind}.")
    size = getattr(settings.hyperparameters, "buffer_size", None)
    if size is not None and size <= settings.time_horizon:
        raise TrainerConfigError(
            f"hyperparameters.buffer_size: {size} is not allowed; it must be above time_horizon, "
            f"{settings.time_horizon}."
        )
