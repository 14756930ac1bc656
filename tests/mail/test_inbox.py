"""Does a trainer follow the letters of its population while it runs, and remember them after a resume?"""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from mlagents_selfplay.mail import letters
from mlagents_selfplay.mail.letters import Guest, Letter

from tests.trainer.inprocess import Training


def inbox(folder: Path) -> Path:
    return folder / "Arena" / "inbox"


def guest(training: Training, chance: float = 1.0) -> Guest:
    return Guest(chance, training.trainer.roster.weights_of("current"))


def test_a_letter_is_followed_at_once_and_kept_until_a_checkpoint_names_it(tmp_path: Path) -> None:
    training = Training(tmp_path)
    training.until(20)
    letters.post(inbox(tmp_path), Letter(1, {"learning_rate": 0.5, "extrinsic.gamma": 0.25}))
    training.step()
    assert letters.waiting(inbox(tmp_path)) == []
    learner = training.trainer.learner
    assert learner.optimizer.decay_learning_rate.initial_value == 0.5
    assert learner.optimizer.reward_signals["extrinsic"].gamma == 0.25
    step = training.trainer.get_step
    assert training.trainer.folder.read_state(step)["inbox"]["opened"] == 1
    resumed = Training(tmp_path, load=True).trainer
    assert resumed.get_step == step
    assert resumed.learner.optimizer.decay_learning_rate.initial_value == 0.5
    assert resumed.learner.optimizer.reward_signals["extrinsic"].gamma == 0.25


def test_a_letter_that_was_followed_before_a_kill_is_not_followed_again(tmp_path: Path) -> None:
    training = Training(tmp_path)
    training.until(20)
    letters.post(inbox(tmp_path), Letter(1, {"learning_rate": 0.5}))
    training.step()
    letters.post(inbox(tmp_path), Letter(1, {"learning_rate": 0.125}))  # killed before it was thrown away
    resumed = Training(tmp_path, load=True)
    resumed.step()
    assert resumed.trainer.learner.optimizer.decay_learning_rate.initial_value == 0.5
    assert letters.waiting(inbox(tmp_path)) == []


def test_weights_are_taken_over_while_the_member_goes_on_counting(tmp_path: Path) -> None:
    parent, child = Training(tmp_path / "parent"), Training(tmp_path / "child")
    parent.until(150)
    child.until(110)
    step = child.trainer.get_step
    own = child.trainer.roster.weights_of("current")
    checkpoint = (tmp_path / "parent" / "Arena" / "checkpoint.pt").read_bytes()
    letters.post(inbox(tmp_path / "child"), Letter(1, checkpoint=checkpoint))
    child.step()
    taken = child.trainer.roster.weights_of("current")
    expected = parent.trainer.roster.weights_of(str(max(parent.trainer.roster.pool.history.steps)))
    for name, value in expected.items():
        np.testing.assert_array_equal(taken[name], value)
    assert any(not np.array_equal(own[name], taken[name]) for name in own)
    assert step <= child.trainer.get_step < step + 50
    child.until(230)  # it learns on


def test_guests_are_met_and_after_a_resume_as_well(tmp_path: Path) -> None:
    training = Training(tmp_path)
    training.until(20)
    letters.post(inbox(tmp_path), Letter(1, guests={"agt_7@300": guest(training)}, guest_ratio=1.0))
    training.until(150)
    rows = (tmp_path / "Arena" / "selfplay" / "matches.csv").read_text()
    assert "agt_7@300" in rows
    resumed = Training(tmp_path, load=True)
    pool = resumed.trainer.roster.pool
    assert (pool.guests, pool.guest_ratio) == ({"agt_7@300": 1.0}, 1.0)
    assert resumed.trainer.roster.is_playable("agt_7@300")
    assert resumed.trainer.roster.draw() == "agt_7@300"


def test_new_guests_take_the_place_of_those_before(tmp_path: Path) -> None:
    training = Training(tmp_path)
    training.until(20)
    for number, names in enumerate((["agt_1@100", "agt_2@100"], ["agt_2@100"], ["agt_3@100"]), start=1):
        guests = {name: guest(training, 1 / len(names)) for name in names}
        letters.post(inbox(tmp_path), Letter(number, guests=guests, guest_ratio=0.5))
        training.step()
        assert set(training.trainer.roster.pool.guests) == set(names)
    assert not training.trainer.roster.is_playable("agt_1@100")
    kept = {path.stem for path in (tmp_path / "Arena" / "selfplay" / "guests").iterdir()}
    assert kept == {"agt_2@100", "agt_3@100"}  # Those before stay until the next time: a resume may need them.


@pytest.mark.parametrize("damage", ["letter", "checkpoint", "guest"])
def test_a_letter_that_cannot_be_followed_costs_nothing_but_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    training = Training(tmp_path)
    training.until(20)
    inbox(tmp_path).mkdir()
    if damage == "letter":
        (inbox(tmp_path) / "1.safetensors").write_bytes(b"nothing")
    elif damage == "checkpoint":
        letters.post(inbox(tmp_path), Letter(1, checkpoint=b"nothing"))
    else:
        strange = Guest(1.0, {"weight": np.zeros(3, np.float32)})
        letters.post(inbox(tmp_path), Letter(1, guests={"agt_1@100": strange}))
    training.step()
    said = {"guest": "guest agt_1@100 is of another architecture"}.get(damage, "Letter 1 of the population cannot be")
    assert said in caplog.text
    assert letters.waiting(inbox(tmp_path)) == []
    training.until(110)


def test_a_member_that_waits_goes_on_with_its_next_letter(tmp_path: Path) -> None:
    training = Training(tmp_path)
    letters.post(inbox(tmp_path), Letter(1, waits=True))
    training.until(90)
    waiting = threading.Thread(target=training.until, args=(130,), daemon=True)
    waiting.start()
    waiting.join(2.0)
    assert waiting.is_alive()
    step = training.trainer.get_step
    assert 100 <= step < 130
    assert training.trainer.folder.read_state(step)["inbox"]["awaiting"] is True
    letters.post(inbox(tmp_path), Letter(2))
    waiting.join(60.0)
    assert training.trainer.get_step >= 130
