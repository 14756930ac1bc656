"""What can a learner solve in seconds? Small worlds in arrays, and ML-Agents' loop around a trainer without a wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from mlagents.plugins import all_trainer_settings, all_trainer_types
from mlagents.plugins.trainer_type import register_trainer_plugins
from mlagents.torch_utils import torch
from mlagents.trainers.action_info import ActionInfo
from mlagents.trainers.agent_processor import AgentManager
from mlagents.trainers.behavior_id_utils import BehaviorIdentifiers
from mlagents.trainers.settings import TrainerSettings
from mlagents_envs.base_env import (
    ActionSpec,
    ActionTuple,
    BehaviorSpec,
    DecisionSteps,
    DimensionProperty,
    ObservationSpec,
    ObservationType,
    TerminalSteps,
)

register_trainer_plugins()

BEHAVIOR = "Toy?team=0"


def sensor(name: str, size: int, kind: ObservationType = ObservationType.DEFAULT) -> ObservationSpec:
    return ObservationSpec((size,), (DimensionProperty.NONE,), kind, name)


def goal_behavior(size: int, actions: ActionSpec) -> BehaviorSpec:
    """A behavior whose goals have the names and marks that the bridges give them."""
    return BehaviorSpec(
        [
            sensor("achieved_goal", size),
            sensor("desired_goal", size, ObservationType.GOAL_SIGNAL),
            sensor("observation", size),
        ],
        actions,
    )


class World(Protocol):
    """As many copies of a small world as there are agents, `n`."""

    spec: BehaviorSpec

    def begin(self, rows: np.ndarray) -> None:
        """Begins the episodes of some copies."""

    def see(self) -> list[np.ndarray]:
        """Returns one `[n, *shape]` for each sensor."""

    def step(self, actions: ActionTuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns rewards, whether episodes ended by themselves, and whether they were cut off: `[n]` each."""


