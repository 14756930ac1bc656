"""What do a snapshot and its checkpoint cost the thread that trains, and how long until both are on disk?

    python -m benchmarks.saving [--json] [--quick]

A self-play trainer without an environment takes a snapshot every 1,000 learner steps, with histories that are full, for
actors (and critics of the same size) up to 20 MB. Milliseconds: `held up` is what `advance` takes when a snapshot is
due, `on disk` until snapshot, state and checkpoint are synced, `loaded` a snapshot that is drawn and not in memory.
Medians, and the longest; the first of each case, which allocates, is left out.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from mlagents.plugins.trainer_type import register_trainer_plugins
from mlagents.trainers.behavior_id_utils import BehaviorIdentifiers
from mlagents.trainers.settings import TrainerSettings
from mlagents_envs.base_env import ActionSpec, BehaviorSpec, DimensionProperty, ObservationSpec, ObservationType
from mlagents_selfplay.trainer import SelfPlayTrainer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks._runs import arguments, shipped, show, with_selfplay

INTERVAL = 1_000  # learner steps
SEEN = 24
MEGABYTE = 1e6  # bytes


class Case(NamedTuple):
    """An actor of `layers` layers of `units`, and how many snapshots are kept."""

    units: int
    layers: int
    capacity: int


CASES = (Case(64, 2, 16), Case(64, 2, 256), Case(64, 2, 1024), Case(512, 3, 16), Case(1290, 4, 16))
QUICK = (Case(64, 2, 4), Case(512, 3, 4))


def trainer_of(case: Case, folder: Path) -> SelfPlayTrainer:
    """Returns a trainer that has begun a run."""
    block = with_selfplay(shipped(), history_capacity=case.capacity, snapshot_interval=INTERVAL, latest_ratio=0.0)
    block["max_steps"], block["checkpoint_interval"] = 10**9, 10**9
    block["network_settings"] = {"hidden_units": case.units, "num_layers": case.layers}
    settings = TrainerSettings.structure(block, TrainerSettings)
    trainer = SelfPlayTrainer("Game", 1, settings, True, False, 1, str(folder / "Game"))
    identifiers = BehaviorIdentifiers.from_name_behavior_id("Game?team=0")
    seen = [ObservationSpec((SEEN,), (DimensionProperty.NONE,), ObservationType.DEFAULT, "seen")]
    trainer.add_policy(identifiers, trainer.create_policy(identifiers, BehaviorSpec(seen, ActionSpec(0, (3,)))))
    return trainer


def measure(case: Case, repetitions: int, folder: Path) -> dict[str, Any]:
    """Returns bytes of a snapshot and milliseconds. Fills `folder`."""
    trainer = trainer_of(case, folder)
    held_up, on_disk = [], []
    for _ in range(case.capacity + 1 + repetitions):
        trainer.learner._increment_step(INTERVAL, trainer.learner.brain_name)  # noqa: SLF001
        began = time.perf_counter()
        trainer.advance()
        held_up.append(time.perf_counter() - began)
        trainer.folder.disk.wait()
        on_disk.append(time.perf_counter() - began)
    steps = trainer.roster.pool.history.steps
    loaded = [seconds_of(partial(trainer.roster.is_playable, str(step))) for step in steps[: repetitions + 1]]
    return {
        "snapshot_bytes": trainer.folder.snapshot_bytes(steps[-1]),
        "held_up": summary(held_up[-repetitions:]),
        "on_disk": summary(on_disk[-repetitions:]),
        "loaded": summary(loaded[1:]),
    }


def seconds_of(what: Callable[[], object]) -> float:
    """Returns how long something takes."""
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def summary(seconds: list[float]) -> dict[str, float]:
    """Returns median and longest, in milliseconds."""
    return {"median": 1e3 * median(seconds), "longest": 1e3 * max(seconds)}


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    table = Table("actor, MB", "snapshots kept", "held up, ms", "longest", "on disk, ms", "longest", "loaded, ms")
    for case in result["cases"]:
        times = [case[what][which] for what in ("held_up", "on_disk") for which in ("median", "longest")]
        cells = [f"{value:.1f}" for value in (*times, case["loaded"]["median"])]
        table.add_row(f"{case['snapshot_bytes'] / MEGABYTE:.2f}", str(case["capacity"]), *cells)
    console.print(table)


def main() -> None:
    """Command line."""
    options = arguments(__doc__.splitlines()[0]).parse_args()
    register_trainer_plugins()
    cases, repetitions = (QUICK, 3) if options.quick else (CASES, 15)
    found = []
    for case in track(cases, "saving", console=Console(stderr=True)):
        with tempfile.TemporaryDirectory() as folder:
            found.append({**case._asdict(), **measure(case, repetitions, Path(folder))})
    show({"cases": found}, options.json, print_tables)


if __name__ == "__main__":
    main()
