"""Do the lives of snapshots, told from result files, match the history that was?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlagents_selfplay.dashboard.lives import lives
from mlagents_selfplay.selfplay.history import SnapshotHistory


@given(capacity=st.integers(2, 9), intervals=st.lists(st.integers(1, 50), min_size=1, max_size=60))
def test_they_are_the_lives_of_the_history_if_everybody_was_met(capacity: int, intervals: list[int]) -> None:
    history, alive, taken = SnapshotHistory(capacity), {}, np.cumsum(intervals).tolist()
    for step in taken:
        history.add(step)
        alive[step] = list(history.steps)
    found = lives(history.steps, capacity, dict.fromkeys(taken, taken[-1]))
    assert found.exact
    assert found.taken.tolist() == taken
    for step in taken:
        assert found.at(step).tolist() == alive[step]


def test_without_a_trace_of_some_snapshot_an_evicted_one_lives_until_it_was_last_met() -> None:
    # A history of two: 10, 20, 30 were taken; nobody met 20, so a replay of 10, 30 evicts nobody, but 40 is kept too.
    found = lives(kept=[30, 40], capacity=2, last_met={10: 25, 30: 39})
    history = SnapshotHistory(2)
    for step in (10, 30, 40):
        history.add(step)
    assert list(history.steps) != [30, 40]  # else the replay would be right by chance
    assert not found.exact
    assert found.taken.tolist() == [10, 30, 40]
    assert found.left.tolist() == [26, -1, -1]


@pytest.mark.parametrize(("step", "expected"), [(0, []), (10, [10]), (25, [10]), (30, [30]), (99, [30, 40])])
def test_a_cut_shows_who_was_in_the_history_then(step: int, expected: list[int]) -> None:
    assert lives([30, 40], 2, {10: 25, 30: 39}).at(step).tolist() == expected


def test_what_was_met_after_the_last_checkpoint_is_left_out() -> None:
    assert lives([10], 4, {10: 30, 20: 30}).taken.tolist() == [10]