class Identity:
    """Say the number that you see. The reward is minus the squared error, so the best return is 0."""

    def __init__(self, n: int, rng: np.random.Generator, size: int = 2) -> None:
        self.spec = BehaviorSpec([sensor("number", size)], ActionSpec(size, ()))
        self._rng = rng
        self._number = np.zeros((n, size), np.float32)

    def begin(self, rows: np.ndarray) -> None:
        self._number[rows] = self._rng.uniform(-0.9, 0.9, self._number[rows].shape)

    def see(self) -> list[np.ndarray]:
        return [self._number.copy()]

    def step(self, actions: ActionTuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        ended = np.ones(len(self._number), bool)
        return -((actions.continuous - self._number) ** 2).sum(1), ended, ~ended


class BitFlip:
    """Flip one bit a step until all are as they should be; a step costs 1 unless it gets there, in as many steps as bits.

    Source: Andrychowicz et al. 2017, arXiv:1707.01495, section 3.1.
    """

    def __init__(self, n: int, rng: np.random.Generator, bits: int) -> None:
        self.spec = goal_behavior(bits, ActionSpec(0, (bits,)))
        self._rng = rng
        self._now, self._goal = np.zeros((n, bits), np.float32), np.zeros((n, bits), np.float32)
        self._steps = np.zeros(n, int)

    def begin(self, rows: np.ndarray) -> None:
        for bits in (self._now, self._goal):
            bits[rows] = self._rng.integers(0, 2, bits[rows].shape)
        self._steps[rows] = 0

    def see(self) -> list[np.ndarray]:
        return [self._now.copy(), self._goal.copy(), self._now.copy()]

    def step(self, actions: ActionTuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows, flipped = np.arange(len(self._now)), actions.discrete[:, 0]
        self._now[rows, flipped] = 1 - self._now[rows, flipped]
        self._steps += 1
        there = (self._now == self._goal).all(1)
        return np.where(there, 0.0, -1.0), there, ~there & (self._steps >= self._now.shape[1])


class Reach:
    """Move a point by at most 0.2 a step to within 0.1 of another in the square from -1 to 1; 12 steps, to the end."""

    STEPS = 12

    def __init__(self, n: int, rng: np.random.Generator) -> None:
        self.spec = goal_behavior(2, ActionSpec(2, ()))
        self._rng = rng
        self._now, self._goal = np.zeros((n, 2), np.float32), np.zeros((n, 2), np.float32)
        self._steps = np.zeros(n, int)

    def begin(self, rows: np.ndarray) -> None:
        for point in (self._now, self._goal):
            point[rows] = self._rng.uniform(-1.0, 1.0, point[rows].shape)
        self._steps[rows] = 0

    def see(self) -> list[np.ndarray]:
        return [self._now.copy(), self._goal.copy(), self._now.copy()]

    def step(self, actions: ActionTuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self._now = np.clip(self._now + 0.2 * actions.continuous, -1.0, 1.0).astype(np.float32)
        self._steps += 1
        near = np.linalg.norm(self._now - self._goal, axis=1) <= 0.1
        never = np.zeros(len(near), bool)
        return np.where(near, 0.0, -1.0), never, self._steps >= self.STEPS


class Training:
    """One trainer in one world, step by step as `mlagents-learn` would have it.

    Args:
      world: where it learns, with as many agents as it has copies.
      folder: of the run.
      trainer_type: name of a registered one.
      load: whether to resume.
      training: whether to learn, rather than to watch.
      hyperparameters: of the trainer type; `network`, `gamma` and `time_horizon` stand elsewhere in the YAML.
    """

    def __init__(
        self,
        world: World,
        folder: Path,
        trainer_type: str,
        *,
        load: bool = False,
        training: bool = True,
        network: dict[str, Any] | None = None,
        gamma: float = 0.9,
        time_horizon: int = 64,
        max_steps: int = 1_000_000,
        seed: int = 0,
        **hyperparameters: Any,
    ) -> None:
        settings = TrainerSettings.structure(
            {
                "trainer_type": trainer_type,
                "hyperparameters": hyperparameters,
                "network_settings": {
                    "hidden_units": 32,
                    "num_layers": 2,
                    "goal_conditioning_type": "none",
                    **(network or {}),
                },
                "reward_signals": {"extrinsic": {"gamma": gamma}},
                "time_horizon": time_horizon,
                "max_steps": max_steps,
            },
            TrainerSettings,
        )
        assert isinstance(settings.hyperparameters, all_trainer_settings[trainer_type])
        torch.manual_seed(seed)
        self.world = world
        self.trainer: Any = all_trainer_types[trainer_type](
            "Toy", 20, settings, training, load, seed, str(folder / "Toy")
        )
        identifiers = BehaviorIdentifiers.from_name_behavior_id(BEHAVIOR)
        self.policy = self.trainer.create_policy(identifiers, world.spec)
        self.trainer.add_policy(identifiers, self.policy)
        self._manager = AgentManager(self.policy, BEHAVIOR, self.trainer.stats_reporter, settings.time_horizon)
        self.trainer.publish_policy_queue(self._manager.policy_queue)
        self.trainer.subscribe_trajectory_queue(self._manager.trajectory_queue)
        self._last = ActionInfo.empty()
        n = len(world.see()[0])
        self._ids, self._next_id = np.arange(n, dtype=np.int32), n
        world.begin(np.arange(n))
        self._rewards = np.zeros(n, np.float32)
        self._ended = self._endings(np.zeros(n, bool), np.zeros(n, bool))
        self.returns: list[float] = []
        self._sums = np.zeros(n)

    def step(self) -> None:
        """One step of every agent."""
        decisions = self._decisions()
        self._manager.add_experiences(decisions, self._ended, 0, self._last)
        self.trainer.advance()
        self._last = self.policy.get_action(decisions, 0)
        self._rewards, terminated, truncated = self.world.step(self._last.env_action)
        self._sums += self._rewards
        over = terminated | truncated
        self._ended = self._endings(over, truncated)
        self.returns += self._sums[over].tolist()
        self._sums[over], self._rewards[over] = 0.0, 0.0
        self._ids[over] = np.arange(self._next_id, self._next_id + over.sum())
        self._next_id += int(over.sum())
        self.world.begin(np.flatnonzero(over))

    def until(self, learner_steps: int) -> None:
        """Trains until the learner has made that many steps."""
        while self.trainer.get_step < learner_steps:
            self.step()

    def _decisions(self) -> DecisionSteps:
        n = len(self._ids)
        masks = [np.zeros((n, size), bool) for size in self.world.spec.action_spec.discrete_branches] or None
        return DecisionSteps(
            self.world.see(),
            self._rewards.astype(np.float32),
            self._ids.copy(),
            masks,
            [0] * n,
            np.zeros(n, np.float32),
        )

    def _endings(self, over: np.ndarray, truncated: np.ndarray) -> TerminalSteps:
        rows = np.flatnonzero(over)
        return TerminalSteps(
            [seen[rows] for seen in self.world.see()],
            self._rewards[rows].astype(np.float32),
            truncated[rows],
            self._ids[rows],
            [0] * len(rows),
            np.zeros(len(rows), np.float32),
        )


def play(policy: Any, world: World, episodes: int) -> list[float]:
    """Returns the returns of at least `episodes` episodes, played with the best actions that the actor knows."""
    n = len(world.see()[0])
    sums, returns = np.zeros(n), []
    world.begin(np.arange(n))
    while len(returns) < episodes:
        seen = [torch.as_tensor(sensor) for sensor in world.see()]
        masks = torch.ones(n, sum(world.spec.action_spec.discrete_branches))
        with torch.no_grad():
            outputs = policy.actor(seen, masks)
        best = outputs[-1].numpy()  # The deterministic action comes last, as in the exported model.
        rewards, terminated, truncated = world.step(
            ActionTuple(discrete=best) if best.dtype.kind == "i" else ActionTuple(continuous=best)
        )
        sums += rewards
        over = terminated | truncated
        returns += sums[over].tolist()
        sums[over] = 0.0
        world.begin(np.flatnonzero(over))
    return returns
