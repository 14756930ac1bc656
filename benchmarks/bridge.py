"""How much slower is an environment behind the bridge than by itself?

    python -m benchmarks.bridge [--json] [--quick]

Random actions, 8 copies. By itself: one loop over the copies in one process, as anybody would write it. Behind the
bridge: ML-Agents' own `UnityEnvironment` drives a real build of the same environment with 8 areas, one action for each
decision, and reads every observation. Both take turns, a slice each, and the figure is the median over the pairs of
slices, which a busy machine moves less than the speeds. `overhead` is 1 - (speed behind the bridge) / (speed by
itself): 0.2 means a fifth slower, below 0 means faster (MuJoCo's areas are stepped on several threads, the loop is on
one).
"""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks._runs import arguments, show
from benchmarks._wire import driven, step_at_random

NUM_COPIES = 8
ENVIRONMENTS = {
    "Ant-v5": "Ant-v5",
    "84x84x4 images": "benchmarks.bridge:ms_pacman",
    "Atari-MsPacman": "Atari-MsPacman",
    "CartPole-v1": "CartPole-v1",
}
BARS = {"Ant-v5": 0.20, "84x84x4 images": 0.35}
"""The overhead that we aim at. CartPole, whose step takes 7 microseconds, shows what a message costs; Atari-MsPacman is
the same game as the images, emulated by our own areas, beside the same loop."""


def ms_pacman(render_mode: str | None = None) -> gymnasium.Env:
    """Makes Ms. Pac-Man as agents see her: four gray pictures of 84 x 84 pixels, an action held for four frames."""
    import ale_py
    from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation

    gymnasium.register_envs(ale_py)
    env = gymnasium.make("ALE/MsPacman-v5", frameskip=1, render_mode=render_mode, disable_env_checker=True)
    return FrameStackObservation(AtariPreprocessing(env), 4)


def make(environment: str) -> gymnasium.Env:
    """Makes one copy of an environment of the table."""
    is_atari = environment in ("84x84x4 images", "Atari-MsPacman")
    return ms_pacman() if is_atari else gymnasium.make(environment, disable_env_checker=True)


class Still(gymnasium.Env):
    """An environment that costs nothing, so that what is left is the message."""

    def __init__(self, space: gymnasium.spaces.Box, render_mode: str | None = None) -> None:
        self.observation_space = space
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (8,))
        self._seen = np.zeros(space.shape, space.dtype)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Begins an episode that never ends."""
        return self._seen, {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Goes on."""
        return self._seen, 0.0, False, False, {}


def still_numbers(render_mode: str | None = None) -> Still:
    """Makes a still environment with observations of the size of Ant-v5's."""
    return Still(gymnasium.spaces.Box(-np.inf, np.inf, (105,)), render_mode)


def still_pictures(render_mode: str | None = None) -> Still:
    """Makes a still environment with observations of the size of Ms. Pac-Man's."""
    return Still(gymnasium.spaces.Box(0, 255, (4, 84, 84), np.uint8), render_mode)


STILL = {"105 numbers": "benchmarks.bridge:still_numbers", "84x84x4 images": "benchmarks.bridge:still_pictures"}

Steps = Callable[[], object]
"""Makes one step of all copies."""


@contextlib.contextmanager
def by_itself(environment: str) -> Iterator[Steps]:
    """Yields a loop over the copies."""
    envs = [make(environment) for _ in range(NUM_COPIES)]
    for seed, env in enumerate(envs):
        env.reset(seed=seed)
        env.action_space.seed(seed)

    def step() -> None:
        for env in envs:
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            if terminated or truncated:
                env.reset()

    yield step
    for env in envs:
        env.close()


@contextlib.contextmanager
def behind_the_bridge(environment: str, folder: Path) -> Iterator[Steps]:
    """Yields one step of a build that `UnityEnvironment` drives."""
    rng = np.random.default_rng(0)
    with driven([ENVIRONMENTS.get(environment, environment)], NUM_COPIES, folder) as unity:
        yield lambda: step_at_random(unity, rng)


def measure(environment: str, num_pairs: int, seconds: float) -> dict[str, Any]:
    """Returns the speeds, in steps of one copy per second, and the overhead, of `num_pairs` pairs of slices."""
    with (
        tempfile.TemporaryDirectory() as folder,
        by_itself(environment) as alone,
        behind_the_bridge(environment, Path(folder)) as bridged,
    ):
        for step in (alone, bridged):
            speed(step, seconds / 4)  # warm-up: first resets, caches
        pairs = [(speed(alone, seconds), speed(bridged, seconds)) for _ in range(num_pairs)]
    return {
        "overhead": statistics.median(1.0 - bridge / own for own, bridge in pairs),
        "steps_per_second_by_itself": statistics.median(own for own, _ in pairs),
        "steps_per_second_behind_the_bridge": statistics.median(bridge for _, bridge in pairs),
    }


def speed(step: Steps, seconds: float) -> float:
    """Returns steps of one copy per second, from a slice of time."""
    count, begin = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < seconds:
        step()
        count += NUM_COPIES
    return count / elapsed


def cost_of_messages(environment: str, num_messages: int) -> dict[str, float]:
    """Returns what a message of an environment that does nothing costs, in milliseconds.

    `trainer` is processor time of ML-Agents' end, its waiting left out: no bridge can do without it.
    """
    with tempfile.TemporaryDirectory() as folder, behind_the_bridge(environment, Path(folder)) as step:
        speed(step, 0.5)
        begin, processor = time.perf_counter(), time.process_time()
        for _ in range(num_messages):
            step()
        seconds, processor = time.perf_counter() - begin, time.process_time() - processor
    return {"message": 1000.0 * seconds / num_messages, "trainer": 1000.0 * processor / num_messages}


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    table = Table("environment", "by itself, steps/s", "behind the bridge", "overhead", "at most")
    for environment, figures in result["environments"].items():
        table.add_row(
            environment,
            f"{figures['steps_per_second_by_itself']:.0f}",
            f"{figures['steps_per_second_behind_the_bridge']:.0f}",
            f"{figures['overhead']:.0%}",
            f"{BARS[environment]:.0%}" if environment in BARS else "",
        )
    console.print(table)
    table = Table("a message of 8 agents without an environment", "in all, ms", "of which ML-Agents' end computes")
    for kind, cost in result["messages"].items():
        table.add_row(kind, f"{cost['message']:.1f}", f"{cost['trainer']:.1f}")
    console.print(table)


def main() -> None:
    """Command line."""
    options = arguments(__doc__.splitlines()[0]).parse_args()
    os.environ["PYTHONWARNINGS"] = "ignore"
    num_pairs, seconds = (3, 1.5) if options.quick else (9, 3.0)
    figures = {environment: measure(environment, num_pairs, seconds) for environment in ENVIRONMENTS}
    messages = {kind: cost_of_messages(place, 100 if options.quick else 1000) for kind, place in STILL.items()}
    overhead = {environment: values["overhead"] for environment, values in figures.items()}
    show(
        {"overhead": overhead, "environments": figures, "messages": messages, "bars": BARS}, options.json, print_tables
    )


if __name__ == "__main__":
    main()
