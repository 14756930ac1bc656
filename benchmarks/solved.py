"""Are the usual tasks solved through the bridge, with the budget that a library gets?

    python -m benchmarks.solved [--json]

CartPole-v1 with PPO and Pendulum-v1 with SAC, as config/trainer_config.yaml has them, through `mlagents-learn` and a
build of the environment; and Stable-Baselines3 with the same budget of steps, network, batch, buffer and learning rate.
The figure is the mean return of the last twentieth of the steps, the policy acting with its exploration noise.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks._runs import RETURN, arguments, shipped, show, train
from gym_bridges import executable

TASKS = {"CartPole-v1": 475.0, "Pendulum-v1": -200.0}
"""The returns from which on a task counts as solved; that of Pendulum has no official one."""

SEEDS = (1, 2, 3)
AREAS = {"CartPole-v1": 8, "Pendulum-v1": 1}


def through_the_bridge(task: str, seed: int, folder: Path) -> float:
    """Trains with `mlagents-learn` and returns the mean return at the end."""
    block = shipped(task)
    build = executable.write([task], folder / f"{task}-{seed}-build", Path(sys.executable))
    block = {**block, "summary_freq": block["max_steps"] // 20}
    run = train(block, folder / f"{task}-{seed}", seed=seed, build=build, num_areas=AREAS[task])
    return float(np.mean([value for step, value in run.curve(RETURN) if step >= 0.95 * block["max_steps"]]))


def with_the_library(task: str, seed: int) -> float:
    """Trains with Stable-Baselines3 and returns the mean return at the end."""
    import gymnasium
    from stable_baselines3 import PPO, SAC
    from stable_baselines3.common.env_util import make_vec_env

    block = shipped(task)
    keys, signal = block["hyperparameters"], block["reward_signals"]["extrinsic"]
    units = [block["network_settings"]["hidden_units"]] * block["network_settings"]["num_layers"]
    returns: list[tuple[int, float]] = []

    class Noted(gymnasium.Wrapper[Any, Any, Any, Any]):
        """Notes the return of each episode with the steps made so far."""

        steps = 0

        def reset(self, **keys: Any) -> Any:
            self._return = 0.0
            return self.env.reset(**keys)

        def step(self, action: Any) -> Any:
            seen, reward, terminated, truncated, info = self.env.step(action)
            self._return += float(reward)
            Noted.steps += 1
            if terminated or truncated:
                returns.append((Noted.steps, self._return))
            return seen, reward, terminated, truncated, info

    envs = make_vec_env(task, AREAS[task], seed=seed, wrapper_class=Noted)
    shared = {
        "policy": "MlpPolicy",
        "env": envs,
        "learning_rate": keys["learning_rate"],
        "batch_size": keys["batch_size"],
        "gamma": signal["gamma"],
        "policy_kwargs": {"net_arch": units},
        "seed": seed,
        "device": "cpu",
    }
    model: Any
    if block["trainer_type"] == "ppo":
        n_steps = keys["buffer_size"] // AREAS[task]
        model = PPO(n_steps=n_steps, n_epochs=keys["num_epoch"], gae_lambda=keys["lambd"], **shared)
    else:
        model = SAC(learning_starts=keys["buffer_init_steps"], buffer_size=keys["buffer_size"], **shared)
    model.learn(block["max_steps"])
    return float(np.mean([total for step, total in returns if step >= 0.95 * block["max_steps"]]))


def measure(seeds: tuple[int, ...], folder: Path) -> dict[str, Any]:
    """Returns mean returns by task, way and seed. Fills `folder` with runs."""
    found: dict[str, Any] = {task: {"bridge": [], "stable_baselines3": [], "solved": at} for task, at in TASKS.items()}
    rounds = [(task, seed) for seed in seeds for task in TASKS]
    for task, seed in track(rounds, "tasks", console=Console(stderr=True)):
        found[task]["bridge"].append(through_the_bridge(task, seed, folder))
        found[task]["stable_baselines3"].append(with_the_library(task, seed))
    return {"returns": found}


def print_table(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    table = Table("task", "solved at", "through the bridge", "Stable-Baselines3")
    for task, figures in result["returns"].items():
        cells = (", ".join(f"{value:.0f}" for value in figures[way]) for way in ("bridge", "stable_baselines3"))
        table.add_row(task, f"{figures['solved']:.0f}", *cells)
    console.print(table)


def main() -> None:
    """Command line."""
    options = arguments(__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(SEEDS[:1] if options.quick else SEEDS, Path(folder))
    show(result, options.json, print_table)


if __name__ == "__main__":
    main()
