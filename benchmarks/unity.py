"""Do the Unity project's arenas train and play as their Python twins do? Matches over the wire, in C# and in Python.

    python -m benchmarks.unity strength results/SUMO-RUN [--games 200] [--json]
    python -m benchmarks.unity transfer results/RPS-RUN [--games 1000] [--json]

`strength`: the last snapshot of a run in the sumo ring plays the initial policy in the C# arena, seats swapped in half
of the areas. `transfer`: the last snapshot of a run in rock-paper-scissors plays agents that always make the same move,
and one that makes any, in the C# arena and in the Python one, which are to agree within the intervals. The policies act
as in training, their exploration included. Every area plays the same number of matches, so that short ones do not count
more often. Both kinds of arena are started as `mlagents-learn` starts them; the C# one by mono, without Unity.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from mlagents.torch_utils import torch
from mlagents.trainers.torch_entities.networks import SimpleActor
from mlagents_envs.base_env import ActionTuple, BehaviorSpec, DecisionSteps
from mlagents_envs.environment import UnityEnvironment
from mlagents_envs.side_channel.incoming_message import IncomingMessage
from mlagents_envs.side_channel.outgoing_message import OutgoingMessage
from mlagents_envs.side_channel.side_channel import SideChannel
from mlagents_envs.side_channel.stats_side_channel import StatsSideChannel
from mlagents_selfplay.files import load_weights
from mlagents_selfplay.opponents import Decisions, SnapshotActors
from mlagents_selfplay.ports import free_ports
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings, seat_outcome
from rich.console import Console
from rich.table import Table

from benchmarks._actors import network_settings
from benchmarks._runs import ROOT, arguments, show

AREAS = 20
MOVES = ("rock", "paper", "scissors")
BUILDS = {"C#": ROOT / "unity-project" / "Tools~" / "builds", "Python": ROOT / "gym_bridges" / "builds"}

Player = Callable[[DecisionSteps], ActionTuple]
"""Decides for every row of a team."""


class SelfPlayChannel(SideChannel):
    """Tells the scene who plays a team, for its display; `SelfPlayChannel.cs` is the other end."""

    def __init__(self) -> None:
        super().__init__(uuid.UUID("3f6c1b52-6a0e-4d0c-9c5d-2f3e7a9b4d11"))

    def on_message_received(self, msg: IncomingMessage) -> None:
        """The scene says nothing."""

    def announce(self, team: int, player: str) -> None:
        """Says who plays `team` from now on."""
        message = OutgoingMessage()
        message.write_int32(team)
        message.write_string(player)
        self.queue_message_to_send(message)


class TrainedRun:
    """A finished self-play run of one behavior: its settings and its snapshots.

    Args:
      folder: `results/<run-id>`.
      behavior: the behavior's name.
    """

    def __init__(self, folder: Path, behavior: str) -> None:
        try:
            text = (folder / "configuration.yaml").read_text(encoding="utf-8")
            self._block = yaml.safe_load(text)["behaviors"][behavior]
        except (OSError, KeyError) as error:
            raise SystemExit(f"{folder}: no run of the behavior {behavior} ({error!r})") from error
        rule = self._block["hyperparameters"]
        self.outcome = OutcomeSettings(rule["outcome"], rule["win_above"], rule["loss_below"])
        snapshots = folder / behavior / "selfplay" / "snapshots"
        self._files = {int(file.stem): file for file in snapshots.glob("*.safetensors")}
        self.last_step = max(self._files)

    def player(self, step: int, spec: BehaviorSpec) -> Player:
        """Returns the snapshot of a learner step as a player."""
        actors = SnapshotActors(
            SimpleActor(spec.observation_specs, network_settings(self._block["network_settings"]), spec.action_spec), 1
        )
        actors.put(str(step), load_weights(self._files[step]), busy=set())

        def act(asked: DecisionSteps) -> ActionTuple:
            count = len(asked)
            masks = np.ones((count, sum(spec.action_spec.discrete_branches)), np.float32)
            ids = list(map(str, asked.agent_id))
            acted = actors.act([str(step)] * count, Decisions(list(asked.obs), masks, np.zeros((count, 0)), ids))
            return ActionTuple(acted.continuous, acted.discrete)

        return act


def fixed(move: int | None, rng: np.random.Generator) -> Player:
    """Returns a player of rock-paper-scissors that always makes one move; None draws each from `rng`."""

    def act(asked: DecisionSteps) -> ActionTuple:
        count = len(asked)
        moves = rng.integers(len(MOVES), size=count) if move is None else np.full(count, move)
        return ActionTuple(discrete=moves.astype(np.int32)[:, None])

    return act


@contextlib.contextmanager
def started(build: Path, channel: SelfPlayChannel) -> Iterator[UnityEnvironment]:
    """Starts a build with `AREAS` areas, and ends it."""
    channels = [channel, StatsSideChannel()]  # what has no channel would be a warning each time
    environment = UnityEnvironment(
        str(build), base_port=free_ports(), num_areas=AREAS, seed=0, side_channels=channels, no_graphics=True
    )
    try:
        environment.reset()
        yield environment
    finally:
        environment.close()


def play(environment: UnityEnvironment, one: Player, other: Player, games: int, rule: OutcomeSettings) -> np.ndarray:
    """Plays matches; in the areas of odd number the first player sits in team 1.

    Args:
      environment: has been reset, with two teams of one agent in each of `AREAS` areas.
      one: the first player.
      other: the second.
      games: matches, a multiple of `AREAS`.
      rule: turns rewards into outcomes.

    Returns:
      `[games]`, the outcomes of the first: win 1, draw 1/2, loss 0.
    """
    environment.reset()
    teams = sorted(environment.behavior_specs)
    first = [environment.get_steps(team)[0].agent_id for team in teams]
    areas = [dict(zip(ids.tolist(), range(AREAS), strict=True)) for ids in first]  # of the agents that are alive
    left = np.full(AREAS, games // AREAS)
    returns = np.zeros(AREAS)
    outcomes: list[float | None] = []
    while left.any():
        for team, name in enumerate(teams):
            asked = environment.get_steps(name)[0]
            environment.set_actions(name, _joined(asked, areas[team], team, one, other))
        environment.step()
        for team, name in enumerate(teams):
            asked, ended = environment.get_steps(name)
            over = [areas[team].pop(agent) for agent in ended.agent_id.tolist()]
            new = [agent for agent in asked.agent_id.tolist() if agent not in areas[team]]
            areas[team].update(zip(new, over, strict=True))  # a match that is over is followed by one in its area
            for area, reward in zip(over, ended.reward.tolist(), strict=True):
                if area % 2 == team:
                    if left[area]:
                        left[area] -= 1
                        outcomes.append(seat_outcome(reward, float(returns[area]) + reward, False, rule))
                    returns[area] = 0
            for agent, reward in zip(asked.agent_id.tolist(), asked.reward.tolist(), strict=True):
                if areas[team][agent] % 2 == team:
                    returns[areas[team][agent]] += reward
    return np.array(outcomes, float)


def _joined(asked: DecisionSteps, areas: Mapping[int, int], team: int, one: Player, other: Player) -> ActionTuple:
    """Lets each player decide for its rows of a team; both decide for all of them, as every row is cheap."""
    of_one = np.array([areas[agent] % 2 == team for agent in asked.agent_id.tolist()])[:, None]
    mine, theirs = one(asked), other(asked)
    return ActionTuple(
        np.where(of_one, mine.continuous, theirs.continuous), np.where(of_one, mine.discrete, theirs.discrete)
    )


def summary(outcomes: np.ndarray) -> dict[str, float]:
    """Returns the mean outcome, how far off it may be (95 %, normal approximation), and the number of games."""
    margin = 1.96 * float(outcomes.std(ddof=1)) / len(outcomes) ** 0.5
    return {"mean_outcome": float(outcomes.mean()), "margin": margin, "games": len(outcomes)}


def strength(folder: Path, games: int) -> dict[str, Any]:
    """Returns the outcome of the last snapshot against the initial policy in the C# sumo ring."""
    run, channel = TrainedRun(folder, "SumoRing"), SelfPlayChannel()
    channel.announce(0, f"snapshot {run.last_step}")
    channel.announce(1, "initial policy")
    with started(BUILDS["C#"] / "SumoRing", channel) as environment:
        spec = next(iter(environment.behavior_specs.values()))
        outcomes = play(environment, run.player(run.last_step, spec), run.player(0, spec), games, run.outcome)
    return {"SumoRing": {"C#": {f"snapshot {run.last_step} against the initial policy": summary(outcomes)}}}


