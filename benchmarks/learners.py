"""How well does a learner do on an environment, at a budget of steps?

    python -m benchmarks.learners dqn CartPole-v1 [--steps 50000] [--seeds 3] [--library] [--at-once 2] [--keep FOLDER]
                                                  [--figure FILE.svg] [--json]

Trains with `mlagents-learn` and a build of the environment, as the file in config/ says that has this environment under
this trainer type. The curve holds the mean return of the episodes that ended in each twentieth of the steps,
exploration and all; `final` is the mean over the last tenth. `played` is the mean return of 50 episodes of the trained
policy without exploration. `--library` trains Stable-Baselines3's learner of the same kind beside it: same budget,
seeds, network and activation, batch, replay, learning rate, discount, noise and steps for each update; each on one
thread. Trainings do not share anything, so several may run `--at-once`; those whose results lie in the folder to
`--keep` them in are not run again.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
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

OURS, THEIRS = "ours", "stable_baselines3"
LIBRARY = {"dqn": "DQN", "ddpg": "DDPG", "td3": "TD3", "fast_sac": "SAC", "sac": "SAC"}
POINTS = 20  # of a curve
EPISODES = 50  # of the trained policy
QUICK_STEPS = 2_000
Curve = list[tuple[int, float]]


class Case(NamedTuple):
    """What is learned: by which trainer type, on which environment, in how many learner steps and copies of it."""

    algorithm: str
    environment: str
    steps: int
    areas: int


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


def through_the_bridge(case: Case, seed: int) -> Learned:
    """Trains with `mlagents-learn`, and plays the exported model."""
    block, parameters = configuration_of(case.algorithm, case.environment)
    block = {**block, "max_steps": case.steps, "summary_freq": max(1, case.steps // POINTS)}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        build = executable.write([case.environment], folder / "build", Path(sys.executable))
        run = train(block, folder / "run", seed=seed, build=build, num_areas=case.areas, parameters=parameters)
        command = [str(beside_python("mlagents-selfplay")), "play", str(run.folder / f"{case.environment}.onnx")]
        command += ["--env", str(build), "--games", str(EPISODES), "--deterministic", "--json"]
        played = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        return Learned(run.curve(RETURN), json.loads(played.stdout)["scores"][0]["mean_return"])


def with_the_library(case: Case, seed: int) -> Learned:
    """Trains with Stable-Baselines3, and plays the model."""
    import stable_baselines3
    import torch
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.noise import NormalActionNoise

    torch.set_num_threads(1)
    block, _ = configuration_of(case.algorithm, case.environment)
    hyperparameters, network, signal = block["hyperparameters"], block["network_settings"], block["reward_signals"]
    kind: Any = getattr(stable_baselines3, LIBRARY[case.algorithm])
    environments = make_vec_env(case.environment, n_envs=1, seed=seed)
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
        policy_kwargs={
            "net_arch": [network["hidden_units"]] * network["num_layers"],
            "activation_fn": torch.nn.SiLU,  # which ML-Agents calls Swish
        },
        device="cpu",
        seed=seed,
        **others,
    )
    curve: Curve = []
    portion, told = case.steps // POINTS, 0
    for point in range(1, POINTS + 1):
        model.learn(portion, reset_num_timesteps=False)
        (returns,) = environments.env_method("get_episode_rewards")
        if len(returns) > told:
            curve.append((point * portion, statistics.fmean(returns[told:])))
        told = len(returns)
    played, _ = evaluate_policy(model, environments, EPISODES, deterministic=True)
    return Learned(curve, float(np.mean(played)))


TRAIN = {OURS: through_the_bridge, THEIRS: with_the_library}


def learned_by(who: str, case: Case, seed: int, keep: Path | None) -> Learned:
    """Trains, unless the result lies in the folder to keep it in.

    Args:
      who: `OURS` or `THEIRS`.
      case: what is learned.
      seed: of everything.
      keep: folder of results, which gains this one; None for none.
    """
    if keep is None:
        return TRAIN[who](case, seed)
    file = keep / ("-".join(map(str, (*case, who, seed))) + ".json")
    if not file.exists():
        result = json.dumps(TRAIN[who](case, seed)._asdict())
        aside = file.with_suffix(".writing")
        aside.write_text(result, encoding="utf-8")
        aside.replace(file)
    return Learned(**json.loads(file.read_text(encoding="utf-8")))


def final(curve: Curve, steps: int) -> float:
    """Returns the mean over the last tenth of the steps, or the last value if no episode ended there."""
    return statistics.fmean([value for step, value in curve if step > 0.9 * steps] or [curve[-1][1]])


def measure(case: Case, seeds: int, library: bool, at_once: int, keep: Path | None) -> dict[str, Any]:
    """Returns curves, final returns and those without exploration by seed, and the means of the latter two.

    Args:
      case: what is learned.
      seeds: 1 to this number are run.
      library: whether Stable-Baselines3 trains as well.
      at_once: trainings that run beside each other, each in a process of its own.
      keep: folder of results of single trainings, or None.
    """
    sides, order = ((OURS, THEIRS) if library else (OURS,)), range(1, seeds + 1)
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        jobs = {(who, seed): pool.submit(learned_by, who, case, seed, keep) for seed in order for who in sides}
        for job in track(as_completed(jobs.values()), total=len(jobs), console=Console(stderr=True)):
            job.result()  # raises at once what went wrong
    learned = {who: {seed: jobs[who, seed].result() for seed in order} for who in sides}
    finals = {
        who: {seed: final(one.curve, case.steps) for seed, one in of_seed.items()} for who, of_seed in learned.items()
    }
    played = {who: {seed: one.played for seed, one in of_seed.items()} for who, of_seed in learned.items()}
    return {
        **case._asdict(),
        "final": finals,
        "mean": {who: statistics.fmean(of_seed.values()) for who, of_seed in finals.items()},
        "played": played,
        "mean_played": {who: statistics.fmean(of_seed.values()) for who, of_seed in played.items()},
        "curves": {who: {seed: one.curve for seed, one in of_seed.items()} for who, of_seed in learned.items()},
    }


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    title = f"{result['algorithm']} on {result['environment']}: mean return after {result['steps']:,} learner steps"
    table = Table("by", *(f"seed {seed}" for seed in result["final"][OURS]), "mean", title=title)
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
        label = {OURS: result["algorithm"], THEIRS: "Stable-Baselines3"}[who]
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
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="trainings beside each other")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="of the trainings' results, to go on from")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw the curves into it")
    options = parser.parse_args()
    steps, seeds = (QUICK_STEPS, 1) if options.quick else (options.steps, options.seeds)
    if steps is None:
        steps = configuration_of(options.algorithm, options.environment)[0]["max_steps"]
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    case = Case(options.algorithm, options.environment, steps, options.areas)
    result = measure(case, seeds, options.library, options.at_once, options.keep)
    if options.figure:
        draw(result, options.figure)
    show(result, options.json, print_tables)


if __name__ == "__main__":
    main()
