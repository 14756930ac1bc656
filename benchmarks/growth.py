"""Does self-play stay as fast as it begins: with more areas, a longer history, more opponents, a longer run?

    python -m benchmarks.growth [--only PART ...] [--json] [--quick]

Rock-paper-scissors as shipped, learner steps per second from the first TensorBoard summary to the last unless it says
otherwise. What is compared takes turns within a repetition and shares its seed; figures are medians over the
repetitions, ratios the medians of the ratios within them. Parts:

- `inference`: agent steps per second of the same pipeline while it trains and while it only plays (`--inference`), by
  ML-Agents' timers; on the wire, one seat of a match learning, ours and GhostTrainer;
- `opponents`: 32 areas whose matches all meet one opponent, the initial policy, or one drawn anew for each match from a
  full history of 8 or 32 snapshots; each match teaches one seat, and all take as many snapshots;
- `areas`: 8, 32 and 128;
- `history`: capacities of 16, 256 and 1,024 snapshots, full after half of the run, one every 100 steps;
- `steps`: one long run, not repeated; steps per second early, in the middle and at the end, and the resident memory of
  `mlagents-learn` and of the bridge at the same moments.
"""

from __future__ import annotations

import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil  # type: ignore[import-untyped]
from rich.console import Console
from rich.table import Table

from benchmarks._runs import Block, Run, Watch, arguments, as_ghost, shipped, show, with_selfplay

REPETITIONS = 3
AGENTS = 2 * 32  # of 32 areas
SECONDS_OF_INFERENCE = 40.0
SAMPLING_INTERVAL = 0.5  # seconds
MEGABYTE = 1 << 20  # bytes


class Scale(NamedTuple):
    """Learner steps of runs on the wire, of runs by rollouts, of those that fill a history, and of the long one."""

    wire: int = 60_000
    rollouts: int = 200_000
    full: int = 210_000
    long: int = 5_000_000


QUICK = Scale(wire=6_000, rollouts=16_000, full=6_000, long=60_000)


