"""What does a decision step cost with eight distinct opponents, where one opponent costs 1?

    python -m benchmarks.opponents [--json] [--quick]

64 agents ask the self-play policy for actions, all of them seats of snapshots (two layers of 64, 30 numbers observed).
Episodes last 10 steps and end staggered, so that in every step some agents are new and are dealt their opponents. In
every block of steps one snapshot is replaced by a newly loaded one. Blocks with one opponent and with eight take turns;
a block gives one mean, and the median of these counts. For comparison: ML-Agents' own policy deciding for all 64. The
unit is processor time, which other work on the machine disturbs less than the time on the wall.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from mlagents.torch_utils import torch
from mlagents.trainers.behavior_id_utils import get_global_agent_id
from mlagents.trainers.policy.torch_policy import TorchPolicy
from mlagents.trainers.settings import NetworkSettings
from mlagents.trainers.torch_entities.networks import SimpleActor
from mlagents_envs.base_env import (
    ActionSpec,
    BehaviorSpec,
    DecisionSteps,
    DimensionProperty,
    ObservationSpec,
    ObservationType,
)
from mlagents_selfplay.opponents import SnapshotActors
from mlagents_selfplay.policy import Players, SelfPlayPolicy
from mlagents_selfplay.selfplay.matches import CURRENT, Role
from mlagents_selfplay.selfplay.matchmaking import Draws, Entrant, Game
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks._runs import arguments, show

AGENTS = 64
OBSERVED = 30  # numbers
EPISODE = 10  # steps
SLOTS = 64  # snapshots in memory, as shipped
ACTIONS = {
    "discrete": ActionSpec.create_discrete((3,)),
    "continuous": ActionSpec.create_continuous(8),
}
LEARNING, PLAYED = Role("Benchmark", 0), Role("Benchmark", 1)
NETWORK = NetworkSettings(normalize=False, hidden_units=64, num_layers=2)


@dataclass(frozen=True)
class Budget:
    """Blocks of steps for each number of opponents, and steps in a block."""

    blocks: int = 200
    steps: int = 20
    warm_up_blocks: int = 10


QUICK = Budget(blocks=20, warm_up_blocks=5)


class Arena:
    """64 agents of team 1 whose episodes end staggered, each opposite the learner and played by a snapshot.

    Args:
      action_spec: what the agents do.
      opponents: distinct snapshots, at least 1.
      rng: deals opponents and observations; advanced by every step.
    """

    def __init__(self, action_spec: ActionSpec, opponents: int, rng: np.random.Generator) -> None:
        vector = ObservationSpec((OBSERVED,), (DimensionProperty.NONE,), ObservationType.DEFAULT, "vector")
        spec = BehaviorSpec([vector], action_spec)
        kwargs = {"conditional_sigma": False, "tanh_squash": False}
        self.learner = TorchPolicy(0, spec, NETWORK, SimpleActor, kwargs)
        self._snapshots = SnapshotActors(self.learner.actor, SLOTS)
        self._opponents = [str(step) for step in range(opponents)]
        for opponent in self._opponents:
            self._load(opponent)
        self._rng = rng
        self._game = Game()
        draws = Draws(1, self._any_opponent, lambda player: True)
        for role in (LEARNING, PLAYED):
            self._game.enter(role, Entrant(draws, lambda: True, lambda: 0, turn_length=10**9))
        players = Players(lambda: self.learner, self._snapshots, {})
        self.policy = SelfPlayPolicy(PLAYED, self._game, players, lambda: False)
        self._ids = np.arange(AGENTS, dtype=np.int32)
        self._ages = np.arange(AGENTS) % EPISODE  # steps
        self._seat_learners(self._ids)

    def swap(self) -> None:
        """Replaces the weights of one opponent by newly loaded ones."""
        self._load(self._any_opponent())

    def requests(self) -> DecisionSteps:
        """Returns what the agents see in this step."""
        observed = self._rng.standard_normal((AGENTS, OBSERVED)).astype(np.float32)
        masks = [np.zeros((AGENTS, n), dtype=bool) for n in self.learner.behavior_spec.action_spec.discrete_branches]
        nothing = np.zeros(AGENTS, dtype=np.float32)
        return DecisionSteps([observed], nothing, self._ids.copy(), masks or None, [0] * AGENTS, nothing)

    def players(self) -> set[str]:
        """Returns the snapshots that play now; seats are dealt at the first decision."""
        return self._game.players_on(LEARNING.behavior) - {CURRENT}

    def end_step(self) -> None:
        """Lets a step pass: some episodes end, and their agents return under new ids."""
        self._ages += 1
        over = self._ages == EPISODE
        self.policy.remove_previous_action([get_global_agent_id(0, agent) for agent in self._ids[over].tolist()])
        for agent in self._ids[over].tolist():
            self._game.end(_learners_seat(agent))
        self._game.discard(self._game.take_ended(LEARNING.behavior))
        self._ids[over] = self._ids.max() + 1 + np.arange(over.sum())
        self._ages[over] = 0
        self._seat_learners(self._ids[over])

    def _any_opponent(self) -> str:
        return self._opponents[int(self._rng.integers(len(self._opponents)))]

    def _seat_learners(self, opposite: np.ndarray) -> None:
        self._game.begin(0, LEARNING, [_learners_seat(agent) for agent in opposite.tolist()], [0] * len(opposite))

    def _load(self, opponent: str) -> None:
        own = self.learner.actor.state_dict()
        weights = {name: (value + 0.1 * torch.randn_like(value)).numpy() for name, value in own.items()}
        self._snapshots.put(opponent, weights, busy=set())


def _learners_seat(opposite: int) -> str:
    return f"learner-{opposite}"


def seconds_per_step(arena: Arena, decide: Callable[[DecisionSteps], object], steps: int) -> float:
    """Returns the processor time that one swap and `steps` decisions take, over `steps`. Moves the arena on."""
    begin = time.process_time()
    arena.swap()
    spent = time.process_time() - begin
    for _ in range(steps):
        requests = arena.requests()
        begin = time.process_time()
        decide(requests)
        spent += time.process_time() - begin
        arena.end_step()
    return spent / steps


def measure(action_spec: ActionSpec, budget: Budget) -> dict[str, float]:
    """Returns medians in microseconds per decision step with one opponent, with eight, and of ML-Agents' own policy."""
    one, eight = (Arena(action_spec, opponents, np.random.default_rng(0)) for opponents in (1, 8))
    alone = Arena(action_spec, 1, np.random.default_rng(0))
    sides = {
        "one_opponent_us": (one, one.policy.get_action),
        "eight_opponents_us": (eight, eight.policy.get_action),
        "mlagents_policy_us": (alone, alone.learner.get_action),
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for block in range(-budget.warm_up_blocks, budget.blocks):
        for name, (arena, decide) in sides.items():
            seconds = seconds_per_step(arena, decide, budget.steps)
            if block >= 0:
                times[name].append(seconds)
    medians = {name: statistics.median(values) * 1e6 for name, values in times.items()}
    return {**medians, "ratio_8_over_1": medians["eight_opponents_us"] / medians["one_opponent_us"]}


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    table = Table(
        "actions",
        "1 opponent",
        "8 opponents",
        "ML-Agents' policy",
        "8 / 1",
        title="Processor time per step, microseconds",
    )
    for name, figures in result["actions"].items():
        keys = ("one_opponent_us", "eight_opponents_us", "mlagents_policy_us")
        table.add_row(name, *(f"{figures[key]:.0f}" for key in keys), f"{figures['ratio_8_over_1']:.2f}")
    console.print(table)


def main() -> None:
    """Command line."""
    options = arguments(__doc__.splitlines()[0]).parse_args()
    budget = QUICK if options.quick else Budget()
    bar = track(ACTIONS.items(), "opponents", console=Console(stderr=True))
    figures = {name: measure(spec, budget) for name, spec in bar}
    worst = max(by["ratio_8_over_1"] for by in figures.values())
    show({"agents": AGENTS, "actions": figures, "ratio_8_over_1": worst}, options.json, print_tables)


if __name__ == "__main__":
    main()
