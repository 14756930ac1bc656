"""Tabular Q-learning: one row of values for every observation that was ever made, found through a hash.

The table is a module of tensors, so that a snapshot is a frozen table and an exported model is the table itself.
"""

from __future__ import annotations

from typing import Any

import attr
import numpy as np
from mlagents.torch_utils import default_device, torch
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.policy.torch_policy import TorchPolicy
from mlagents.trainers.settings import NetworkSettings
from mlagents.trainers.torch_entities.networks import SimpleActor
from mlagents_envs.base_env import ActionSpec, BehaviorSpec, ObservationSpec
from mlagents_envs.logging_util import get_logger
from torch import nn

from mlagents_selfplay.algorithms import targets
from mlagents_selfplay.algorithms.epsilon_greedy import EpsilonGreedyLearner, EpsilonGreedySettings
from mlagents_selfplay.algorithms.networks import GreedyModel, only_allowed
from mlagents_selfplay.algorithms.replay import Piece
from mlagents_selfplay.algorithms.replay_optimizer import Batch, ReplayOptimizer
from mlagents_selfplay.checks import integer, number, one_of

logger = get_logger(__name__)

TRAINER_TYPE = "tabular_q"
PROBES = 16  # rows in which an observation may lie
COEFFICIENT_BITS = 40
MIXED_BITS = 20  # the lowest bits of a hash are left out: a multiple of 2 in all inputs would show in them
HASH_SEED = 20_260_101  # the same for every table, so that snapshots of different runs agree

EMPTY = 0


@attr.resolve_types  # ML-Agents looks at them
@attr.s(auto_attribs=True)
class TabularQSettings(EpsilonGreedySettings):
    """The keys of trainer type `tabular_q`; `docs/algorithms/tabular_q.md` explains the effect of each."""

    learning_rate: Any = attr.ib(default=0.5, validator=number(0, 1, above=True))  # share of the way to the target
    rule: Any = attr.ib(default="q", validator=one_of("q", "repeated_update"))  # how a number moves
    temperature: Any = attr.ib(default=1.0, validator=number(0, above=True))  # of repeated_update, units of reward
    epsilon_start: Any = attr.ib(default=0.0, validator=number(0, 1))  # ties are broken at random, which is a start
    epsilon_end: Any = attr.ib(default=0.0, validator=number(0, 1))
    table_size: Any = attr.ib(default=16_384, validator=integer(PROBES, "observations, a power of two"))
    resolution: Any = attr.ib(default=1_000, validator=number(0, above=True))  # steps that a unit is divided into

    # What ML-Agents' off-policy trainer looks at; there is no replay, and nothing waits for a batch.
    batch_size = 1
    buffer_init_steps = 0
    steps_per_update = 1.0
    reward_signal_steps_per_update = 1.0
    save_replay_buffer = False

    def __attrs_post_init__(self) -> None:
        if self.table_size & (self.table_size - 1):
            raise TrainerConfigError(
                f"hyperparameters.table_size: {self.table_size} is not allowed; it must be a power of two."
            )


