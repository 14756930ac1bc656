"""What do `evaluate`, `play` and `experiment` take? Their words, and who does the work."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

commands_of_games = typer.Typer()

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="PLAYER...",
        help="results/<run-id> (several of its snapshots), results/<run-id>@STEP, @initial or @last, FILE.onnx, "
        "FILE.pt, FILE.safetensors, python:module:factory, or random, still, rock, paper, scissors. "
        "NAME=PLAYER names one.",
    ),
]
Build = Annotated[str, typer.Option("--env", metavar="BUILD", help="The executable: a bridge or a Unity build.")]
EnvArgs = Annotated[str, typer.Option("--env-args", help="Words for the environment, in one pair of quotes.")]
Parameters = Annotated[
    list[str] | None, typer.Option("--parameter", metavar="NAME=VALUE", help="Environment parameter.")
]
Areas = Annotated[int, typer.Option(help="Areas that play at once in a process.", min=1)]
Games = Annotated[int, typer.Option(help="Games of each pair; half of them with seats swapped.", min=1)]
Deterministic = Annotated[bool, typer.Option(help="Networks take their likeliest action instead of a random one.")]
Seed = Annotated[int, typer.Option(help="Of the environment, of sampled actions and of scripts.", min=0)]
RuleName = Annotated[
    str | None, typer.Option("--outcome", help="last_reward or episode_return; else the run's own rule.")
]
WinAbove = Annotated[float | None, typer.Option(help="A score above it is a win.")]
LossBelow = Annotated[float | None, typer.Option(help="A score below it is a loss.")]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray", metavar="ADDRESS", help="Work on a Ray cluster: auto, HOST:PORT; local starts one on this machine."
    ),
]
BasePort = Annotated[int, typer.Option(help="First port to try.", min=1024, max=65535)]


@commands_of_games.command()
def evaluate(
    players: Sources,
    env: Build,
    games: Games = 100,
    snapshots: Annotated[int, typer.Option(help="Players of each run that is given as a folder.", min=2)] = 8,
    schedule: Annotated[str, typer.Option(help="all: every pair alike; widest: where it is least certain.")] = "all",
    deterministic: Deterministic = False,
    outcome: RuleName = None,
    win_above: WinAbove = None,
    loss_below: LossBelow = None,
    env_args: EnvArgs = "",
    parameter: Parameters = None,
    num_areas: Areas = 32,
    num_envs: Annotated[int, typer.Option(help="Processes that play at once.", min=1)] = 1,
    seed: Seed = 0,
    base_port: BasePort = 6005,
    exploitability: Annotated[
        str | None, typer.Option(metavar="ID", help="Environment of gym-bridge that computes it exactly.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the folder; else that of the first player.")] = None,
    results_dir: Annotated[Path, typer.Option(help="evaluations/<name> is made in it.")] = Path("results"),
    ray: Ray = None,
    force: Annotated[bool, typer.Option(help="Delete what is there, and begin anew.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let everybody play everybody: payoff matrix, ratings, equilibrium, cycles. The same command resumes it.

    Results stand in <results-dir>/evaluations/<name>; docs/evaluation.md says what each file holds.
    """
    from mlagents_selfplay.evaluation import commands, shown
    from mlagents_selfplay.evaluation.players import find
    from mlagents_selfplay.evaluation.tournament import TournamentSettings

    with _told("evaluate"):
        found = find(players, snapshots)
        rule = commands.Rule(outcome, win_above, loss_below).settle(found)
        environment = commands.environment_settings(env, env_args, parameter or [], num_areas, seed, base_port)
        settings = TournamentSettings(games, schedule, rule, deterministic, seed, num_envs, exploitability)
        folder = results_dir / "evaluations" / (name or found[0].name.partition("/")[0])
        content = commands.evaluate(folder, found, environment, settings, force, ray)
        shown.show(content, as_json, shown.tournament_tables)
        typer.echo(f"All of it: {folder}", err=True)


@commands_of_games.command()
def play(
    players: Sources,
    env: Annotated[
        str | None, typer.Option("--env", metavar="BUILD", help="The executable; else that of the first player's run.")
    ] = None,
    games: Annotated[int, typer.Option("--games", "--episodes", help="Games, half of them with seats swapped.")] = 100,
    deterministic: Deterministic = False,
    render: Annotated[bool, typer.Option("--render", help="Show the games in a window; for bridges.")] = False,
    record: Annotated[Path | None, typer.Option(help="Film the games, to a .mp4 or .gif; for bridges.")] = None,
    outcome: RuleName = None,
    win_above: WinAbove = None,
    loss_below: LossBelow = None,
    env_args: EnvArgs = "",
    parameter: Parameters = None,
    num_areas: Areas = 32,
    seed: Seed = 0,
    base_port: BasePort = 6005,
    as_json: AsJson = False,
) -> None:
    """Let two players meet, or see what each earns alone where there is one team. Nothing is written.

    One area (`--num-areas 1`, and always with --render or --record) also shows
    what the environment tells of its episodes, such as the share of successes.
    """
    import shlex

    from mlagents_selfplay.evaluation import commands, shown
    from mlagents_selfplay.evaluation.players import find
    from mlagents_selfplay.evaluation.workers import Task

    with _told("play"):
        found = find(players, 1)
        rule = commands.Rule(outcome, win_above, loss_below).settle(found)
        path, words = (env, "") if env is not None else commands.environment_of(found)
        watched = ["--render"] if render else ["--record", str(record.absolute())] if record else []
        words = " ".join([words, env_args, shlex.join(watched)])
        areas = 1 if watched else num_areas
        environment = commands.environment_settings(path, words, parameter or [], areas, seed, base_port)
        task = Task(environment, tuple(found), rule, deterministic, seed)
        shown.show(commands.play(found, task, games), as_json, shown.played_tables)


