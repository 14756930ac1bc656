"""Is what an environment hands over fit for the wire? Shapes and finite numbers, checked in every step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from gym_bridges.areas import BehaviorSpec, Decisions, Endings, Step


def check_steps(behaviors: Mapping[str, BehaviorSpec], steps: Mapping[str, Step]) -> None:
    """Raises ValueError at the first array of a wrong shape or type, and at the first number that is not finite.

    The message names the behavior, the array, and where there is one the agent and the value.
    """
    with np.errstate(over="ignore"):  # what does not fit into float32 is found as infinite
        for behavior_id, step in steps.items():
            if behavior_id not in behaviors:
                raise ValueError(f"agents of behavior {behavior_id!r}, but the specs name only {', '.join(behaviors)}")
            for batch in step:
                for array in _arrays(behavior_id, behaviors[behavior_id], batch):
                    _check_array(array, batch.agent_ids)


class _Array(NamedTuple):
    """An array that was handed over, and what it has to be; `dtype` None takes any number."""

    name: str
    values: np.ndarray
    shape: tuple[int, ...]
    dtype: type | None = None


def _arrays(behavior_id: str, spec: BehaviorSpec, batch: Decisions | Endings) -> Iterator[_Array]:
    count = len(batch.agent_ids)
    kind = "decision" if isinstance(batch, Decisions) else "ending"

    def name(of: str) -> str:
        return f"{behavior_id}: {of} of {'a' if kind == 'decision' else 'an'} {kind}"

    if len(batch.observations) != len(spec.observations):
        raise ValueError(
            f"{name('observations')}: {len(batch.observations)}, but the spec has {len(spec.observations)}"
        )
    for seen, values in zip(spec.observations, batch.observations, strict=True):
        yield _Array(
            name(f"observation {seen.name!r}"), values, (count, *seen.shape), np.uint8 if seen.kind == "image" else None
        )
    yield _Array(name("reward"), batch.rewards, (count,))
    if batch.group_ids is not None:
        yield _Array(name("group id"), batch.group_ids, (count,))
    if batch.group_rewards is not None:
        yield _Array(name("group reward"), batch.group_rewards, (count,))
    if isinstance(batch, Endings):
        yield _Array(name("truncated"), batch.truncated, (count,), np.bool_)
    elif batch.forbidden is not None:
        if len(batch.forbidden) != len(spec.actions.branches):
            raise ValueError(
                f"{name('masks')}: {len(batch.forbidden)}, but there are {len(spec.actions.branches)} branches"
            )
        for branch, (mask, size) in enumerate(zip(batch.forbidden, spec.actions.branches, strict=True)):
            yield _Array(name(f"mask of branch {branch}"), mask, (count, size), np.bool_)


def _check_array(array: _Array, agent_ids: np.ndarray) -> None:
    name, values, shape, dtype = array
    if values.shape != shape:
        raise ValueError(f"{name}: the array has shape {values.shape}, but {shape} was announced (agents first)")
    if dtype is not None and values.dtype != dtype:
        raise ValueError(f"{name}: the array holds {values.dtype}, but takes {np.dtype(dtype)}")
    if values.dtype.kind == "f":
        finite = np.isfinite(values.astype(np.float32, copy=False))  # as it travels
        if not finite.all():
            place = tuple(np.argwhere(~finite)[0])
            raise ValueError(f"{name}: {values[place]} at {list(place[1:])} for agent {agent_ids[place[0]]}")
