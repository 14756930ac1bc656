"""Do the bridge's networks see in pictures what ML-Agents' encoders see?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mlagents.torch_utils import torch
from mlagents.trainers.settings import EncoderType, NetworkSettings
from mlagents.trainers.torch_entities.networks import SimpleActor
from mlagents_envs import base_env
from mlagents_selfplay.rollouts.pictures import by_block
from mlagents_selfplay.rollouts.policies import to_arrays, why_not

from gym_bridges.areas import ActionSpec, BehaviorSpec, ObservationSpec
from gym_bridges.rollouts.networks import Networks
from gym_bridges.rollouts.pictures import blocks_of, convolved
from tests.trainer.actors import ACTIONS, observation, weights_of

SIZES = {  # channels, height, width; none of them a whole number of strides, and not square
    EncoderType.SIMPLE: (3, 37, 46),
    EncoderType.NATURE_CNN: (2, 41, 52),
    EncoderType.MATCH3: (4, 7, 6),
    EncoderType.FULLY_CONNECTED: (1, 5, 6),
}


def actor_of(
    encoder: EncoderType,
    sensors: list[tuple[int, ...]],
    normalize: bool = False,
    actions: str = "hybrid",
    seed: int = 0,
) -> Any:
    torch.manual_seed(seed)
    settings = NetworkSettings(hidden_units=16, num_layers=2, vis_encode_type=encoder, normalize=normalize)
    actor: Any = SimpleActor([observation(shape) for shape in sensors], settings, ACTIONS[actions])
    for parameter in actor.parameters():
        parameter.data += 0.05 * torch.randn(parameter.shape)
    for module in actor.modules():
        if normalize and hasattr(module, "running_mean"):
            module.running_mean += 0.5
            module.running_variance += 3.0
    return actor


def spec_of(sensors: list[tuple[int, ...]], actions: str) -> tuple[BehaviorSpec, base_env.BehaviorSpec]:
    seen = [ObservationSpec(str(i), shape, "image" if len(shape) == 3 else "vector") for i, shape in enumerate(sensors)]
    done = ACTIONS[actions]
    ours = BehaviorSpec(tuple(seen), ActionSpec(done.continuous_size, tuple(done.discrete_branches)))
    return ours, base_env.BehaviorSpec([observation(shape) for shape in sensors], done)


def seen_by(sensors: list[tuple[int, ...]], rows: int) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [
        rng.integers(0, 256, (rows, *shape), np.uint8)
        if len(shape) == 3
        else rng.normal(size=(rows, *shape)).astype(np.float32)
        for shape in sensors
    ]


def as_ml_agents_sees(seen: list[np.ndarray]) -> list[torch.Tensor]:
    return [torch.as_tensor(one / np.float32(255) if one.dtype == np.uint8 else one) for one in seen]


@pytest.mark.parametrize("encoder", SIZES, ids=lambda encoder: encoder.value)
@pytest.mark.parametrize("arrangement", ["picture", "picture, numbers, picture", "numbers, picture"])
def test_actions_come_from_the_same_distributions_whoever_sits_where(encoder: EncoderType, arrangement: str) -> None:
    kinds = {"picture": SIZES[encoder], "numbers": (4,)}
    sensors = [kinds[kind] for kind in arrangement.split(", ")]
    ours, theirs = spec_of(sensors, "hybrid")
    actors = {name: actor_of(encoder, sensors, "numbers" in arrangement, seed=seed) for seed, name in enumerate("ab")}
    networks = Networks(ours)
    networks.change({name: to_arrays(theirs, weights_of(actor)) for name, actor in actors.items()}, [])
    players, seen = np.array(list("abbabaab")), seen_by(sensors, 8)
    places = np.array([networks.place(player) for player in players])
    networks.deterministic = True
    likeliest = networks.act(places, seen, None, np.random.default_rng(0))
    for name, actor in actors.items():
        rows = np.flatnonzero(players == name)
        with torch.no_grad():
            encoding, _ = actor.network_body(as_ml_agents_sees([one[rows] for one in seen]))
            dists = actor.action_model._get_dists(encoding, torch.ones(len(rows), 5))
        assert likeliest.continuous[rows] == pytest.approx(dists.continuous.mean.numpy(), abs=1e-5)
        best = [branch.probs.argmax(-1).numpy() for branch in dists.discrete]
        assert likeliest.discrete[rows].tolist() == np.stack(best, axis=1).tolist()


def test_log_probabilities_are_those_of_the_trainer() -> None:
    sensors = [SIZES[EncoderType.SIMPLE]]
    ours, theirs = spec_of(sensors, "discrete")
    actor = actor_of(EncoderType.SIMPLE, sensors, actions="discrete")
    networks, draws = Networks(ours), 20_000
    networks.change({"a": to_arrays(theirs, weights_of(actor))}, [])
    one = seen_by(sensors, 1)
    found = np.concatenate(
        [
            networks.act(
                np.zeros(1_000, int), [np.repeat(one[0], 1_000, 0)], None, np.random.default_rng(seed)
            ).discrete
            for seed in range(draws // 1_000)
        ]
    )
    with torch.no_grad():
        encoding, _ = actor.network_body(as_ml_agents_sees(one))
        dists = actor.action_model._get_dists(encoding, torch.ones(1, 5))
    for branch, dist in enumerate(dists.discrete):
        expected = dist.probs[0].numpy().astype(float)
        shares = np.bincount(found[:, branch], minlength=len(expected)) / draws
        # Three standard deviations of a share of 20,000 draws.
        assert shares == pytest.approx(expected, abs=3 * np.sqrt(0.25 / draws))


def test_a_convolution_is_a_product_on_blocks_that_is_added_up() -> None:
    # One channel, one kernel of 4 x 4 with stride 2, so four blocks of 2 x 2 for each of 2 x 1 places.
    picture = np.arange(24, dtype=np.float32).reshape(1, 6, 4, 1)
    kernel = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    weights = by_block(kernel, 2)
    found = convolved(blocks_of(picture, 2), 2, lambda rows: rows @ weights, np.full((1, 1), -5.0, np.float32))
    # Sum of k * p over k = 0..15 for p = 0..15, which is 1,240; two rows further down p is 8 more: + 8 * 120; less 5.
    assert found.ravel().tolist() == [1235.0, 2195.0]


def test_what_is_left_over_at_the_far_edges_is_left_out() -> None:
    picture = np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1)
    assert blocks_of(picture, 2).tolist() == [[[[0.0, 1.0, 3.0, 4.0]]]]


def test_pictures_of_resnet_say_why_they_do_not_travel() -> None:
    sensors = [(3, 20, 20)]
    actor = actor_of(EncoderType.RESNET, sensors)
    assert "resnet" in str(why_not(spec_of(sensors, "hybrid")[1], weights_of(actor)))
