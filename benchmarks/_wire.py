"""What do benchmarks need that put ML-Agents' own end of the wire before a build, without training?"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mlagents_selfplay.ports import free_ports

from gym_bridges import executable


@contextlib.contextmanager
def driven(environment: Sequence[str], num_areas: int, folder: Path) -> Iterator[Any]:
    """Yields ML-Agents' `UnityEnvironment` with a build that has been reset.

    Args:
      environment: its id, and options.
      num_areas: copies of it.
      folder: empty; the build and its log are written there.
    """
    from mlagents_envs.environment import UnityEnvironment
    from mlagents_envs.side_channel.stats_side_channel import StatsSideChannel

    build = executable.write(list(environment), folder / "Build", Path(sys.executable))
    unity = UnityEnvironment(
        str(build),
        base_port=free_ports(),
        num_areas=num_areas,
        seed=0,
        log_folder=str(folder),
        timeout_wait=60,
        side_channels=[StatsSideChannel()],
    )
    try:
        unity.reset()
        yield unity
    finally:
        unity.close()


def step_at_random(unity: Any, rng: np.random.Generator) -> int:
    """Answers every decision with an allowed action drawn from `rng`, steps, and returns how many there were."""
    from mlagents_envs.base_env import ActionTuple

    made = 0
    for behavior, spec in unity.behavior_specs.items():
        due, _ = unity.get_steps(behavior)
        count, actions = len(due), spec.action_spec
        if not count:
            continue
        continuous = rng.uniform(-1.0, 1.0, (count, actions.continuous_size)).astype(np.float32)
        chances = rng.random((count, sum(actions.discrete_branches)))
        if due.action_mask is not None:
            chances[np.concatenate(due.action_mask, axis=1)] = -1.0
        parts = np.split(chances, np.cumsum(actions.discrete_branches)[:-1], axis=1)
        discrete = [part.argmax(axis=1) for part in parts if part.shape[1]]
        chosen = np.stack(discrete, axis=1) if discrete else np.zeros((count, 0))
        unity.set_actions(behavior, ActionTuple(continuous, chosen.astype(np.int32)))
        made += count
    unity.step()
    return made
