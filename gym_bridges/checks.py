"""Is what an environment hands over fit for the wire? Shapes and finite numbers, checked in every step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from gym_bridges.areas import BehaviorSpec, Decisions, Endings, Step


def check_steps(behaviors: Mapping[str, BehaviorSpec], steps: Mapping[str, Step]) -> None:
    """Raises ValueError at the first array of a wrong shape, and at the first NaN or infinite number.

    The message names the behavior, the array, the agent where there is one, and the value.
    """
    for behavior_id, step in steps.items():
        if behavior_id not in behaviors:
            raise ValueError(f"agents of behavior {behavior_id!r}, but the specs name only {', '.join(behaviors)}")
        spec = behaviors[behavior_id]
        for batch in step:
            for name, values, shape in _arrays(spec, batch):
                _check_array(f"{behavior_id}: {name}", values, shape, batch.agent_ids)


def _arrays(spec: BehaviorSpec, batch: Decisions | Endings) -> Iterator[tuple[str, np.ndarray, tuple[int, ...]]]:
    """Yields (name, array, the shape that it must have) for everything in `batch`."""
    count = len(batch.agent_ids)
    what = "of a decision" if isinstance(batch, Decisions) else "of an ending"
    if len(batch.observations) != len(spec.observations):
        raise ValueError(f"{len(batch.observations)} observations {what}, but the spec has {len(spec.observations)}")
    for observation, values in zip(spec.observations, batch.observations, strict=True):
        name = f"observation {observation.name!r} {what}"
        if observation.kind == "image" and values.dtype != np.uint8:
            raise ValueError(f"{name}: an image is uint8 in 0..255, not {values.dtype}")
        yield name, values, (count, *observation.shape)
    yield f"reward {what}", batch.rewards, (count,)
    if batch.group_ids is not None:
        yield f"group id {what}", batch.group_ids, (count,)
    if batch.group_rewards is not None:
        yield f"group reward {what}", batch.group_rewards, (count,)
    if isinstance(batch, Endings):
        yield "truncated", batch.truncated, (count,)
    elif batch.forbidden is not None:
        if len(batch.forbidden) != len(spec.actions.branches):
            raise ValueError(f"{len(batch.forbidden)} masks {what}, but {len(spec.actions.branches)} branches")
        for branch, (mask, size) in enumerate(zip(batch.forbidden, spec.actions.branches, strict=True)):
            yield f"mask of branch {branch} {what}", mask, (count, size)


def _check_array(name: str, values: np.ndarray, shape: tuple[int, ...], agent_ids: np.ndarray) -> None:
    if values.shape != shape:
        raise ValueError(f"{name}: the array has shape {values.shape}, but {shape} was announced (agents first)")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        place = tuple(np.argwhere(~np.isfinite(values))[0])
        raise ValueError(f"{name}: {values[place]} at {list(place[1:])} for agent {agent_ids[place[0]]}")
