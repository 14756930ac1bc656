"""How do batches of arrays become messages, and messages arrays?

This is the bridge's hot path: it runs once for every agent and step. What is alike in all agents of a behavior is
built once, as bytes; the observations' floats are copied as bytes too, never one by one.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gym_bridges import png, wire
from gym_bridges.areas import Actions, BehaviorSpec, Decisions, Endings, ObservationSpec, Step

_UNCOMPRESSED_BYTES = 3 * 2**20  # of images in one message; the trainer accepts 4 MiB in all


class Codec:
    """Encodes the steps of one environment and decodes the answers.

    Args:
      behaviors: every behavior id that may occur, and its spec.
    """

    def __init__(self, behaviors: Mapping[str, BehaviorSpec]) -> None:
        self._behaviors = behaviors
        self._announced: set[str] = set()

    def encode(self, steps: Mapping[str, Step], side_channel: bytes = b"") -> Any:
        """Returns the `wire.Message` that hands `steps` to the trainer.

        A behavior that has agents for the first time is announced with its action spec in the same message.
        """
        message = wire.Message()
        message.header.status = wire.OK
        output = message.unity_output
        output.rl_output.side_channel = side_channel
        level = 0 if _image_bytes(steps) <= _UNCOMPRESSED_BYTES else 1
        for behavior_id, (decisions, endings) in steps.items():
            if len(decisions.agent_ids) + len(endings.agent_ids) == 0:
                continue
            spec = self._behaviors[behavior_id]
            if behavior_id not in self._announced:
                self._announced.add(behavior_id)
                _announce(output.rl_initialization_output.brain_parameters.add(), behavior_id, spec)
            entry = output.rl_output.agentInfos.add(key=behavior_id)
            _add_agents(entry.value.value, spec, endings, level)
            _add_agents(entry.value.value, spec, decisions, level)
        return message

    def decode(self, rl_input: Any, steps: Mapping[str, Step]) -> dict[str, Actions]:
        """Returns the actions in a `wire.RLInput`, for every behavior, in the order of the decisions in `steps`.

        Raises:
          ValueError: if the trainer did not answer each decision with an action of the right size.
        """
        answers = {entry.key: entry.value.value for entry in rl_input.agent_actions}
        actions = {}
        for behavior_id, spec in self._behaviors.items():
            asked = len(steps[behavior_id].decisions.agent_ids) if behavior_id in steps else 0
            answer = answers.get(behavior_id, ())
            sizes = {
                "continuous": (asked, spec.actions.continuous),
                "discrete": (asked, len(spec.actions.branches)),
            }
            try:
                actions[behavior_id] = Actions(
                    _matrix((one.continuous_actions for one in answer), sizes["continuous"], np.float32),
                    _matrix((one.discrete_actions for one in answer), sizes["discrete"], np.int32),
                )
            except ValueError as error:
                raise ValueError(
                    f"{behavior_id}: the trainer answered {asked} decisions with {len(answer)} actions; "
                    f"an action has {sizes['continuous'][1]} continuous numbers and {sizes['discrete'][1]} choices"
                ) from error
        return actions


def _announce(brain: Any, behavior_id: str, spec: BehaviorSpec) -> None:
    brain.brain_name = behavior_id
    brain.is_training = True
    brain.action_spec.num_continuous_actions = spec.actions.continuous
    brain.action_spec.num_discrete_actions = len(spec.actions.branches)
    brain.action_spec.discrete_branch_sizes.extend(spec.actions.branches)


def _image_bytes(steps: Mapping[str, Step]) -> int:
    batches = [batch for step in steps.values() for batch in (step.decisions, step.endings)]
    return sum(values.nbytes for batch in batches for values in batch.observations if values.dtype == np.uint8)


def _add_agents(infos: Any, spec: BehaviorSpec, batch: Decisions | Endings, level: int) -> None:
    """Appends one `wire.AgentInfo` for each agent of `batch`; images are compressed at `level`, see `png.encode`."""
    agents = zip(batch.agent_ids.tolist(), batch.rewards.tolist(), strict=True)
    added = [infos.add(id=agent_id, reward=reward) for agent_id, reward in agents]
    if batch.group_ids is not None:
        for info, group_id in zip(added, batch.group_ids.tolist(), strict=True):
            info.group_id = group_id
    if batch.group_rewards is not None:
        for info, group_reward in zip(added, batch.group_rewards.tolist(), strict=True):
            info.group_reward = group_reward
    if isinstance(batch, Endings):
        for info, cut_off in zip(added, batch.truncated.tolist(), strict=True):
            info.done = True
            info.max_step_reached = cut_off
    elif batch.forbidden:
        for info, mask in zip(added, np.concatenate(batch.forbidden, axis=1).tolist(), strict=True):
            info.action_mask.extend(mask)
    for observation, values in zip(spec.observations, batch.observations, strict=True):
        header = _observation_header(observation)
        if observation.kind == "image":
            for info, image in zip(added, values, strict=True):
                seen = info.observations.add()
                seen.MergeFromString(header)
                seen.compressed_data = png.encode(image, level)
        else:
            for info, row in zip(added, np.ascontiguousarray(values, "<f4"), strict=True):
                info.observations.add().MergeFromString(header + row.tobytes())


@functools.cache
def _observation_header(spec: ObservationSpec) -> bytes:
    """Returns the bytes of a `wire.Observation` that are alike for all agents.

    Those of a vector stop short of its floats: append 4 bytes for each, and the message is complete.
    """
    header = wire.Observation(name=spec.name, shape=spec.shape, observation_type=wire.GOAL_SIGNAL if spec.goal else 0)
    if spec.kind == "image":
        header.compression_type = wire.PNG
        header.compressed_channel_mapping.extend(png.channel_mapping(spec.shape[0]))
        return bytes(header.SerializeToString())
    num_bytes = 4 * math.prod(spec.shape)
    floats = _TAG_FLOATS + _varint(num_bytes)
    return bytes(header.SerializeToString() + _TAG_FLOAT_DATA + _varint(len(floats) + num_bytes) + floats)


_TAG_FLOAT_DATA = bytes([4 << 3 | 2])  # Observation.float_data, field 4, length-delimited
_TAG_FLOATS = bytes([1 << 3 | 2])  # FloatData.data, field 1, packed


def _varint(number: int) -> bytes:
    """Returns protobuf's variable-length form of a number >= 0: 7 bits a byte, the lowest first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _matrix(rows: Iterable[Iterable[float]], shape: tuple[int, int], dtype: type) -> np.ndarray:
    """Returns the numbers of all rows as an array of `shape`; ValueError if there are more or fewer."""
    return np.fromiter(itertools.chain.from_iterable(rows), dtype).reshape(shape)
