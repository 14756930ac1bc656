"""PPO as ML-Agents has it, with its experience in arrays: the same losses and gradients in a fraction of the time.

What differs from ML-Agents' own trainer, which keeps a Python list for each field and a Python object for each entry:

- A trajectory is copied into arrays once (`experience.py`).
- The critic values all trajectories in one pass, right before the update, and not each by itself when it arrives. The
  critic's weights are the same at both moments; where observations are normalised, the normaliser has then seen all of
  the buffer instead of what came before the trajectory.
- Mini-batches are drawn by a shuffled index; nothing is moved.
- The step down the gradient is traced once and then run without the detours (`ppo_update.py`).
- TensorBoard's value estimates, and they alone, are reported at the update.
- With a memory, the critic begins every piece of an episode with an empty one; ML-Agents' begins with that of the piece
  before, whoever's it was, unless an episode ended there. What fills up sequences counts neither as a row of the buffer
  nor in the mean and deviation of the advantages.

Networks and distributions are ML-Agents' own code. Reward signals beside the extrinsic one need more than these arrays
hold; for them everything is ML-Agents' own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import attr
import numpy as np
from mlagents.torch_utils import default_device, torch
from mlagents.trainers.buffer import BufferKey, RewardSignalUtil
from mlagents.trainers.ppo.optimizer_torch import PPOSettings
from mlagents.trainers.ppo.trainer import PPOTrainer
from mlagents.trainers.settings import RewardSignalType, ScheduleType
from mlagents.trainers.torch_entities.encoders import VectorInput
from mlagents.trainers.trajectory import ObsUtil, Trajectory

from mlagents_selfplay.algorithms.experience import Array, Experience, Rows, Segments, advantages
from mlagents_selfplay.algorithms.pictures import as_input
from mlagents_selfplay.algorithms.ppo_update import PPOUpdate, actions_of
from mlagents_selfplay.algorithms.sequences import PADDING, sequences_of, valued_in_turn

TRAINER_TYPE = "fast_ppo"
EXTRINSIC = RewardSignalType.EXTRINSIC.value
ELSEWHERE = "elsewhere"  # stands for any agent whose steps ML-Agents has not seen

VALUED_TOGETHER = 4_000_000  # numbers that are seen; more would only cost memory
JUDGED_TOGETHER = 256  # rows; ML-Agents' log-probability of a discrete action takes a square of so many numbers


class Episode(NamedTuple):
    """What an agent was paid in an episode, by itself and with its group's share, and its steps."""

    own_return: float
    episode_return: float
    length: int


class _Finished(NamedTuple):
    """What an update draws its mini-batches from.

    fields: `[n, ...]`, by row.
    critic_memories: `[s, memory_size]`, by sequence, or None without a memory.
    """

    fields: dict[Any, torch.Tensor]
    critic_memories: torch.Tensor | None

    def batch(self, sequences: torch.Tensor, chosen: torch.Tensor) -> dict[Any, torch.Tensor]:
        """Returns what lies in some sequences; with a memory, that at their beginning and which rows are no padding.

        Args:
          sequences: `[b, size]` numbers of rows.
          chosen: `[b]` numbers of the sequences.
        """
        rows = sequences.flatten().to(default_device())
        there = rows.clamp(min=0)
        batch = {
            key: as_input(field.index_select(0, there)) for key, field in self.fields.items() if key != BufferKey.MEMORY
        }
        if self.critic_memories is not None:
            begins = sequences[:, 0].to(default_device())
            batch[BufferKey.MEMORY] = self.fields[BufferKey.MEMORY].index_select(0, begins).unsqueeze(0)
            batch[BufferKey.CRITIC_MEMORY] = self.critic_memories[chosen.to(default_device())].unsqueeze(0)
            batch[BufferKey.MASKS] = rows != PADDING
        return batch


def _as_the_learning_rate() -> Any:
    return attr.ib(default=attr.Factory(lambda settings: settings.learning_rate_schedule, takes_self=True))


@attr.resolve_types  # ML-Agents looks at them
@attr.s(auto_attribs=True)
class FastPPOSettings(PPOSettings):
    """The keys and defaults of trainer type `ppo`, for which ML-Agents fills in the schedules by the type's name."""

    beta_schedule: ScheduleType = _as_the_learning_rate()
    epsilon_schedule: ScheduleType = _as_the_learning_rate()


