"""Do the bridge's networks do what ML-Agents' actors do with the same weights?"""

from typing import Any

import numpy as np
import pytest
from mlagents.torch_utils import torch
from mlagents.trainers.settings import NetworkSettings
from mlagents.trainers.torch_entities.encoders import Normalizer
from mlagents.trainers.torch_entities.networks import SimpleActor
from mlagents_envs.base_env import BehaviorSpec as TrainersSpec
from mlagents_selfplay.algorithms.actors import DeterministicActor, StochasticActor
from mlagents_selfplay.algorithms.networks import QActor, TwoStreamActor
from mlagents_selfplay.algorithms.tabular_q import TabularActor
from mlagents_selfplay.opponents import Decisions
from mlagents_selfplay.rollouts.policies import to_arrays, why_not
from scipy import stats

from gym_bridges.areas import ActionSpec, BehaviorSpec, ObservationSpec
from gym_bridges.rollouts.networks import Acted, Networks
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
        rows.observations,
        rows.masks.astype(bool),
        np.random.default_rng(0),
    )
    for name, actor in actors.items():
        index = np.flatnonzero(players == name)
        continuous, discrete, _ = alone(actor, rows.rows(index))
        assert found.sent[index] == pytest.approx(continuous, abs=1e-5)
        assert found.discrete[index].tolist() == discrete.tolist()


@pytest.mark.parametrize("actions", ACTIONS)
def test_a_memory_becomes_that_of_ml_agents_whoever_sits_where(actions: str) -> None:
    actors = {name: actor_of(actions, seed, memory=True) for seed, name in enumerate("abc", start=1)}
    networks = networks_of(actions, **actors)
    networks.deterministic = True
    players = np.array(list("abacabccba"))
    rows = decisions(10, actors["a"])
    memories = rows.memories.copy()
    found = networks.act(
        np.array([networks.place(player) for player in players]),
        rows.observations,
        rows.masks.astype(bool),
        np.random.default_rng(0),
        memories,
    )
    assert networks.memory_size == 8
    for name, actor in actors.items():
        index = np.flatnonzero(players == name)
        continuous, discrete, remembered = alone(actor, rows.rows(index))
        assert found.sent[index] == pytest.approx(continuous, abs=1e-5)
        assert found.discrete[index].tolist() == discrete.tolist()
        assert memories[index] == pytest.approx(remembered, abs=1e-5)


def test_choices_are_drawn_by_the_probabilities_of_the_network_and_never_a_forbidden_one() -> None:
    actor = actor_of("discrete", 1)
    networks, draws = networks_of("discrete", a=actor), 20_000
    rows = decisions(1, actor)
    allowed = np.array([[True, True, False, True, True]])
    found = networks.act(
        np.zeros(draws, int),
        [np.repeat(rows.observations[0], draws, 0)],
        np.repeat(allowed, draws, 0),
        np.random.default_rng(0),
    )
    arrays = {name: a.astype(float) for name, a in to_arrays(trainers_spec("discrete"), weights_of(actor)).items()}
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
    found = networks.act(np.zeros(draws, int), [seen], None, np.random.default_rng(0))
    networks.deterministic = True
    mean = networks.act(np.zeros(1, int), rows.observations, None, np.random.default_rng(0)).continuous[0]
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
    found = networks.act(np.full(20, networks.place("current")), rows.observations, None, np.random.default_rng(0))
    rows.masks[:] = 1.0
    assert found.discrete.tolist() == alone(second, rows)[1].tolist()
    with pytest.raises(KeyError):
        networks.place("old")


