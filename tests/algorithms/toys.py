"""Which games does a learner solve in seconds? And how does it play them in the tests' own process?"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from mlagents.plugins.trainer_type import register_trainer_plugins
from mlagents.torch_utils import torch
from mlagents.trainers.action_info import ActionInfo
from mlagents.trainers.agent_processor import AgentManager
from mlagents.trainers.behavior_id_utils import BehaviorIdentifiers
from mlagents.trainers.settings import TrainerSettings
from mlagents_envs.base_env import (
    ActionSpec,
    BehaviorSpec,
    DecisionSteps,
    DimensionProperty,
    ObservationSpec,
    ObservationType,
    TerminalSteps,
)
from mlagents_selfplay.plugin import TRAINERS

register_trainer_plugins()

BEHAVIOR = "Toy?team=0"


def vector(size: int) -> ObservationSpec:
    """Returns what a vector sensor says of itself."""
    return ObservationSpec((size,), (DimensionProperty.NONE,), ObservationType.DEFAULT, "numbers")


def goal_sensors(size: int) -> list[ObservationSpec]:
    """Returns the sensors of a goal environment, under the names and marks that the bridges give them."""
    kinds = {"achieved_goal": ObservationType.DEFAULT, "desired_goal": ObservationType.GOAL_SIGNAL}
    return [
        ObservationSpec((size,), (DimensionProperty.NONE,), kinds.get(name, ObservationType.DEFAULT), name)
        for name in ("achieved_goal", "desired_goal", "observation")
    ]


def picture(*shape: int) -> ObservationSpec:
    """Returns what a visual sensor says of itself; channels first."""
    moves = DimensionProperty.TRANSLATIONAL_EQUIVARIANCE
    return ObservationSpec(shape, (DimensionProperty.NONE, moves, moves), ObservationType.DEFAULT, "picture")


class Toy(Protocol):
    """One game for one agent."""

    spec: BehaviorSpec

    def begin(self, rng: np.random.Generator) -> None:
        """Begins an episode."""

    def see(self) -> list[np.ndarray]:
        """Returns what the agent sees, one array for each sensor."""

    def forbidden(self) -> list[np.ndarray] | None:
        """Returns `[A]` bool for each branch."""

    def act(self, action: np.ndarray, rng: np.random.Generator) -> tuple[float, bool, bool]:
        """Returns the reward, whether the episode is over, and whether it was only cut off."""


class Identity:
    """Name the number that you see, one branch for each; 4 times an episode. `worth` is paid for each right one.

    The best episode pays 4 times the number of branches.
    """

    def __init__(self, sizes: tuple[int, ...] = (4,), as_picture: bool = False) -> None:
        seen = [picture(1, 20, 20)] if as_picture else [vector(sum(sizes))]
        self.spec = BehaviorSpec(seen, ActionSpec(0, sizes))
        self._sizes = sizes
        self._as_picture = as_picture

    def begin(self, rng: np.random.Generator) -> None:
        self._step = 0
        self._draw(rng)

    def see(self) -> list[np.ndarray]:
        if self._as_picture:
            picture = np.zeros((1, 20, 20), np.float32)
            picture[0, :, 5 * self._wanted[0] : 5 * self._wanted[0] + 5] = 200 / 255
            return [picture]
        return [
            np.concatenate([np.eye(size)[n] for size, n in zip(self._sizes, self._wanted, strict=True)]).astype(
                np.float32
            )
        ]

    def forbidden(self) -> list[np.ndarray] | None:
        return None

    def act(self, action: np.ndarray, rng: np.random.Generator) -> tuple[float, bool, bool]:
        right = float((action == self._wanted).sum())
        self._step += 1
        self._draw(rng)
        return right, self._step == 4, False

    def _draw(self, rng: np.random.Generator) -> None:
        self._wanted = rng.integers(0, self._sizes)


class BitFlip:
    """Flip bits until they are those of the goal: -1 a step, 0 for the last; cut off after as many steps as bits.

    A bit that is right already may be forbidden. Played well, an episode of n bits pays -(n / 2 - 1) on average.
    """

    def __init__(self, bits: int, masked: bool = False) -> None:
        self.spec = BehaviorSpec([vector(2 * bits)], ActionSpec(0, (bits,)))
        self._bits = bits
        self._masked = masked

    def begin(self, rng: np.random.Generator) -> None:
        self._now, self._goal = rng.integers(0, 2, (2, self._bits))
        if (self._now == self._goal).all():
            self._now[0] ^= 1
        self._step = 0

    def see(self) -> list[np.ndarray]:
        return [np.concatenate([self._now, self._goal]).astype(np.float32)]

    def forbidden(self) -> list[np.ndarray] | None:
        right = self._now == self._goal
        return [right & ~right.all()] if self._masked else None

    def act(self, action: np.ndarray, rng: np.random.Generator) -> tuple[float, bool, bool]:
        self._now[action[0]] ^= 1
        self._step += 1
        reached = bool((self._now == self._goal).all())
        over = reached or self._step == self._bits
        return (0.0 if reached else -1.0), over, over and not reached


class Number:
    """Say the two numbers that you see, once an episode. The reward is minus the squared error: 0 at best."""

    def __init__(self) -> None:
        self.spec = BehaviorSpec([vector(2)], ActionSpec(2, ()))

    def begin(self, rng: np.random.Generator) -> None:
        self._wanted = rng.uniform(-0.9, 0.9, 2).astype(np.float32)

    def see(self) -> list[np.ndarray]:
        return [self._wanted]

    def forbidden(self) -> list[np.ndarray] | None:
        return None

    def act(self, action: np.ndarray, rng: np.random.Generator) -> tuple[float, bool, bool]:
        return -float(((action - self._wanted) ** 2).sum()), True, False


class GoalBitFlip(BitFlip):
    """The same with the sensors of a goal environment."""

    def __init__(self, bits: int) -> None:
        super().__init__(bits)
        self.spec = BehaviorSpec(goal_sensors(bits), ActionSpec(0, (bits,)))

    def see(self) -> list[np.ndarray]:
        now, goal = self._now.astype(np.float32), self._goal.astype(np.float32)
        return [now, goal, now]


class Reach:
    """Move a point by at most 0.2 a step to within 0.1 of another; -1 for each of 12 steps after which it is not there.

    Played well, an episode pays about -5; who does nothing gets -12.
    """

    def __init__(self) -> None:
        self.spec = BehaviorSpec(goal_sensors(2), ActionSpec(2, ()))

    def begin(self, rng: np.random.Generator) -> None:
        self._now, self._goal = rng.uniform(-1.0, 1.0, (2, 2)).astype(np.float32)
        self._step = 0

    def see(self) -> list[np.ndarray]:
        return [self._now, self._goal, self._now]

    def forbidden(self) -> list[np.ndarray] | None:
        return None

    def act(self, action: np.ndarray, rng: np.random.Generator) -> tuple[float, bool, bool]:
        self._now = np.clip(self._now + 0.2 * action, -1.0, 1.0)
        self._step += 1
        is_there = np.linalg.norm(self._now - self._goal) <= 0.1
        over = self._step == 12
        return (0.0 if is_there else -1.0), over, over


class Play:
    """A trainer that plays a toy, as `mlagents-learn` would have it play.

    Args:
      kind: trainer type.
      toy: makes a game.
      folder: of the behavior's results.
      areas: games beside each other.
      load: whether to resume.
      training: whether to train, rather than to watch.
      seed: of everything.
      keys: `hyperparameters`, `network_settings` and what else stands in a behavior's configuration.
    """

    def __init__(
        self,
        kind: str,
        toy: Any,
        folder: Path,
        areas: int = 4,
        load: bool = False,
        training: bool = True,
        seed: int = 1,
        **keys: Any,
    ) -> None:
        configuration = {
            "trainer_type": kind,
            "network_settings": {"hidden_units": 32, "num_layers": 1},
            "max_steps": 100_000,
            "time_horizon": 16,
            **keys,
        }
        settings = TrainerSettings.structure(configuration, TrainerSettings)
        torch.manual_seed(seed)
        self.trainer = TRAINERS[kind][0]("Toy", 100, settings, training, load, seed, str(folder / "Toy"))
        self.rng = np.random.default_rng(seed)
        self._toys: list[Toy] = [toy() for _ in range(areas)]
        identifiers = BehaviorIdentifiers.from_name_behavior_id(BEHAVIOR)
        self.spec = self._toys[0].spec
        self.policy = self.trainer.create_policy(identifiers, self.spec)
        self.trainer.add_policy(identifiers, self.policy)
        self._manager = AgentManager(self.policy, BEHAVIOR, self.trainer.stats_reporter, settings.time_horizon)
        self.trainer.publish_policy_queue(self._manager.policy_queue)
        self.trainer.subscribe_trajectory_queue(self._manager.trajectory_queue)
        for one in self._toys:
            one.begin(self.rng)
        self._ids = list(range(areas))
        self._rewards = [0.0] * areas
        self._last = ActionInfo.empty()
        self._ended: list[tuple[int, list[np.ndarray], float, bool]] = []

    def step(self) -> None:
        """Does what `mlagents-learn` does for one message of one environment."""
        decisions = self._decisions()
        self._manager.add_experiences(decisions, self._endings(), 0, self._last)
        self.trainer.advance()
        self._last = self.policy.get_action(decisions, 0)
        actions = self._last.env_action
        chosen = actions.continuous if self.spec.action_spec.continuous_size else actions.discrete
        for area, (toy, action) in enumerate(zip(self._toys, chosen, strict=True)):
            reward, over, cut = toy.act(action, self.rng)
            self._rewards[area] = reward
            if over:
                self._ended.append((self._ids[area], toy.see(), reward, cut))
                self._ids[area] += len(self._toys)
                self._rewards[area] = 0.0
                toy.begin(self.rng)

    def until(self, learner_steps: int) -> Play:
        """Trains until the learner has made that many steps."""
        while self.trainer.get_step < learner_steps:
            self.step()
        return self

    @property
    def mean_return(self) -> float:
        """The mean over the last episodes, 100 at most."""
        return float(np.mean(self.trainer.reward_buffer))

    def _decisions(self) -> DecisionSteps:
        n = len(self._toys)
        seen = [np.stack(sensor) for sensor in zip(*(toy.see() for toy in self._toys), strict=True)]
        masks = [toy.forbidden() for toy in self._toys]
        joined = None if masks[0] is None else [np.stack(branch) for branch in zip(*masks, strict=True)]
        return DecisionSteps(
            seen,
            np.array(self._rewards, np.float32),
            np.array(self._ids, np.int32),
            joined,
            np.zeros(n, np.int32),
            np.zeros(n, np.float32),
        )

    def _endings(self) -> TerminalSteps:
        ended, self._ended = self._ended, []
        n = len(ended)
        seen = [
            np.stack([one[1][sensor] for one in ended]) if n else np.zeros((0, *spec.shape), np.float32)
            for sensor, spec in enumerate(self.spec.observation_specs)
        ]
        return TerminalSteps(
            seen,
            np.array([one[2] for one in ended], np.float32),
            np.array([one[3] for one in ended], bool),
            np.array([one[0] for one in ended], np.int32),
            np.zeros(n, np.int32),
            np.zeros(n, np.float32),
        )


def deterministic_returns(policy: Any, toy: Toy, episodes: int, seed: int = 7) -> list[float]:
    """Returns what episodes pay that are played with the best actions that an actor knows, as it is exported."""
    rng, returns = np.random.default_rng(seed), []
    masks = torch.ones(1, sum(toy.spec.action_spec.discrete_branches))
    for _ in range(episodes):
        toy.begin(rng)
        total, over = 0.0, False
        while not over:
            with torch.no_grad():
                best = policy.actor([torch.as_tensor(seen)[None] for seen in toy.see()], masks)[-1]
            reward, over, _ = toy.act(best[0].numpy(), rng)
            total += reward
        returns.append(total)
    return returns
