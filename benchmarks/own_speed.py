"""How much of an environment's own speed is left when self-play learns in it by rollouts?

    python -m benchmarks.own_speed [--json] [--quick]

RoboSumo, ant against ant, two environment processes of 16 areas, in turns: the areas alone, stepped by random actions,
and self-play as shipped through `mlagents-learn`. Both are steps of matches per second of the clock; of a run the
learner steps from the first TensorBoard summary to the last, times the steps of matches that each of them took by the
match log. `ratio` is the median over the repetitions. `processor` says how many seconds of a core a thousand steps of
matches take in the bridges and in the trainer: what they take together is what two cores have to give.
"""

from __future__ import annotations

import csv
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
from mlagents_selfplay.selfplay.matches import CURRENT
from rich.console import Console
from rich.table import Table

from benchmarks._runs import ROOT, Run, Watch, arguments, shipped, show
from gym_bridges.conformance import random_actions
from gym_bridges.envs.robosumo.areas import RoboSumoAreas
from gym_bridges.envs.robosumo.settings import RoboSumoSettings

GAME = "RoboSumoAntVsAnt"
AREAS, PROCESSES = 16, 2


def steps_alone(seed: int, seconds: float) -> float:
    """Returns steps of matches per second of `AREAS` areas that are stepped by random actions."""
    areas = RoboSumoAreas("ant", "ant", RoboSumoSettings(), AREAS)
    steps = areas.reset(seed)
    rng = np.random.default_rng(seed)
    made, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        steps = areas.step(random_actions(areas.behaviors, steps, rng))
        made += AREAS
    return made / (time.perf_counter() - began)


def alone(seconds: float) -> float:
    """Returns steps of matches per second of all processes together."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        return sum(pool.map(steps_alone, range(PROCESSES), [seconds] * PROCESSES))


class Processors:
    """Notes the processor seconds of a run: of its bridges, and of the trainer with ML-Agents' workers."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, float, float]] = []  # when (seconds since the epoch), bridges, trainer

    def watch(self, process: subprocess.Popen[str]) -> None:
        """Looks every half second until the process is gone."""
        threading.Thread(target=self._look, args=(psutil.Process(process.pid),), daemon=True).start()

    def between(self, began: float, ended: float) -> np.ndarray:
        """Returns the seconds spent between two moments by bridges and trainer, `[2]`."""
        when, *spent = np.array(self._seen).T
        return np.array([np.interp(ended, when, one) - np.interp(began, when, one) for one in spent])

    def _look(self, root: psutil.Process) -> None:
        while True:
            spent = [0.0, 0.0]
            try:
                for one in (root, *root.children(recursive=True)):
                    spent["gym_bridges.launch" not in " ".join(one.cmdline())] += sum(one.cpu_times()[:2])
            except psutil.Error:
                return
            self._seen.append((time.time(), spent[0], spent[1]))
            time.sleep(0.5)


def steps_of_matches(run: Run) -> float:
    """Returns the steps of the matches that are over; a mirror match has a row for each side."""
    with (run.behavior_folder / "selfplay" / "matches.csv").open(newline="", encoding="utf-8") as file:
        return sum(int(row["length"]) / (2 if row["opponent"] == CURRENT else 1) for row in csv.DictReader(file))


def measure(repetitions: int, steps: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Returns speeds, ratio and processor seconds. Fills `folder` with runs."""
    block = {**shipped("RoboSumoAnt"), "max_steps": steps, "summary_freq": steps // 10}
    found: dict[str, list[float]] = {"alone": [], "self_play": [], "bridges": [], "trainer": []}
    with Watch(repetitions * steps) as watch:
        for repetition in range(repetitions):
            found["alone"].append(alone(seconds))
            processors = Processors()
            run = watch.train(
                f"repetition {repetition + 1}",
                block,
                folder / str(repetition),
                seed=repetition,
                build=ROOT / "gym_bridges" / "builds" / GAME,
                num_areas=AREAS,
                num_envs=PROCESSES,
                on_start=processors.watch,
            )
            (first, began), *_, (last, ended) = run.summaries()
            made = (last - first) * steps_of_matches(run) / run.learner_steps()
            found["self_play"].append(made / (ended - began))
            for part, spent in zip(("bridges", "trainer"), processors.between(began, ended), strict=True):
                found[part].append(1e3 * float(spent) / made)
    ratios = [own / other for own, other in zip(found["self_play"], found["alone"], strict=True)]
    return {
        "ratio": median(ratios),
        "ratios": ratios,
        "steps_per_second": {name: median(found[name]) for name in ("alone", "self_play")},
        "processor": {name: median(found[name]) for name in ("bridges", "trainer")},
    }


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    table = Table(
        "steps of matches per second: alone", "self-play", "ratio", "core seconds per 1,000: bridges", "trainer"
    )
    figures = [*result["steps_per_second"].values(), result["ratio"], *result["processor"].values()]
    table.add_row(*(f"{value:.2f}" for value in figures))
    console.print(table)


def main() -> None:
    """Command line."""
    options = arguments(__doc__.splitlines()[0]).parse_args()
    budget = (1, 20_000, 3.0) if options.quick else (3, 80_000, 15.0)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(*budget, Path(folder))
    show(result, options.json, print_tables)


if __name__ == "__main__":
    main()
