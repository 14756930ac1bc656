"""How do tests train in their own process? Trainer, ML-Agents' agent managers and arena, without a wire between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mlagents.plugins.trainer_type import register_trainer_plugins
from mlagents.trainers.action_info import ActionInfo
from mlagents.trainers.agent_processor import AgentManager
from mlagents.trainers.behavior_id_utils import BehaviorIdentifiers
from mlagents.trainers.settings import TrainerSettings
from mlagents_envs import base_env
from mlagents_selfplay.trainer import SelfPlayTrainer

from gym_bridges.areas import Actions, BehaviorSpec, Step
from tests.environments.arena import Arena, ArenaSettings
from tests.trainer.runs import behavior

register_trainer_plugins()


def spec_of(spec: BehaviorSpec) -> base_env.BehaviorSpec:
    """Returns a behavior's specs as ML-Agents has them."""
    none, shift = base_env.DimensionProperty.NONE, base_env.DimensionProperty.TRANSLATIONAL_EQUIVARIANCE
    kinds = {"vector": (none,), "image": (none, shift, shift)}
    seen = [
        base_env.ObservationSpec(one.shape, kinds[one.kind], base_env.ObservationType.DEFAULT, one.name)
        for one in spec.observations
    ]
    return base_env.BehaviorSpec(seen, base_env.ActionSpec(spec.actions.continuous, spec.actions.branches))


def steps_of(step: Step, spec: BehaviorSpec) -> tuple[base_env.DecisionSteps, base_env.TerminalSteps]:
    """Returns what one behavior hands over as ML-Agents has it; images in [0, 1]."""

    def seen(observations: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        return [(one / 255 if one.dtype == np.uint8 else one).astype(np.float32) for one in observations]

    d, e = step.decisions, step.endings
    branches = spec.actions.branches  # On the wire there are always masks.
    masks = list(d.forbidden or [np.zeros((len(d.agent_ids), size), bool) for size in branches]) or None
    return (
        base_env.DecisionSteps(
            seen(d.observations), d.rewards.astype(np.float32), d.agent_ids, masks, d.group_ids, d.group_rewards
        ),
        base_env.TerminalSteps(
            seen(e.observations), e.rewards.astype(np.float32), e.truncated, e.agent_ids, e.group_ids, e.group_rewards
        ),
    )


class Training:
    """One behavior that trains in the arena.

    Args:
      folder: of the run.
      options: of the arena.
      areas: copies of it.
      load: whether to resume.
      training: whether to train, rather than to watch.
      keys: of the behavior's configuration, see `runs.behavior`.
    """

    def __init__(
        self,
        folder: Path,
        options: dict[str, Any] | None = None,
        areas: int = 4,
        load: bool = False,
        training: bool = True,
        **keys: Any,
    ) -> None:
        settings = TrainerSettings.structure(behavior(**keys), TrainerSettings)
        self.trainer = SelfPlayTrainer("Arena", 20, settings, training, load, 1, str(folder / "Arena"))
        self._arena = Arena(ArenaSettings(**(options or {})), areas)
        self.policies, self._managers = {}, {}
        for name, spec in self._arena.behaviors.items():
            identifiers = BehaviorIdentifiers.from_name_behavior_id(name)
            policy = self.trainer.create_policy(identifiers, spec_of(spec))
            self.trainer.add_policy(identifiers, policy)
            manager = AgentManager(policy, name, self.trainer.stats_reporter, settings.time_horizon)
            self.trainer.publish_policy_queue(manager.policy_queue)
            self.trainer.subscribe_trajectory_queue(manager.trajectory_queue)
            self.policies[name], self._managers[name] = policy, manager
        self._steps = self._arena.reset(1)
        self._last = dict.fromkeys(self._managers, ActionInfo.empty())

    def step(self) -> None:
        """Does what `mlagents-learn` does for one message of one environment."""
        actions = {}
        decisions = {name: steps_of(step, self._arena.behaviors[name]) for name, step in self._steps.items()}
        for name, manager in self._managers.items():
            manager.add_experiences(*decisions[name], 0, self._last[name])
        self.trainer.advance()
        for name, policy in self.policies.items():
            info = self._last[name] = policy.get_action(decisions[name][0], 0)
            nothing = Actions(np.zeros((0, 0)), np.zeros((0, 0)))
            actions[name] = (
                nothing if not len(info.agent_ids) else Actions(info.env_action.continuous, info.env_action.discrete)
            )
        self._steps = self._arena.step(actions)

    def reset(self) -> None:
        """Does what `mlagents-learn` does when a lesson asks for a reset."""
        for manager in self._managers.values():
            manager.end_episode()
        self._steps = self._arena.reset(None)
        self._last = dict.fromkeys(self._managers, ActionInfo.empty())
        self.trainer.end_episode()

    def until(self, learner_steps: int) -> None:
        """Trains until the learner has made that many steps."""
        while self.trainer.get_step < learner_steps:
            self.step()
