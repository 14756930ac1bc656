"""What would have been learnt if what was reached had been the goal? Goals, rewards and endings of relabelled steps.

Relabelling is a property of the data, so everything here is a function of arrays; which rows a replay hands out and how
often is the replay's business, and what is learnt from them any off-policy learner's.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import attr
import numpy as np
from mlagents.trainers.exception import TrainerConfigError
from mlagents_envs.base_env import BehaviorSpec, ObservationType

Array = np.ndarray[Any, np.dtype[Any]]

STRATEGIES = ("future", "final", "episode")
SPARSE = "sparse"
_PYTHON = re.compile(r"python:(?P<module>[\w.]+):(?P<function>\w+)$")

GoalRule = Callable[[Array, Array], tuple[Array, Array]]
"""(achieved goals `[n, g]` after a step, desired goals `[n, g]`) -> (rewards `[n]`, whether the episode ends `[n]`)."""


def _check(allowed: Callable[[Any], bool], what: str) -> Any:
    def check(_: Any, field: attr.Attribute[Any], value: Any) -> None:
        if isinstance(value, bool) != (field.name == "ends_at_goal") or not allowed(value):
            raise TrainerConfigError(
                f"hyperparameters.hindsight.{field.name}: {value!r} is not allowed; it must be {what}."
            )

    return check


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and abs(value) < float("inf")


@attr.s(auto_attribs=True)
class HindsightSettings:
    """Settings of hindsight replay, the block `hindsight:` among a learner's hyperparameters."""

    strategy: Any = attr.ib(default="future", validator=_check(STRATEGIES.__contains__, f"one of {STRATEGIES}"))
    # Relabelled samples for each that stays as it was, at least 0; the share of relabelled ones is k / (1 + k).
    k: Any = attr.ib(default=4, validator=_check(lambda value: _is_number(value) and value >= 0, "at least 0"))
    reward: Any = attr.ib(
        default=SPARSE,
        validator=_check(
            lambda value: value == SPARSE or bool(_PYTHON.match(str(value))), f"{SPARSE} or python:module:function"
        ),
    )
    # Of the sparse rule: a goal that is not farther than this, in units of the goal (metres, in Fetch), is reached.
    distance: Any = attr.ib(default=0.05, validator=_check(lambda value: _is_number(value) and value >= 0, "0 or more"))
    reached_reward: Any = attr.ib(default=0.0, validator=_check(_is_number, "a number"))
    missed_reward: Any = attr.ib(default=-1.0, validator=_check(_is_number, "a number"))
    # Whether an episode ends by itself where its goal is reached; in Fetch it goes on to its time limit.
    ends_at_goal: Any = attr.ib(default=False, validator=_check(lambda value: isinstance(value, bool), "true or false"))
    # Name of the sensor that sees what is achieved; the desired goal is the sensor that is marked as the goal signal.
    achieved_goal: Any = attr.ib(
        default="achieved_goal", validator=_check(lambda value: isinstance(value, str), "the name of a sensor")
    )


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