class FastPPOTrainer(PPOTrainer):
    """Trains one behavior by PPO. Constructor, settings and files are those of trainer type `ppo`."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._in_arrays = set(self.trainer_settings.reward_signals) == {RewardSignalType.EXTRINSIC}
        self._experience: Experience | None = None
        self._update: PPOUpdate | None = None

    @staticmethod
    def get_trainer_name() -> str:
        """The name in the YAML."""
        return TRAINER_TYPE

    @property
    def experience(self) -> Experience:
        """What was lived through since the last update."""
        if self._experience is None:
            spec, rows = self.policy.behavior_spec, 2 * self.hyperparameters.buffer_size
            self._experience = Experience(spec, rows, self.policy.m_size)
        return self._experience

    @property
    def in_arrays(self) -> bool:
        """Whether the experience lies in arrays; otherwise everything is ML-Agents' own."""
        return self._in_arrays

    @property
    def steps_wanted(self) -> int:
        """Learner steps until the next update, or until training is over if that comes first; 0 when it is."""
        if not self.should_still_train:
            return 0
        until_update = self.hyperparameters.buffer_size + 1 - len(self.experience)
        return int(max(0, min(until_update, self.get_max_steps + 1 - self.get_step)))

    def take_rollout(self, rows: Rows, segments: Segments, episodes: Sequence[Episode]) -> None:
        """Takes in what agents have lived through elsewhere, played by the learner's present weights.

        Args:
          rows: without log-probabilities, which are taken here in one pass; these fields are written to.
          segments: the pieces of episodes in the rows.
          episodes: that ended.
        """
        self._fill_in_log_probs(rows)
        for network in (self.policy.actor, self.optimizer.critic):
            _update_normalisation(network, rows)
        self.experience.extend(rows, segments)
        self._count_all(segments.lengths.tolist())
        for episode in episodes:
            self.collected_rewards["environment"][ELSEWHERE] = episode.own_return
            self.collected_rewards[EXTRINSIC][ELSEWHERE] = self._extrinsic.strength * episode.episode_return
            self._update_end_episode_stats(ELSEWHERE, self.optimizer)
            self._stats_reporter.add_stat("Environment/Episode Length", episode.length)

    def _count_all(self, lengths: list[int]) -> None:
        """Counts pieces one after another if a summary or a checkpoint falls due among them, else all at once."""
        after = self.get_step + sum(lengths)
        if after < min(self._next_summary_step, self._next_save_step):
            self._count(sum(lengths))
            return
        for length in lengths:
            self._count(length)

    def _count(self, steps: int) -> None:
        """Counts learner steps; summaries and checkpoints are written when they are due."""
        self._maybe_write_summary(self.get_step + steps)
        self._maybe_save_model(self.get_step + steps)
        self._increment_step(steps, next(iter(self.policies)))

    def _fill_in_log_probs(self, rows: Rows) -> None:
        with torch.no_grad():
            for begin in range(0, len(rows.rewards), JUDGED_TOGETHER):
                part = slice(begin, begin + JUDGED_TOGETHER)
                found = self.policy.actor.get_stats(
                    [as_input(seen[part]) for seen in rows.observations],
                    actions_of(
                        {
                            BufferKey.CONTINUOUS_ACTION: torch.as_tensor(
                                rows.continuous[part], device=default_device()
                            ),
                            BufferKey.DISCRETE_ACTION: torch.as_tensor(rows.discrete[part], device=default_device()),
                        }
                    ),
                    masks=torch.as_tensor(rows.masks[part], device=default_device()),
                    memories=torch.as_tensor(rows.memories[part], device=default_device()).unsqueeze(0),
                )
                log_probs = found["log_probs"].to_log_probs_tuple()
                rows.continuous_log_probs[part] = log_probs.continuous
                rows.discrete_log_probs[part] = log_probs.discrete
                self._stats_reporter.add_stat("Policy/Entropy", float(found["entropy"].mean()))

    def _process_trajectory(self, trajectory: Trajectory) -> None:
        if not self._in_arrays:
            super()._process_trajectory(trajectory)
            return
        steps, agent = trajectory.steps, trajectory.agent_id
        self._count(len(steps))
        if self.should_still_train:
            terminal = trajectory.done_reached and not trajectory.interrupted
            rows = self.experience.add(steps, trajectory.next_obs, terminal)
            for network in (self.policy.actor, self.optimizer.critic):
                _update_normalisation(network, rows)
        own = sum(step.reward for step in steps)
        group = [step.group_reward for step in steps]
        self._warn_if_group_reward({BufferKey.GROUP_REWARD: group})
        self.collected_rewards["environment"][agent] += own
        self.collected_rewards[EXTRINSIC][agent] += self._extrinsic.strength * (own + sum(group))
        if trajectory.done_reached:
            self._update_end_episode_stats(agent, self.optimizer)

    def _is_ready_update(self) -> bool:
        if not self._in_arrays:
            return bool(super()._is_ready_update())
        return len(self.experience) > self.hyperparameters.buffer_size

    def _update_policy(self) -> bool:
        if not self._in_arrays:
            return bool(super()._update_policy())
        self.cumulative_returns_since_policy_update.clear()
        rows, segments = self.experience.rows, self.experience.segments
        finished = self._finished(rows, segments)
        sequences = torch.as_tensor(sequences_of(segments.lengths, self.policy.sequence_length))
        if self._update is None:
            self._update = PPOUpdate(self.optimizer)
        at_once = max(1, self.hyperparameters.batch_size // self.policy.sequence_length)
        statistics: dict[str, list[torch.Tensor]] = defaultdict(list)
        for _ in range(self.hyperparameters.num_epoch):
            order = torch.randperm(len(sequences), generator=torch.default_generator)
            for chosen in order.split(at_once)[: len(order) // at_once]:
                for name, value in self._update(finished.batch(sequences[chosen], chosen)).items():
                    statistics[name].append(value)
        for name, values in statistics.items():
            self._stats_reporter.add_stat(name, float(torch.stack(values).mean()))
        if self.optimizer.bc_module:
            for name, value in self.optimizer.bc_module.update().items():
                self._stats_reporter.add_stat(name, value)
        self.experience.clear()
        return True

    @property
    def _extrinsic(self) -> Any:
        return self.optimizer.reward_signals[EXTRINSIC]

    def _finished(self, rows: Rows, segments: Segments) -> _Finished:
        """Returns all that the loss reads, under the names that ML-Agents gives it."""
        if self.policy.use_recurrent:
            critic, size = self.optimizer.critic, self.policy.sequence_length
            values, next_values, memories = valued_in_turn(critic, EXTRINSIC, rows.observations, segments, size)
        else:
            values, next_values = self._values(rows.observations), self._values(segments.next_observations)
            memories = None
        if not self._extrinsic.ignore_done:
            next_values[segments.terminal] = 0.0
        rewards = self._extrinsic.strength * rows.rewards
        gamma, lambd = self._extrinsic.gamma, self.hyperparameters.lambd
        advantage = advantages(rewards, values, next_values, segments.lengths, gamma, lambd)
        means = np.add.reduceat(values, np.cumsum(segments.lengths) - segments.lengths) / segments.lengths
        for mean in means.tolist():
            self._stats_reporter.add_stat(f"Policy/{EXTRINSIC.capitalize()} Value Estimate", mean)
        fields = {
            **{ObsUtil.get_name_at(sensor): seen for sensor, seen in enumerate(rows.observations)},
            BufferKey.CONTINUOUS_ACTION: rows.continuous,
            BufferKey.DISCRETE_ACTION: rows.discrete,
            BufferKey.CONTINUOUS_LOG_PROBS: rows.continuous_log_probs,
            BufferKey.DISCRETE_LOG_PROBS: rows.discrete_log_probs,
            BufferKey.ACTION_MASK: rows.masks,
            BufferKey.ADVANTAGES: (advantage - advantage.mean()) / (advantage.std() + 1e-10),
            RewardSignalUtil.value_estimates_key(EXTRINSIC): values,
            RewardSignalUtil.returns_key(EXTRINSIC): advantage + values,
            BufferKey.MEMORY: rows.memories,
        }
        tensors = {key: torch.as_tensor(field, device=default_device()) for key, field in fields.items()}
        return _Finished(tensors, None if memories is None else torch.as_tensor(memories, device=default_device()))

    def _values(self, observations: tuple[Array, ...]) -> Array:
        """Returns what the critic expects, `[n]`."""
        parts = []
        rows = max(1, VALUED_TOGETHER // sum(int(np.prod(sensor.shape[1:])) for sensor in observations))
        with torch.no_grad():
            for begin in range(0, len(observations[0]), rows):
                seen = [as_input(sensor[begin : begin + rows]) for sensor in observations]
                parts.append(self.optimizer.critic.critic_pass(seen, sequence_length=len(seen[0]))[0][EXTRINSIC])
        values: Array = torch.cat(parts).cpu().numpy()
        return values


def _update_normalisation(network: Any, rows: Rows) -> None:
    for encoder, seen in zip(network.network_body.observation_encoder.processors, rows.observations, strict=True):
        if isinstance(encoder, VectorInput):
            encoder.update_normalization(torch.as_tensor(seen, device=default_device()))
