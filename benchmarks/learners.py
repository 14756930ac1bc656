"""How well does a learner do on an environment, at a budget of steps?

    python -m benchmarks.learners dqn CartPole-v1 [--steps 50000] [--seeds 3] [--library] [--figure FILE.svg] [--json]

Trains with `mlagents-learn` and a build of the environment, as the file in config/ says that has this environment under
this trainer type. The curve holds the mean return of the episodes that ended in each twentieth of the steps,
exploration and all; `final` is the mean over the last tenth. `played` is the mean return of 50 episodes of the trained
policy without exploration. `--library` trains Stable-Baselines3's learner of the same
kind beside it: same budget, seeds, network, batch, replay, learning rate, discount, noise and steps for each update.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from mlagents_selfplay.training import beside_python
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks._runs import RETURN, ROOT, Block, arguments, show, train
from gym_bridges import executable

LIBRARY = {"dqn": "DQN", "ddpg": "DDPG", "td3": "TD3", "fast_sac": "SAC", "sac": "SAC"}
POINTS = 20  # of a curve
EPISODES = 50  # of the trained policy
QUICK_STEPS = 2_000
Curve = list[tuple[int, float]]


class Learned(NamedTuple):
    """A training: its curve, (learner steps, mean return), and the mean return of what came of it."""

    curve: Curve
    played: float


def configuration_of(algorithm: str, environment: str) -> tuple[Block, dict[str, Any]]:
    """Returns the block of the environment in config/ with this trainer type, and the environment's parameters.

    Raises:
      SystemExit: if there is none.
    """
    for file in sorted((ROOT / "config").glob("*.yaml")):
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        block: Block | None = content.get("behaviors", {}).get(environment)
        if block is not None and block["trainer_type"] == algorithm:
            return block, content.get("environment_parameters", {})
    raise SystemExit(f"No file in config/ has behavior {environment} with trainer_type: {algorithm}.")


def through_the_bridge(
    block: Block, parameters: dict[str, Any], environment: str, seed: int, areas: int, folder: Path
) -> Learned:
    """Trains with `mlagents-learn`, and plays the exported model."""
    build = executable.write([environment], folder / f"{seed}-build", Path(sys.executable))
    block = {**block, "summary_freq": max(1, block["max_steps"] // POINTS)}
    run = train(block, folder / str(seed), seed=seed, build=build, num_areas=areas, parameters=parameters)
    command = [str(beside_python("mlagents-selfplay")), "play", str(run.folder / f"{environment}.onnx")]
    command += ["--env", str(build), "--games", str(EPISODES), "--deterministic", "--json"]
    played = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return Learned(run.curve(RETURN), json.loads(played.stdout)["scores"][0]["mean_return"])


def with_the_library(block: Block, algorithm: str, environment: str, seed: int) -> Learned:
    """Trains with Stable-Baselines3, and plays the model."""
    import stable_baselines3
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.noise import NormalActionNoise

    hyperparameters, network, signal = block["hyperparameters"], block["network_settings"], block["reward_signals"]
    kind: Any = getattr(stable_baselines3, LIBRARY[algorithm])
    environments = make_vec_env(environment, n_envs=1, seed=seed)
    others: dict[str, Any] = {}
    if hyperparameters.get("action_noise") == "gaussian":
        still = np.zeros_like(environments.action_space.sample())
        others["action_noise"] = NormalActionNoise(still, still + hyperparameters["action_noise_scale"])
    model = kind(
        "MlpPolicy",
        environments,
        learning_rate=float(hyperparameters["learning_rate"]),
        batch_size=hyperparameters["batch_size"],
        buffer_size=hyperparameters["buffer_size"],
        learning_starts=hyperparameters["buffer_init_steps"],
        train_freq=max(1, round(hyperparameters["steps_per_update"])),
        gradient_steps=1,
        gamma=signal["extrinsic"]["gamma"],
        policy_kwargs={"net_arch": [network["hidden_units"]] * network["num_layers"]},
        device="cpu",
        seed=seed,
        **others,
    )
    curve: Curve = []
    portion, told = block["max_steps"] // POINTS, 0
    for point in range(1, POINTS + 1):
        model.learn(portion, reset_num_timesteps=False)
        (returns,) = environments.env_method("get_episode_rewards")
        if len(returns) > told:
            curve.append((point * portion, statistics.fmean(returns[told:])))
        told = len(returns)
    played, _ = evaluate_policy(model, environments, EPISODES, deterministic=True)
    return Learned(curve, float(np.mean(played)))


def final(curve: Curve, steps: int) -> float:
    """Returns the mean over the last tenth of the steps."""
    return statistics.fmean(value for step, value in curve if step > 0.9 * steps)


def measure(
    algorithm: str, environment: str, steps: int | None, seeds: int, areas: int, library: bool
) -> dict[str, Any]:
    """Returns curves, final returns and those without exploration by seed, and the means of the latter two.

    Args:
      algorithm: trainer type.
      environment: id, which is also the behavior's name.
      steps: learner steps; None for what the configuration says.
      seeds: 1 to this number are run.
      areas: copies of the environment.
      library: whether Stable-Baselines3 trains as well.
    """
    block, parameters = configuration_of(algorithm, environment)
    block = {**block, "max_steps": block["max_steps"] if steps is None else steps}
    learned: dict[str, dict[int, Learned]] = {"ours": {}, **({"stable_baselines3": {}} if library else {})}
    with tempfile.TemporaryDirectory() as folder:
        for seed in track(range(1, seeds + 1), console=Console(stderr=True)):
            learned["ours"][seed] = through_the_bridge(block, parameters, environment, seed, areas, Path(folder))
            if library:
                learned["stable_baselines3"][seed] = with_the_library(block, algorithm, environment, seed)
    finals = {
        who: {seed: final(one.curve, block["max_steps"]) for seed, one in of_seed.items()}
        for who, of_seed in learned.items()
    }
    played = {who: {seed: one.played for seed, one in of_seed.items()} for who, of_seed in learned.items()}
    return {
        "algorithm": algorithm,
        "environment": environment,
        "steps": block["max_steps"],
        "areas": areas,
        "final": finals,
        "mean": {who: statistics.fmean(of_seed.values()) for who, of_seed in finals.items()},
        "played": played,
        "mean_played": {who: statistics.fmean(of_seed.values()) for who, of_seed in played.items()},
        "curves": {who: {seed: one.curve for seed, one in of_seed.items()} for who, of_seed in learned.items()},
    }


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    title = f"{result['algorithm']} on {result['environment']}: mean return after {result['steps']:,} learner steps"
    table = Table("by", *(f"seed {seed}" for seed in result["final"]["ours"]), "mean", title=title)
    for who, of_seed in result["final"].items():
        table.add_row(who, *(f"{value:.1f}" for value in of_seed.values()), f"{result['mean'][who]:.1f}")
        without = result["played"][who].values()
        table.add_row(
            "without exploration", *(f"{value:.1f}" for value in without), f"{result['mean_played'][who]:.1f}"
        )
    console.print(table)


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Writes a picture (format by suffix) of the curves: a thin line for each seed, a thick one for their mean."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "learners"  # the same picture gives the same file
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(6.4, 3.6), layout="constrained")
    for (who, of_seed), color in zip(result["curves"].items(), ("tab:blue", "tab:orange"), strict=False):
        lines = [np.array(curve).T for curve in of_seed.values()]
        grid = np.linspace(max(steps[0] for steps, _ in lines), min(steps[-1] for steps, _ in lines), 200)
        for steps, returns in lines:
            axis.plot(steps, returns, color=color, linewidth=0.8, alpha=0.5)
        mean = np.mean([np.interp(grid, steps, returns) for steps, returns in lines], axis=0)
        label = {"ours": result["algorithm"], "stable_baselines3": "Stable-Baselines3"}[who]
        axis.plot(grid, mean, color=color, linewidth=2.2, label=f"{label}, mean of {len(lines)} seed(s)")
    axis.set(xlabel="learner steps", ylabel="mean return of an episode", title=result["environment"])
    axis.grid(alpha=0.3)
    axis.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    """Command line."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("algorithm", nargs="?", default="dqn", help="trainer type; dqn unless said otherwise")
    parser.add_argument("environment", nargs="?", default="CartPole-v1", help="id; CartPole-v1 unless said otherwise")
    parser.add_argument("--steps", type=int, metavar="N", help="learner steps, instead of the configuration's")
    parser.add_argument("--seeds", type=int, default=3, metavar="N")
    parser.add_argument("--areas", type=int, default=8, metavar="N", help="copies of the environment")
    parser.add_argument("--library", action="store_true", help="train Stable-Baselines3, too")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw the curves into it")
    options = parser.parse_args()
    steps, seeds = (QUICK_STEPS, 1) if options.quick else (options.steps, options.seeds)
    result = measure(options.algorithm, options.environment, steps, seeds, options.areas, options.library)
    if options.figure:
        draw(result, options.figure)
    show(result, options.json, print_tables)


if __name__ == "__main__":
    main()
