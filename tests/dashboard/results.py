"""A results folder as trainers leave it, small enough to follow on paper."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from mlagents_selfplay.selfplay.history import SnapshotHistory
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from tests.hand_made import write_behavior

DRAWS = {
    "sampler": {
        "kind": "uniform",
        "delta": 0.0,
        "latest_ratio": 0.5,
        "pfsp_weighting": "squared",
        "pfsp_prior_games": 2.0,
    },
    "pinned": [],
    "pinned_ratio": 0.1,
    "matches_per_draw": 1,
}


def write_events(folder: Path, curves: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    """Writes one more event file into a folder, with points (learner step, value) by tag."""
    writer = EventFileWriter(str(folder))
    for tag, points in curves.items():
        for step, value in points:
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            writer.add_event(Event(step=step, wall_time=float(step), summary=summary))
    writer.close()


def write_run(results: Path, run_id: str = "first", *, steps: int = 20, rows: int = 400, max_steps: int = 4000) -> Path:
    """Writes a run with a snapshot every 100 learner steps, capacity 8, and matches against them and itself."""
    run = results / run_id
    history = SnapshotHistory(8)
    rng = np.random.default_rng(0)
    lines, left = [], rows
    for number in range(1, steps + 1):
        for _ in range(min(left, rows // steps)):
            step = 100 * (number - 1) + int(rng.integers(100))
            kept = [str(known) for known in history.steps] or ["initial"]
            opponent = kept[int(rng.integers(len(kept)))]
            lines.append(f"{step},0,{opponent},{int(rng.integers(3)) / 2:g}")
            left -= 1
        history.add(100 * number)
    write_behavior(
        run,
        steps=history.steps,
        rows=lines,
        capacity=8,
        draws=DRAWS,
        discrepancy=history.discrepancy(),
    )
    (run / "run_logs").mkdir()
    settings: dict[str, Any] = {
        "behaviors": {
            "Game": {
                "trainer_type": "selfplay",
                "max_steps": max_steps,
                "hyperparameters": {"learner": "ppo", "delta": 0.0, "learner_hyperparameters": {"batch_size": 256}},
            }
        },
        "env_settings": {"num_areas": 32},
    }
    (run / "configuration.yaml").write_text(yaml.safe_dump(settings))
    points = [(100 * number, 0.1 * number) for number in range(1, steps + 1)]
    write_events(
        run / "Game",
        {
            "Environment/Cumulative Reward": points,
            "Self-play/ELO": [(step, 1200.0 + step / 10) for step, _ in points],
            "Self-play/History Discrepancy": [(step, 1.5) for step, _ in points],
        },
    )
    return run


TOURNAMENT: dict[str, Any] = {
    "format": 1,
    "kind": "tournament",
    "name": "rps",
    "status": "finished",
    "message": "",
    "updated": "2026-11-21T12:00:00Z",
    "environment": {
        "path": "builds/RockPaperScissors",
        "arguments": [],
        "parameters": {},
        "behaviors": ["Game"],
        "teams": 2,
    },
    "settings": {
        "games": 10,
        "schedule": "all",
        "actions": "sampled",
        "outcome": {"rule": "last_reward", "win_above": 0.0, "loss_below": 0.0},
        "seed": 0,
    },
    "players": [
        {"name": name, "source": name, "run": None, "step": None, "kind": "script", "fingerprint": ""}
        for name in ("rock", "paper", "scissors")
    ],
    "games_done": 30,
    "games_planned": 30,
    "seconds": 2.0,
    "games": [[0, 10, 10], [10, 0, 10], [10, 10, 0]],
    "payoff": [[0.5, 0.0, 1.0], [1.0, 0.5, 0.0], [0.0, 1.0, 0.5]],
    "low": [[0.5, 0.0, 0.72], [0.72, 0.5, 0.0], [0.0, 0.72, 0.5]],
    "high": [[0.5, 0.28, 1.0], [1.0, 0.5, 0.28], [0.28, 1.0, 0.5]],
    "draws": [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
    "anchor": "rock",
    "ratings": [
        {
            "player": name,
            "games": 20,
            "score": 0.5,
            "bradley_terry": 1200.0,
            "bradley_terry_low": 1050.0,
            "bradley_terry_high": 1350.0,
            "elo": 1200.0,
            "elo_low": 1100.0,
            "elo_high": 1300.0,
            "nash": 1 / 3,
            "nash_skill": 0.0,
            "alpha_rank": 1 / 3,
            "beaten_by": beaten_by,
            "best_response": 1.0,
            "exploitability": None,
        }
        for name, beaten_by in (("rock", "paper"), ("paper", "scissors"), ("scissors", "rock"))
    ],
    "structure": {"transitive": 0.0, "cyclic": 1.0, "cycles": [["rock", "scissors", "paper"]]},
}
"""Rock-paper-scissors between three players of one move each, as `docs/evaluation.md` says it is written."""

POPULATION: list[dict[str, Any]] = [
    {"event": "entered", "member": "agt_0", "hyperparameters": {"lr": 1e-4, "gamma": 0.9}},
    {"event": "entered", "member": "agt_1", "hyperparameters": {"lr": 5e-3, "gamma": 0.99}},
    {"event": "started", "member": "agt_0", "step": 0, "node": "here"},
    {"event": "snapshot", "member": "agt_0", "step": 1000, "rating": -20.0, "best": True},
    {"event": "snapshot", "member": "agt_1", "step": 1000, "rating": 20.0, "best": True},
    {
        "event": "changed",
        "member": "agt_0",
        "step": 1200,
        "parent": "agt_1",
        "rating": 20.0,
        "hyperparameters": {"lr": 4e-3, "gamma": 0.9},
    },
    {"event": "averaged", "member": "", "members": ["agt_0"], "step": 1200},
    {"event": "finished", "member": "agt_0", "step": 2000, "rating": 30.0},
]
"""A population of two in which one took over from the other, as `league/events.jsonl` has it."""


def write_population(results: Path) -> Path:
    """Writes `POPULATION` as the log of a run `pbt` and returns its path."""
    log = results / "pbt" / "league" / "events.jsonl"
    log.parent.mkdir(parents=True)
    log.write_text("".join(json.dumps(event) + "\n" for event in POPULATION))
    return log
