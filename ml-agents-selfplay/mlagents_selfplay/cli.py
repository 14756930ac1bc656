"""What does `mlagents-selfplay` do? Each command, its words, and who does the work."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mlagents_selfplay.cli_games import AsJson, commands_of_games

app = typer.Typer(
    help="Self-play for ML-Agents. Training itself is started by mlagents-learn.",
    no_args_is_help=True,
    add_completion=False,
)

app.add_typer(commands_of_games)

warnings.filterwarnings("ignore", message="pkg_resources is deprecated")  # ML-Agents imports it; nobody can act on it

# Each command imports what it needs itself: `history` must not wait for torch.


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say whether everything that training needs is there, and if not, what to do. Fails if something is broken."""
    from mlagents_selfplay.doctor import BROKEN, examine

    findings = examine()
    healthy = not any(finding.level == BROKEN for finding in findings)
    if as_json:
        typer.echo(json.dumps({"healthy": healthy, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        for finding in findings:
            typer.echo(finding.line())
    raise typer.Exit(0 if healthy else 1)


@app.command()
def history(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="results/<run-id>, or a behavior's folder in it.")],
    as_json: AsJson = False,
) -> None:
    """Show the snapshots that a run has kept, their ratings, and how the learner fares against its past."""
    from rich.console import Console

    from mlagents_selfplay.files import DamagedFile
    from mlagents_selfplay.report import report
    from mlagents_selfplay.results import NoSuchRun
    from mlagents_selfplay.tables import tables

    try:
        reports = report(run)
    except (NoSuchRun, DamagedFile) as error:
        typer.echo(f"mlagents-selfplay history: {error}", err=True)
        raise typer.Exit(2) from error
    if as_json:
        behaviors = {behavior.behavior: asdict(behavior) for behavior in reports}
        typer.echo(json.dumps({"run": str(run), "behaviors": behaviors}, indent=2))
        return
    console = Console()
    for behavior in reports:
        for part in tables(behavior):
            console.print(part)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """Name the algorithms that `train` knows, and the environments (all of them: `gym-bridge list --all`)."""
    import subprocess

    from mlagents_selfplay.recipes import algorithms
    from mlagents_selfplay.training import beside_python

    asked = [str(beside_python("gym-bridge")), "list", "--json"]
    environments = json.loads(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
    if as_json:
        typer.echo(json.dumps({"algorithms": algorithms(), "environments": environments}, indent=2))
        return
    typer.echo("Algorithms: " + ", ".join(algorithms()))
    typer.echo("Environments:")
    for name, summary in environments.items():
        typer.echo(f"  {name:{max(map(len, environments))}}  {summary}")


@app.command()
def train(
    algorithm: Annotated[str, typer.Argument(help="See `mlagents-selfplay list`.")],
    environment: Annotated[str, typer.Argument(help="An id that gym-bridge knows, or the path of a build.")],
    steps: Annotated[int, typer.Option(help="Learner steps.", min=1)] = 100_000,
    seeds: Annotated[int, typer.Option(help="Runs one after another, each with the next seed.", min=1)] = 1,
    selfplay: Annotated[bool, typer.Option("--selfplay", help="Against frozen snapshots of itself.")] = False,
    hindsight: Annotated[
        bool, typer.Option("--hindsight", help="Also learn from goals that were reached by chance.")
    ] = False,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting, such as learning_rate=1e-3.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the first run.", min=0)] = 1,
    num_areas: Annotated[int, typer.Option(help="Copies of the environment in its process.", min=1)] = 8,
    name: Annotated[str | None, typer.Option(help="Of the run; else <algorithm>-<environment>.")] = None,
    results_dir: Annotated[Path, typer.Option(help="Runs are folders in it.")] = Path("results"),
    force: Annotated[bool, typer.Option("--force", help="Delete a run of the same name.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run of the same name was.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train in one line: write the YAML, run mlagents-learn on it, and say where the model is."""
    from mlagents_selfplay.recipes import Order, RecipeError, block_for
    from mlagents_selfplay.training import Training, TrainingError, build_of, train_all

    order = Order(algorithm, steps, selfplay, hindsight, changes or [])
    flags = tuple(flag for flag, given in (("--force", force), ("--resume", resume)) if given)
    try:
        config = {"default_settings": block_for(order)}
        build = str(build_of(environment, results_dir / "builds"))
        base = name or f"{algorithm}-{Path(environment).name}"
        trainings = [
            Training(
                results_dir / (base if seeds == 1 else f"{base}-{each}"),
                config,
                build,
                seed=each,
                num_areas=num_areas,
                flags=flags,
            )
            for each in range(seed, seed + seeds)
        ]
        results = train_all(trainings, steps)
    except (RecipeError, TrainingError) as error:
        typer.echo(f"mlagents-selfplay train: {error}", err=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        typer.echo("mlagents-selfplay train: interrupted; --resume goes on.", err=True)
        raise typer.Exit(130) from None
    if as_json:
        typer.echo(json.dumps({"runs": [asdict(result) for result in results]}, indent=2))
        return
    for training, result in zip(trainings, results, strict=True):
        for behavior, rewards in result.rewards.items():
            typer.echo(f"{behavior}, seed {result.seed}: mean reward {rewards[-1][1]:.2f} at step {rewards[-1][0]}")
        typer.echo(f"settings {training.config_file}, model {', '.join(result.models.values())}")


@app.command()
def dashboard(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Folder of the runs.")] = Path("results"),
    host: Annotated[str, typer.Option(help="Address to listen on; by default, this machine only.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 5000,
) -> None:
    """Show the runs in a browser, follow those in progress, start and stop others."""
    try:
        from mlagents_selfplay.dashboard.app import serve
    except ImportError as error:
        typer.echo(f"mlagents-selfplay dashboard: {error}. Install the extra [dashboard] of this project.", err=True)
        raise typer.Exit(2) from error
    try:
        serve(results, host, port, typer.echo)
    except OSError as error:
        typer.echo(f"mlagents-selfplay dashboard: {host}:{port}: {error.strerror or error}. Try --port.", err=True)
        raise typer.Exit(2) from error


@app.command()
def population(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="Such as config/population.yaml.")],
    run_id: Annotated[str, typer.Option(help="Name of the population's folder in the results.")] = "population",
    results_dir: Annotated[Path, typer.Option(help="Where results are written.")] = Path("results"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a population that was interrupted.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a population of that name.")] = False,
    address: Annotated[
        str, typer.Option(help="Of a Ray cluster: auto, HOST:PORT; local starts one on this machine.")
    ] = "local",
    as_json: AsJson = False,
) -> None:
    """Train several learners at once that meet each other, on Ray; the better ones pass on what they are."""
    from rich.console import Console

    from mlagents_selfplay.clusters import ClusterError
    from mlagents_selfplay.files import DamagedFile
    from mlagents_selfplay.population.command import table, train
    from mlagents_selfplay.population.member import MemberFailed
    from mlagents_selfplay.population.settings import SettingsError, read_settings

    try:
        folder = results_dir / run_id
        standings = train(config, folder, resume=resume, force=force, address=address, quiet=as_json)
    except (SettingsError, ClusterError, MemberFailed, DamagedFile) as error:
        typer.echo(f"mlagents-selfplay population: {getattr(error, 'cause', error)}", err=True)  # Ray wraps it
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps({"population": str(folder), "members": standings}, indent=2))
    else:
        Console().print(table(standings, read_settings(config)))


def main() -> None:
    """Runs the command line."""
    app()


if __name__ == "__main__":
    main()
