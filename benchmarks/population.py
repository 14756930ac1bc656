"""What does a population cost, and what does it bring? The same members alone, side by side, and as a population.

    python -m benchmarks.population [--quick] [--json]

Three ways to train the members of `config/population.yaml`, each from the same first hyperparameters and seeds and for
as many learner steps:

- alone: each by `mlagents-learn`, side by side, and nothing else;
- independent: by the population's command, where nobody meets or learns from anybody. The members do what they do
  alone, so what it takes longer is the machinery;
- population: as shipped.

`overhead` is 1 - (learner steps per second of the independent members / of those alone), of all members together, from
the first summary of the last member to start until the last summary of the first to end. `machinery_share` is
measured beside it and does not depend on what else the machine is doing: the processor time of Ray, league and members'
supervisors, as a share of what it and the trainers and environments take together, from everybody's first snapshot on;
`machinery` says the same of each of its parts.
`exploitability` is what a best response would win against a member's last policy, per round.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import yaml
from mlagents_selfplay.population.configuration import configuration
from mlagents_selfplay.population.settings import PopulationSettings, settings_from
from rich.console import Console
from rich.table import Table

from benchmarks import _runs, exploitability

CONFIG = _runs.ROOT / "config" / "population.yaml"
NOBODY_CHANGES = 10**9  # learner steps
TRAINER = "mlagents.trainers.learn"
TRAINING = "training"
PARTS = {"MemberActor": "members' supervisors", "League": "league", "mlagents_selfplay.cli": "command"}
RAY = "Ray"  # all other processes


def measure(seeds: list[int], **keys: Any) -> dict[str, Any]:
    """Trains all members in all three ways.

    Args:
      seeds: of populations.
      keys: of the population's YAML beside those that are shipped.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            for way in ("independent", "alone", "population"):
                block = {**yaml.safe_load(CONFIG.read_text(encoding="utf-8")), **keys, "seed": seed}
                rows.append({"seed": seed, "way": way, **_measured(way, block, Path(folder) / f"{way}{seed}")})
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return {"settings": keys, "seeds": seeds, "overhead": _overhead(rows), "runs": rows}


def _measured(way: str, block: dict[str, Any], folder: Path) -> dict[str, Any]:
    if way != "population":
        block = {**block, "guest_ratio": 0.0, "evolution": {"start_after": NOBODY_CHANGES}}
    if way == "alone":
        return _alone(settings_from(block, str(CONFIG)), folder)
    return _as_population(block, folder)


def _alone(settings: PopulationSettings, folder: Path) -> dict[str, Any]:
    store = json.loads((folder.with_name(folder.name.replace("alone", "independent")) / "store.json").read_text())
    first = {name: {k: v[0] for k, v in entry["hyperparameters"].items()} for name, entry in store.items()}

    def train(number: int, name: str) -> _runs.Run:
        member = configuration(settings, first[name])["behaviors"][settings.behavior]
        return _runs.train(member, folder / name, seed=settings.seed + number, num_areas=settings.num_areas)

    with ThreadPoolExecutor(settings.members) as threads:
        runs = list(threads.map(train, range(settings.members), settings.names))
    return _figures(runs)


