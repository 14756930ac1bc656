"""What does RoboSumo cost beside its physics, and how fast do areas on threads run?

    python -m benchmarks.robosumo [--json] [--quick]

`ratio_vs_mj_step` compares a step of one match, as the bridge sees it (observations, rewards, new matches), with the
bare `mj_step` of the same model over the same number of substeps: each finished episode is replayed from its first
state with its own actions, right after it was played, and the ratio is the median over the episodes. Both run on one
thread and are measured in seconds of its processor, so that other programs disturb less. `areas` are steps of single
matches per second of the clock, on some threads.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import _runs
from gym_bridges.conformance import random_actions
from gym_bridges.envs.robosumo.areas import RoboSumoAreas
from gym_bridges.envs.robosumo.gym_env import RoboSumoEnv
from gym_bridges.envs.robosumo.match import SUBSTEPS
from gym_bridges.envs.robosumo.settings import RoboSumoSettings

MATCH_UPS = (("ant", "ant"), ("bug", "bug"), ("spider", "spider"))
AREAS = 8
THREADS = (1, 2)


def measure_overhead(home: str, away: str, num_steps: int, rng: np.random.Generator) -> dict[str, float]:
    """Medians over episodes: steps per processor second of the environment, of bare physics, and the ratio of times.

    Args:
      home: kind of robot of seat 0.
      away: kind of robot of seat 1.
      num_steps: to measure, rounded up to whole episodes.
      rng: draws the actions; advanced.
    """
    environment = RoboSumoEnv(home, away)
    environment.reset(seed=0)
    start = mujoco.MjData(environment.match.data.model)
    episodes: list[tuple[int, float, float]] = []  # steps, our seconds, seconds of bare physics
    while sum(steps for steps, _, _ in episodes) < num_steps:
        environment.reset()
        data = environment.match.data
        mujoco.mj_copyData(start, data.model, data)
        controls = rng.uniform(-1.0, 1.0, (environment.settings.timestep_limit + 1, data.model.nu))
        actions = [np.split(control, [environment.match.species[0].num_actions]) for control in controls]
        steps, over = 0, False
        before = time.thread_time()
        while not over:
            _, _, over, _, _ = environment.step(actions[steps])
            steps += 1
        between = time.thread_time()
        for control in controls[:steps]:
            start.ctrl[:] = control
            mujoco.mj_step(start.model, start, SUBSTEPS)
        after = time.thread_time()
        assert np.array_equal(start.qpos, data.qpos), "the replay left the path of the episode"
        episodes.append((steps, between - before, after - between))
    environment.close()
    steps, ours_s, bare_s = np.array(episodes).T
    return {
        "steps_per_s": float(np.median(steps / ours_s)),
        "mj_step_per_s": float(np.median(steps / bare_s)),
        "ratio_vs_mj_step": float(np.median(ours_s / bare_s)),
    }


def measure_areas(home: str, away: str, threads: int, num_steps: int, rng: np.random.Generator) -> float:
    """Steps of single matches per second of the clock, for `AREAS` areas on some threads; `rng` draws the actions."""
    areas = RoboSumoAreas(home, away, RoboSumoSettings(threads=threads), AREAS)
    steps = areas.reset(seed=0)
    actions = [random_actions(areas.behaviors, steps, rng) for _ in range(64)]
    start = time.perf_counter()
    for step in range(num_steps):
        areas.step(actions[step % len(actions)])
    rate = AREAS * num_steps / (time.perf_counter() - start)
    areas.close()
    return rate


def measure(num_steps: int, rng: np.random.Generator) -> dict[str, Any]:
    """All figures by match-up, over `num_steps` steps each; `rng` draws the actions."""
    result = {}
    for home, away in MATCH_UPS:
        areas = {str(threads): measure_areas(home, away, threads, num_steps // AREAS, rng) for threads in THREADS}
        result[f"{home} against {away}"] = {**measure_overhead(home, away, num_steps, rng), "areas": areas}
    return {"num_areas": AREAS, "mujoco": mujoco.__version__, "match_ups": result}


def print_table(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    by_threads = [f"{AREAS} areas, {threads} thread{'s' if threads > 1 else ''}" for threads in THREADS]
    table = Table("match-up", "steps/s", "mj_step/s", "ratio", *by_threads, title="RoboSumo")
    for match_up, figures in result["match_ups"].items():
        rates = [figures["steps_per_s"], figures["mj_step_per_s"]]
        areas = [f"{rate:,.0f}" for rate in figures["areas"].values()]
        table.add_row(match_up, *(f"{rate:,.0f}" for rate in rates), f"{figures['ratio_vs_mj_step']:.2f}", *areas)
    console.print(table)


def main() -> None:
    """Command line."""
    parsed = _runs.arguments(__doc__.splitlines()[0]).parse_args()
    result = measure(1000 if parsed.quick else 10_000, np.random.default_rng(0))
    _runs.show(result, parsed.json, print_table)


if __name__ == "__main__":
    main()