def transfer(folder: Path, games: int) -> dict[str, Any]:
    """Returns the outcomes of the last snapshot against fixed agents, in the C# arena and in the Python one."""
    run, name = TrainedRun(folder, "RockPaperScissors"), "RockPaperScissors"
    found: dict[str, Any] = {}
    for language, builds in BUILDS.items():
        rng = np.random.default_rng(0)
        with started(builds / name, SelfPlayChannel()) as environment:
            spec = next(iter(environment.behavior_specs.values()))
            policy = run.player(run.last_step, spec)
            opponents = {f"always {what}": fixed(move, rng) for move, what in enumerate(MOVES)}
            opponents["any move"] = fixed(None, rng)
            found[language] = {
                f"snapshot {run.last_step} against {what}": summary(
                    play(environment, policy, opponent, games, run.outcome)
                )
                for what, opponent in opponents.items()
            }
    return {name: found}


def print_table(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    table = Table("game", "arena", "who", "mean outcome", "games")
    for game, arenas in result.items():
        for arena, pairs in arenas.items():
            for who, found in pairs.items():
                outcome = f"{found['mean_outcome']:.3f} ± {found['margin']:.3f}"
                table.add_row(game, arena, who, outcome, str(found["games"]))
    console.print(table)


def main() -> None:
    """Command line."""
    measures = {"strength": (strength, 200), "transfer": (transfer, 1000)}
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("measure", choices=measures)
    parser.add_argument("run", type=Path, help="folder of a run of SumoRing (strength) or RockPaperScissors (transfer)")
    parser.add_argument("--games", type=int, help=f"of each pair, a multiple of {AREAS}; 200 or 1000 if not given")
    options = parser.parse_args()
    measure, usual = measures[options.measure]
    games = AREAS if options.quick else options.games or usual
    if games % AREAS:
        parser.error(f"--games: {games} is not a multiple of {AREAS}")
    subprocess.run([sys.executable, ROOT / "tools" / "unity.py", "build"], check=True)
    torch.manual_seed(0)
    show(measure(options.run, games), options.json, print_table)


if __name__ == "__main__":
    main()