@commands_of_games.command()
def experiment(
    file: Annotated[Path | None, typer.Argument(help="YAML of an experiment, or of a study, which has arms.")] = None,
    environment: Annotated[str | None, typer.Option(help="Executable with two teams or more.")] = None,
    experiment_id: Annotated[str | None, typer.Option("--experiment_id", help="Names the folder.")] = None,
    number_of_runs: Annotated[int | None, typer.Option("--number_of_runs", help="How often all is repeated.")] = None,
    checkpoint_at_iterations: Annotated[
        str | None, typer.Option("--checkpoint_at_iterations", help="Learner steps of the benchmarks, comma between.")
    ] = None,
    benchmarking_episodes: Annotated[
        int | None, typer.Option("--benchmarking_episodes", help="Games of each pair in a benchmark.")
    ] = None,
    self_play_training_schemes: Annotated[
        str | None,
        typer.Option("--self_play_training_schemes", help="naive, half_history, full_history, last_quarter, ..."),
    ] = None,
    algorithms: Annotated[str | None, typer.Option(help="Trainer types: ppo, ...")] = None,
    fixed_agents: Annotated[
        str | None, typer.Option("--fixed_agents", help="Players that do not learn: rock, random, FILE.onnx, ...")
    ] = None,
    trainer_config: Annotated[str | None, typer.Option("--trainer_config", help="What the jobs are made from.")] = None,
    num_areas: Annotated[int | None, typer.Option(help="Areas that play at once.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the first run; each further one has the next.")] = None,
    base_port: Annotated[int | None, typer.Option(help="First port to try.")] = None,
    results_dir: Annotated[Path, typer.Option(help="experiments/<experiment_id> is made in it.")] = Path("results"),
    ray: Ray = None,
    force: Annotated[bool, typer.Option(help="Delete what is there, and begin anew.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train schemes x algorithms x runs, and let all play each other at every checkpoint. The same command resumes it.

    What is said here counts for more than the FILE; lists have commas between.
    The FILE of a study trains arms x games x seeds instead: see docs/evaluation.md.
    """
    from mlagents_selfplay.evaluation import commands, shown
    from mlagents_selfplay.evaluation.experiment_settings import read_settings
    from mlagents_selfplay.evaluation.study_settings import is_study, read_study

    def parts(text: str | None) -> list[str] | None:
        return None if text is None else [word for word in text.split(",") if word]

    with _told("experiment"):
        said = {
            "environment": environment,
            "experiment_id": experiment_id,
            "number_of_runs": number_of_runs,
            "checkpoint_at_iterations": commands.whole_numbers(parts(checkpoint_at_iterations)),
            "benchmarking_episodes": benchmarking_episodes,
            "self_play_training_schemes": parts(self_play_training_schemes),
            "algorithms": parts(algorithms),
            "fixed_agents": parts(fixed_agents),
            "trainer_config": trainer_config,
            "num_areas": num_areas,
            "seed": seed,
            "base_port": base_port,
        }
        if file is not None and is_study(file):
            study = read_study(file, said)
            folder = results_dir / "studies" / study.study
            shown.show(commands.run_study(folder, study, force, ray), as_json, shown.study_tables)
        else:
            settings = read_settings(file, said)
            folder = results_dir / "experiments" / settings.experiment_id
            results = commands.run_experiment(folder, settings, force, ray)
            shown.show(results, as_json, shown.experiment_tables)
        typer.echo(f"All of it: {folder}", err=True)


@contextlib.contextmanager
def _told(command: str) -> Iterator[None]:
    """Turns what can go wrong by no fault of the code into one line and an exit code."""
    from mlagents_selfplay.clusters import ClusterError
    from mlagents_selfplay.evaluation.errors import EvaluationError

    try:
        yield
    except (EvaluationError, ClusterError) as error:
        typer.echo(f"mlagents-selfplay {command}: {error}", err=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        typer.echo(f"mlagents-selfplay {command}: interrupted; what is done is kept.", err=True)
        raise typer.Exit(130) from None
