"""What does a benchmark know of trained actors? Their networks, and in rock-paper-scissors the chance of each move."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attr
import cattr
import numpy as np
from mlagents_selfplay.files import DamagedFile, Weights

from gym_bridges.areas import BehaviorSpec
from gym_bridges.envs.rps_exploitability import observations
from gym_bridges.envs.rps_rules import MOVES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # ML-Agents imports pkg_resources, which warns of its own end
    from mlagents.torch_utils import torch
    from mlagents.trainers.settings import NetworkSettings
    from mlagents.trainers.torch_entities.networks import SimpleActor
    from mlagents_envs.base_env import ActionSpec, DimensionProperty, ObservationSpec, ObservationType


class UnknownActor(Exception):
    """Weights or settings that are not those of an actor which can be put into a table; the message says why."""


def network_settings(given: Mapping[str, Any]) -> NetworkSettings:
    """Reads the `network_settings:` of a behavior.

    Raises:
      UnknownActor: if the network has a memory, so that its moves do not follow from the recall state alone.
    """
    if given.get("memory"):
        raise UnknownActor("a policy with memory is not a table over recall states, so it cannot be measured")
    known = attr.fields_dict(NetworkSettings)
    return cattr.structure({key: value for key, value in given.items() if key in known}, NetworkSettings)


def action_probabilities(weights: Mapping[str, np.ndarray], network: NetworkSettings, recall: int) -> np.ndarray:
    """Returns the policy of an actor, `[S, 3]`: the probability of each move in each of the `S` recall states.

    Raises:
      UnknownActor: if the weights are not those of an actor with this network and this recall (rounds).
    """
    seen = torch.as_tensor(observations(recall))
    spec = ObservationSpec((seen.shape[1],), (DimensionProperty.NONE,), ObservationType.DEFAULT, "recall")
    actor = SimpleActor([spec], network, ActionSpec.create_discrete((len(MOVES),)))
    own = actor.state_dict()  # a learner with a shared critic keeps more than these
    try:
        actor.load_state_dict({name: torch.as_tensor(weights[name]) for name in own})
    except (KeyError, RuntimeError) as error:
        raise UnknownActor(f"the weights do not fit the network in configuration.yaml: {error}") from error
    with torch.no_grad():
        encoding, _ = actor.network_body([seen])
        _, log_probs, _ = actor.action_model(encoding, torch.ones((len(seen), len(MOVES))))
    probabilities = log_probs.all_discrete_tensor.double().exp().numpy()
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def continuous_actor(spec: BehaviorSpec, network: Mapping[str, Any]) -> SimpleActor:
    """Returns an untrained actor for vector observations and continuous actions.

    Args:
      spec: what the bridge says of the behavior.
      network: its `network_settings:`.
    """
    seen = [
        ObservationSpec(o.shape, (DimensionProperty.NONE,), ObservationType.DEFAULT, o.name) for o in spec.observations
    ]
    return SimpleActor(seen, network_settings(network), ActionSpec.create_continuous(spec.actions.continuous))


def actor_in(checkpoint: Path) -> Weights:
    """Reads the actor's weights from one of ML-Agents' `.pt` files.

    Raises:
      DamagedFile: if it is missing or no checkpoint.
    """
    try:
        actor = torch.load(checkpoint, map_location="cpu", weights_only=True)["Policy"]
        return {name: value.numpy() for name, value in actor.items()}
    except Exception as error:  # torch raises half a dozen unrelated types for a broken file
        raise DamagedFile(f"{checkpoint} is missing or no checkpoint of ML-Agents: {error}") from error
