"""Does the process of a bridge keep its size over a million steps?

    python -m benchmarks.bridge_memory [--json] [--only ID ...]

ML-Agents' own `UnityEnvironment` drives a build of each kind of environment with random actions, 64 areas, until a
million decisions have been made. The resident memory of the bridge is noted after every tenth; `growth` compares the
last with that after the first tenth, when caches are warm.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks._runs import arguments, show
from benchmarks._wire import driven, step_at_random

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
AREAS = 64
NOTES = 10


def measure(environment: str, decisions: int, progress: Progress) -> list[tuple[int, int]]:
    """Returns decisions made and resident bytes of the bridge, at `NOTES` moments."""
    rng = np.random.default_rng(0)
    task = progress.add_task(environment, total=decisions)
    notes: list[tuple[int, int]] = []
    made = 0
    with tempfile.TemporaryDirectory() as folder, driven([environment], AREAS, Path(folder)) as unity:
        children = psutil.Process().children(recursive=True)
        (bridge,) = (child for child in children if "gym_bridges.launch" in " ".join(child.cmdline()))
        while made < decisions:
            made += step_at_random(unity, rng)
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
