"""How fast does self-play learn, beside the self-play that ships with ML-Agents?

    python -m benchmarks.throughput [--json] [--quick]

Learner steps per second of `mlagents-learn`: rock-paper-scissors, 32 areas, with the shipped PPO settings (two layers
of 64, batches of 256, buffers of 4,096, 3 epochs), one and two environment processes; RoboSumo, ant against ant, 16
areas, with its shipped settings; a ball game seen in pictures of 84 x 84 (`rally.py`), 16 areas; and
rock-paper-scissors with a memory (64 numbers, sequences of 16). The trainers take
turns within each repetition and share its seed; the ratio is the median of the ratios within a repetition, which a busy
machine moves less than the speeds. The clock runs from the first TensorBoard summary to the last: start-up and final
export are left out, PPO's updates are in.

Ours is measured three times: over the wire without mirror matches, where each match teaches one seat as under
GhostTrainer; over the wire with them, where both seats of a mirror match teach; and as shipped, where the bridge plays
whole rollouts by itself.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks._runs import BUILD, Block, Watch, arguments, as_ghost, shipped, show, with_selfplay
from gym_bridges import executable

GHOST, ALONE, WIRE, DEFAULTS = "ghost", "wire_without_mirror", "wire", "ours"
REPETITIONS = 3


@dataclass(frozen=True)
class Workload:
    """What is trained: `max_steps` learner steps, of which the first `summary_freq` go by before the clock starts."""

    block: Block
    build: Path = BUILD
    num_areas: int = 32
    num_envs: int = 1
    max_steps: int = 30_000
    summary_freq: int = 5_000


def rally_block() -> Block:
    """Returns settings for pictures: the shipped ones of rock-paper-scissors, with what images need."""
    block = shipped()
    block["network_settings"] = {"normalize": False, "hidden_units": 128, "num_layers": 1, "vis_encode_type": "simple"}
    block["hyperparameters"]["learner_hyperparameters"].update(batch_size=256, buffer_size=2048, num_epoch=3)
    return block


def block_with_memory() -> Block:
    """Returns the shipped settings of rock-paper-scissors for a network with a memory."""
    block = shipped()
    block["network_settings"]["memory"] = {"memory_size": 64, "sequence_length": 16}
    return block


def workloads(folder: Path, quick: bool) -> dict[str, Workload]:
    """Returns what is measured, by name; writes a build into `folder`."""
    if quick:
        return {"rps": Workload(shipped(), max_steps=16_000, summary_freq=4_000)}
    rally = executable.write(["benchmarks.rally:Rally"], folder / "Rally", Path(sys.executable))
    robots = BUILD.with_name("RoboSumoAntVsAnt")
    return {
        "rps": Workload(shipped()),
        "rps_2_processes": Workload(shipped(), num_envs=2),
        "robosumo": Workload(shipped("RoboSumoAnt"), robots, num_areas=16, max_steps=60_000, summary_freq=20_000),
        "pictures": Workload(rally_block(), rally, num_areas=16, max_steps=10_000, summary_freq=2_500),
        "memory": Workload(block_with_memory(), max_steps=20_000),
    }


def variants(workload: Workload) -> dict[str, Block]:
    """Returns the configurations that take turns, by name."""
    base = {**workload.block, "max_steps": workload.max_steps, "summary_freq": workload.summary_freq}
    return {
        GHOST: as_ghost(base),
        ALONE: with_selfplay(base, latest_ratio=0.0, learn_from_mirror_matches=False, rollouts="wire"),
        WIRE: with_selfplay(base, rollouts="wire"),
        DEFAULTS: base,
    }


def measure(measured: Mapping[str, Workload], repetitions: int, folder: Path) -> dict[str, Any]:
    """Returns medians of steps per second and of the ratios to GhostTrainer, by workload. Fills `folder` with runs."""
    blocks = {name: variants(workload) for name, workload in measured.items()}
    speeds: dict[str, dict[str, list[float]]] = {name: {v: [] for v in blocks[name]} for name in measured}
    total = repetitions * sum(len(blocks[name]) * workload.max_steps for name, workload in measured.items())
    with Watch(total) as watch:
        for repetition in range(repetitions):
            for name, workload in measured.items():
                for variant, block in blocks[name].items():
                    run = watch.train(
                        f"{name}: {variant}",
                        block,
                        folder / f"{name}-{variant}-{repetition}",
                        seed=repetition,
                        build=workload.build,
                        num_areas=workload.num_areas,
                        num_envs=workload.num_envs,
                    )
                    speeds[name][variant].append(run.steps_per_second())
    return {
        "ratio_vs_ghost": {w: _median_ratio(by[DEFAULTS], by[GHOST]) for w, by in speeds.items()},
        "ratio_vs_ghost_on_the_wire": {w: _median_ratio(by[WIRE], by[GHOST]) for w, by in speeds.items()},
        "ratio_vs_ghost_without_mirror": {w: _median_ratio(by[ALONE], by[GHOST]) for w, by in speeds.items()},
        "steps_per_second": {w: {v: statistics.median(s) for v, s in by.items()} for w, by in speeds.items()},
        "repetitions": speeds,
    }


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    table = Table("workload", "trainer", "learner steps/s", "ratio to GhostTrainer")
    for workload, speeds in result["steps_per_second"].items():
        table.add_row(workload, GHOST, f"{speeds[GHOST]:.0f}", "1")
        for name, key in ((ALONE, "_without_mirror"), (WIRE, "_on_the_wire"), (DEFAULTS, "")):
            table.add_row("", name, f"{speeds[name]:.0f}", f"{result['ratio_vs_ghost' + key][workload]:.2f}")
    console.print(table)


def _median_ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(own / other for own, other in zip(ours, theirs, strict=True))


def main() -> None:
    """Command line."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument(
        "--only", nargs="+", metavar="WORKLOAD", help="of rps, rps_2_processes, robosumo, pictures, memory"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        known = workloads(Path(folder), options.quick)
        unknown = set(options.only or ()) - set(known)
        if unknown:
            parser.error(f"--only: {', '.join(sorted(unknown))} is not one of {', '.join(known)}")
        chosen = {name: known[name] for name in options.only or known}
        result = measure(chosen, 1 if options.quick else REPETITIONS, Path(folder))
    show(result, options.json, print_tables)


if __name__ == "__main__":
    main()
