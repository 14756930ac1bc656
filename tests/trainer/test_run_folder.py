"""Is what a run leaves on disk whole at any moment, and read back as it was written?"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Timer

import numpy as np
import pytest
from mlagents_selfplay import files
from mlagents_selfplay.disk import MOST_WAITING, Disk
from mlagents_selfplay.files import DamagedFile, write_atomically
from mlagents_selfplay.selfplay.history import SnapshotHistory
from mlagents_selfplay.selfplay.scorebook import MatchRow
from mlagents_selfplay.store import RunFolder

WEIGHTS = {
    "layer.weight": np.arange(6, dtype=np.float32).reshape(2, 3) / 7,
    "layer.bias": np.array([1 / 3, -1 / 3], dtype=np.float32),
    "normalizer.steps": np.array(12345, dtype=np.int32),  # A scalar, as the normaliser's counter is.
}


def row(step: int, opponent: str = "200") -> MatchRow:
    return MatchRow(step, 0, opponent, 1.0, 0.25, 10)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "selfplay")


class Killed(BaseException):
    """Ends the process at a chosen moment, as far as a test can."""


def moments(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yields each point at which a write can be interrupted, set up for the next call; the last leaves it whole."""
    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:

            def die(*_: object) -> None:
                raise Killed

            patch.setattr(files.os, name, die)
            yield name


# Single files


def test_a_write_that_is_cut_short_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, lambda file: file.write(b"old"))
    for _ in moments(monkeypatch):
        with pytest.raises(Killed):
            write_atomically(path, lambda file: file.write(b"new"))
        assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("file", b"old")]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, lambda file: file.write(b"old"))

    def write(file: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, write)
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("file", b"old")]


def test_a_snapshot_is_read_back_bit_for_bit_scalars_included(folder: RunFolder) -> None:
    folder.save_snapshot(100, WEIGHTS, half=False)
    loaded = folder.load_snapshot(100)
    assert set(loaded) == set(WEIGHTS)
    for name, value in WEIGHTS.items():
        assert loaded[name].dtype == value.dtype
        assert loaded[name].shape == value.shape
        assert np.array_equal(loaded[name], value)


def test_half_precision_halves_matrices_only(folder: RunFolder) -> None:
    folder.save_snapshot(100, WEIGHTS, half=True)
    loaded = folder.load_snapshot(100)
    assert loaded["layer.weight"].dtype == np.float32
    assert np.array_equal(loaded["layer.weight"], WEIGHTS["layer.weight"].astype(np.float16))
    assert np.array_equal(loaded["layer.bias"], WEIGHTS["layer.bias"])
    assert loaded["normalizer.steps"] == 12345


def test_weights_that_do_not_lie_in_order_in_memory_are_saved_as_they_look(folder: RunFolder) -> None:
    turned = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3).T}
    folder.save_snapshot(1, turned, half=False)
    assert np.array_equal(folder.load_snapshot(1)["weight"], turned["weight"])


@pytest.mark.parametrize("cut", [0, 8, 50, -1])
def test_a_snapshot_that_was_cut_short_is_named(folder: RunFolder, cut: int) -> None:
    folder.save_snapshot(100, WEIGHTS, half=False)
    file = folder.snapshot_file(100)
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(DamagedFile, match=r"100\.safetensors is damaged or missing"):
        folder.load_snapshot(100)
    assert folder.set_aside(100).name == "100.damaged"
    assert folder.snapshot_bytes(100) == 0


def test_a_missing_snapshot_is_named(folder: RunFolder) -> None:
    with pytest.raises(DamagedFile, match=r"100\.safetensors is damaged or missing"):
        folder.load_snapshot(100)


# The match log


def test_the_match_log_is_csv_with_a_row_for_each_seat(folder: RunFolder) -> None:
    folder.append([row(100), MatchRow(200, 1, "mixed(0.5, 0.5)", None, -3.0, 7)])
    assert (folder.path / "matches.csv").read_text() == (
        "step,team,opponent,outcome,return,length\n"
        "100,0,200,1,0.25,10\n"
        '200,1,"mixed(0.5, 0.5)",,-3,7\n'
    )  # fmt: skip