def block_of(steps: int, **keys: Any) -> Block:
    """Returns the shipped settings with ten summaries in `steps` learner steps."""
    return with_selfplay({**shipped(), "max_steps": steps, "summary_freq": max(1, steps // 10)}, **keys)


def inference(scale: Scale, folder: Path, watch: Watch, seed: int) -> dict[str, Any]:
    """Returns agent steps per second in training, in inference, and their ratio, for GhostTrainer and ours."""
    ours = block_of(scale.wire, rollouts="wire", latest_ratio=0.0, learn_from_mirror_matches=False)
    result = {}
    for name, block in (("ghost", as_ghost(ours)), ("ours", ours)):
        place = folder / f"inference-{name}"
        trained = played_per_second(watch.train(f"{name}, training", block, place, seed=seed))
        played = watch.train(
            f"{name}, inference", block, place, seed=seed, flags=("--resume", "--inference"), on_start=stop
        )
        result[name] = {"training": trained, "inference": played_per_second(played)}
        result[name]["ratio"] = trained / result[name]["inference"]
    return result


def stop(process: subprocess.Popen[str]) -> None:
    """Interrupts a run that would never end by itself."""
    threading.Timer(SECONDS_OF_INFERENCE, process.send_signal, [signal.SIGINT]).start()


def played_per_second(run: Run) -> float:
    """Returns agent steps per second by ML-Agents' timers, without start-up and end."""
    messages, seconds = run.timer("env_step").times, run.timer("TrainerController.advance").seconds
    return AGENTS * messages / seconds


def opponents(scale: Scale, folder: Path, watch: Watch, seed: int) -> dict[str, Any]:
    """Returns learner steps per second by distinct opponents with full histories, and the ratio of 32 to one."""
    result: dict[str, Any] = {}
    for rollouts, steps in (("wire", scale.wire), ("auto", scale.rollouts)):
        keys = {"rollouts": rollouts, "latest_ratio": 0.0, "delta": 0.0, "snapshot_interval": steps // 120}
        kinds: dict[str, Block] = {
            "1": {"pinned_opponents": ["initial"], "pinned_ratio": 1.0},
            "8": {"history_capacity": 8},
            "32": {"history_capacity": 32},
        }
        speeds = {
            count: watch.train(
                f"{rollouts}: {count} opponents",
                block_of(steps, **keys, **kind, learn_from_mirror_matches=False),
                folder / f"{rollouts}-{count}",
                seed=seed,
            ).steps_per_second(since=0.3 * steps)
            for count, kind in kinds.items()
        }
        result[rollouts] = {**speeds, "ratio": speeds["32"] / speeds["1"]}
    return result


def areas(scale: Scale, folder: Path, watch: Watch, seed: int) -> dict[str, Any]:
    """Returns learner steps per second by the number of areas, on the wire and by rollouts."""
    return {
        rollouts: {
            str(count): watch.train(
                f"{rollouts}: {count} areas",
                block_of(steps, rollouts=rollouts),
                folder / f"{rollouts}-{count}",
                seed=seed,
                num_areas=count,
            ).steps_per_second()
            for count in (8, 32, 128)
        }
        for rollouts, steps in (("wire", scale.wire), ("auto", scale.rollouts))
    }


def history(scale: Scale, folder: Path, watch: Watch, seed: int) -> dict[str, Any]:
    """Returns learner steps per second over the second half of a run, by the capacity of the history, on the wire."""
    result = {}
    for capacity in (16, 256, 1024):
        block = block_of(scale.full, rollouts="wire", history_capacity=capacity, snapshot_interval=100)
        run = watch.train(f"history of {capacity}", block, folder / f"history-{capacity}", seed=seed)
        result[str(capacity)] = run.steps_per_second(since=scale.full / 2)
    return result


class Resident:
    """Resident memory of `mlagents-learn` and of the environment's process, (seconds since the epoch, bytes, bytes)."""

    def __init__(self) -> None:
        self.samples: list[tuple[float, int, int]] = []

    def start(self, process: subprocess.Popen[str]) -> None:
        """Samples until the process ends, in a thread."""
        threading.Thread(target=self._sample, args=(psutil.Process(process.pid),), daemon=True).start()

    def _sample(self, trainer: psutil.Process) -> None:
        while trainer.is_running() and trainer.status() != psutil.STATUS_ZOMBIE:
            bridges = [
                one for one in trainer.children(recursive=True) if "gym_bridges.launch" in " ".join(one.cmdline())
            ]
            bridge = max((one.memory_info().rss for one in bridges), default=0)
            self.samples.append((time.time(), trainer.memory_info().rss, bridge))
            time.sleep(SAMPLING_INTERVAL)


def steps(scale: Scale, folder: Path, watch: Watch, seed: int) -> dict[str, Any]:
    """Returns speed and resident memory at five moments of one long run by rollouts."""
    resident, summaries = Resident(), 50
    block = {**block_of(scale.long), "summary_freq": scale.long // summaries}
    run = watch.train("a long run", block, folder / "long", seed=seed, on_start=resident.start)
    at, when = np.array(run.summaries(), float).T
    seconds, trainer, bridge = np.array(resident.samples, float).T
    result = {}
    for share in (0.04, 0.1, 0.4, 0.7, 1.0):
        last = max(1, int(np.searchsorted(at, share * at[-1])))
        first = max(0, last - 2)
        during = (seconds >= when[first]) & (seconds <= when[last])
        result[str(int(at[last]))] = {
            "steps_per_second": float((at[last] - at[first]) / (when[last] - when[first])),
            "trainer_mib": float(np.median(trainer[during])) / MEGABYTE,
            "bridge_mib": float(np.median(bridge[during])) / MEGABYTE,
        }
    return result


PARTS: Mapping[str, Callable[[Scale, Path, Watch, int], dict[str, Any]]] = {
    "inference": inference,
    "opponents": opponents,
    "areas": areas,
    "history": history,
    "steps": steps,
}


def median(found: Sequence[Any]) -> Any:
    """Returns the medians of figures that have the same names, nested as they are."""
    if isinstance(found[0], dict):
        return {name: median([one[name] for one in found]) for name in found[0]}
    return statistics.median(found)


def measure(parts: Sequence[str], scale: Scale, repetitions: int, folder: Path, watch: Watch) -> dict[str, Any]:
    """Returns the medians by part, and under `repetitions` what they are the medians of. Fills `folder` with runs."""
    found = {
        part: [
            PARTS[part](scale, folder / f"{part}-{repetition}", watch, repetition + 1)
            for repetition in range(1 if part == "steps" else repetitions)
        ]
        for part in parts
    }
    return {**{part: median(figures) for part, figures in found.items()}, "repetitions": found}


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    for part in result["repetitions"]:
        table = Table("", "", title=part)
        for name, value in result[part].items():
            values = value if isinstance(value, dict) else {"steps/s": value}
            table.add_row(name, ", ".join(f"{key} {figure:.2f}" for key, figure in values.items()))
        console.print(table)


def main() -> None:
    """Command line."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's background ignores it, and so would the runs
    scale, repetitions = (QUICK, 1) if options.quick else (Scale(), REPETITIONS)
    with tempfile.TemporaryDirectory() as folder, Watch(None) as watch:
        result = measure(options.only, scale, repetitions, Path(folder), watch)
    show(result, options.json, print_tables)


if __name__ == "__main__":
    main()
