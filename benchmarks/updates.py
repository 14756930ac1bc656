"""How many updates a second does a learner from replay make, beside Stable-Baselines3's of the same kind?

    python -m benchmarks.updates [--json] [--quick]

Both draw a batch of 256 from a replay of 20,000 random transitions (24 numbers seen, 4 choices or 4 torques) and change
networks of two layers of 256, the same on both sides: with ML-Agents' activation (Swish, which others call SiLU). They
take turns, on one thread; time is that of the processor, so that other work on the machine matters less. `ratio` is the
median over the turns of our updates per second by theirs. `dqn` has what the library's DQN has: uniform replay, one
step, no double, no duelling; `dqn, everything` has all of it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from mlagents.plugins.trainer_type import register_trainer_plugins
from mlagents.torch_utils import torch
from mlagents.trainers.behavior_id_utils import BehaviorIdentifiers
from mlagents.trainers.settings import TrainerSettings
from mlagents_envs.base_env import ActionSpec, BehaviorSpec, DimensionProperty, ObservationSpec, ObservationType
from mlagents_selfplay.algorithms.off_policy import OffPolicyLearner
from mlagents_selfplay.algorithms.replay import Piece
from mlagents_selfplay.plugin import TRAINERS
from rich.console import Console
from rich.table import Table

from benchmarks._runs import arguments, show

SEEN, ACTIONS, BATCH, HIDDEN, LAYERS, ROWS = 24, 4, 256, 256, 2, 20_000
PIECE = 100  # steps
WARM_UP = 10  # updates


class Case(NamedTuple):
    """What is measured beside what."""

    kind: str
    library: str
    hyperparameters: dict[str, Any]
    is_discrete: bool = False


PLAIN_DQN = {
    "double": False,
    "duelling": False,
    "priority_exponent": 0.0,
    "tau": 1.0,
    "target_update_interval": 10_000,  # as in the library, and so rarely that neither side's time shows it
}
CASES = {
    "dqn": Case("dqn", "DQN", PLAIN_DQN, is_discrete=True),
    "dqn, everything": Case("dqn", "DQN", {"n_step": 3}, is_discrete=True),
    "ddpg": Case("ddpg", "DDPG", {}),
    "td3": Case("td3", "TD3", {}),
    "fast_sac": Case("fast_sac", "SAC", {}),
}


class Budget(NamedTuple):
    """How often they take turns, and updates in a turn."""

    turns: int = 7
    updates: int = 200


QUICK = Budget(3, 30)


class Nowhere(gymnasium.Env[Any, Any]):
    """Has the spaces that the library asks for."""

    def __init__(self, is_discrete: bool) -> None:
        self.observation_space = gymnasium.spaces.Box(-1, 1, (SEEN,))
        numbers = gymnasium.spaces.Box(-1, 1, (ACTIONS,))
        self.action_space = gymnasium.spaces.Discrete(ACTIONS) if is_discrete else numbers


def ours(case: Case, folder: Path) -> Callable[[int], None]:
    """Returns what makes a number of updates with a learner of this project."""
    settings = TrainerSettings.structure(
        {
            "trainer_type": case.kind,
            "hyperparameters": {"batch_size": BATCH, "buffer_size": 2 * ROWS, **case.hyperparameters},
            "network_settings": {"hidden_units": HIDDEN, "num_layers": LAYERS},
            "time_horizon": PIECE,
        },
        TrainerSettings,
    )
    seen = ObservationSpec((SEEN,), (DimensionProperty.NONE,), ObservationType.DEFAULT, "numbers")
    actions = ActionSpec(0, (ACTIONS,)) if case.is_discrete else ActionSpec(ACTIONS, ())
    trainer: OffPolicyLearner = TRAINERS[case.kind][0]("Nobody", 1, settings, True, False, 0, str(folder))
    identifiers = BehaviorIdentifiers.from_name_behavior_id("Nobody?team=0")
    trainer.add_policy(identifiers, trainer.create_policy(identifiers, BehaviorSpec([seen], actions)))
    rng = np.random.default_rng(0)
    for episode in range(ROWS // PIECE):
        trainer.replay.add(
            Piece(
                (rng.uniform(-1, 1, (PIECE + 1, SEEN)).astype(np.float32),),
                rng.uniform(-1, 1, (PIECE, actions.continuous_size)).astype(np.float32),
                rng.integers(0, ACTIONS, (PIECE, actions.discrete_size)).astype(np.int32),
                np.ones((PIECE, sum(actions.discrete_branches)), bool),
                rng.normal(size=PIECE).astype(np.float32),
                True,
                episode,
                0,
            )
        )

    def update(count: int) -> None:
        for _ in range(count):
            trainer.learn_once()

    return update


def theirs(case: Case) -> Callable[[int], None]:
    """Returns what makes a number of updates with the library's learner."""
    import stable_baselines3
    from stable_baselines3.common.logger import configure

    kind: Any = getattr(stable_baselines3, case.library)
    model = kind(
        "MlpPolicy",
        Nowhere(case.is_discrete),
        buffer_size=2 * ROWS,
        batch_size=BATCH,
        policy_kwargs={"net_arch": [HIDDEN] * LAYERS, "activation_fn": torch.nn.SiLU},
        device="cpu",
        seed=0,
    )
    model.set_logger(configure(None, []))
    rng = np.random.default_rng(0)
    for _ in range(ROWS):
        now, then = rng.uniform(-1, 1, (2, 1, SEEN)).astype(np.float32)
        action = rng.integers(0, ACTIONS, (1, 1)) if case.is_discrete else rng.uniform(-1, 1, (1, ACTIONS))
        model.replay_buffer.add(now, then, action, rng.normal(size=1), np.zeros(1), [{}])
    return lambda count: model.train(gradient_steps=count, batch_size=BATCH)


def speed(update: Callable[[int], None], updates: int) -> float:
    """Returns updates per second of processor time."""
    begin = time.process_time()
    update(updates)
    return updates / (time.process_time() - begin)


def measure(budget: Budget) -> dict[str, Any]:
    """Returns median speeds and ratios by learner."""
    register_trainer_plugins()
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    for name, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            pair = (ours(case, Path(folder)), theirs(case))
            for update in pair:
                update(WARM_UP)
            speeds = [[speed(update, budget.updates) for update in pair] for _ in range(budget.turns)]
        found[name] = {
            "ours": statistics.median(own for own, _ in speeds),
            "stable_baselines3": statistics.median(other for _, other in speeds),
            "ratio": statistics.median(own / other for own, other in speeds),
        }
    return {"batch": BATCH, "hidden_units": HIDDEN, "layers": LAYERS, "updates_per_second": found}


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    table = Table("learner", "ours", "Stable-Baselines3", "ratio", title="Updates per second of one thread")
    for name, figures in result["updates_per_second"].items():
        cells = (f"{figures[key]:.{digits}f}" for key, digits in (("ours", 0), ("stable_baselines3", 0), ("ratio", 2)))
        table.add_row(name, *cells)
    console.print(table)


def main() -> None:
    """Command line."""
    options = arguments(__doc__.splitlines()[0]).parse_args()
    show(measure(QUICK if options.quick else Budget()), options.json, print_tables)


if __name__ == "__main__":
    main()
