"""What does `mlagents-selfplay` do? It checks the installation and shows what runs have left."""

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


def main() -> None:
    """Runs the command line."""
    app()


if __name__ == "__main__":
    main()
