"""Does the conformance test pass environments that keep the contract, and say in a sentence what others break?"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from sample_areas import Counter, Settings, TurnTaking

from gym_bridges import conformance, registry
from gym_bridges.areas import Actions, ActionSpec, Areas, Step


def complaints(make: type[Counter], num_steps: int = 20) -> list[str]:
    return conformance.check(lambda: make(Settings(), 2), seed=0, rng=np.random.default_rng(0), num_steps=num_steps)


@pytest.mark.parametrize("environment_id", registry.ids())
def test_every_environment_of_ours_conforms(environment_id: str) -> None:
    entry = registry.find(environment_id)

    def make() -> Areas:
        return entry.make(entry.settings(), 3)

    assert conformance.check(make, seed=0, rng=np.random.default_rng(0), num_steps=300) == []


def test_the_sample_conforms() -> None:
    assert complaints(Counter) == []


def change(**fields: object) -> type[Counter]:
    """Returns a sample whose decisions are changed in every step."""

    class Changed(Counter):
        def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Step]:
            (step,) = super().step(actions).values()
            return {self.behavior: step._replace(decisions=replace(step.decisions, **fields))}

    return Changed


class Forgetful(Counter):
    """Draws from a generator of its own, whatever the seed."""

    def reset(self, seed: int | None) -> Mapping[str, Step]:
        return super().reset(np.random.SeedSequence().generate_state(1)[0])


class Recycling(Counter):
    """Goes on under the same ids after an episode."""

    def reset(self, seed: int | None) -> Mapping[str, Step]:
        first = super().reset(seed)
        self._ids.take = lambda count: first[self.behavior].decisions.agent_ids
        return first


class Generous(Counter):
    """Takes any parameter."""

    def set_parameters(self, parameters: Mapping[str, float]) -> None:
        pass


class Endless(Counter):
    """Has no end."""

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Step]:
        self._count = 0
        return super().step(actions)


class Misnamed(Counter):
    """Names its team in another way than ML-Agents."""

    behavior = "Count?team=red"


class Idle(Counter):
    """Has nothing to decide."""

    def __init__(self, settings: Settings, num_areas: int) -> None:
        super().__init__(settings, num_areas)
        self.behaviors = {self.behavior: replace(self.behaviors[self.behavior], actions=ActionSpec())}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (change(agent_ids=np.array([5, 5])), "two agents of one step have the same id in the decisions"),
        (change(agent_ids=np.array([0.5, 1.5])), "Count: agent ids are not whole numbers >= 0"),
        (change(rewards=np.array([1.0, 1.0])), "Count: an agent was paid at its first decision"),
        (change(rewards=np.array([1.0, np.inf])), "Count: reward of a decision: inf at [] for agent 1"),
        (change(rewards=np.array([1.0, 1e39])), "Count: reward of a decision: 1e+39 at [] for agent 1"),  # float32: inf
        (change(rewards=np.zeros(3)), "Count: reward of a decision: the array has shape (3,), but (2,) was announced"),
        (change(observations=()), "Count: observations of a decision: 0, but the spec has 1"),
        (change(forbidden=(np.ones((2, 2), bool),)), "Count: a mask forbids every choice of a branch"),
        (
            change(forbidden=(np.zeros((2, 2)),)),
            "Count: mask of branch 0 of a decision: the array holds float64, but takes bool",
        ),
        (change(forbidden=()), "Count: masks of a decision: 0, but there are 1 branches"),
        (change(group_ids=np.array([-1, 0])), "Count: a group id is below 0"),
        (Forgetful, "the same seed and the same actions led to different steps"),
        (Recycling, "Count: an id came back after its episode was over"),
        (Generous, "an unknown environment parameter is taken without an error"),
        (Endless, "no episode ended within 20 steps"),
        (TurnTaking, "no episode ended within 20 steps"),
        (Misnamed, "the behavior id 'Count?team=red' is neither 'Name' nor 'Name?team=K'"),
        (Idle, "Count: agents decide nothing"),
    ],
)
def test_a_breach_of_the_contract_is_told_in_a_sentence(make: type[Counter], sentence: str) -> None:
    assert any(complaint.startswith(sentence) for complaint in complaints(make)), complaints(make)


def test_random_actions_keep_to_what_is_allowed() -> None:
    areas = Counter(Settings(), 200)
    step = areas.reset(0)["Count"]
    forbidden = np.zeros((200, 2), bool)
    forbidden[:100, 0] = forbidden[100:, 1] = True
    steps = {"Count": step._replace(decisions=replace(step.decisions, forbidden=(forbidden,)))}
    chosen = conformance.random_actions(areas.behaviors, steps, np.random.default_rng(0))["Count"].discrete[:, 0]
    assert chosen.tolist() == [1] * 100 + [0] * 100
