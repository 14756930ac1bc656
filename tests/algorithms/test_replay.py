"""Does the replay hand out what was lived through, as often as it should, and after a resume still?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlagents_envs.base_env import ActionSpec, BehaviorSpec
from mlagents_selfplay.algorithms.replay import NOBODY, Piece, Replay
from mlagents_selfplay.algorithms.sum_tree import SumTree

from tests.algorithms.toys import Identity, Play, picture, vector

SPEC = BehaviorSpec([vector(1)], ActionSpec(0, (10,)))


def piece(first: int, steps: int, terminal: bool = False, episode: int = 0, **changes: Any) -> Piece:
    """A piece in which step `n` sees `n`, does `n % 10` and is paid `n`."""
    numbers = np.arange(first, first + steps)
    whole = Piece(
        (np.arange(first, first + steps + 1, dtype=np.float32)[:, None],),
        np.zeros((steps, 0), np.float32),
        (numbers % 10).astype(np.int32)[:, None],
        np.ones((steps, 10), bool),
        numbers.astype(np.float32),
        terminal,
        episode,
        first,
    )
    return whole._replace(**changes)


def test_what_follows_a_step_is_what_was_seen_next() -> None:
    replay = Replay(SPEC, 20)
    replay.add(piece(0, 3))
    replay.add(piece(100, 2, terminal=True))
    found = replay.transitions(np.array([0, 2, 4, 5]), gamma=0.9)  # Row 3 closes the first piece.
    assert found.observations_tm1[0].ravel().tolist() == [0, 2, 100, 101]
    assert found.observations_t[0].ravel().tolist() == [1, 3, 101, 102]
    assert found.discrete_tm1.ravel().tolist() == [0, 2, 0, 1]
    assert found.rewards.ravel().tolist() == [0, 2, 100, 101]
    assert found.discounts.ravel().tolist() == pytest.approx([0.9, 0.9, 0.9, 0.0])  # Only the last one is an end.


def test_a_transition_over_three_steps_stops_where_the_piece_does() -> None:
    replay = Replay(SPEC, 20)
    replay.add(piece(0, 4))
    found = replay.transitions(np.array([0, 2, 3]), gamma=0.5, n_step=3)
    assert found.rewards.tolist() == [[0, 1, 2], [2, 3, 0], [3, 0, 0]]
    assert found.discounts.tolist() == [[0.5, 0.5, 0.5], [0.5, 0.5, 1.0], [0.5, 1.0, 1.0]]
    assert found.observations_t[0].ravel().tolist() == [3, 4, 4]


@given(st.lists(st.integers(1, 7), min_size=1, max_size=12), st.integers(8, 30), st.integers(0, 2**32 - 1))
def test_whatever_is_drawn_was_lived_through(lengths: list[int], capacity: int, seed: int) -> None:
    replay, first = Replay(SPEC, capacity), 0
    held = []
    for length in lengths:
        replay.add(piece(first, length))
        held.extend([*range(first, first + length), None])
        first += length + 1
    steps = [step for step in held[-capacity:] if step is not None]
    assert len(replay) == len(steps)
    if not steps:
        return
    numbers, weights = replay.draw(50, np.random.default_rng(seed))
    found = replay.transitions(numbers, gamma=1.0)
    drawn = found.observations_tm1[0].ravel()
    assert set(drawn.tolist()) <= set(steps)
    assert (found.observations_t[0].ravel() == drawn + 1).all()
    assert (weights == 1).all()


def test_every_step_is_drawn_as_often_as_every_other() -> None:
    replay = Replay(SPEC, 30)
    for episode in range(6):
        replay.add(piece(10 * episode, 4))
    numbers, _ = replay.draw(24_000, np.random.default_rng(0))
    times = np.unique(numbers, return_counts=True)[1]
    assert len(times) == 24  # 6 pieces of 4 steps; their 6 closing rows are never drawn.
    assert times.min() > 850  # 1,000 each, standard deviation 31.
    assert times.max() < 1_150


def test_what_may_be_done_after_a_piece_is_known_once_the_episode_goes_on() -> None:
    replay = Replay(SPEC, 20)
    tail = replay.add(piece(0, 2))
    allowed = np.arange(10) < 3
    assert replay.transitions(np.array([1]), 0.9).allowed_t.all()
    replay.allow(tail, allowed)
    assert (replay.transitions(np.array([1]), 0.9).allowed_t == allowed).all()


def test_pictures_are_kept_as_bytes_and_come_back_as_they_were() -> None:
    spec = BehaviorSpec([picture(3, 20, 20)], ActionSpec(0, (10,)))
    replay = Replay(spec, 10)
    seen = np.random.default_rng(0).integers(0, 256, (4, 3, 20, 20)).astype(np.float32) / 255
    replay.add(piece(0, 3, observations=(seen,)))
    assert replay.columns["observation.0"].nbytes == 10 * 3 * 20 * 20
    assert (replay.observations(np.arange(4))[0] == seen).all()


def test_pictures_that_are_no_bytes_are_not_rounded() -> None:
    spec = BehaviorSpec([picture(1, 20, 20)], ActionSpec(0, (10,)))
    replay = Replay(spec, 10)
    dark = np.zeros((2, 1, 20, 20), np.float32)
    seen = np.random.default_rng(0).normal(size=(3, 1, 20, 20)).astype(np.float32)
    replay.add(piece(0, 1, observations=(dark,)))
    replay.add(piece(0, 2, observations=(seen,)))
    assert (replay.observations(np.arange(2))[0] == dark).all()
    assert (replay.observations(np.arange(2, 5))[0] == seen).all()


def test_memory_stays_what_it_was_when_it_was_made() -> None:
    replay = Replay(SPEC, 50)
    before = replay.num_bytes
    for episode in range(100):
        replay.add(piece(0, 7, episode=episode))
    assert replay.num_bytes == before
    assert len(replay) == 43  # 50 rows hold six pieces of 7 steps and a closing row each, and the end of another.


def test_a_trajectory_that_cannot_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="9 steps does not fit into a replay of 9 rows"):
        Replay(SPEC, 9).add(piece(0, 9))


def test_large_errors_are_drawn_more_often_and_count_less() -> None:
    replay = Replay(SPEC, 10, priority_exponent=1.0)
    replay.add(piece(0, 4))
    replay.prioritise(np.arange(4), np.array([3.0, 1.0, 0.0, 0.0]))
    numbers, weights = replay.draw(4_000, np.random.default_rng(0), importance_exponent=1.0)
    assert np.mean(numbers == 0) == pytest.approx(0.75, abs=0.01)  # 3 of 3 + 1
    # N x P is 4 x 3/4 and 4 x 1/4; their inverses are 1/3 and 1, and the rarest would count most.
    assert weights[numbers == 0] / weights[numbers == 1][0] == pytest.approx(1 / 3)


def test_new_steps_are_as_likely_as_the_most_surprising_so_far() -> None:
    replay = Replay(SPEC, 10, priority_exponent=1.0)
    replay.add(piece(0, 2))
    replay.prioritise(np.arange(2), np.array([4.0, 1.0]))
    replay.add(piece(10, 1))
    numbers, _ = replay.draw(9_000, np.random.default_rng(0))
    assert np.mean(numbers == 3) == pytest.approx(4 / 9, abs=0.01)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=40), st.integers(0, 2**32 - 1))
def test_rows_are_drawn_in_proportion_to_their_priorities(priorities: list[float], seed: int) -> None:
    total = sum(priorities)
    if total < 1e-3:
        return
    tree = SumTree(len(priorities))
    tree.put(np.arange(len(priorities)), np.array(priorities))
    rows, probabilities = tree.draw(2_000, np.random.default_rng(seed))
    times = np.bincount(rows, minlength=len(priorities))
    assert np.abs(times - 2_000 * np.array(priorities) / total).max() <= 2  # one from each of 2,000 equal parts
    assert probabilities == pytest.approx(np.array(priorities)[rows] / total)


@pytest.mark.parametrize("exponent", [0.0, 0.6])
@pytest.mark.parametrize("capacity", [16, 12, 40])
def test_what_was_saved_is_drawn_again(exponent: float, capacity: int) -> None:
    replay, other = Replay(SPEC, 16, (), exponent), Replay(SPEC, capacity, (), exponent)
    for episode in range(5):
        replay.add(piece(10 * episode, 3, terminal=episode % 2 == 0, opponent=episode))
    if exponent:
        replay.prioritise(np.array([12, 13, 14]), np.array([5.0, 1.0, 2.0]))
    other.restore(replay.state())
    numbers = np.arange(max(replay.oldest, other.oldest), 19)
    kept = [number for number in numbers if number % 4 != 3]
    for before, after in zip(
        replay.transitions(np.array(kept), 0.9, 2), other.transitions(np.array(kept), 0.9, 2), strict=False
    ):
        assert np.array_equal(np.asarray(before), np.asarray(after))
    assert (other.columns["opponent"][numbers % capacity] == replay.columns["opponent"][numbers % 16]).all()
    if capacity == 16:
        drawn = [one.draw(20, np.random.default_rng(3), 0.5) for one in (replay, other)]
        assert np.array_equal(drawn[0][0], drawn[1][0])
        assert np.array_equal(drawn[0][1], drawn[1][1])


def test_a_replay_of_another_behavior_is_refused() -> None:
    other = Replay(BehaviorSpec([vector(2)], ActionSpec(0, (10,))), 16)
    replay = Replay(SPEC, 16)
    replay.add(piece(0, 3))
    with pytest.raises(ValueError, match="observation.0"):
        other.restore(replay.state())


# In a trainer


HYPERPARAMETERS = {"batch_size": 16, "buffer_size": 200, "buffer_init_steps": 40, "steps_per_update": 4.0}


def weights(play: Play) -> dict[str, np.ndarray]:
    return {name: value.numpy().copy() for name, value in play.policy.actor.state_dict().items()}


@pytest.mark.parametrize("kind", ["dqn", "split_q", "tabular_q"])
def test_a_resumed_learner_goes_on_as_if_it_had_never_stopped(kind: str, tmp_path: Path) -> None:
    hyperparameters = {} if kind == "tabular_q" else HYPERPARAMETERS
    play = Play(kind, Identity, tmp_path, hyperparameters=hyperparameters).until(120)
    play.trainer.save_model()
    resumed = Play(kind, Identity, tmp_path, hyperparameters=hyperparameters, load=True, seed=9)
    assert resumed.trainer.get_step == play.trainer.get_step
    assert resumed.trainer.update_steps == play.trainer.update_steps
    if kind != "tabular_q":
        for one in (play, resumed):
            one.trainer.learn_once()
            one.trainer.learn_once()
    assert resumed.trainer.rng.random() == play.trainer.rng.random()
    for name, value in weights(play).items():
        assert np.array_equal(value, weights(resumed)[name]), name


def test_a_killed_run_resumes_with_the_replay_of_its_checkpoint(tmp_path: Path) -> None:
    play = Play("dqn", Identity, tmp_path, hyperparameters=HYPERPARAMETERS).until(60)
    play.trainer.save_model()
    held = len(play.trainer.replay)
    play.until(120)

    def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # after the replay has been written, before the checkpoint has
        play.trainer.saving(play.trainer.get_step, killed)()
    resumed = Play("dqn", Identity, tmp_path, hyperparameters=HYPERPARAMETERS, load=True)
    assert len(resumed.trainer.replay) == held


def test_a_damaged_replay_costs_the_replay_and_not_the_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    play = Play("dqn", Identity, tmp_path, hyperparameters=HYPERPARAMETERS).until(60)
    play.trainer.save_model()
    (tmp_path / "Toy" / "replay.safetensors").write_bytes(b"nothing")
    with caplog.at_level("WARNING"):
        resumed = Play("dqn", Identity, tmp_path, hyperparameters=HYPERPARAMETERS, load=True)
    assert resumed.trainer.get_step >= 60
    assert len(resumed.trainer.replay) == 0
    assert "replay.safetensors cannot be used" in caplog.text


def test_the_replay_is_left_out_of_a_checkpoint_if_that_is_asked_for(tmp_path: Path) -> None:
    spare = {**HYPERPARAMETERS, "save_replay_buffer": False}
    Play("dqn", Identity, tmp_path, hyperparameters=spare).until(60).trainer.save_model()
    resumed = Play("dqn", Identity, tmp_path, hyperparameters=spare, load=True)
    assert resumed.trainer.get_step >= 60
    assert len(resumed.trainer.replay) == 0


def test_pieces_of_one_episode_can_be_told_from_those_of_others(tmp_path: Path) -> None:
    play = Play("dqn", Identity, tmp_path, areas=1, time_horizon=3, hyperparameters=HYPERPARAMETERS).until(8)
    columns = play.trainer.replay.columns
    # Episodes of 4 steps in pieces of 3 and 1, each closed by a row.
    assert columns["episode"][:12].tolist() == [0] * 6 + [1] * 6
    assert columns["step"][:12].tolist() == [0, 1, 2, 3, 3, 4] * 2
    assert columns["terminal"][:6].tolist() == [False] * 4 + [True, False]
    assert set(columns["opponent"][:12].tolist()) == {NOBODY}
