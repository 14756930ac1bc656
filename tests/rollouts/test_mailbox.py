"""Does a letter arrive as it was posted, whichever end posted it?"""

import os
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from mlagents_selfplay.rollouts import mailbox as trainers

from gym_bridges.rollouts import mailbox as bridges

ARRAYS = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
    arrays_of.arrays(st.sampled_from([np.float32, np.int64, np.bool_, np.uint8]), arrays_of.array_shapes(min_side=0)),
    max_size=4,
)


@given(header=st.dictionaries(st.text(max_size=5), st.integers() | st.text()), arrays=ARRAYS)
def test_what_one_end_posts_the_other_reads(
    header: dict, arrays: dict, tmp_path_factory: pytest.TempPathFactory
) -> None:
    header.pop("arrays", None)  # Where a letter lists what it holds.
    box = bridges.Mailbox(tmp_path_factory.mktemp("box"))
    trainers.post(box.folder, "plan.0", header, arrays)
    box.post("rollout.0", header, arrays)
    for letter in (box.take("plan.0"), trainers.take(box.folder, "rollout.0")):
        assert letter is not None
        assert letter.header == header
        assert letter.arrays.keys() == arrays.keys()
        for name, array in arrays.items():
            assert letter.arrays[name].dtype == array.dtype
            assert np.array_equal(letter.arrays[name], array, equal_nan=array.dtype.kind == "f")
    assert list(box.folder.iterdir()) == []  # Read once, and gone.


def test_there_may_be_no_letter(tmp_path: Path) -> None:
    assert bridges.Mailbox(tmp_path).take("plan.0") is None
    assert trainers.take(tmp_path, "hello") is None


def test_both_ends_agree_on_the_door_and_the_version() -> None:
    assert (bridges.DOOR, bridges.OPEN, bridges.PROTOCOL) == (trainers.DOOR, trainers.OPEN, trainers.PROTOCOL)


def test_only_this_user_can_look_behind_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(trainers.DOOR, "that of another trainer, who started this process")
    monkeypatch.setattr(trainers, "_door", None)
    trainers.make_door()
    folder = Path(os.environ[trainers.DOOR])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert bridges.door_maker() == os.getpid()  # its name says so
    box = bridges.knock(5005)
    assert box is not None
    assert box.folder == folder / f"5005-{os.getpid()}"
    assert stat.S_IMODE(box.folder.stat().st_mode) == 0o700


def test_where_there_is_no_door_nobody_knocks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(bridges.DOOR, raising=False)
    assert bridges.knock(5005) is None
    monkeypatch.setenv(bridges.DOOR, str(tmp_path / "gone"))
    assert bridges.knock(5005) is None


def test_what_a_killed_trainer_left_behind_goes_when_the_next_one_starts(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    gone, there = (tmp_path / f"mlagents-selfplay-{owner}-x" for owner in (ended.pid, os.getpid()))
    gone.mkdir()
    there.mkdir()
    trainers._remove_left_behind(tmp_path)
    assert list(tmp_path.iterdir()) == [there]