def test_rows_that_do_not_fit_on_the_disk_are_left_out_as_a_whole(folder: RunFolder) -> None:
    folder.append([row(100)])
    whole = (folder.path / "matches.csv").read_bytes()

    class FullDisk:
        """Takes the first bytes only, as a write without a buffer does."""

        def __init__(self, file: object) -> None:
            self._file = file

        def write(self, blob: bytes) -> int:
            return self._file.write(blob[:5])

        def __getattr__(self, name: str) -> object:
            return getattr(self._file, name)

    real, folder._log = folder._log, FullDisk(folder._log)
    with pytest.raises(OSError, match="only a part of the rows"):
        folder.append([row(200)])
    assert (folder.path / "matches.csv").read_bytes() == whole
    folder._log = real
    folder.append([row(300)])
    assert (folder.path / "matches.csv").read_text().splitlines()[1:] == ["100,0,200,1,0.25,10", "300,0,200,1,0.25,10"]


def test_the_header_is_written_though_the_disk_was_full_at_first(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in moments(monkeypatch):
        with pytest.raises(Killed):
            folder.append([row(100)])
    folder.append([row(200)])
    assert (folder.path / "matches.csv").read_text().splitlines()[0] == "step,team,opponent,outcome,return,length"


# Checkpoints in three steps


def checkpoint(folder: RunFolder, step: int, kept: list[int]) -> None:
    folder.saving(step, {"of": step}, kept, lambda: None)()


def die() -> None:
    raise Killed


def checkpoint_cut_short(folder: RunFolder, step: int, kept: list[int]) -> None:
    """The process is killed before or after checkpoint.pt was replaced, and before the state was."""
    with pytest.raises(Killed):
        folder.saving(step, {"of": step}, kept, die)()


def reopened(folder: RunFolder) -> RunFolder:
    return RunFolder(folder.path)


def test_whichever_checkpoint_a_resume_finds_its_state_is_there(folder: RunFolder) -> None:
    for step in (100, 200):
        folder.save_snapshot(step, WEIGHTS, half=False)
    folder.append([row(50)])
    checkpoint(folder, 100, [100])
    folder.append([row(150)])
    folder.save_snapshot(200, WEIGHTS, half=False)
    checkpoint_cut_short(folder, 200, [200])
    folder.append([row(250)])
    assert reopened(folder).read_state(100) == {"of": 100}
    assert reopened(folder).read_state(200) == {"of": 200}
    assert folder.snapshot_file(100).exists()  # Nothing is deleted before the commit.


@pytest.mark.parametrize(("step", "rows"), [(100, ["50"]), (200, ["50", "150"])])
def test_a_rewound_folder_is_that_of_the_checkpoint(folder: RunFolder, step: int, rows: list[str]) -> None:
    folder.append([row(50)])
    checkpoint(folder, 100, [])
    folder.append([row(150)])
    checkpoint_cut_short(folder, 200, [])
    folder.append([row(250)])
    resumed = reopened(folder)
    resumed.rewind(step)
    assert resumed.read_state(step) == {"of": step}
    assert not (folder.path / "state.next.json").exists()
    resumed.append([row(999)])
    lines = (folder.path / "matches.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", *rows, "999"]


def test_what_a_killed_process_left_half_written_goes_with_the_rewinding(folder: RunFolder) -> None:
    checkpoint(folder, 100, [])
    folder.save_snapshot(0, WEIGHTS, half=False)
    (folder.path / "snapshots" / "150.safetensors.part").write_bytes(b"half")
    reopened(folder).rewind(100)
    assert os.listdir(folder.path / "snapshots") == ["0.safetensors"]


def test_a_log_that_is_shorter_than_it_was_is_not_filled_up(folder: RunFolder) -> None:
    folder.append([row(50), row(60)])
    checkpoint(folder, 100, [])
    log = folder.path / "matches.csv"
    log.write_text("\n".join(log.read_text().splitlines()[:2]) + "\n")
    resumed = reopened(folder)
    resumed.rewind(100)
    resumed.append([row(200)])
    assert [line.split(",")[0] for line in log.read_text().splitlines()] == ["step", "50", "200"]


def test_what_is_saved_later_is_that_of_the_moment_at_which_it_was_handed_over(folder: RunFolder) -> None:
    folder.append([row(50)])
    state = {"of": 100}
    save = folder.saving(100, state, [], lambda: None)
    state["of"] = 999
    folder.append([row(150)])
    save()
    assert reopened(folder).read_state(100) == {"of": 100}
    reopened(folder).rewind(100)
    assert [line.split(",")[0] for line in (folder.path / "matches.csv").read_text().splitlines()] == ["step", "50"]


# Off the thread that trains


@pytest.fixture
def busy(folder: RunFolder) -> Iterator[Event]:
    """The disk is busy until the event is set."""
    free = Event()
    folder.disk.later(lambda: free.wait(30) and None)
    yield free
    free.set()
    folder.disk.wait()


def test_a_snapshot_on_its_way_to_the_disk_is_read_as_it_will_lie_there(folder: RunFolder, busy: Event) -> None:
    folder.save_snapshot_later(100, WEIGHTS, half=True)
    size = folder.snapshot_bytes(100)
    assert not folder.snapshot_file(100).exists()
    before = folder.load_snapshot(100)
    busy.set()
    folder.disk.wait()
    assert folder.snapshot_file(100).stat().st_size == size
    for name, value in folder.load_snapshot(100).items():
        assert before[name].dtype == value.dtype
        assert np.array_equal(before[name], value)


def test_a_snapshot_that_could_not_be_written_is_told_once_and_no_checkpoint_names_it(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint(folder, 50, [])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        folder.save_snapshot_later(100, WEIGHTS, half=False)
        folder.disk.wait()
    with pytest.raises(OSError, match="snapshot 100, which belongs to it, could not be written: .*No space left"):
        checkpoint(folder, 100, [100])
    assert reopened(folder).read_state(50) == {"of": 50}
    assert [(step, error.errno) for step, error in folder.take_lost().items()] == [(100, 28)]
    assert folder.take_lost() == {}
    with pytest.raises(DamagedFile, match=r"100\.safetensors is damaged or missing"):
        folder.load_snapshot(100)
    checkpoint(folder, 150, [])  # it left the history


def test_jobs_are_done_in_order_and_no_more_than_a_few_wait(busy: Event) -> None:
    disk, done = Disk(), []
    disk.later(lambda: busy.wait(30) and None)
    for number in range(MOST_WAITING - 1):
        disk.later(lambda number=number: done.append(number))
    assert done == []
    Timer(0.05, busy.set).start()
    disk.later(lambda: done.append("last"))  # has to wait until the first is done
    assert busy.is_set()
    disk.wait()
    assert done == [*range(MOST_WAITING - 1), "last"]


def test_a_defect_in_a_job_is_raised_in_the_thread_that_handed_it_over() -> None:
    disk, go_on = Disk(), Event()

    def fail() -> None:
        go_on.wait(30)
        raise Killed

    disk.later(fail)
    go_on.set()
    with pytest.raises(Killed):
        disk.wait()
    disk.later(lambda: None)
    disk.wait()


def test_a_state_of_another_step_is_refused_and_says_what_there_is(folder: RunFolder) -> None:
    checkpoint(folder, 100, [])
    with pytest.raises(DamagedFile, match=r"no state for learner step 300.*'state.json': 100.*--force"):
        folder.read_state(300)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"step": 100}', "null", '{"format": 1}'])
def test_a_damaged_state_is_named(folder: RunFolder, content: str) -> None:
    checkpoint(folder, 100, [])
    (folder.path / "state.json").write_text(content)
    with pytest.raises(DamagedFile, match=r"state\.json.*--force"):
        folder.read_state(100)


def test_a_state_of_another_format_is_refused(folder: RunFolder) -> None:
    checkpoint(folder, 100, [])
    path = folder.path / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    with pytest.raises(DamagedFile, match=r"format version 2; this version of mlagents-selfplay reads 1"):
        folder.read_state(100)


def test_a_thousand_snapshots_take_no_more_room_than_the_capacity_and_the_initial_one(folder: RunFolder) -> None:
    history = SnapshotHistory(64)
    folder.save_snapshot(0, WEIGHTS, half=False)
    actor = folder.snapshot_bytes(0)
    most = 0
    for step in range(10, 10_010, 10):
        folder.save_snapshot(step, WEIGHTS, half=False)
        history.add(step)
        checkpoint(folder, step, [0, *history.steps])
        files = os.listdir(folder.path / "snapshots")
        most = max(most, sum((folder.path / "snapshots" / name).stat().st_size for name in files))
        assert len(files) == len(history.steps) + 1
    # The header names the step, so a file with a longer one is a few bytes longer: 16 at most.
    assert most <= 65 * (actor + 16)
    assert len(history.steps) == 64
