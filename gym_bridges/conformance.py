"""Does an environment keep the contract of `gym_bridges.areas`? Random play, and a sentence for each breach.

In a test of your own environment: `assert conformance.check(make, seed=0, rng=np.random.default_rng(0)) == []`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from gym_bridges.areas import Actions, Areas, BehaviorSpec, Step
from gym_bridges.checks import check_steps

_BEHAVIOR_ID = re.compile(r"[^?]+(\?team=\d+)?")
_UNKNOWN_PARAMETER = "a parameter that no environment has"


def check(make: Callable[[], Areas], *, seed: int, rng: np.random.Generator, num_steps: int = 1000) -> list[str]:
    """Plays two copies of an environment side by side with the same random actions.

    Args:
      make: builds a fresh copy.
      seed: for the first reset of both.
      rng: draws the actions; advanced.
      num_steps: how long to play before the second reset, in steps; at least one episode should end by then.

    Returns:
      One sentence for each kind of breach, in the order of discovery; none if the environment conforms.
    """
    one, twin = make(), make()
    complaints: dict[str, None] = {}  # a set in the order of discovery
    try:
        for sentence in _complaints(one, twin, seed, rng, num_steps):
            complaints[sentence] = None
    except ValueError as error:
        complaints[str(error)] = None
    finally:
        one.close()
        twin.close()
    return list(complaints)


def _complaints(one: Areas, twin: Areas, seed: int, rng: np.random.Generator, num_steps: int) -> Iterator[str]:
    yield from _about_specs(one.behaviors)
    yield from _about_parameters(one)
    watch = _IdWatch()
    steps, twins = one.reset(seed), twin.reset(seed)
    yield from _about_reset(steps)
    endings = 0
    for _ in range(num_steps):
        yield from _about_steps(one.behaviors, steps)
        yield from watch.complaints(steps)
        yield from _about_twins(steps, twins)
        yield from _about_statistics(one)
        endings += sum(len(step.endings.agent_ids) for step in steps.values())
        if not any(len(step.decisions.agent_ids) for step in steps.values()):
            yield "nobody asks for a decision, so the trainer would have nothing to answer"
        actions = random_actions(one.behaviors, steps, rng)
        steps, twins = one.step(actions), twin.step(actions)
    if endings == 0:
        yield f"no episode ended within {num_steps} steps: if episodes are longer than that, play more steps"
    watch.forget_running()
    steps = one.reset(None)
    yield from _about_reset(steps)
    yield from watch.complaints(steps)


def random_actions(
    behaviors: Mapping[str, BehaviorSpec], steps: Mapping[str, Step], rng: np.random.Generator
) -> dict[str, Actions]:
    """Returns an answer to each decision in `steps`: uniform in [-1, 1], and among the choices that are allowed."""
    actions = {}
    for behavior_id, spec in behaviors.items():
        count = len(steps[behavior_id].decisions.agent_ids) if behavior_id in steps else 0
        discrete = np.zeros((count, len(spec.actions.branches)), np.int32)
        for branch, size in enumerate(spec.actions.branches):
            preference = rng.random((count, size))
            if count and (forbidden := steps[behavior_id].decisions.forbidden) is not None:
                preference[forbidden[branch]] = -1.0
            discrete[:, branch] = preference.argmax(axis=1)
        continuous = rng.uniform(-1.0, 1.0, (count, spec.actions.continuous)).astype(np.float32)
        actions[behavior_id] = Actions(continuous, discrete)
    return actions


class _IdWatch:
    """Follows agent ids from their first decision to their ending."""

    def __init__(self) -> None:
        self._running: dict[int, str] = {}  # agent id -> behavior id
        self._used: set[int] = set()

    def forget_running(self) -> None:
        """A reset drops all episodes, but their ids stay used."""
        self._running.clear()

    def complaints(self, steps: Mapping[str, Step]) -> Iterator[str]:
        for kind in ("decisions", "endings"):
            seen = np.concatenate([getattr(step, kind).agent_ids for step in steps.values()] or [np.zeros(0, int)])
            if len(np.unique(seen)) != len(seen):
                yield f"two agents of one step have the same id in the {kind}"
        for behavior_id, (_, endings) in steps.items():
            for agent_id in endings.agent_ids.tolist():
                if self._running.pop(agent_id, None) != behavior_id:
                    yield f"{behavior_id}: an episode ended under an id that was not playing in this behavior"
        for behavior_id, (decisions, _) in steps.items():
            for agent_id, reward in zip(decisions.agent_ids.tolist(), decisions.rewards.tolist(), strict=True):
                if agent_id not in self._running:
                    if agent_id in self._used:
                        yield f"{behavior_id}: an id came back after its episode was over"
                    if reward != 0.0:
                        yield f"{behavior_id}: an agent was paid at its first decision, before it had done anything"
                    self._running[agent_id] = behavior_id
                    self._used.add(agent_id)
                elif self._running[agent_id] != behavior_id:
                    yield f"{behavior_id}: an agent changed its behavior within an episode"


def _about_specs(behaviors: Mapping[str, BehaviorSpec]) -> Iterator[str]:
    if not behaviors:
        yield "there are no behaviors"
    for behavior_id, spec in behaviors.items():
        if not _BEHAVIOR_ID.fullmatch(behavior_id):
            yield f"the behavior id {behavior_id!r} is neither 'Name' nor 'Name?team=K'"
        if not spec.observations:
            yield f"{behavior_id}: agents observe nothing"
        if spec.actions.continuous < 0 or min(spec.actions.branches, default=1) < 1:
            yield f"{behavior_id}: an action has a negative number of parts, or a branch without a choice"
        if spec.actions.continuous == 0 and not spec.actions.branches:
            yield f"{behavior_id}: agents decide nothing"


def _about_parameters(areas: Areas) -> Iterator[str]:
    try:
        areas.set_parameters({_UNKNOWN_PARAMETER: 0.0})
    except ValueError:
        return
    yield "an unknown environment parameter is taken without an error, so a misspelt one would go unnoticed"


def _about_reset(steps: Mapping[str, Step]) -> Iterator[str]:
    if any(len(step.endings.agent_ids) for step in steps.values()):
        yield "a reset hands over endings, but the episodes that it drops have none"
    if not any(len(step.decisions.agent_ids) for step in steps.values()):
        yield "nobody asks for a decision after a reset"


def _about_steps(behaviors: Mapping[str, BehaviorSpec], steps: Mapping[str, Step]) -> Iterator[str]:
    check_steps(behaviors, steps)
    for behavior_id, step in steps.items():
        for batch in step:
            if batch.agent_ids.dtype.kind not in "iu" or batch.agent_ids.min(initial=0) < 0:
                yield f"{behavior_id}: agent ids are not whole numbers >= 0"
            if batch.group_ids is not None and batch.group_ids.min(initial=0) < 0:
                yield f"{behavior_id}: a group id is below 0"
        for mask in step.decisions.forbidden or ():
            if mask.all(axis=1).any():
                yield f"{behavior_id}: a mask forbids every choice of a branch"


def _about_twins(steps: Mapping[str, Step], twins: Mapping[str, Step]) -> Iterator[str]:
    if steps.keys() != twins.keys() or any(
        not np.array_equal(value, other)
        for behavior_id in steps
        for value, other in zip(_arrays(steps[behavior_id]), _arrays(twins[behavior_id]), strict=True)
    ):
        yield "the same seed and the same actions led to different steps"


def _arrays(step: Step) -> Iterator[np.ndarray]:
    for batch in step:
        for field in vars(batch).values():
            yield from field if isinstance(field, tuple) else (np.asarray(field),)


def _about_statistics(areas: Areas) -> Iterator[str]:
    for statistic in areas.statistics():
        if not statistic.name.isascii() or not np.isfinite(statistic.value):
            yield f"the statistic {statistic.name!r} is {statistic.value}; names are ASCII and values finite"
