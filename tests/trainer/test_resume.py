"""Does a run that was killed go on as if nothing had happened? Killed at chosen moments, and at random ones."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlagents.torch_utils import torch

from tests.trainer.conftest import Started
from tests.trainer.runs import Run, assert_went_well, behavior

pytestmark = pytest.mark.timeout(300)  # Seconds; a busy machine is no defect.
Start = Callable[..., Started]
KILLED = -9


def step_of_checkpoint(run: Path) -> int:
    """Returns the learner step of the checkpoint that a resume would find."""
    modules = torch.load(run / "Arena" / "checkpoint.pt", weights_only=True)
    return int(modules["global_step"]["_GlobalSteps__global_step"])


def entry_of(run: Path, step: int) -> dict[str, Any]:
    """Returns the saved entry that belongs to that checkpoint."""
    folder = run / "Arena" / "selfplay"
    entries = [
        json.loads(path.read_text()) for path in (folder / "state.json", folder / "state.next.json") if path.exists()
    ]
    return next(entry for entry in entries if entry["step"] == step)


def resume(start: Start, folder: Path, keys: dict[str, Any], kill_after: float | None = None) -> Run:
    """Resumes a killed run and checks that what it goes on from is what was saved.

    Args:
      start: starts it.
      folder: the test's own.
      keys: of the behavior.
      kill_after: seconds after its first new checkpoint at which to kill it again; None lets it end.
    """
    run = folder / "x"
    step = step_of_checkpoint(run)
    entry = entry_of(run, step)
    log = run / "Arena" / "selfplay" / "matches.csv"
    before = log.read_bytes()[: entry["matches_bytes"]]
    restored = folder / "Arena.json"
    restored.unlink(missing_ok=True)

    first = f"tests.trainer.faults:write_down_what_was_restored({str(folder)!r})"
    started = start({"Arena": behavior(**keys)}, "--resume", first=first)
    if kill_after is not None:
        started.wait(until=lambda: restored.exists() and step_of_checkpoint(run) > step)
        time.sleep(kill_after)
        started.kill()
    ended = started.wait()
    assert ended.code == (0 if kill_after is None else KILLED), ended.output[-3000:]
    assert f"Resuming training from step {step}." in ended.output
    found = json.loads(restored.read_text())
    assert found["step"] == step
    for part, saved in entry["state"].items():
        assert found["state"][part] == saved, part
    assert log.read_bytes()[: len(before)] == before
    return ended


EXPORT = "mlagents.trainers.torch_entities.model_serialization:ModelSerializer.export_policy_model"
LOAD = "mlagents_selfplay.opponents:SnapshotActors.put"
SLOW = pytest.mark.slow
MOMENTS = [
    pytest.param(("os:replace", 3, "*.safetensors"), id="the snapshot is written"),  # 1 is that of step 0
    pytest.param(("os:replace", 2, "state.next.json"), id="the state is staged"),
    pytest.param(("os:replace", 2, "checkpoint.pt"), id="checkpoint.pt is replaced"),
    pytest.param(("os:replace", 2, "state.json"), id="the state is committed"),
    pytest.param(("os:replace", 2, "history.json"), id="history.json is replaced", marks=SLOW),
    pytest.param(("os:replace", 1, "Arena-*.pt"), id="the numbered checkpoint is written", marks=SLOW),
    pytest.param((LOAD, 3), id="an opponent is loaded", marks=SLOW),
    pytest.param((EXPORT, 1), id="the model is exported", marks=SLOW),
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_was_killed_just_before_something_goes_on_where_its_checkpoint_is(
    start: Start, tmp_path: Path, moment: tuple[Any, ...]
) -> None:
    keys = {"max_steps": 300, "opponent_change_interval": 3, "sampler": "pfsp", "latest_ratio": 0.2, "delta": 0.0}
    keys["checkpoint_interval"] = 250
    first = f"tests.trainer.faults:kill_before{moment!r}"
    killed = start({"Arena": behavior(**keys)}, first=first).wait()
    assert killed.code == KILLED, killed.output[-3000:]
    ended = resume(start, tmp_path, keys)
    assert_went_well(ended, steps=300)
    assert not list(ended.folder.rglob("*.part"))


def test_a_run_that_was_killed_before_its_first_checkpoint_starts_again(start: Start) -> None:
    first = "tests.trainer.faults:kill_before('os:replace', 1, 'checkpoint.pt')"
    killed = start({"Arena": behavior(max_steps=150)}, first=first).wait()
    assert killed.code == KILLED
    ended = start({"Arena": behavior(max_steps=150)}, "--resume").wait()
    assert "the run ended before its first checkpoint and starts from step 0" in ended.output
    assert_went_well(ended, steps=150)


def kill_again_and_again(start: Start, folder: Path, kills: int) -> None:
    """Kills a run that saves all the time at random moments, and resumes it each time."""
    keys = {"max_steps": 1_000_000, "snapshot_interval": 20, "history_capacity": 4, "checkpoint_interval": 60}
    moments = random.Random(0)
    started = start({"Arena": behavior(**keys)})
    run = started.folder
    started.wait(until=(run / "Arena" / "checkpoint.pt").exists)
    time.sleep(moments.uniform(0, 0.5))
    started.kill()
    assert started.wait().code == KILLED
    for _ in range(kills - 1):
        resume(start, folder, keys, kill_after=moments.uniform(0, 0.5))
    last = step_of_checkpoint(run)
    ended = resume(start, folder, {**keys, "max_steps": last + 50})
    assert_went_well(ended, steps=last)


def test_a_run_that_is_killed_at_random_moments_always_goes_on(start: Start, tmp_path: Path) -> None:
    kill_again_and_again(start, tmp_path, kills=2)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_run_that_is_killed_twenty_times_goes_on_twenty_times(start: Start, tmp_path: Path) -> None:
    kill_again_and_again(start, tmp_path, kills=20)


def test_asymmetric_roles_are_resumed_together(start: Start, tmp_path: Path) -> None:
    keys = {"max_steps": 200, "opponent_change_interval": 2}
    both = {"Attacker": behavior(**keys), "Defender": behavior(**keys)}
    options = {"own_behaviors": "true"}
    first = "tests.trainer.faults:kill_before('os:replace', 4, 'checkpoint.pt')"  # the second of one of them
    killed = start(both, first=first, options=options).wait()
    assert killed.code == KILLED, killed.output[-3000:]
    first = f"tests.trainer.faults:write_down_what_was_restored({str(tmp_path)!r})"
    ended = start(both, "--resume", options=options, first=first).wait()
    for name in both:
        assert_went_well(ended, name, steps=200)
        found = json.loads((tmp_path / f"{name}.json").read_text())
        assert found["step"] > 0
        assert found["state"]["game"]["matches_opened"] > 0
