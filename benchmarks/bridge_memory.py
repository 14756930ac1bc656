"""Does the process of a bridge keep its size over a million steps?

    python -m benchmarks.bridge_memory [--json] [--only ID ...]

ML-Agents' own `UnityEnvironment` drives a build of each kind of environment with random actions, 16 areas, until a
million decisions have been made. The resident memory of the bridge is noted after every tenth; `growth` compares the
last with that after the first tenth, when caches are warm.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks._runs import arguments, show
from benchmarks.bridge import free_port
from gym_bridges import executable

KINDS = {
    "CartPole-v1": "gymnasium",
    "FetchReach-v4": "gymnasium, a goal",
    "Ant-v5": "gymnasium, MuJoCo",
    "pettingzoo/classic/connect_four_v3": "PettingZoo, in turns",
    "RockPaperScissors": "our own",
    "RoboSumoAntVsAnt": "our own, MuJoCo",
    "MsPacman": "Atari",
}
DECISIONS = 1_000_000
AREAS = 16
NOTES = 10


@contextlib.contextmanager
def _driven(environment: str, folder: Path) -> Iterator[tuple[Any, psutil.Process]]:
    """Yields ML-Agents' side of a build, and the process of the bridge."""
    from mlagents_envs.environment import UnityEnvironment
    from mlagents_envs.side_channel.stats_side_channel import StatsSideChannel

    build = executable.write([environment], folder / "Build", Path(sys.executable))
    unity = UnityEnvironment(
        str(build),
        base_port=free_port(),
        num_areas=AREAS,
        seed=0,
        log_folder=str(folder),
        timeout_wait=60,
        side_channels=[StatsSideChannel()],
    )
    try:
        bridges = [
            child
            for child in psutil.Process().children(recursive=True)
            if "gym_bridges.launch" in " ".join(child.cmdline())
        ]
        yield unity, bridges[-1]
    finally:
        unity.close()


def measure(environment: str, decisions: int, progress: Progress) -> list[tuple[int, int]]:
    """Returns decisions made and resident bytes of the bridge, at `NOTES` moments."""
    from mlagents_envs.base_env import ActionTuple

    rng = np.random.default_rng(0)
    task = progress.add_task(environment, total=decisions)
    notes: list[tuple[int, int]] = []
    made = 0
    with tempfile.TemporaryDirectory() as folder, _driven(environment, Path(folder)) as (unity, bridge):
        unity.reset()
        while made < decisions:
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
            progress.update(task, completed=made)
            if made >= (len(notes) + 1) * decisions / NOTES:
                notes.append((made, bridge.memory_info().rss))
    return notes


def print_table(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    table = Table("environment", "kind", "after a tenth, MiB", "at the end, MiB", "growth")
    for environment, figures in result["environments"].items():
        first, last = (figures["resident"][i][1] / 2**20 for i in (0, -1))
        table.add_row(environment, KINDS[environment], f"{first:.1f}", f"{last:.1f}", f"{figures['growth']:.1%}")
    console.print(table)


def main() -> None:
    """Command line."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(KINDS), metavar="ID", help="these environments")
    options = parser.parse_args()
    os.environ["PYTHONWARNINGS"] = "ignore"
    figures = {}
    with Progress(console=Console(stderr=True)) as progress:
        for environment in options.only or KINDS:
            notes = measure(environment, DECISIONS // 100 if options.quick else DECISIONS, progress)
            figures[environment] = {"resident": notes, "growth": notes[-1][1] / notes[0][1] - 1.0}
    show({"environments": figures}, options.json, print_table)


if __name__ == "__main__":
    main()
