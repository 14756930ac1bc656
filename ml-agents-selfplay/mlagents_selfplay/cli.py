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


def main() -> None:
    """Runs the command line."""
    app()


if __name__ == "__main__":
    main()
