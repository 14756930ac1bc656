"""What does `mlagents-selfplay` do? It checks the installation and shows what a run has kept."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Self-play for ML-Agents. Training itself is started by mlagents-learn.",
    no_args_is_help=True,
    add_completion=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

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

    from mlagents_selfplay.report import report
    from mlagents_selfplay.results import NoSuchRun
    from mlagents_selfplay.store import DamagedFile
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
    seeds: Annotated[int, typer.Option(help="Runs, with seeds 1, 2, ... one after another.", min=1)] = 1,
    selfplay: Annotated[bool, typer.Option("--selfplay", help="Against frozen snapshots of itself.")] = False,
    hindsight: Annotated[
        bool, typer.Option("--hindsight", help="Also learn from goals that were reached by chance.")
    ] = False,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting, such as learning_rate=1e-3.")
    ] = None,
    num_areas: Annotated[int, typer.Option(help="Copies of the environment in its process.", min=1)] = 8,
    name: Annotated[str | None, typer.Option(help="Of the run; else <algorithm>-<environment>.")] = None,
    results_dir: Annotated[Path, typer.Option(help="Runs are folders in it.")] = Path("results"),
    force: Annotated[bool, typer.Option("--force", help="Delete a run of the same name.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run of the same name was.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train in one line: write the YAML, run mlagents-learn on it, and say where the model is."""
    from mlagents_selfplay.recipes import Order, RecipeError, block_for
    from mlagents_selfplay.training import Run, TrainingError, build_of, train_all

    order = Order(algorithm, steps, selfplay, hindsight, changes or [])
    flags = [flag for flag, given in (("--force", force), ("--resume", resume)) if given]
    try:
        block = block_for(order)
        build = build_of(environment, results_dir / "builds")
        base = name or f"{algorithm}-{Path(environment).name}"
        names = [base] if seeds == 1 else [f"{base}-{seed}" for seed in range(1, seeds + 1)]
        runs = [Run(each, results_dir, build, block, seed, num_areas, flags) for seed, each in enumerate(names, 1)]
        results = train_all(runs)
    except (RecipeError, TrainingError) as error:
        typer.echo(f"mlagents-selfplay train: {error}", err=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        typer.echo("mlagents-selfplay train: interrupted; --resume goes on.", err=True)
        raise typer.Exit(130) from None
    if as_json:
        typer.echo(json.dumps({"runs": [asdict(result) for result in results]}, indent=2))
        return
    for run, result in zip(runs, results, strict=True):
        for behavior, rewards in result.rewards.items():
            typer.echo(f"{behavior}, seed {result.seed}: mean reward {rewards[-1][1]:.2f} at step {rewards[-1][0]}")
        typer.echo(f"settings {run.config}, model {', '.join(result.models.values())}")


def main() -> None:
    """Runs the command line."""
    app()


if __name__ == "__main__":
    main()
