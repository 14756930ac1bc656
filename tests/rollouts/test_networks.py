"""Do the bridge's networks do what ML-Agents' actors do with the same weights?"""

import numpy as np
import pytest
from mlagents.trainers.settings import NetworkSettings
from mlagents_envs.base_env import BehaviorSpec as TrainersSpec
from mlagents_selfplay.rollouts.policies import to_arrays, why_not
from scipy import stats

from gym_bridges.areas import ActionSpec, BehaviorSpec, ObservationSpec
from gym_bridges.rollouts.networks import Networks
from tests.trainer.actors import ACTIONS, SIZE, actor_of, alone, decisions, observation, weights_of

SEEN = ObservationSpec("seen", (SIZE,))
SPECS = {
    "discrete": BehaviorSpec((SEEN,), ActionSpec(branches=(3, 2))),
    "continuous": BehaviorSpec((SEEN,), ActionSpec(continuous=2)),
    "hybrid": BehaviorSpec((SEEN,), ActionSpec(continuous=2, branches=(3, 2))),
}


def trainers_spec(actions: str) -> TrainersSpec:
    return TrainersSpec([observation((SIZE,))], ACTIONS[actions])


def networks_of(actions: str, **actors: object) -> Networks:
    networks = Networks(SPECS[actions])
    networks.change({name: to_arrays(trainers_spec(actions), weights_of(actor)) for name, actor in actors.items()}, [])
    return networks


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("actions", ACTIONS)
def test_the_likeliest_actions_are_those_of_ml_agents_whoever_sits_where(actions: str, normalize: bool) -> None:
    actors = {name: actor_of(actions, seed, normalize=normalize) for seed, name in enumerate("abc", start=1)}
    networks = networks_of(actions, **actors)
    networks.deterministic = True
    players = np.array(list("abacabccba"))
    rows = decisions(10, actors["a"])
    found = networks.act(
        np.array([networks.place(player) for player in players]),
        rows.observations[0],
        rows.masks.astype(bool),
        np.random.default_rng(0),
    )
    for name, actor in actors.items():
        index = np.flatnonzero(players == name)
        continuous, discrete, _ = alone(actor, rows.rows(index))
        assert found.sent[index] == pytest.approx(continuous, abs=1e-5)
        assert found.discrete[index].tolist() == discrete.tolist()


def test_choices_are_drawn_by_the_probabilities_of_the_network_and_never_a_forbidden_one() -> None:
    actor = actor_of("discrete", 1)
    networks, draws = networks_of("discrete", a=actor), 20_000
    rows = decisions(1, actor)
    allowed = np.array([[True, True, False, True, True]])
    found = networks.act(
        np.zeros(draws, int),
        np.repeat(rows.observations[0], draws, 0),
        np.repeat(allowed, draws, 0),
        np.random.default_rng(0),
    )
    arrays = to_arrays(trainers_spec("discrete"), weights_of(actor))
    hidden = rows.observations[0]
    for layer in range(2):
        hidden = hidden @ arrays[f"weight.{layer}"] + arrays[f"bias.{layer}"]
        hidden = hidden / (1 + np.exp(-hidden))
    weights = np.exp(hidden @ arrays["logits.weight"] + arrays["logits.bias"])[0] * allowed[0]
    for branch, part in enumerate((weights[:3], weights[3:])):
        expected = draws * part / part.sum()
        counts = np.bincount(found.discrete[:, branch], minlength=len(part))
        assert (counts[expected == 0] == 0).all()
        assert stats.chisquare(counts[expected > 0], expected[expected > 0]).pvalue > 0.01


def test_numbers_are_drawn_around_the_mean_with_the_spread_of_the_network_and_cut_at_three() -> None:
    actor = actor_of("continuous", 1)
    networks, draws = networks_of("continuous", a=actor), 20_000
    rows = decisions(1, actor)
    seen = np.repeat(rows.observations[0], draws, 0)
    found = networks.act(np.zeros(draws, int), seen, None, np.random.default_rng(0))
    networks.deterministic = True
    mean = networks.act(np.zeros(1, int), rows.observations[0], None, np.random.default_rng(0)).continuous[0]
    sigma = to_arrays(trainers_spec("continuous"), weights_of(actor))["sigma"]
    for number in range(2):
        assert stats.kstest((found.continuous[:, number] - mean[number]) / sigma[number], "norm").pvalue > 0.01
    assert found.sent == pytest.approx(np.clip(found.continuous, -3, 3) / 3)


def test_a_policy_may_take_the_place_of_an_older_one_of_its_name_or_go() -> None:
    first, second, other = (actor_of("discrete", seed) for seed in (1, 2, 3))
    networks = networks_of("discrete", current=first, old=other)
    spec = trainers_spec("discrete")
    networks.change({"current": to_arrays(spec, weights_of(second))}, ["old"])
    networks.deterministic = True
    rows = decisions(20, second)
    found = networks.act(np.full(20, networks.place("current")), rows.observations[0], None, np.random.default_rng(0))
    rows.masks[:] = 1.0
    assert found.discrete.tolist() == alone(second, rows)[1].tolist()
    with pytest.raises(KeyError):
        networks.place("old")


@pytest.mark.parametrize(
    ("kind", "sensors", "settings", "reason"),
    [
        ({"memory": True}, [(SIZE,)], {"memory": NetworkSettings.MemorySettings()}, "memory"),
        ({"image": True}, [(SIZE,), (3, 20, 20)], {}, "no vectors"),
        ({"goal": True}, [(SIZE,), (2,)], {}, "goal"),
        ({"tanh": True}, [(SIZE,)], {}, "spread"),
    ],
)
def test_what_cannot_travel_says_why(kind: dict, sensors: list, settings: dict, reason: str) -> None:
    actor = actor_of("continuous", **kind)
    spec = TrainersSpec([observation(shape) for shape in sensors], ACTIONS["continuous"])
    assert reason in str(why_not(spec, NetworkSettings(**settings), weights_of(actor)))
