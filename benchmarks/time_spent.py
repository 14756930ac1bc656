"""What does a run of `mlagents-learn` spend its time on?

    python -m benchmarks.time_spent [--json] [--quick]

Rock-paper-scissors with the shipped settings, 32 areas: under GhostTrainer, by our trainer on the wire (without mirror
matches, as GhostTrainer has none), and as shipped, by rollouts. py-spy looks at every thread that is busy, 50 times a
second, without stopping the program; a moment counts for the innermost part that is at work in it. The figures are
percent of the seconds of the run, from the start of the program to its end, so what is missing from 100 was spent
waiting. The thread that writes files counts by itself, since training does not wait for it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlagents_selfplay import training
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks._runs import BUILD, Block, Run, arguments, as_ghost, shipped, show, with_selfplay

RATE = 50  # looks per second
STARTING = "imports and start-up"
PARTS = {  # by what stands in a frame, `function (file:line)`; the innermost frame that is known counts
    "_update_policy": "updates",
    "_process_trajectory": "taking in trajectories",
    "take_rollout": "taking in rollouts",
    "/mlagents_selfplay/rollouts/": "dealing, sending and reading rollouts",
    "/mlagents_selfplay/selfplay/": "matches, ratings, history: selfplay/",
    "/mlagents_selfplay/store.py": "saving snapshots",
    "/mlagents_selfplay/matchlog.py": "match log",
    "get_action (": "policies",
    "/mlagents/trainers/agent_processor.py": "ML-Agents' bookkeeping",
    "/mlagents_envs/": "ML-Agents' end of the wire",
    "/mlagents/trainers/subprocess_env_manager.py": "ML-Agents' end of the wire",
    "save_model": "checkpoints and export",
    "_find_and_load": STARTING,
}
OTHER = "the rest"
BESIDE = "the thread that writes files"
POOL = "/concurrent/futures/thread.py"  # outermost in that thread; innermost while it has nothing to do


@dataclass(frozen=True)
class _Profiled(training.Training):
    """A run that is looked at."""

    def command(self) -> list[str]:
        """Returns the command line of py-spy."""
        spy = [str(training.beside_python("py-spy")), "record", "--format", "raw", "--full-filenames", "--nonblocking"]
        return [*spy, "--rate", str(RATE), "--output", str(self.stacks), "--", *super().command()]

    @property
    def stacks(self) -> Path:
        """What py-spy writes: a line for each stack, outermost frame first, and how often it was seen."""
        return self.folder.with_name(f"{self.folder.name}.stacks")


def variants(steps: int) -> dict[str, Block]:
    """Returns what is looked at."""
    base = {**shipped(), "max_steps": steps, "summary_freq": steps // 4}
    alone = with_selfplay(base, latest_ratio=0.0, learn_from_mirror_matches=False, rollouts="wire")
    return {"ghost": as_ghost(base), "wire": alone, "rollouts": {**base, "max_steps": 5 * steps}}


def part_of(frames: Sequence[str]) -> str | None:
    """Returns what a stack is about, if anything; frames from the outermost to the innermost."""
    if POOL in frames[-1]:
        return None
    if any(POOL in frame for frame in frames):
        return BESIDE
    for frame in reversed(frames):
        for sign, part in PARTS.items():
            if sign in frame:
                return part
    return OTHER


def percent_of(lines: Iterable[str], seconds: float) -> dict[str, float]:
    """Returns the percent of `seconds` by part, the largest first."""
    seen: Counter[str | None] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        if not count.isdigit():
            continue  # py-spy breaks a line now and then
        seen[part_of(stack.split(";"))] += int(count)
    return {part: 100 * count / RATE / seconds for part, count in seen.most_common() if part is not None}


def measure(steps: int, folder: Path) -> dict[str, Any]:
    """Returns the shares by variant. Fills `folder` with runs."""
    result: dict[str, Any] = {}
    for name, block in track(variants(steps).items(), description="runs", console=Console(stderr=True)):
        run = _Profiled(folder / name, {"default_settings": block}, str(BUILD), seed=1, flags=())
        began = time.monotonic()
        training.train(run)
        seconds = time.monotonic() - began
        percent = percent_of(run.stacks.read_text(encoding="utf-8").splitlines(), seconds)
        result[name] = {"seconds": seconds, "steps": Run(run.folder).learner_steps(), "percent": percent}
    return result


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    runs = [name for name in result if name != "machine"]
    table = Table("percent of the run", *runs)
    parts = dict.fromkeys(part for name in runs for part in result[name]["percent"])
    for part in parts:
        table.add_row(part, *(f"{result[name]['percent'].get(part, 0.0):.1f}" for name in runs))
    console.print(table)


def main() -> None:
    """Command line."""
    options = arguments(__doc__.splitlines()[0]).parse_args()
    if not training.beside_python("py-spy").exists():
        sys.exit("py-spy is not installed: pip install py-spy")
    with tempfile.TemporaryDirectory() as folder:
        result = measure(6_000 if options.quick else 40_000, Path(folder))
    show(result, options.json, print_tables)


if __name__ == "__main__":
    main()
