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


@app.command()
def population(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="Such as config/population.yaml.")],
    run_id: Annotated[str, typer.Option(help="Name of the population's folder in the results.")] = "population",
    results_dir: Annotated[Path, typer.Option(help="Where results are written.")] = Path("results"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a population that was interrupted.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a population of that name.")] = False,
    address: Annotated[
        str | None, typer.Option(help="Address of a Ray cluster; without it, Ray is started on this machine.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train several learners at once that meet each other, on Ray; the better ones pass on what they are."""
    try:
        from mlagents_selfplay.population.command import table, train
    except ModuleNotFoundError as error:
        typer.echo(f"mlagents-selfplay population: {error}; pip install 'mlagents-selfplay[population]'", err=True)
        raise typer.Exit(2) from error
    from rich.console import Console

    from mlagents_selfplay.population.cluster import ClusterError
    from mlagents_selfplay.population.member import MemberFailed
    from mlagents_selfplay.population.settings import SettingsError, read_settings
    from mlagents_selfplay.store import DamagedFile

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