class Table(nn.Module):
    """Rows of values, each under the key of an observation; what was never seen has the values 0.

    Args:
      inputs: numbers of an observation.
      width: values of a row.
      size: rows, a power of two, at least PROBES.
      resolution: observations whose numbers agree after multiplication with it, rounded, are one.

    Source of the hash: Carter and Wegman 1979, "Universal classes of hash functions": a linear form with random
    coefficients, once for the row and once, independently, for the key. Two of n observations share a key by mistake
    with a probability of about n^2 / 2^41.
    """

    memory_size = 0
    coefficients: torch.Tensor
    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self, inputs: int, width: int, size: int, resolution: float) -> None:
        super().__init__()
        rng = np.random.default_rng(HASH_SEED)
        self._size = size
        self._resolution = float(resolution)
        self.register_buffer("coefficients", torch.from_numpy(rng.integers(1, 1 << COEFFICIENT_BITS, (2, inputs))))
        self.register_buffer("keys", torch.full((size,), EMPTY))
        self.register_buffer("values", torch.zeros(size, width))

    def forward(
        self, inputs: list[torch.Tensor], memories: torch.Tensor | None = None, sequence_length: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Returns the values of observations, `[n, width]`, and the memories, which are not used."""
        keys, rows = self.places(inputs)
        found = (self.keys[rows] == keys.unsqueeze(-1)).to(self.values.dtype)
        return (found.unsqueeze(-1) * self.values[rows]).sum(1), memories

    def places(self, inputs: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the keys `[n]` of observations and the rows `[n, PROBES]` in which each may lie."""
        numbers = torch.cat([seen.flatten(1) for seen in inputs], 1)
        whole = torch.floor(numbers * self._resolution + 0.5).to(torch.int64)
        hashes = (whole.unsqueeze(1) * self.coefficients).sum(-1)
        first = torch.div(hashes[:, 0].abs(), 1 << MIXED_BITS, rounding_mode="floor")
        rows = (first.unsqueeze(-1) + torch.arange(PROBES, device=first.device)) % self._size
        return hashes[:, 1] * 2 + 1, rows  # odd, so that none is EMPTY

    def rows_of(self, inputs: list[torch.Tensor]) -> list[int | None]:
        """Returns the row of each observation, a new one where it was never seen, None where there is no room."""
        found: list[int | None] = []
        keys, places = self.places(inputs)
        for key, rows in zip(keys.tolist(), places, strict=True):
            held = self.keys[rows].tolist()
            place = next((place for place, other in enumerate(held) if other in (key, EMPTY)), None)
            found.append(None if place is None else int(rows[place]))
            if place is not None and held[place] == EMPTY:
                self.keys[rows[place]] = key
        return found


class TabularActor(SimpleActor):
    """An actor that looks up what is best; of equally good choices it takes any.

    Args:
      observation_specs: what it sees.
      network_settings: nothing of them matters.
      action_spec: discrete branches only.
      table_size: rows.
      resolution: of the observations.
    """

    def __init__(
        self,
        observation_specs: list[ObservationSpec],
        network_settings: NetworkSettings,
        action_spec: ActionSpec,
        table_size: int,
        resolution: float,
    ) -> None:
        super().__init__(observation_specs, network_settings, action_spec)
        branches = action_spec.discrete_branches
        inputs = sum(int(np.prod(spec.shape)) for spec in observation_specs)
        self.network_body = Table(inputs, sum(branches), table_size, resolution)
        self.action_model = GreedyModel(_Branches(branches), branches, break_ties=True)


class _Branches(nn.Module):
    """From the row of an observation to the values of each branch."""

    def __init__(self, branches: tuple[int, ...]) -> None:
        super().__init__()
        self._branches = list(branches)

    def forward(self, row: torch.Tensor) -> list[torch.Tensor]:
        return list(row.split(self._branches, -1))


class TabularQOptimizer(ReplayOptimizer):
    """Changes single entries of the table; with several branches, the entry of each towards the common target."""

    _has_warned = False

    def learn_piece(self, piece: Piece, gamma: float) -> dict[str, float] | None:
        """Learns from the steps of a piece in their order.

        Returns:
          What TensorBoard is to show, by its name there; None if the table had no room for any of them.
        """
        table: Table = self.policy.actor.network_body
        branches = list(self.policy.behavior_spec.action_spec.discrete_branches)
        seen = [torch.as_tensor(sensor, device=default_device()) for sensor in piece.observations]
        rows = table.rows_of(seen)
        if None in rows and not self._has_warned:
            self._has_warned = True
            logger.warning(
                f"The table is full: hyperparameters.table_size: {len(table.keys)} is too small to learn more."
            )
        allowed_t = torch.ones(len(rows), sum(branches), device=default_device())
        allowed_t[:-1] = torch.as_tensor(piece.allowed)
        offsets = np.cumsum([0, *branches[:-1]])
        entries = torch.as_tensor(piece.discrete + offsets, device=default_device())
        rewards = torch.as_tensor(piece.rewards, device=default_device())
        errors, values = [], []
        for step, (row, row_t) in enumerate(zip(rows, rows[1:], strict=False)):
            if row is None:
                continue
            is_end = piece.terminal and step == piece.length - 1
            following = table.values[row_t if row_t is not None else row].unsqueeze(0)
            q_t = only_allowed(following.split(branches, -1), allowed_t[step + 1 : step + 2], branches)
            discount = 0.0 if is_end or row_t is None else gamma
            r_t = rewards[step : step + 1]
            target = targets.q_learning_target(r_t, torch.full_like(r_t, discount), q_t)
            q_tm1 = table.values[row, entries[step]]
            table.values[row, entries[step]] = self._moved(q_tm1, target, table.values[row], entries[step])
            errors.append(float((target - q_tm1).square().mean()))
            values.append(float(q_tm1.mean()))
        if not errors:
            return None
        return {"Losses/Value Loss": float(np.mean(errors)), "Policy/Extrinsic Value": float(np.mean(values))}

    def _moved(
        self, q_tm1: torch.Tensor, target_tm1: torch.Tensor, values: torch.Tensor, chosen: torch.Tensor
    ) -> torch.Tensor:
        """Returns what becomes of the entries of what was done, `[branches]`; `values` are those of the whole row."""
        settings: TabularQSettings = self.trainer_settings.hyperparameters
        if settings.rule == "q":
            return targets.tabular_q(q_tm1, target_tm1, settings.learning_rate)
        branches = values.split(list(self.policy.behavior_spec.action_spec.discrete_branches))
        probabilities = torch.cat([torch.softmax(branch / settings.temperature, 0) for branch in branches])
        return targets.repeated_update_q(q_tm1, target_tm1, settings.learning_rate, probabilities[chosen])

    def learn(self, batch: Batch) -> tuple[dict[str, torch.Tensor], None]:
        """Never called: the table learns from every step at once, when it comes."""
        raise NotImplementedError

    def get_modules(self) -> dict[str, Any]:
        """Nothing: the table is the policy's."""
        return {}


class TabularQTrainer(EpsilonGreedyLearner):
    """Trains one behavior by tabular Q-learning. Constructor arguments are those of every ML-Agents trainer."""

    @staticmethod
    def get_trainer_name() -> str:
        """The name in the YAML."""
        return TRAINER_TYPE

    def make_policy(self, spec: BehaviorSpec, network: NetworkSettings) -> TorchPolicy:
        """Returns the policy that acts."""
        settings = self.hyperparameters
        options = {"table_size": settings.table_size, "resolution": settings.resolution}
        return self.policy_of(spec, network, TabularActor, **options)

    def create_optimizer(self) -> TabularQOptimizer:
        """Returns what learns."""
        return TabularQOptimizer(self.policy, self.trainer_settings)

    def take(self, agent: str, piece: Piece) -> None:
        """Learns from a piece of an agent's episode."""
        (extrinsic,) = self.trainer_settings.reward_signals.values()
        statistics = self.optimizer.learn_piece(piece, extrinsic.gamma)
        if statistics is None:
            return
        for name, value in statistics.items():
            self._stats_reporter.add_stat(name, value)

    def _is_ready_update(self) -> bool:
        return False
