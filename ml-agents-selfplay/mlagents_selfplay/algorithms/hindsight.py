"""What would have been learnt if what was reached had been the goal? Goals, rewards and endings of relabelled steps.

Relabelling is a property of the data: transitions go in as a replay holds them and come out as if other goals had been
pursued, and any learner from replay can learn from them. New goals come from the trajectory that a transition is a part
of, so `time_horizon` should be no shorter than an episode.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import attr
import cattr
import numpy as np
from mlagents.trainers.exception import TrainerConfigError
from mlagents_envs.base_env import BehaviorSpec, ObservationType

from mlagents_selfplay.algorithms.replay import Array, Piece, Replay, Transitions
from mlagents_selfplay.checks import Check, block, finite, flag, number, one_of, refuse, within

STRATEGIES = ("future", "final", "episode")
SPARSE = "sparse"
_PYTHON = re.compile(r"python:(?P<module>[\w.]+):(?P<function>\w+)$")

GoalRule = Callable[[Array, Array], tuple[Array, Array]]
"""(achieved goals `[n, g]` after a step, desired goals `[n, g]`) -> (rewards `[n]`, whether the episode ends `[n]`)."""


def _is_rule(_: Any, field: attr.Attribute[Any], value: Any) -> None:
    if value != SPARSE and not _PYTHON.match(str(value)):
        raise refuse(field.name, value, f"{SPARSE} or python:module:function")


def _is_name(_: Any, field: attr.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str):
        raise refuse(field.name, value, "the name of a sensor")


def _key(default: Any, check: Check) -> Any:
    return attr.ib(default=default, validator=within("hindsight", check))


@attr.s(auto_attribs=True)
class HindsightSettings:
    """Settings of hindsight replay, the block `hindsight:` among a learner's hyperparameters."""

    strategy: Any = _key("future", one_of(*STRATEGIES))
    k: Any = _key(4, number(0))  # relabelled samples for each that stays as it was
    reward: Any = _key(SPARSE, _is_rule)  # or python:module:function
    # Of the sparse rule: a goal that is not farther than this, in units of the goal (metres, in Fetch), is reached.
    distance: Any = _key(0.05, number(0))
    reached_reward: Any = _key(0.0, finite)
    missed_reward: Any = _key(-1.0, finite)
    # Whether an episode ends by itself where its goal is reached; in Fetch it goes on to its time limit.
    ends_at_goal: Any = _key(False, flag)
    # Name of the sensor that sees what is achieved; the desired goal is the sensor that is marked as the goal signal.
    achieved_goal: Any = _key("achieved_goal", _is_name)


def hindsight_block(value: Any) -> HindsightSettings | None:
    """Returns the settings of a block `hindsight:`, or None if there is none."""
    settings: HindsightSettings | None = block("hindsight", HindsightSettings, value)
    return settings


cattr.register_structure_hook(HindsightSettings, lambda value, _: hindsight_block(value))


class GoalSensors(NamedTuple):
    """Where the goals are among the sensors of a behavior: indices."""

    achieved: int
    desired: int


def find_goals(spec: BehaviorSpec, settings: HindsightSettings) -> GoalSensors:
    """Returns which sensors see the goals.

    Raises:
      TrainerConfigError: if there is not exactly one of each, or if they differ in shape.
    """
    names = [sensor.name for sensor in spec.observation_specs]
    achieved = [index for index, name in enumerate(names) if name == settings.achieved_goal]
    desired = [
        index
        for index, sensor in enumerate(spec.observation_specs)
        if sensor.observation_type == ObservationType.GOAL_SIGNAL
    ]
    if len(achieved) != 1:
        raise TrainerConfigError(
            f"hyperparameters.hindsight.achieved_goal: {settings.achieved_goal!r} is not allowed; it must be the name "
            f"of one sensor among {', '.join(names)}."
        )
    if len(desired) != 1:
        raise TrainerConfigError(
            f"hyperparameters.hindsight: {len(desired)} sensors are marked as a goal signal, of {', '.join(names)}; "
            "hindsight needs exactly one, which sees the desired goal."
        )
    goals = GoalSensors(achieved[0], desired[0])
    shapes = [tuple(spec.observation_specs[index].shape) for index in goals]
    if shapes[0] != shapes[1]:
        raise TrainerConfigError(
            f"hyperparameters.hindsight.achieved_goal: {settings.achieved_goal!r} has the shape {shapes[0]}, but the "
            f"desired goal {names[goals.desired]!r} has {shapes[1]}."
        )
    return goals


def goal_rule(settings: HindsightSettings) -> GoalRule:
    """Returns how a step is paid under another goal.

    Raises:
      TrainerConfigError: if the declared function cannot be imported.
    """
    declared = _PYTHON.match(settings.reward)
    if declared is None:
        return sparse_rule(
            settings.distance, settings.reached_reward, settings.missed_reward, ends=settings.ends_at_goal
        )
    try:
        rule: GoalRule = getattr(importlib.import_module(declared["module"]), declared["function"])
    except (ImportError, AttributeError) as error:
        raise TrainerConfigError(
            f"hyperparameters.hindsight.reward: {settings.reward!r} cannot be imported: {error}."
        ) from error
    return rule


