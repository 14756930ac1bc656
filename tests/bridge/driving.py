"""How do the tests of the wrappers drive areas? In process, with answers that are known."""

from collections.abc import Mapping

import numpy as np

from gym_bridges import registry
from gym_bridges.areas import Actions, Areas, Step
from gym_bridges.arguments import parse


def make(environment_id: str, num_areas: int = 2, *words: str) -> Areas:
    entry = registry.find(environment_id)
    return entry.make(parse(words, entry.settings).settings, num_areas)


def step(areas: Areas, steps: Mapping[str, Step], number: float = 0.0) -> Mapping[str, Step]:
    """Makes one step in which everybody answers the same number, and the first choice that is allowed."""
    answers = {}
    for behavior_id, spec in areas.behaviors.items():
        decisions = steps[behavior_id].decisions
        count = len(decisions.agent_ids)
        discrete = np.zeros((count, len(spec.actions.branches)), np.int32)
        for branch, forbidden in enumerate(decisions.forbidden or ()):
            discrete[:, branch] = forbidden.argmin(axis=1)
        answers[behavior_id] = Actions(np.full((count, spec.actions.continuous), number, np.float32), discrete)
    return areas.step(answers)


def only(steps: Mapping[str, Step]) -> Step:
    (one,) = steps.values()
    return one


def play(areas: Areas, num_steps: int, seed: int = 0) -> list[Step]:
    steps = [areas.reset(seed)]
    for _ in range(num_steps):
        steps.append(step(areas, steps[-1]))
    return [only(one) for one in steps]
