"""What is a run, how far is it, and with which settings?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dash_mantine_components as dmc

from mlagents_selfplay.dashboard import parts
from mlagents_selfplay.dashboard.library import Library, Run
from mlagents_selfplay.dashboard.parts import UNKNOWN, Children


def render(library: Library, run: Run, behavior: Path) -> Children:
    """How far the run is, where it lies, what made it, and its settings. `behavior` is a folder of the run."""
    summary = library.summary(run, behavior)
    curves = library.events.read(behavior).curves
    reward = curves.get("Environment/Cumulative Reward")
    step = summary.step or max((int(curve.steps[-1]) for curve in curves.values()), default=None)
    entries = [
        ("Learner steps", UNKNOWN if step is None else f"{step:,}", _of(summary.max_steps)),
        ("Elo", UNKNOWN if summary.rating is None else f"{summary.rating:,.0f}", "online, at the last checkpoint"),
        ("Snapshots", UNKNOWN if summary.snapshots is None else str(summary.snapshots), _at_most(summary.capacity)),
        (
            "Mean reward",
            UNKNOWN if reward is None else f"{reward.values[-1]:.3g}",
            "an episode, last summary; near 0 in zero-sum games",
        ),
    ]
    problems = [parts.problem("A file cannot be read", summary.problem)] if summary.problem else []
    return dmc.Stack(
        [
            *problems,
            parts.figures(entries),
            parts.card("About this run", _pairs(_metadata(library, run))),
            parts.card("Settings", _settings(library, run, behavior)),
        ],
        gap="md",
    )


def _of(max_steps: int | None) -> str:
    return "at the last checkpoint" if max_steps is None else f"of {max_steps:,}"


def _at_most(capacity: int | None) -> str:
    return "in the history" if capacity is None else f"of at most {capacity}"


def _metadata(library: Library, run: Run) -> Iterator[tuple[str, str]]:
    timers = library.mapping(run.path / "run_logs" / "timers.json").get("metadata") or {}
    yield "Folder", str(run.path)
    yield "Last change", parts.when(run.changed)
    for key, label in (
        ("command_line_arguments", "Command"),
        ("mlagents_version", "ML-Agents"),
        ("pytorch_version", "PyTorch"),
        ("numpy_version", "NumPy"),
        ("python_version", "Python"),
    ):
        if timers.get(key):
            yield label, str(timers[key])
    begun, ended = timers.get("start_time_seconds"), timers.get("end_time_seconds")
    if begun and ended:
        yield "Begun", parts.when(float(begun))
        yield "Took", f"{float(ended) - float(begun):,.0f} s"


def _settings(library: Library, run: Run, behavior: Path) -> Children:
    settings = library.settings(run, behavior.name)
    if settings:
        everything = library.mapping(run.path / "configuration.yaml")
        others = {key: value for key, value in everything.items() if key.endswith("_settings") and value}
        return dmc.Box(
            [
                dmc.Box([dmc.Text(title, fw=600, size="sm", mb=4), _pairs(iter(pairs))], className="block")
                for title, pairs in [*_sections(behavior.name, settings), *_sections("", others)]
                if pairs
            ],
            className="blocks",
        )
    reported = library.events.read(behavior).hyperparameters
    if not reported:
        return dmc.Text("ML-Agents writes configuration.yaml when the run ends.", size="sm", c="dimmed")
    return dmc.Box(
        [
            dmc.Text(
                "The learner's, as reported at the beginning; all come when the run ends.",
                size="sm",
                c="dimmed",
                mb="xs",
            ),
            parts.code(reported.replace("\t", " ")),
        ]
    )


def _sections(title: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yields each block of settings by itself, with the keys that it gives a value, then the blocks in it."""
    blocks = {key: value for key, value in settings.items() if isinstance(value, Mapping)}
    yield title, [(key, _shown(value)) for key, value in settings.items() if key not in blocks and value is not None]
    for key, block in blocks.items():
        yield from _sections(key.replace("_", " "), block)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pairs(entries: Iterator[tuple[str, str]]) -> dmc.Table:
    rows = [dmc.TableTr([dmc.TableTd(key, className="key"), dmc.TableTd(value)]) for key, value in entries]
    return dmc.Table(dmc.TableTbody(rows), className="pairs", verticalSpacing=4)
