"""What does `gym-bridge` do? It lists, builds, plays and checks environments, and solves a small one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from gym_bridges import arguments, conformance, executable, registry
from gym_bridges.launch import launch

app = typer.Typer(
    help="Environments that look like Unity builds to mlagents-learn.", no_args_is_help=True, rich_markup_mode=None
)

EnvironmentId = Annotated[str, typer.Argument(metavar="ID", help="An environment, see `gym-bridge list`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

warnings.filterwarnings("ignore", message="pkg_resources is deprecated")  # pygame imports it; nobody can act on it

_FAR_PORT = 65535
_FOR_THE_ENVIRONMENT = {"allow_extra_args": True, "ignore_unknown_options": True}  # options that we do not know
_TRY = """
import sys
from gym_bridges import arguments, registry
try:
    arguments.parse(sys.argv[2:], registry.find(sys.argv[1]).settings)
except (KeyError, ValueError) as error:
    sys.exit(error.args[0])
"""


@app.command("list")
def list_environments(
    everything: Annotated[bool, typer.Option("--all", help="Name gymnasium's and PettingZoo's, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the environments that can be built, played and checked."""
    summaries = {environment_id: registry.find(environment_id).summary for environment_id in registry.ids()}
    summaries |= registry.families()
    if everything:
        from gym_bridges.envs import catalogue  # slow to load

        summaries |= dict.fromkeys(catalogue.atari_ids(), "Atari")
        summaries |= dict.fromkeys(catalogue.gymnasium_ids(), "gymnasium")
        summaries |= dict.fromkeys(catalogue.pettingzoo_ids(), "PettingZoo")
    if as_json:
        typer.echo(json.dumps(summaries, indent=2))
        return
    width = max(map(len, summaries))
    for environment_id, summary in summaries.items():
        typer.echo(f"{environment_id:{width}}  {summary}")


@app.command(context_settings=_FOR_THE_ENVIRONMENT)
def build(
    context: typer.Context,
    environment_id: EnvironmentId,
    path: Annotated[Path, typer.Argument(help="Where to write the executable.")],
    python: Annotated[Path, typer.Option(help="Interpreter to play it with; it must have this package.")] = Path(
        sys.executable
    ),
) -> None:
    """Write an executable that `mlagents-learn --env PATH` starts.

    Further options go to the environment, whenever it is started.
    """
    if not python.exists():
        raise typer.BadParameter(f"there is no interpreter {python}", param_hint="--python")
    if python == Path(sys.executable):
        _settings(environment_id, context.args)
    else:
        _try_in(python, environment_id, context.args)
    try:
        written = executable.write([environment_id, *context.args], path, python)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="PATH") from error
    typer.echo(f"mlagents-learn YOUR.yaml --env {written} --run-id NAME")


@app.command(context_settings=_FOR_THE_ENVIRONMENT)
def play(
    context: typer.Context,
    environment_id: EnvironmentId,
    port: Annotated[int, typer.Option(help="Where mlagents-learn listens.", min=1, max=_FAR_PORT)] = (
        arguments.EDITOR_PORT
    ),
) -> None:
    """Play with a trainer that was started without `--env`, as the Editor's Play button does.

    Further options go to the environment, for example `--rounds 5`.
    """
    _entry(environment_id)
    typer.echo(f"Waiting for mlagents-learn (without --env) on port {port}; Ctrl-C ends this.", err=True)
    try:
        status = launch(environment_id, ["--mlagents-port", str(port), *context.args], listen_seconds=None)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(int(status))


@app.command(context_settings=_FOR_THE_ENVIRONMENT)
def check(
    context: typer.Context,
    environment_id: EnvironmentId,
    num_areas: Annotated[int, typer.Option(help="Copies of the environment in the process.", min=1)] = 3,
    num_steps: Annotated[int, typer.Option(help="Steps to play; an episode should fit in.", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="For the environment and for the random actions.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Play random actions and report everything that a trainer could stumble over.

    Further options go to the environment.
    """
    entry = _entry(environment_id)
    settings = _settings(environment_id, context.args)
    rng = np.random.default_rng(seed)
    try:
        complaints = conformance.check(lambda: entry.make(settings, num_areas), seed=seed, rng=rng, num_steps=num_steps)
    except (RuntimeError, TimeoutError, ValueError) as error:  # it cannot be built, or does not survive
        complaints = [str(error)]
    if as_json:
        typer.echo(json.dumps({"environment": environment_id, "complaints": complaints}, indent=2))
    else:
        for complaint in complaints:
            typer.echo(f"{environment_id}: {complaint}")
        if not complaints:
            typer.echo(f"{environment_id} conforms: {num_areas} areas, {num_steps} steps.")
    raise typer.Exit(1 if complaints else 0)


@app.command(context_settings=_FOR_THE_ENVIRONMENT)
def exploitability(
    context: typer.Context,
    environment_id: EnvironmentId,
    observations: Annotated[
        Path | None, typer.Option(help="Write here what a player can see, `observations` [states, numbers] (.npz).")
    ] = None,
    policies: Annotated[
        Path | None, typer.Option(help="Read here what players do: by name, [states, actions] chances (.npz).")
    ] = None,
) -> None:
    """Say what a perfect opponent gains per round against each policy, exactly: JSON, by name.

    Further options go to the environment. Only small games can be solved: RockPaperScissors.
    """
    from gym_bridges.envs import rock_paper_scissors, rps_exploitability

    settings = _settings(environment_id, context.args)
    if not isinstance(settings, rock_paper_scissors.RockPaperScissorsSettings):
        raise typer.BadParameter(f"{environment_id} is not solved here, RockPaperScissors is", param_hint="ID")
    if observations is not None:
        np.savez(observations, observations=rps_exploitability.observations(settings.recall))
    if policies is None:
        return
    try:
        with np.load(policies, allow_pickle=False) as tables:
            figures = {
                name: rps_exploitability.exploitability(tables[name], rounds=settings.rounds, payoff=settings.payoff())
                for name in tables
            }
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{policies}: {error}", param_hint="--policies") from error
    typer.echo(json.dumps(figures))


def _entry(environment_id: str) -> registry.Entry:
    try:
        return registry.find(environment_id)
    except KeyError as error:
        raise typer.BadParameter(error.args[0], param_hint="ID") from error


def _settings(environment_id: str, words: list[str]) -> Any:
    """Returns the options that the environment reads in `words`."""
    try:
        return arguments.parse(words, _entry(environment_id).settings).settings
    except arguments.ArgumentError as error:
        raise typer.BadParameter(str(error)) from error


def _try_in(python: Path, environment_id: str, words: list[str]) -> None:
    """Lets another interpreter look for the environment and read its options, as the build will."""
    folders = os.pathsep.join([*executable.search_path(environment_id), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [python, "-c", _TRY, environment_id, *words],
        env={**os.environ, "PYTHONPATH": folders.rstrip(os.pathsep)},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        last_line = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise typer.BadParameter(f"{python} cannot play {environment_id}: {last_line}", param_hint="--python")


def main() -> None:
    """Runs the command line; modules are looked for in the present folder, too, as `python -m` does."""
    sys.path.insert(0, "")
    app()


if __name__ == "__main__":
    main()
