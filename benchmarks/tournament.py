"""How many games a second does a tournament play, beside a plain loop over the same environment and models?

    python -m benchmarks.tournament --json [--quick]

The plain loop is what one writes first: one area, one game after another, and each agent's network asked by itself. The
tournament plays in many areas, and asks all networks of a message in one pass. Both go over the wire to the same build,
with the same untrained networks of config/trainer_config.yaml; both play each pair in both seatings, and take turns.
Starting the environment and loading the networks is not counted, and neither is the first second of either, in which
shapes are traced.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from mlagents.torch_utils import torch
from mlagents_envs.base_env import ActionTuple
from mlagents_selfplay.evaluation.environment import EnvironmentSettings, opened
from mlagents_selfplay.evaluation.matches import Fixture, roles_of, seats_of_first
from mlagents_selfplay.evaluation.networks import new_actor, trainer_settings
from mlagents_selfplay.evaluation.players import CONFIGURATION, Player, find
from mlagents_selfplay.evaluation.workers import Task, Worker
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings
from rich.console import Console
from rich.table import Table

from benchmarks._runs import ROOT, arguments, show

PLAYERS = 8
AREAS = {"RockPaperScissors": 64, "RoboSumoAntVsAnt": 32}  # of the tournament
WARM_UP = 1.0  # seconds
REPETITIONS = 3


def make_players(build: Path, folder: Path) -> list[Player]:
    """Writes a run with the untrained networks of the shipped configuration, and finds its players."""
    with opened(EnvironmentSettings(str(build), num_areas=1)) as environment:
        (role, *_), (spec, *_) = list(roles_of(environment).values()), list(environment.behavior_specs.values())
    shipped = yaml.safe_load((ROOT / "config" / "trainer_config.yaml").read_text(encoding="utf-8"))
    run = folder / build.name
    (run / role.behavior).mkdir(parents=True)
    block = {"behaviors": {role.behavior: shipped["behaviors"][role.behavior]}}
    (run / CONFIGURATION).write_text(yaml.safe_dump(block), encoding="utf-8")
    for number in range(PLAYERS):
        torch.manual_seed(number)
        actor = new_actor(trainer_settings(run, role.behavior), role.behavior, spec, False)
        for name in (f"{role.behavior}-{number}.pt", "checkpoint.pt"):
            torch.save({"Policy": actor.state_dict()}, run / role.behavior / name)
    return find([str(run)], PLAYERS)


def plain_loop(environment: Any, actors: Mapping[str, Any], fixtures: Iterable[Fixture]) -> Iterator[Fixture]:
    """Plays one game after another in the only area, and yields each when it is over."""
    roles = list(roles_of(environment))
    environment.reset()
    for fixture in fixtures:
        takes = seats_of_first(fixture.seating, len(roles))
        over = False
        while not over:
            for role, takes_first in zip(roles, takes, strict=True):
                asking, _ = environment.get_steps(role)
                actor = actors[fixture.first if takes_first else fixture.second]
                masks = asking.action_mask and torch.as_tensor(1.0 - np.concatenate(asking.action_mask, axis=1))
                with torch.no_grad():
                    seen = [torch.as_tensor(observation) for observation in asking.obs]
                    _, outputs, _ = actor.get_action_and_stats(seen, masks=masks)
                action = outputs["env_action"]
                environment.set_actions(role, ActionTuple(action.continuous, action.discrete))
            environment.step()
            over = any(len(environment.get_steps(role)[1]) for role in roles)
        yield fixture


def rate(played: Iterator[Any], seconds: float) -> float:
    """Returns games per second over some seconds, after the warm-up; games are counted when they end."""
    began = time.monotonic()
    first = count = 0
    start = began
    for count, _ in enumerate(played, start=1):  # noqa: B007
        now = time.monotonic()
        if now - began < WARM_UP or not first:
            first, start = count, now
        elif now - start > seconds:
            break
    return (count - first) / (time.monotonic() - start)


def measure(name: str, seconds: float, repetitions: int) -> dict[str, Any]:
    """Measures both ways to play in one environment."""
    build = ROOT / "gym_bridges" / "builds" / name
    with tempfile.TemporaryDirectory() as folder:
        players = make_players(build, Path(folder))
        pairs = itertools.combinations([player.name for player in players], 2)
        games = itertools.cycle([Fixture(*pair, seating) for pair in pairs for _ in range(5) for seating in (0, 1)])
        task = Task(EnvironmentSettings(str(build), num_areas=AREAS[name]), tuple(players), OutcomeSettings())
        with Worker(task) as worker, opened(EnvironmentSettings(str(build), num_areas=1, base_port=5105)) as alone:
            actors = _actors(players, alone)
            rates = [
                (rate(worker.play(games), seconds), rate(plain_loop(alone, actors, games), seconds))
                for _ in range(repetitions)
            ]
    tournament, plain = (sorted(column) for column in zip(*rates, strict=True))
    return {
        "areas": AREAS[name],
        "players": PLAYERS,
        "tournament_games_per_second": statistics.median(tournament),
        "plain_games_per_second": statistics.median(plain),
        "ratio": statistics.median(ours / theirs for ours, theirs in rates),
        "repetitions": rates,
    }


def _actors(players: Sequence[Player], environment: Any) -> dict[str, Any]:
    (role, *_), (spec, *_) = list(roles_of(environment).values()), list(environment.behavior_specs.values())
    actors = {}
    for player in players:
        assert player.run is not None
        actor = new_actor(trainer_settings(player.run, role.behavior), role.behavior, spec, False)
        actor.load_state_dict(torch.load(player.source(role.behavior), weights_only=True)["Policy"])
        actors[player.name] = actor
    return actors


def tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    table = Table("environment", "areas", "tournament, games/s", "plain loop, games/s", "ratio")
    for name, found in result["environments"].items():
        figures = [found[key] for key in ("tournament_games_per_second", "plain_games_per_second", "ratio")]
        table.add_row(name, str(found["areas"]), *(f"{figure:.1f}" for figure in figures))
    console.print(table)


def main() -> None:
    """Command line."""
    options = arguments(__doc__.splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    names, seconds, repetitions = (["RockPaperScissors"], 5.0, 1) if options.quick else (list(AREAS), 20.0, REPETITIONS)
    result = {"environments": {name: measure(name, seconds, repetitions) for name in names}}
    show(result, options.json, tables)


if __name__ == "__main__":
    main()