def sparse_rule(distance: float, reached_reward: float, missed_reward: float, *, ends: bool) -> GoalRule:
    """Returns the rule that pays for being near.

    Args:
      distance: Euclidean, at least 0; a goal at exactly this distance counts as reached.
      reached_reward: of a step after which the goal is reached.
      missed_reward: of any other step.
      ends: whether the episode ends where the goal is reached.

    Source: Plappert et al. 2018, arXiv:1802.09464, section 1.4, where the distance is 0.05 metres.
    """

    def rule(achieved_t: Array, desired: Array) -> tuple[Array, Array]:
        reached = np.linalg.norm(achieved_t - desired, axis=1) <= distance
        return np.where(reached, reached_reward, missed_reward).astype(np.float32), reached & ends

    return rule


class Relabelling:
    """Gives transitions of a replay other goals.

    Args:
      spec: of the behavior, in which the goals are looked up.
      settings: how goals are chosen and what reaching them is worth.
      strength: by which the learner multiplies rewards.
    """

    def __init__(self, spec: BehaviorSpec, settings: HindsightSettings, strength: float) -> None:
        self._goals = find_goals(spec, settings)
        self._rule = goal_rule(settings)
        self._settings = settings
        self._strength = strength

    def __call__(
        self, replay: Replay, numbers: Array, transitions: Transitions, gamma: float, rng: np.random.Generator
    ) -> Transitions:
        """Returns the transitions, a share k / (1 + k) of them as if another goal had been pursued.

        Of these, the desired goal before and after, each step's reward and the ending are new. An ending that had
        nothing to do with the goal stays one.

        Args:
          replay: where the transitions come from.
          numbers: `[B]`, the rows at which they begin.
          transitions: as the replay gave them; not changed.
          gamma: discount of a step.
          rng: advanced by 2 B draws.
        """
        chosen = is_relabelled(len(numbers), self._settings.k, rng)
        before, left = replay.place_in_piece(numbers)
        source = numbers + steps_of_new_goals(self._settings.strategy, before, left, rng)
        rows, width = numbers[chosen], transitions.rewards.shape[1]
        goal = self._achieved_after(replay, source[chosen])
        within = np.minimum(
            np.arange(width), left[chosen, np.newaxis]
        )  # a piece's last step stands for what is past it
        outcome = self._achieved_after(replay, (rows[:, np.newaxis] + within).ravel())
        reward, ends = self._rule(outcome, np.repeat(goal, width, axis=0))
        past_the_end = np.arange(width) > left[chosen, np.newaxis]
        ends_anyway = (transitions.discounts[chosen] == 0.0) & (not self._settings.ends_at_goal)
        rewards, discounts = transitions.rewards.copy(), transitions.discounts.copy()
        rewards[chosen] = np.where(past_the_end, 0.0, self._strength * reward.reshape(-1, width))
        ended = ends.reshape(-1, width) | ends_anyway
        discounts[chosen] = np.where(past_the_end, 1.0, np.where(ended, 0.0, gamma))
        return transitions._replace(
            observations_tm1=self._with_goal(transitions.observations_tm1, chosen, goal),
            rewards=rewards,
            discounts=discounts,
            observations_t=self._with_goal(transitions.observations_t, chosen, goal),
        )

    def paid(self, piece: Piece) -> Piece:
        """Returns a piece of an episode whose rewards are those of the rule, under the goal that it has."""
        achieved, desired = (piece.observations[sensor] for sensor in self._goals)
        rewards, _ = self._rule(achieved[1:], desired[:-1])
        return piece._replace(rewards=rewards)

    def _achieved_after(self, replay: Replay, numbers: Array) -> Array:
        return replay.observation(self._goals.achieved, numbers + 1)

    def _with_goal(self, observations: tuple[Array, ...], chosen: Array, goal: Array) -> tuple[Array, ...]:
        desired = observations[self._goals.desired].copy()
        desired[chosen] = goal
        return tuple(desired if sensor == self._goals.desired else seen for sensor, seen in enumerate(observations))


def is_relabelled(n: int, k: float, rng: np.random.Generator) -> Array:
    """Returns `[n]` bool, true with the chance k / (1 + k); `rng` is advanced by n draws."""
    relabelled: Array = rng.random(n) < k / (1.0 + k)
    return relabelled


def steps_of_new_goals(strategy: str, before: Array, left: Array, rng: np.random.Generator) -> Array:
    """Returns `[n]`, how many rows after a step lies the one whose outcome becomes its goal; negative: before it.

    Args:
      strategy: `future`, any step from this one to the end of the episode with the same chance; `final`, the last
        one; `episode`, any one of the whole episode.
      before: `[n]`, steps of the same episode that are there before this one.
      left: `[n]`, steps of the same episode after this one.
      rng: advanced by n draws whatever the strategy is.

    Source: Andrychowicz et al. 2017, arXiv:1707.01495, section 4.5. "Outcome" is what is achieved after the step, so
    the future of a step begins with its own outcome, as in the authors' code.
    """
    drawn = rng.random(len(left))
    if strategy == "final":
        return left
    first = -before if strategy == "episode" else np.zeros_like(left)
    steps: Array = first + np.floor(drawn * (left - first + 1)).astype(left.dtype)
    return steps
