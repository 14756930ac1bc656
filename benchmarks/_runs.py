"""How does a benchmark run `mlagents-learn`, watch it, and read from the files of a run how fast it was?"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from mlagents_selfplay import training
from mlagents_selfplay.evaluation import study_settings
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

ROOT = Path(__file__).resolve().parents[1]
BEHAVIOR = "RockPaperScissors"
RETURN = "Environment/Cumulative Reward"
BUILD = ROOT / "gym_bridges" / "builds" / BEHAVIOR

Block = dict[str, Any]
"""What stands in a trainer configuration under the name of one behavior."""


class Timer(NamedTuple):
    """How often something was done, and the seconds that it took in all."""

    times: int
    seconds: float


@dataclass(frozen=True)
class Run:
    """A run that has ended: its folder, `<results>/<run-id>`."""

    folder: Path

    @property
    def behavior_folder(self) -> Path:
        """Where the checkpoints, the events and the snapshots of its one behavior are."""
        (events,) = {file.parent for file in self.folder.glob("*/events.out.tfevents.*")}
        return events

    def is_finished(self) -> bool:
        """Returns whether `mlagents-learn` came to its end: it writes its timers last."""
        return (self.folder / "run_logs" / "timers.json").exists()

    def summaries(self) -> list[tuple[int, float]]:
        """Returns when each TensorBoard summary was written: (learner steps, seconds since the epoch), ascending."""
        written: dict[int, float] = {}
        for event in self._events():
            if event.step > 0:
                written.setdefault(event.step, event.wall_time)
        return sorted(written.items())

    def curve(self, tag: str) -> list[tuple[int, float]]:
        """Returns what TensorBoard has under a name: (learner steps, value), in the order in which it was written."""
        return [
            (event.step, value.simple_value if value.HasField("simple_value") else value.tensor.float_val[0])
            for event in self._events()
            for value in event.summary.value
            if value.tag == tag
        ]

    def _events(self) -> Iterator[Any]:
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader  # type: ignore[import-untyped]

        for file in sorted(self.behavior_folder.glob("events.out.tfevents.*")):
            yield from EventFileLoader(str(file)).Load()

    def steps_per_second(self, since: float = 0.0) -> float:
        """Returns learner steps per second from the first summary to the last, so without start-up and final export.

        Args:
          since: learner steps; summaries before do not count.
        """
        (first, begin), *_, (last, end) = [summary for summary in self.summaries() if summary[0] >= since]
        return (last - first) / (end - begin)

    def learner_steps(self) -> int:
        """Returns the learner steps at the end of the run."""
        status = json.loads((self.folder / "run_logs" / "training_status.json").read_text(encoding="utf-8"))
        return int(status[self.behavior_folder.name]["final_checkpoint"]["steps"])

    def timer(self, name: str) -> Timer:
        """Returns what ML-Agents' timer `name` says, summed over the tree of timers."""
        tree = json.loads((self.folder / "run_logs" / "timers.json").read_text(encoding="utf-8"))
        found = list(_nodes(tree, name))
        return Timer(sum(node["count"] for node in found), sum(node["total"] for node in found))


def shipped(behavior: str = BEHAVIOR) -> Block:
    """Returns the behavior's block of config/trainer_config.yaml, free to be changed."""
    text = (ROOT / "config" / "trainer_config.yaml").read_text(encoding="utf-8")
    block: Block = yaml.safe_load(text)["behaviors"][behavior]
    return block


def with_selfplay(block: Block, **keys: Any) -> Block:
    """Returns a copy of a `selfplay` block with other values under `hyperparameters:`."""
    changed = copy.deepcopy(block)
    changed["hyperparameters"].update(keys)
    return changed


def as_ghost(block: Block) -> Block:
    """Returns the same learner under ML-Agents' own self-play, which meets the latest policy as often."""
    return study_settings.as_ghost(block, play_against_latest_model_ratio=block["hyperparameters"]["latest_ratio"])


def train(
    block: Block,
    folder: Path,
    *,
    seed: int,
    build: Path = BUILD,
    num_areas: int = 32,
    num_envs: int = 1,
    parameters: Mapping[str, Any] | None = None,
    flags: tuple[str, ...] = (),
    on_step: Callable[[int], None] = lambda step: None,
    on_start: Callable[[subprocess.Popen[str]], None] = lambda process: None,
) -> Run:
    """Trains the one behavior of a build with `mlagents-learn` and returns the run.

    Args:
      block: the behavior's configuration.
      folder: of the run; must not exist, unless `flags` say what becomes of it.
      seed: of `mlagents-learn`.
      build: rock-paper-scissors unless said otherwise.
      num_areas: areas in each environment process.
      num_envs: environment processes.
      parameters: `environment_parameters:`, if any.
      flags: of `mlagents-learn`.
      on_step: called with the learner steps of every summary that the console shows.
      on_start: called once with the process.

    Raises:
      TrainingError: if the run fails; the message holds the end of its output.
    """
    run = training.Training(
        folder,
        {"default_settings": block, **({"environment_parameters": parameters} if parameters else {})},
        str(build),
        seed=seed,
        num_areas=num_areas,
        num_envs=num_envs,
        flags=flags,
        words=("--torch-device", "cpu"),
    )
    training.train(run, lambda summary: on_step(summary.step), on_start)
    return Run(folder)


class Watch:
    """A progress bar on standard error over all runs of a benchmark, in learner steps; None if it is not known."""

    def __init__(self, total: int | None) -> None:
        columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True))
        self._task = self._progress.add_task("", total=total)
        self._before = 0

    def __enter__(self) -> Watch:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def train(self, label: str, block: Block, folder: Path, **options: Any) -> Run:
        """As `train`, shown in the bar under `label`."""
        self._progress.update(self._task, description=label)
        run = train(block, folder, on_step=self._show, **options)
        self._before += int(block["max_steps"])
        self._show(0)
        return run

    def _show(self, step: int) -> None:
        self._progress.update(self._task, completed=self._before + step)


def machine() -> dict[str, Any]:
    """Describes what the figures were measured on."""
    packages = ("mlagents", "torch", "numpy", "grpcio", "protobuf")
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in packages},
    }


def arguments(description: str) -> argparse.ArgumentParser:
    """Returns a parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="a rough figure in about a minute")
    return parser


def show(result: Mapping[str, Any], as_json: bool, tables: Callable[[Mapping[str, Any], Console], None]) -> None:
    """Prints the result with the machine it was measured on, as one JSON object or as tables."""
    if as_json:
        print(json.dumps({**result, "machine": machine()}))
        return
    console = Console()
    tables(result, console)
    console.print(", ".join(f"{key} {value}" for key, value in machine().items() if key != "versions"))


def _nodes(node: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    for key, child in (node.get("children") or {}).items():
        if key == name:
            yield child
        yield from _nodes(child, name)
