"""Which networks do the tests of opponents play with? Small ones of ML-Agents, with every kind of input and output."""

from __future__ import annotations

from typing import Any

import numpy as np
from mlagents.torch_utils import torch
from mlagents.trainers.settings import EncoderType, NetworkSettings
from mlagents.trainers.torch_entities.networks import SimpleActor
from mlagents_envs.base_env import ActionSpec, DimensionProperty, ObservationSpec, ObservationType
from mlagents_selfplay.opponents import Decisions

BRANCHES = (3, 2)
MASK_WIDTH = sum(BRANCHES)
SIZE = 4  # of the vector observation
IMAGE = (3, 20, 20)

ACTIONS = {
    "discrete": ActionSpec(0, BRANCHES),
    "continuous": ActionSpec(2, ()),
    "hybrid": ActionSpec(2, BRANCHES),
}
NETWORKS = {
    "vector": {},
    "normalised": {"normalize": True},
    "image": {"image": True},
    "normalised vector and image": {"image": True, "normalize": True},
    "goal": {"goal": True},
    "memory": {"memory": True},
}


def observation(shape: tuple[int, ...], kind: ObservationType = ObservationType.DEFAULT) -> ObservationSpec:
    by_rank = {
        1: (DimensionProperty.NONE,),
        3: (DimensionProperty.NONE, *[DimensionProperty.TRANSLATIONAL_EQUIVARIANCE] * 2),
    }
    return ObservationSpec(shape, by_rank[len(shape)], kind, "")


def actor_of(
    actions: str,
    seed: int = 0,
    *,
    image: bool = False,
    normalize: bool = False,
    goal: bool = False,
    memory: bool = False,
    deterministic: bool = True,
    tanh: bool = False,
) -> SimpleActor:
    """An actor of ML-Agents with weights of its own; a normalised one has seen observations of its own."""
    torch.manual_seed(seed)
    specs = [observation((SIZE,))]
    specs += [observation(IMAGE)] if image else []
    specs += [observation((2,), ObservationType.GOAL_SIGNAL)] if goal else []
    settings = NetworkSettings(
        normalize=normalize,
        hidden_units=16,
        num_layers=2,
        vis_encode_type=EncoderType.SIMPLE,
        deterministic=deterministic,
        memory=NetworkSettings.MemorySettings(sequence_length=4, memory_size=8) if memory else None,
    )
    actor: Any = SimpleActor(specs, settings, ACTIONS[actions], tanh_squash=tanh, conditional_sigma=tanh)
    actor.shapes = [spec.shape for spec in specs]
    for parameter in actor.parameters():  # Far from the symmetry of a fresh network, so that opponents differ.
        parameter.data += 0.3 * torch.randn(parameter.shape)
    if normalize:
        for processor in actor.network_body.processors:
            if hasattr(processor, "normalizer"):
                processor.normalizer.running_mean += seed
                processor.normalizer.running_variance += 10 * seed
                processor.normalizer.normalization_steps += 3 * seed
    return actor


def weights_of(actor: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: value.numpy().copy() for name, value in actor.state_dict().items()}


def decisions(n: int, actor: SimpleActor, seed: int = 0) -> Decisions:
    """`n` rows of what an actor observes, with a mask in each row that forbids one choice of the first branch."""
    rng = np.random.default_rng(seed)
    seen = [rng.normal(size=(n, *shape)).astype(np.float32) for shape in actor.shapes]
    branches = actor.action_spec.discrete_branches
    masks = np.ones((n, sum(branches)), np.float32)
    if branches:
        masks[np.arange(n), rng.integers(BRANCHES[0], size=n)] = 0.0
    memories = rng.normal(size=(n, actor.memory_size)).astype(np.float32)
    return Decisions(seen, masks, memories, [f"agent_0-{i}" for i in range(n)])


def alone(actor: SimpleActor, given: Decisions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What ML-Agents makes of the same rows: continuous, discrete, memories."""
    with torch.no_grad():
        _, outputs, memories = actor.get_action_and_stats(
            [torch.as_tensor(seen) for seen in given.observations],
            masks=torch.as_tensor(given.masks),
            memories=torch.as_tensor(given.memories).unsqueeze(0),
        )
    action = outputs["env_action"]
    return action.continuous, action.discrete, memories.squeeze(0).numpy() if actor.memory_size else given.memories
