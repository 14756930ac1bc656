"""What does RoboSumo cost beside its physics, and how fast do areas on threads run?

    python -m benchmarks.robosumo [--json] [--quick]

`ratio_vs_mj_step` compares a step of one match, as the bridge sees it (observations, rewards, new matches), with the
bare `mj_step` of the same model over the same number of substeps: each finished episode is replayed from its first
state with its own actions, right after it was played. Both run on one thread and are measured in seconds of its
processor, so that other programs disturb little. `areas` are steps of the clock per second, over all areas.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import mujoco
import numpy as np

from gym_bridges.conformance import random_actions
from gym_bridges.envs.robosumo.areas import RoboSumoAreas
from gym_bridges.envs.robosumo.gym_env import RoboSumoEnv
from gym_bridges.envs.robosumo.match import SUBSTEPS
from gym_bridges.envs.robosumo.settings import RoboSumoSettings

MATCH_UPS = (("ant", "ant"), ("bug", "bug"), ("spider", "spider"))
AREAS = 8
THREADS = (1, 2)


def measure_overhead(home: str, away: str, num_steps: int, rng: np.random.Generator) -> dict[str, float]:
    """Steps per processor second of the environment and of bare physics, and the ratio of their times.

    Args:
      home: kind of robot of seat 0.
      away: kind of robot of seat 1.
      num_steps: to measure, rounded up to whole episodes.
      rng: draws the actions; advanced.
    """
    environment = RoboSumoEnv(home, away)
    environment.action_space.seed(int(rng.integers(2**31)))
    environment.reset(seed=0)
    start = mujoco.MjData(environment.match.data.model)
    ours = bare = 0.0
    steps = 0
    while steps < num_steps:
        environment.reset()
        data = environment.match.data
        mujoco.mj_copyData(start, data.model, data)
        actions = []
        over = False
        while not over:
            actions.append(environment.action_space.sample())
            before = time.thread_time()
            _, _, over, _, _ = environment.step(actions[-1])
            ours += time.thread_time() - before
        controls = [np.concatenate(action) for action in actions]
        for control in controls:
            before = time.thread_time()
            start.ctrl[:] = control
            mujoco.mj_step(start.model, start, SUBSTEPS)
            bare += time.thread_time() - before
        assert np.array_equal(start.qpos, data.qpos), "the replay left the path of the episode"
        steps += len(actions)
    environment.close()
    return {"steps_per_s": steps / ours, "mj_step_per_s": steps / bare, "ratio_vs_mj_step": ours / bare}


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


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robosumo", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="fewer steps")
    arguments = parser.parse_args()
    num_steps = 1000 if arguments.quick else 10_000
    rng = np.random.default_rng(0)
    result: dict[str, dict[str, Any]] = {}
    for home, away in MATCH_UPS:
        overhead = measure_overhead(home, away, num_steps, rng)
        areas = {str(threads): measure_areas(home, away, threads, num_steps // AREAS, rng) for threads in THREADS}
        result[f"{home} against {away}"] = {**overhead, "areas": areas}
    if arguments.json:
        print(json.dumps({"num_areas": AREAS, "match_ups": result}))
        return
    for match_up, figures in result.items():
        by_threads = ", ".join(f"{rate:,.0f} on {threads}" for threads, rate in figures["areas"].items())
        print(
            f"{match_up}: {figures['steps_per_s']:,.0f} steps/s, {figures['ratio_vs_mj_step']:.2f} times the time of "
            f"mj_step; {AREAS} areas by threads: {by_threads}"
        )


if __name__ == "__main__":
    main()
