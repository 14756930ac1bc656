"""How did runs learn? The mean return, and success or score where the environment reports it, over learner steps.

    python -m benchmarks.curves results/RUN [results/RUN ...] [--figure FILE.svg] [--json]

Reads what `mlagents-learn` wrote for TensorBoard: of each run, the mean over the episodes that ended since the last
summary, exploration and all. `final` is the mean over the last tenth of the steps.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks._runs import arguments, show

KINDS = {  # of curves: their name in TensorBoard, or what stands after its last slash; what it means
    "return": ("Environment/Cumulative Reward", "mean return of an episode"),
    "success": ("is_success", "share of episodes at the goal"),
    "score": ("Score", "mean score of a game, points"),
}
Curve = list[tuple[int, float]]


def curve_of(run: Path, tag: str) -> Curve:
    """Returns (learner steps, value) of the statistic whose name is, or ends with, `tag`; empty if there is none.

    Args:
      run: `<results>/<run-id>`.
      tag: a name in TensorBoard, or what stands after its last slash.
    """
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader  # type: ignore[import-untyped]

    return [
        (event.step, value.simple_value if value.HasField("simple_value") else value.tensor.float_val[0])
        for file in sorted(run.glob("*/events*"))
        for event in EventFileLoader(str(file)).Load()
        for value in event.summary.value
        if value.tag == tag or value.tag.endswith(f"/{tag}")
    ]


def measure(runs: list[Path]) -> dict[str, Any]:
    """Returns curves and final values of each run.

    Raises:
      SystemExit: if a folder holds no summary.
    """
    found: dict[str, Any] = {}
    for run in runs:
        curves = {kind: curve for kind, (tag, _) in KINDS.items() if (curve := curve_of(run, tag))}
        if not curves:
            raise SystemExit(f"{run} holds no summary of a run of mlagents-learn.")
        found[run.name] = {"curves": curves, "final": {name: final(curve) for name, curve in curves.items()}}
    return {"runs": found}


def final(curve: Curve) -> float:
    """Returns the mean over the last tenth of the steps."""
    return statistics.fmean(value for step, value in curve if step > 0.9 * curve[-1][0])


def kinds_in(result: Mapping[str, Any]) -> list[str]:
    """Returns the kinds of curves that at least one run has."""
    return [kind for kind in KINDS if any(kind in run["curves"] for run in result["runs"].values())]


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draws one panel for each kind of curve."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "curves"  # the same picture gives the same file
    from matplotlib import pyplot

    runs = result["runs"]
    kinds = kinds_in(result)
    figure, panels = pyplot.subplots(1, len(kinds), figsize=(4.8 * len(kinds), 3.2), squeeze=False)
    for panel, kind in zip(panels[0], kinds, strict=True):
        for name, run in runs.items():
            if kind in run["curves"]:
                panel.plot(*zip(*run["curves"][kind], strict=True), label=name, linewidth=1.5)
        panel.set_xlabel("learner steps")
        panel.set_ylabel(KINDS[kind][1])
        panel.grid(alpha=0.3)
    panels[0][0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)


def print_table(result: Mapping[str, Any], console: Console) -> None:
    """Prints the figures for people."""
    kinds = kinds_in(result)
    table = Table("run", "learner steps", *(f"{kind} at the end" for kind in kinds))
    for name, run in result["runs"].items():
        values = (f"{run['final'][kind]:.2f}" if kind in run["final"] else "" for kind in kinds)
        steps = max(curve[-1][0] for curve in run["curves"].values())
        table.add_row(name, f"{steps:,}", *values)
    console.print(table)


def main() -> None:
    """Command line."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="results/RUN")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw the curves, too (.svg, .png)")
    options = parser.parse_args()
    result = measure(options.runs)
    if options.figure is not None:
        draw(result, options.figure)
    show(result, options.json, print_table)


if __name__ == "__main__":
    main()
