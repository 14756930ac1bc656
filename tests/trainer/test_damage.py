"""Does a run survive what disks, files and exporters do to it, and is what cannot be resumed one clear error?"""

import json
import logging
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlagents.trainers.exception import TrainerConfigError
from mlagents_selfplay import files

from tests.trainer.inprocess import Training

KEYS: dict[str, Any] = {"max_steps": 10_000, "delta": 0.0, "latest_ratio": 0.0, "snapshot_interval": 40}


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Returns a function that returns all warnings and errors so far; ML-Agents' loggers do not propagate."""
    records: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    listener = Listener(logging.WARNING)
    loggers = [logging.getLogger(f"mlagents_selfplay.{name}") for name in ("trainer", "roster", "checkpoints")]
    for logger in loggers:
        monkeypatch.setattr(logger, "handlers", [*logger.handlers, listener])
    return lambda: "\n".join(records)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A run of a hundred steps that has been saved and is to be resumed."""
    training = Training(tmp_path, **KEYS)
    training.until(100)
    training.trainer.save_model()
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# While training


@pytest.mark.parametrize("damage", [lambda file: file.write_bytes(file.read_bytes()[:-7]), Path.unlink])
def test_a_damaged_or_missing_snapshot_is_struck_out_with_a_warning_and_training_goes_on(
    tmp_path: Path, said: Callable[[], str], damage: Callable[[Path], object]
) -> None:
    training = Training(tmp_path, **KEYS)
    folder, damaged = training.trainer.folder, []
    save = folder.save_snapshot_later

    def save_badly(step: int, *rest: Any, **keys: Any) -> None:
        save(step, *rest, **keys)
        folder.disk.wait()
        if len(damaged) < 3:
            damaged.append(step)
            damage(folder.snapshot_file(step))

    folder.save_snapshot_later = save_badly
    training.until(300)
    assert len(damaged) == 3
    for step in damaged:
        aside = folder.snapshot_file(step).with_suffix(".damaged")
        assert f"snapshot {step} cannot be used and is set aside as {aside}" in said()
        assert aside.exists() is (damage is not Path.unlink)
    assert not set(damaged) & set(training.trainer.roster.pool.history.steps)
    training.trainer.save_model()
    resumed = Training(tmp_path, load=True, **KEYS)
    assert resumed.trainer.roster.pool.history.steps == training.trainer.roster.pool.history.steps


@pytest.mark.parametrize("what", ["fsync", "replace"])
def test_a_full_disk_costs_the_files_and_not_the_run_nor_what_is_there(
    tmp_path: Path, said: Callable[[], str], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    training = Training(tmp_path, **KEYS)
    training.until(100)
    training.trainer.save_model()
    before = contents(tmp_path)
    with monkeypatch.context() as patch:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(files.os, what, full)
        training.until(200)
        training.trainer.save_model()
    assert "the snapshot of step" in said()
    assert "No space left on device. Training goes on." in said()
    assert "The last one is still there." in said()
    after = contents(tmp_path)
    for name, content in before.items():
        if name.endswith("matches.csv"):
            assert after[name].startswith(content)
        elif not name.endswith(".onnx"):  # The export takes another way to the disk.
            assert after[name] == content, name
    assert not [name for name in after if name.endswith(".part")]
    training.until(300)  # There is room again.
    training.trainer.save_model()
    assert json.loads((training.trainer.folder.path / "state.json").read_text())["step"] >= 300


def test_a_disk_that_is_full_from_the_first_match_on_does_not_end_the_run(
    tmp_path: Path, said: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(tmp_path, **KEYS)  # which writes the initial policy, but no match log yet
    with monkeypatch.context() as patch:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(files.os, "fsync", full)
        training.until(100)
        training.trainer.save_model()
    assert "the match log of step" in said()
    assert "checkpoint.pt: [Errno 28] No space left on device. The last one is still there." in said()
    training.until(200)  # There is room again.
    training.trainer.save_model()
    assert json.loads((training.trainer.folder.path / "state.json").read_text())["step"] >= 200


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB; it is let go of with the test, and freed with the last open file."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a disk, and not everywhere")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_that_really_is_full_leaves_a_run_to_resume(small_disk: Path, said: Callable[[], str]) -> None:
    training = Training(small_disk, **KEYS)
    training.until(600)
    training.trainer.save_model()
    assert "could not be written: [Errno 28] No space left on device" in said()
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    resumed = Training(small_disk, load=True, **KEYS)
    assert 0 < resumed.trainer.get_step < training.trainer.get_step


@pytest.mark.parametrize(("learner", "units"), [("ppo", 512), ("dqn", 8)])
def test_a_checkpoint_or_replay_for_which_there_is_no_room_costs_no_run(
    small_disk: Path, said: Callable[[], str], learner: str, units: int
) -> None:
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    training = Training(small_disk, learner=learner, network={"hidden_units": units}, **KEYS)
    training.until(50)
    folder = training.trainer.folder
    folder.disk.wait()
    before = contents(small_disk)
    # There is room for one more snapshot and state, but not for what is written next.
    room = folder.snapshot_bytes(0) + (folder.path / "state.json").stat().st_size + 12_000
    filled = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes(filled.f_bavail * filled.f_frsize - room))
    training.until(85)
    folder.disk.wait()
    assert "could not be written" in said()
    assert "No space left on device" in said() if learner == "ppo" else "os error 28" in said()
    assert (small_disk / "Arena" / "checkpoint.pt").read_bytes() == before["Arena/checkpoint.pt"]


def test_an_export_that_fails_costs_a_warning_and_the_weights_are_kept(
    tmp_path: Path, said: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlagents.trainers.torch_entities.model_serialization import ModelSerializer

    def fail(self: ModelSerializer, path: str) -> None:
        Path(f"{path}.onnx").write_bytes(b"half a model")
        raise RuntimeError("no such operator")

    monkeypatch.setattr(ModelSerializer, "export_policy_model", fail)
    training = Training(tmp_path, **KEYS)
    training.until(100)
    training.trainer.save_model()
    step = training.trainer.get_step
    assert f"Arena-{step}.onnx: no such operator. Its weights are in" in said()
    assert (tmp_path / "Arena" / f"Arena-{step}.pt").exists()
    assert not list(tmp_path.rglob("*.onnx"))
    training.until(150)


# On resuming


def test_a_resumed_run_has_what_the_saved_one_had(saved: Path) -> None:
    before = json.loads((saved / "Arena" / "selfplay" / "state.json").read_text())
    resumed = Training(saved, load=True, **KEYS)
    assert resumed.trainer.get_step == before["step"]
    assert json.loads(json.dumps(resumed.trainer._state())) == before["state"]


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut short": (lambda state: state.write_bytes(state.read_bytes()[:-100]), r"state\.json is damaged"),
    "empty": (lambda state: state.write_text(""), r"state\.json is damaged"),
    "another type": (lambda state: state.write_text("[]"), r"state\.json is damaged"),
    "gone": (lambda state: state.unlink(), r"holds no state for learner step \d+"),
    "a part is missing": (lambda state: change(state, "roster", None), r"state\.json is damaged"),
    "a part of another type": (lambda state: change(state, "game", "chess"), r"state\.json is damaged"),
}


def change(state: Path, part: str, value: object) -> None:
    entry = json.loads(state.read_text())
    entry["state"][part] = value
    if value is None:
        del entry["state"][part]
    state.write_text(json.dumps(entry))


@pytest.mark.parametrize(("damage", "error"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_state_is_one_error_and_nothing_on_disk_is_lost(
    saved: Path, damage: Callable[[Path], object], error: str
) -> None:
    damage(saved / "Arena" / "selfplay" / "state.json")
    before = contents(saved)
    with pytest.raises(TrainerConfigError, match=f"Arena cannot be resumed from .*selfplay: .*{error}.*--force"):
        Training(saved, load=True, **KEYS)
    assert contents(saved) == before


def test_a_damaged_history_json_is_written_anew_since_nothing_is_read_from_it(saved: Path) -> None:
    path = saved / "Arena" / "selfplay" / "history.json"
    before = json.loads(path.read_text())
    path.write_text("{")
    Training(saved, load=True, **KEYS)
    assert json.loads(path.read_text()) == before


def test_another_capacity_is_refused_and_nothing_on_disk_is_lost(saved: Path) -> None:
    before = contents(saved)
    with pytest.raises(TrainerConfigError, match="history_capacity: 8 is not allowed; it must stay 64"):
        Training(saved, load=True, **{**KEYS, "history_capacity": 8})
    assert contents(saved) == before


def test_another_network_is_refused_and_nothing_on_disk_is_lost(saved: Path) -> None:
    before = contents(saved)
    with pytest.raises(TrainerConfigError, match="network_settings or environment are not those of the run"):
        Training(saved, load=True, network={"hidden_units": 16}, **KEYS)
    assert contents(saved) == before


def test_an_older_checkpoint_put_back_without_its_state_is_refused(saved: Path) -> None:
    training = Training(saved, load=True, **KEYS)
    older = (saved / "Arena" / "checkpoint.pt").read_bytes()
    training.until(200)
    training.trainer.save_model()
    (saved / "Arena" / "checkpoint.pt").write_bytes(older)
    with pytest.raises(TrainerConfigError, match=r"no state for learner step \d+, at which the checkpoint was taken"):
        Training(saved, load=True, **KEYS)


def test_a_run_that_begins_again_clears_what_was_there(saved: Path) -> None:
    training = Training(saved, **KEYS)
    folder = training.trainer.folder.path
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["0.safetensors"]


def test_watching_a_run_changes_none_of_its_files(saved: Path) -> None:
    before = contents(saved)
    watching = Training(saved, load=True, training=False, **KEYS)
    for _ in range(50):
        watching.step()
    assert contents(saved) == before
    assert {
        player
        for policy in watching.policies.values()
        for seats in policy._player_of.values()
        for player in seats.values()
    } == {"current"}


def test_watching_a_copy_without_its_self_play_folder_works(saved: Path) -> None:
    shutil.rmtree(saved / "Arena" / "selfplay")
    watching = Training(saved, load=True, training=False, **KEYS)
    for _ in range(5):
        watching.step()