def _as_population(block: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True)
    config = folder / "given.yaml"
    config.write_text(yaml.safe_dump(dict(block)), encoding="utf-8")
    command = [sys.executable, "-m", "mlagents_selfplay.cli", "population", str(config), "--json"]
    command += ["--results-dir", str(folder), "--run-id", "p"]
    process = subprocess.Popen(command, cwd=_runs.ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    watch = _ProcessorTime(process.pid)
    members = settings_from(block, str(CONFIG)).names
    while process.poll() is None:
        watch.look()
        if not watch.began and all((folder / "p/league/snapshots" / name).exists() for name in members):
            watch.begin()
        time.sleep(0.5)
    assert process.stdout is not None
    said = process.stdout.read()
    if process.returncode != 0:
        raise RuntimeError(f"the population ended with {process.returncode}: {said[-2000:]}")
    took = watch.seconds()
    (folder / "store.json").write_bytes((folder / "p/league/store.json").read_bytes())
    standings = json.loads(said)["members"]
    machinery = {kind: took[kind] / sum(took.values()) for kind in took if kind != TRAINING}
    return {
        **_figures([_runs.Run(folder / "p" / name) for name in members]),
        "machinery_share": sum(machinery.values()),
        "machinery": machinery,
        "best_by_rating": standings[0]["member"],
        "changes": {row["member"]: row["changes"] for row in standings},
    }


class _ProcessorTime:
    """Adds up the processor time of a process and of all that it has started, by kind."""

    def __init__(self, process: int) -> None:
        self._root = psutil.Process(process)
        self._kinds: dict[tuple[int, float], str] = {}  # the last one: Ray gives a process its task after its start
        self._spent: dict[tuple[int, float], float] = {}
        self._before: dict[tuple[int, float], float] = {}
        self.began = False

    def look(self) -> None:
        """Takes the times of all that are running."""
        try:
            everybody = [self._root, *self._root.children(recursive=True)]
        except psutil.Error:
            return
        trainers: set[int] = set()
        for process in everybody:  # parents stand before their children
            try:
                if process.ppid() in trainers or TRAINER in process.cmdline():
                    trainers.add(process.pid)
                times, key = process.cpu_times(), (process.pid, process.create_time())
                self._kinds[key] = TRAINING if process.pid in trainers else _part(process)
                self._spent[key] = times.user + times.system
            except psutil.Error:
                continue

    def begin(self) -> None:
        """Says that what has been spent until now does not count."""
        self._before, self.began = dict(self._spent), True

    def seconds(self) -> dict[str, float]:
        """Returns processor seconds since `begin`, by kind."""
        total: defaultdict[str, float] = defaultdict(float)
        for key, seconds in self._spent.items():
            total[self._kinds[key]] += seconds - self._before.get(key, 0.0)
        return dict(total)


def _part(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    return next((part for word, part in PARTS.items() if word in words), RAY)


def _figures(runs: list[_runs.Run]) -> dict[str, Any]:
    written = [run.summaries() for run in runs]
    begin, end = max(steps[0][1] for steps in written), min(steps[-1][1] for steps in written)
    made = sum(_steps_at(steps, end) - _steps_at(steps, begin) for steps in written)
    return {
        "steps_per_second": made / (end - begin) if end > begin else None,
        "exploitability": {
            run.folder.name: exploitability.measure(run.folder)["exploitability"]["trained"] for run in runs
        },
    }


def _steps_at(summaries: list[tuple[int, float]], moment: float) -> float:
    before = [one for one in summaries if one[1] <= moment]
    after = [one for one in summaries if one[1] > moment]
    if not before or not after:
        return float(summaries[0][0] if not before else before[-1][0])
    (step, begin), (next_step, end) = before[-1], after[0]
    return step + (next_step - step) * (moment - begin) / (end - begin)


def _overhead(rows: list[dict[str, Any]]) -> float | None:
    speed = {way: [row["steps_per_second"] for row in rows if row["way"] == way] for way in ("alone", "independent")}
    if any(None in found for found in speed.values()):
        return None
    return 1.0 - sum(speed["independent"]) / sum(speed["alone"])


def _tables(result: Mapping[str, Any], console: Console) -> None:
    table = Table("seed", "way", "steps/s", "machinery", "exploitability: best", "of all members")
    for row in result["runs"]:
        found = row["exploitability"].values()
        share = f"{row['machinery_share']:.1%}" if "machinery_share" in row else ""
        speed = "" if row["steps_per_second"] is None else f"{row['steps_per_second']:,.0f}"
        every = ", ".join(f"{value:.3f}" for value in found)
        table.add_row(str(row["seed"]), row["way"], speed, share, f"{min(found):.3f}", every)
    console.print(table)
    names = (*PARTS.values(), RAY)
    parts = Table("seed", "way", *names, title="share of all processor time")
    for row in result["runs"]:
        if "machinery" in row:
            parts.add_row(str(row["seed"]), row["way"], *(f"{row['machinery'].get(part, 0.0):.1%}" for part in names))
    console.print(parts)
    console.print(f"overhead: {result['overhead']}")


def main() -> None:
    """Runs the benchmark and prints what came out."""
    parser = _runs.arguments("What a population costs and brings.")
    parser.add_argument("--seeds", type=int, default=3, help="populations, seeded 0, 1, ...")
    parser.add_argument("--max-steps", type=int, help="learner steps of each member, if not those that are shipped")
    given = parser.parse_args()
    quick = {"members": 2, "max_steps": 20_000, "interval": 4_000} if given.quick else {}
    keys = quick if given.max_steps is None else {**quick, "max_steps": given.max_steps}
    _runs.show(measure([0] if given.quick else list(range(given.seeds)), **keys), given.json, _tables)


if __name__ == "__main__":
    main()
