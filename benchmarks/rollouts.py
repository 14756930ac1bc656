"""How fast does self-play learn by rollouts, beside a library that has no trainer in another process?

    python -m benchmarks.rollouts [--json]

Learner steps per second on repeated rock-paper-scissors, PPO with two layers of 64, batches of 256, buffers of 4,096
and 3 epochs, in turns within each repetition: GhostTrainer and ours through `mlagents-learn`, opponents of ours drawn
from the history; Stable-Baselines3's PPO, which has all matches in its own process as one vectorised environment,
against an opponent that moves at random. Start-up is left out everywhere: of `mlagents-learn` everything before the
first summary, of Stable-Baselines3 the first two buffers.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks._runs import Watch, arguments, as_ghost, shipped, show
from gym_bridges.areas import Actions
from gym_bridges.envs.rock_paper_scissors import RockPaperScissors, RockPaperScissorsSettings

GHOST, OURS, LIBRARY = "ghost", "ours", "stable_baselines3"
PEER_BUFFERS = 12  # of 4,096 steps, timed; two more come before


@dataclass(frozen=True)
class Budget:
    """Learner steps of the runs, the summary that starts the clock, and how often everything is done."""

    repetitions: int = 3
    ghost_steps: int = 25_000
    our_steps: int = 120_000
    summary_freq: int = 5_000
    num_areas: tuple[int, ...] = (32, 128)


QUICK = Budget(repetitions=1, ghost_steps=12_000, our_steps=40_000, summary_freq=4_000, num_areas=(32,))


def library_steps_per_second(num_areas: int, seed: int) -> float:
    """Returns the speed of Stable-Baselines3's PPO with `num_areas` matches side by side."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env.base_vec_env import VecEnv

    class Matches(VecEnv):
        """All matches as one vectorised environment: the learner is team 0, team 1 moves at random."""

        def __init__(self) -> None:
            self._areas = RockPaperScissors(RockPaperScissorsSettings(), num_areas)
            self._teams = list(self._areas.behaviors)
            spec = self._areas.behaviors[self._teams[0]]
            seen = gymnasium.spaces.Box(0.0, 1.0, spec.observations[0].shape, np.float32)
            super().__init__(num_areas, seen, gymnasium.spaces.Discrete(spec.actions.branches[0]))
            self._rng = np.random.default_rng(seed)
            self._nothing = np.zeros((num_areas, 0), np.float32)

        def reset(self) -> np.ndarray:
            return self._areas.reset(None)[self._teams[0]].decisions.observations[0]

        def step_async(self, actions: np.ndarray) -> None:
            own, other = actions[:, None].astype(np.int32), self._rng.integers(3, size=(num_areas, 1), dtype=np.int32)
            self._moves: tuple[np.ndarray, np.ndarray] = own, other

        def step_wait(self) -> Any:
            steps = self._areas.step(
                {team: Actions(self._nothing, move) for team, move in zip(self._teams, self._moves, strict=True)}
            )
            decisions, endings = steps[self._teams[0]]
            over = len(endings.agent_ids) > 0  # all matches end together
            rewards = (endings if over else decisions).rewards.astype(np.float32)
            infos = [{"terminal_observation": last} for last in endings.observations[0]] if over else [{}] * num_areas
            return decisions.observations[0], rewards, np.full(num_areas, over), infos

        def close(self) -> None:
            self._areas.close()

        def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
            return [None] * num_areas

        def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
            raise NotImplementedError

        def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
            raise NotImplementedError

        def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
            return [False] * num_areas

    model = PPO(
        "MlpPolicy",
        Matches(),
        n_steps=4096 // num_areas,
        batch_size=256,
        n_epochs=3,
        policy_kwargs={"net_arch": [64, 64]},
        seed=seed,
        device="cpu",
    )
    model.learn(2 * 4096)
    begin = time.perf_counter()
    model.learn(PEER_BUFFERS * 4096)
    return PEER_BUFFERS * 4096 / (time.perf_counter() - begin)


def measure(budget: Budget, folder: Path) -> dict[str, Any]:
    """Returns medians of steps per second and of the ratios, by number of areas. Fills `folder` with runs."""
    base = {**shipped(), "summary_freq": budget.summary_freq}
    runs = {
        GHOST: as_ghost({**base, "max_steps": budget.ghost_steps}),
        OURS: {**base, "max_steps": budget.our_steps},
    }
    total = budget.repetitions * len(budget.num_areas) * (budget.ghost_steps + budget.our_steps)
    speeds: dict[int, dict[str, list[float]]] = {n: {GHOST: [], OURS: [], LIBRARY: []} for n in budget.num_areas}
    with Watch(total) as watch:
        for repetition in range(budget.repetitions):
            for areas, by in speeds.items():
                for name, block in runs.items():
                    where = folder / f"{name}-{areas}-{repetition}"
                    run = watch.train(f"{areas} areas: {name}", block, where, seed=repetition, num_areas=areas)
                    by[name].append(run.steps_per_second())
                by[LIBRARY].append(library_steps_per_second(areas, repetition))

    def ratio(by: Mapping[str, list[float]], to: str) -> float:
        return statistics.median(own / other for own, other in zip(by[OURS], by[to], strict=True))

    return {
        "ratio_vs_ghost": {str(n): ratio(by, GHOST) for n, by in speeds.items()},
        "ratio_vs_stable_baselines3": {str(n): ratio(by, LIBRARY) for n, by in speeds.items()},
        "steps_per_second": {str(n): {k: statistics.median(v) for k, v in by.items()} for n, by in speeds.items()},
        "repetitions": {str(n): by for n, by in speeds.items()},
    }


def print_table(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    table = Table(
        "areas", *(f"{name}, steps/s" for name in (GHOST, OURS, LIBRARY)), "to GhostTrainer", "to the library"
    )
    for areas, speeds in result["steps_per_second"].items():
        ratios = (result[f"ratio_vs_{name}"][areas] for name in (GHOST, LIBRARY))
        table.add_row(areas, *(f"{speed:.0f}" for speed in speeds.values()), *(f"{r:.2f}" for r in ratios))
    console.print(table)


def main() -> None:
    """Command line."""
    options = arguments(__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(QUICK if options.quick else Budget(), Path(folder))
    show(result, options.json, print_table)


if __name__ == "__main__":
    main()
