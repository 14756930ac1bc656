"""How long does a reader of a large results folder wait for the dashboard, and how much memory does it take?

    python -m benchmarks.dashboard [--quick] [--json]

Writes a folder of 200 runs with a million rows in their match logs, half of them in one run, starts the command
`mlagents-selfplay dashboard` on it, and opens pages in Debian's chromium:

- `first_page_s`: from the address to the drawn list of runs, in a browser that has nothing in its cache; the first of
  them meets a dashboard that has read nothing. Bar: 2 s.
- `rating_s`: the same for the ratings of the run with half of all rows, which are read, and then once more.
- `memory_mib`: of the dashboard's process when it listens, after the first pages, after the ratings of that run, and
  after those of 10, 20 and 30 others: it keeps what it has read of eight logs.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import psutil  # type: ignore[import-untyped]
import yaml
from mlagents_selfplay.ports import free_ports
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks._runs import arguments, show

RUNS, ROWS = 200, 1_000_000
SNAPSHOTS, STEPS = 32, 200_000  # of each run
FIRST_PAGES = 5
PATIENCE_MS = 120_000
LARGEST = "run-000"


def write_runs(results: Path, runs: int, rows: int) -> None:
    """Writes runs whose match logs have as many rows together, half of them in the first."""
    rng = np.random.default_rng(0)
    for number in range(runs):
        count = rows // 2 if number == 0 else rows // 2 // (runs - 1)
        _write_run(results / f"run-{number:03}", count, rng)


def _write_run(run: Path, rows: int, rng: np.random.Generator) -> None:
    selfplay = run / "Game" / "selfplay"
    selfplay.mkdir(parents=True)
    (run / "run_logs").mkdir()
    kept = [STEPS * (number + 1) // SNAPSHOTS for number in range(SNAPSHOTS)]
    history = {
        "format": 1,
        "behavior": "Game",
        "step": STEPS,
        "rating": 1300.0,
        "capacity": SNAPSHOTS,
        "delta": 0.0,
        "discrepancy": 1.5,
        "snapshots": [
            {"step": step, "file": f"snapshots/{step}.safetensors", "bytes": 1000, "rating": 1200.0} for step in kept
        ],
        "pinned": [{"name": "initial", "file": "snapshots/0.safetensors", "rating": 1200.0}],
    }
    (selfplay / "history.json").write_text(json.dumps(history), encoding="utf-8")
    settings = {"trainer_type": "selfplay", "max_steps": STEPS, "hyperparameters": {"learner": "ppo"}}
    (run / "configuration.yaml").write_text(yaml.safe_dump({"behaviors": {"Game": settings}}), encoding="utf-8")
    steps = np.sort(rng.integers(STEPS, size=rows))
    known = np.searchsorted(kept, steps)  # snapshots that there are when a match begins
    met = rng.integers(0, known + 1)  # 0 is the initial policy
    outcomes = rng.integers(3, size=rows) / 2
    names = ["initial", *map(str, kept)]
    lines = [
        f"{step},0,{names[who]},{outcome:g},{2 * outcome - 1:g},10\n"
        for step, who, outcome in zip(steps.tolist(), met.tolist(), outcomes.tolist(), strict=True)
    ]
    head = "step,team,opponent,outcome,return,length\n"
    (selfplay / "matches.csv").write_text(head + "".join(lines), encoding="utf-8")


@contextmanager
def _dashboard(results: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The command, listening; its address and its process."""
    port = free_ports()
    command = [sys.executable, "-m", "mlagents_selfplay.cli", "dashboard", str(results), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urlopen(url, timeout=60).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError(f"the dashboard ended with {process.returncode}") from None
                time.sleep(0.2)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _seconds(browser: Browser, url: str, ready: str, tab: str | None = None) -> float:
    """Returns how long a page takes, or one of its tabs, in a window of its own, until something is visible."""
    context = browser.new_context(viewport={"width": 1280, "height": 844})
    page: Page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    began = time.perf_counter()
    page.goto(url)
    if tab is not None:
        page.get_by_role("tab", name=tab).click()
    page.locator(ready).first.wait_for(state="visible")
    took = time.perf_counter() - began
    context.close()
    return took


def measure(runs: int, rows: int) -> dict[str, Any]:
    """Writes the folder, opens the pages, and returns the figures.

    Args:
      runs: in the folder, at least 31.
      rows: of match logs, in all.
    """
    picture = ".js-plotly-plot .main-svg"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        results = Path(folder)
        write_runs(results, runs, rows)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with _dashboard(results) as (url, process):
            memory = {"listening": _mebibytes(process)}
            first = [_seconds(browser, url, "tbody tr") for _ in range(FIRST_PAGES)]
            memory["after the first pages"] = _mebibytes(process)
            rating = [_seconds(browser, f"{url}/run/{LARGEST}", picture, "Rating") for _ in range(2)]
            memory["after the largest run"] = _mebibytes(process)
            for number in range(1, 31):
                _seconds(browser, f"{url}/run/run-{number:03}", picture, "Rating")
                if number % 10 == 0:
                    memory[f"after {number} others"] = _mebibytes(process)
        browser.close()
    return {
        "runs": runs,
        "rows": rows,
        "first_page_s": {"median": statistics.median(first), "each": first},
        "rating_s": {"read": rating[0], "again": rating[1]},
        "memory_mib": memory,
    }


def _mebibytes(process: psutil.Process) -> float:
    return float(process.memory_info().rss / 2**20)


def _tables(result: Mapping[str, Any], console: Console) -> None:
    table = Table("dashboard", f"{result['runs']} runs, {result['rows']:,} rows")
    first, rating = result["first_page_s"], result["rating_s"]
    table.add_row("first page", f"{first['median']:.2f} s ({', '.join(f'{each:.2f}' for each in first['each'])})")
    table.add_row("ratings of half of all rows", f"{rating['read']:.2f} s, then {rating['again']:.2f} s")
    for when, size in result["memory_mib"].items():
        table.add_row(f"memory {when}", f"{size:.0f} MiB")
    console.print(table)


def main() -> None:
    """Runs the benchmark and prints what came out."""
    given = arguments("How long a page of the dashboard takes, and its memory.").parse_args()
    show(measure(40, 100_000) if given.quick else measure(RUNS, ROWS), given.json, _tables)


if __name__ == "__main__":
    main()
