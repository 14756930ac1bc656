"""Does a letter arrive as it was written, and whole or not at all?"""

from pathlib import Path

import numpy as np
import pytest
from mlagents_selfplay.files import DamagedFile
from mlagents_selfplay.mail import letters
from mlagents_selfplay.mail.letters import Guest, Letter

WEIGHTS = {"layer.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "steps": np.array(3.0, np.float32)}


def test_a_letter_is_read_as_it_was_posted(tmp_path: Path) -> None:
    guests = {"agt_1@200": Guest(0.75, WEIGHTS), "agt_2@0": Guest(0.25, WEIGHTS)}
    letters.post(tmp_path, Letter(3, {"extrinsic.gamma": 0.97}, b"\x00\x01", guests, 0.5, True))
    found = letters.read(tmp_path, 3)
    assert (found.number, found.hyperparameters, found.checkpoint) == (3, {"extrinsic.gamma": 0.97}, b"\x00\x01")
    assert (found.guest_ratio, found.waits) == (0.5, True)
    assert {name: guest.chance for name, guest in found.guests.items()} == {"agt_1@200": 0.75, "agt_2@0": 0.25}
    for guest in found.guests.values():
        assert guest.weights["steps"].shape == ()
        np.testing.assert_array_equal(guest.weights["layer.weight"], [[0, 1, 2], [3, 4, 5]])


def test_a_letter_that_says_nothing_changes_nothing(tmp_path: Path) -> None:
    letters.post(tmp_path, Letter(1))
    found = letters.read(tmp_path, 1)
    assert (found.hyperparameters, found.checkpoint, found.guests, found.waits) == ({}, None, None, None)


def test_letters_are_found_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 9, 11):
        letters.post(tmp_path, Letter(number))
    (tmp_path / "12.safetensors.part").write_bytes(b"half of a letter")
    assert letters.waiting(tmp_path) == [9, 10, 11]
    letters.discard(tmp_path, 9)
    letters.discard(tmp_path, 9)
    assert letters.waiting(tmp_path) == [10, 11]


def test_there_is_nothing_in_an_inbox_that_does_not_exist(tmp_path: Path) -> None:
    assert letters.waiting(tmp_path / "inbox") == []


@pytest.mark.parametrize("damage", [b"", b"no letter at all", None])
def test_a_damaged_letter_is_one_error_that_names_it(tmp_path: Path, damage: bytes | None) -> None:
    if damage is not None:
        (tmp_path / "1.safetensors").write_bytes(damage)
    with pytest.raises(DamagedFile, match="1.safetensors is damaged or missing"):
        letters.read(tmp_path, 1)
