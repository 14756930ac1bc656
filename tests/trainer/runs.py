"""What do the tests of the trainer say about a run? How it is configured, and what it left behind."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SMALL = {  # learners that learn next to nothing, quickly
    "ppo": {"batch_size": 32, "buffer_size": 128, "num_epoch": 1},
    "poca": {"batch_size": 32, "buffer_size": 128, "num_epoch": 1},
    "dqn": {"batch_size": 16, "buffer_size": 500, "buffer_init_steps": 100, "steps_per_update": 10.0},
    "split_q": {"batch_size": 16, "buffer_size": 500, "buffer_init_steps": 100, "steps_per_update": 10.0},
    "sac": {"batch_size": 32, "buffer_size": 2000, "buffer_init_steps": 100, "steps_per_update": 50.0},
}


def behavior(learner: str = "ppo", max_steps: int = 600, network: dict[str, Any] | None = None, **keys: Any) -> dict:
    """Returns the configuration of one behavior that trains by self-play for `max_steps` learner steps.

    Args:
      learner: trainer type.
      max_steps: learner steps.
      network: keys of network_settings beside the small default.
      keys: of the trainer itself where they are its own (threaded, init_path, ...), else of the self-play settings.
    """
    own = {
        key: keys.pop(key)
        for key in ("threaded", "init_path", "checkpoint_interval", "keep_checkpoints")
        if key in keys
    }
    self_play = {
        "learner": learner,
        "learner_hyperparameters": SMALL.get(learner, {}),
        "snapshot_interval": 100,
        "opponent_change_interval": 1,
        "team_change_interval": 10,
        **keys,
    }
    return {
        "trainer_type": "selfplay",
        "hyperparameters": self_play,
        "network_settings": {"hidden_units": 8, "num_layers": 1, **(network or {})},
        "max_steps": max_steps,
        "summary_freq": 200,
        "time_horizon": 8,
        "checkpoint_interval": 100_000,
        **own,
    }


@dataclass
class Run:
    """A run that has ended.

    Attributes:
      folder: its results.
      code: exit code of `mlagents-learn`.
      output: what it printed.
    """

    folder: Path
    code: int
    output: str

    def path(self, behavior: str = "Arena") -> Path:
        """Returns the `selfplay` folder of a behavior."""
        return self.folder / behavior / "selfplay"

    def history(self, behavior: str = "Arena") -> dict[str, Any]:
        """Returns history.json."""
        return json.loads((self.path(behavior) / "history.json").read_text())

    def state(self, behavior: str = "Arena") -> dict[str, Any]:
        """Returns state.json."""
        return json.loads((self.path(behavior) / "state.json").read_text())

    def matches(self, behavior: str = "Arena") -> list[dict[str, str]]:
        """Returns the rows of matches.csv."""
        with (self.path(behavior) / "matches.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def opponents(self, behavior: str = "Arena") -> set[str]:
        """Returns whom the learner met."""
        return {row["opponent"] for row in self.matches(behavior)}


def assert_went_well(run: Run, behavior: str = "Arena", steps: int = 600, matches: bool = True) -> None:
    """Checks that a run of at least `steps` learner steps ended well, and that what it left makes sense.

    Args:
      run: the run.
      behavior: one of its behaviors.
      steps: learner steps that it was to make.
      matches: whether there are to be any.
    """
    assert run.code == 0, run.output[-5000:]
    assert (run.folder / f"{behavior}.onnx").stat().st_size > 0
    assert (run.folder / behavior / "checkpoint.pt").stat().st_size > 0
    history = run.history(behavior)
    kept = [snapshot["step"] for snapshot in history["snapshots"]]
    assert history["step"] >= steps
    assert kept == sorted(set(kept))
    assert 1 <= len(kept) <= history["capacity"]
    for snapshot in history["snapshots"]:
        assert (run.path(behavior) / snapshot["file"]).stat().st_size == snapshot["bytes"] > 0
    assert {path.stem for path in (run.path(behavior) / "snapshots").iterdir()} == {"0", *map(str, kept)}
    assert run.state(behavior)["step"] == history["step"]
    newest = max(run.history(file.parts[-3])["step"] for file in run.folder.glob("*/selfplay/history.json"))
    rows = run.matches(behavior) if matches or (run.path(behavior) / "matches.csv").exists() else []
    assert bool(rows) == matches
    for row in rows:
        opponents = row["opponent"].split("+")
        assert float(row["outcome"]) * 2 * len(opponents) in range(2 * len(opponents) + 1)  # The mean over opponents.
        assert int(row["length"]) >= 1
        assert 0 <= int(row["step"]) <= history["step"]
        for opponent in opponents:
            assert not opponent.isdigit() or 0 < int(opponent) <= newest  # It may be another behavior's snapshot.