def learner_of(kind: str, normalize: bool = False, deterministic: bool = False) -> SimpleActor:
    """An actor of a learner from replay, with weights of its own."""
    actions = "continuous" if kind in ("ddpg", "fast_sac") else "discrete"
    torch.manual_seed(len(kind))
    network = NetworkSettings(hidden_units=16, num_layers=2, normalize=normalize, deterministic=deterministic)
    makes = {
        "dqn": lambda *args: QActor(*args, duelling=False),
        "dqn, duelling": lambda *args: QActor(*args, duelling=True),
        "split_q": TwoStreamActor,
        "ddpg": DeterministicActor,
        "fast_sac": StochasticActor,
    }
    actor: Any = makes[kind]([observation((SIZE,))], network, ACTIONS[actions])
    actor.shapes = [(SIZE,)]
    for parameter in actor.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape)
    for module in actor.modules():
        if isinstance(module, Normalizer):
            module.running_mean += 0.5
            module.running_variance += 3.0
    return actor


def acted_by(actor: SimpleActor, rows: Decisions, seed: int = 0) -> Acted:
    actions = "continuous" if actor.action_spec.continuous_size else "discrete"
    networks = networks_of(actions, a=actor)
    nobody_forbids = None if not rows.masks.shape[1] else rows.masks.astype(bool)
    return networks.act(np.zeros(len(rows.agents), int), rows.observations, nobody_forbids, np.random.default_rng(seed))


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("kind", ["dqn", "dqn, duelling", "split_q"])
def test_the_best_choices_are_those_of_learners_of_values(kind: str, normalize: bool) -> None:
    actor = learner_of(kind, normalize)
    rows = decisions(50, actor)
    found = acted_by(actor, rows)
    assert found.discrete.tolist() == alone(actor, rows)[1].tolist()
    assert len(set(map(tuple, found.discrete.tolist()))) > 1  # What is seen matters.


@pytest.mark.parametrize("normalize", [False, True])
def test_the_numbers_are_those_of_deterministic_actors(normalize: bool) -> None:
    actor = learner_of("ddpg", normalize)
    rows = decisions(50, actor)
    found = acted_by(actor, rows)
    assert found.sent == pytest.approx(alone(actor, rows)[0], abs=1e-5)
    assert np.abs(found.sent).max() <= 1.0
    assert np.array_equal(found.continuous, found.sent)  # What is learned from is what was done.


def test_squashed_numbers_are_drawn_with_the_spread_that_belongs_to_what_is_seen() -> None:
    actor, draws = learner_of("fast_sac"), 20_000
    one = decisions(1, actor)
    seen = torch.as_tensor(one.observations[0])
    with torch.no_grad():
        encoding, _ = actor.network_body([seen])
        mean, sigma = actor.action_model.mu(encoding)[0], actor.action_model.log_sigma(encoding)[0].exp()
    many = one.rows(np.zeros(draws, int))
    numbers = np.arctanh(acted_by(actor, many).sent.astype(np.float64))
    for number in range(2):
        normal = (numbers[:, number] - float(mean[number])) / float(sigma[number])
        assert stats.kstest(normal[np.isfinite(normal)], "norm").pvalue > 0.01
    certain = networks_of("continuous", a=actor)
    certain.deterministic = True
    likeliest = certain.act(np.zeros(1, int), one.observations, None, np.random.default_rng(0))
    assert likeliest.sent[0] == pytest.approx(np.tanh(mean.numpy()), abs=1e-5)


def test_what_a_table_has_learned_does_not_travel() -> None:
    actor = TabularActor([observation((SIZE,))], NetworkSettings(), ACTIONS["discrete"], 16, 1.0)
    assert "is a table" in str(why_not(trainers_spec("discrete"), weights_of(actor)))


@pytest.mark.parametrize(
    ("kind", "sensors", "reason"),
    [({"goal": True}, [(SIZE,), (2,)], "goal"), ({"tanh": True}, [(SIZE,)], "spread")],
)
def test_what_cannot_travel_says_why(kind: dict, sensors: list, reason: str) -> None:
    actor = actor_of("continuous", **kind)
    spec = TrainersSpec([observation(shape) for shape in sensors], ACTIONS["continuous"])
    assert reason in str(why_not(spec, weights_of(actor)))
