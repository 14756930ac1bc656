"""Does the bounded history keep what it promises: bounded, even at every moment, and the same after a resume?"""

import json
import operator
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlagents_selfplay.selfplay.history import SnapshotHistory

capacities = st.integers(2, 40)
streams = st.lists(st.integers(1, 5000), min_size=1, max_size=200).map(lambda gaps: list(accumulate(gaps)))


def filled(capacity: int, steps: list[int]) -> SnapshotHistory:
    history = SnapshotHistory(capacity)
    for step in steps:
        history.add(step)
    return history


def worst_discrepancy(capacity: int, intervals: list[int], first: int) -> float:
    """Longest gap x (capacity + 1) / elapsed at its worst from the `first` snapshot on, computed from `steps` alone."""
    history, worst = SnapshotHistory(capacity), 0.0
    for count, now in enumerate(accumulate(intervals), start=1):
        history.add(now)
        if count >= first:
            steps = history.steps
            worst = max(worst, max(map(operator.sub, steps, (0, *steps))) * (capacity + 1) / now)
    return worst


def test_four_places_are_thinned_as_by_hand() -> None:
    # Spacing 2^(1 / (4/2 - 1 + 1/4)) = 2^0.8 = 1.741; the head stays once its midpoint with the arrival passes
    # 1.741 x the snapshot before it.
    history = SnapshotHistory(4)
    assert [history.add(step) for step in (1, 2, 3, 4)] == [[], [], [], []]
    assert history.add(5) == [4]  # 4.5 <= 1.741 x 3 = 5.22: the head moves on
    assert history.add(6) == [1]  # 5.5 > 5.22: the head stays; merged gaps 2, 2, 3, 3: the oldest of the smallest goes
    assert history.steps == (2, 3, 5, 6)
    assert [history.add(step) for step in (7, 8, 9)] == [[6], [7], [8]]  # 8.5 <= 1.741 x 5 = 8.71
    assert history.add(10) == [2]  # 9.5 > 8.71; merged gaps 3, 3, 6, 5
    assert history.steps == (3, 5, 9, 10)


def test_two_places_hold_the_newest_and_one_that_moves_on_by_factors_of_four() -> None:
    # Spacing 2^(1 / (2/2 - 1 + 1/2)) = 4.
    history = filled(2, [1, 2, 3, 4])
    assert history.steps == (1, 4)
    assert history.add(5) == [1]  # (4 + 5) / 2 > 4 x 1; both merged gaps are 4
    assert history.steps == (4, 5)


def test_a_history_that_is_not_full_keeps_everything() -> None:
    assert filled(5, [3, 4, 100, 101]).steps == (3, 4, 100, 101)


def test_gaps_count_from_the_start_of_the_run() -> None:
    assert filled(4, [10, 25, 30]).gaps == (10, 15, 5)


def test_a_snapshot_at_step_zero_has_no_gap_before_it() -> None:
    history = filled(3, [0, 10])
    assert history.steps == (0, 10)
    assert history.gaps == (0, 10)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (None, 1.25),  # 10 x 5 / 40
        (48, 10 * 5 / 48),  # the open gap, 8, is not the longest
        (60, 20 * 5 / 60),  # the open gap, 20, is
    ],
)
def test_discrepancy_is_the_longest_gap_against_even_ones(now: int | None, expected: float) -> None:
    assert filled(4, [10, 20, 30, 40]).discrepancy(now) == pytest.approx(expected)


def test_discrepancy_of_an_empty_history_is_the_whole_run_or_nothing() -> None:
    assert SnapshotHistory(4).discrepancy(now=100) == 5.0  # one gap of 100: 100 x 5 / 100
    assert SnapshotHistory(4).discrepancy() == 0.0


@pytest.mark.parametrize("capacity", [1, 0, -3, 2.5, "8"])
def test_a_capacity_below_two_is_refused_by_its_value(capacity: object) -> None:
    with pytest.raises(ValueError, match=f"capacity.*at least 2.*{capacity}"):
        SnapshotHistory(capacity)  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [20, 19, 0])
def test_a_step_that_is_not_later_is_refused_and_changes_nothing(step: int) -> None:
    history = filled(2, [10, 20])
    with pytest.raises(ValueError, match=f"later than the newest snapshot at 20, got {step}"):
        history.add(step)
    assert history.steps == (10, 20)


def test_a_negative_step_is_refused() -> None:
    with pytest.raises(ValueError, match="non-negative learner step, got -1"):
        SnapshotHistory(2).add(-1)


def test_a_now_before_the_newest_snapshot_is_refused() -> None:
    with pytest.raises(ValueError, match="newest snapshot at 20, got 19"):
        filled(2, [10, 20]).discrepancy(now=19)


def test_numpy_steps_survive_json() -> None:
    history = filled(4, list(np.arange(1, 10)))
    assert json.loads(json.dumps(history.state()))["steps"] == list(history.steps)


@given(capacities, streams)
def test_it_is_bounded_ascending_and_ends_in_the_newest(capacity: int, stream: list[int]) -> None:
    history, alive = SnapshotHistory(capacity), set[int]()
    for count, step in enumerate(stream, start=1):
        evicted = history.add(step)
        assert alive.issuperset(evicted)
        alive = (alive | {step}).difference(evicted)
        assert history.steps == tuple(sorted(alive))
        assert history.steps[-1] == step
        assert len(history.steps) == min(count, capacity)


@given(capacities, streams)
def test_no_gap_exceeds_the_proven_worst_case_at_any_moment(capacity: int, stream: list[int]) -> None:
    # docs/history.md: a gap is one interval of the stream, or at most 2 x elapsed / capacity plus half an interval.
    history, longest_interval, before = SnapshotHistory(capacity), 0, 0
    for step in stream:
        longest_interval, before = max(longest_interval, step - before), step
        history.add(step)
        assert max(history.gaps) <= max(longest_interval, 2 * step / capacity + longest_interval / 2)


@given(capacities, streams, st.data())
def test_a_resumed_history_continues_as_an_uninterrupted_one(
    capacity: int, stream: list[int], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(stream)))
    uninterrupted = filled(capacity, stream[:cut])
    resumed = SnapshotHistory(capacity)
    resumed.restore(json.loads(json.dumps(uninterrupted.state())))
    assert [resumed.add(step) for step in stream[cut:]] == [uninterrupted.add(step) for step in stream[cut:]]
    assert resumed.steps == uninterrupted.steps


@given(capacities, streams)
def test_the_unit_of_time_does_not_matter(capacity: int, stream: list[int]) -> None:
    scaled = filled(capacity, [1024 * step for step in stream])  # a power of two: exact in floating point
    assert scaled.steps == tuple(1024 * step for step in filled(capacity, stream).steps)


def test_a_state_is_a_copy() -> None:
    history = filled(2, [10])
    state = history.state()
    history.add(20)
    restored = SnapshotHistory(2)
    restored.restore(state)
    restored.add(30)
    assert state == {"capacity": 2, "steps": [10]}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"capacity": 8, "steps": [1]}, "capacity.* must be 4 .*got 8"),
        ({"capacity": 4, "steps": [1, 2, 3, 4, 5]}, "at most 4, got 5"),
        ({"capacity": 4, "steps": [1, 3, 2]}, r"ascending, got \[1, 3, 2\]"),
        ({"capacity": 4, "steps": [-1, 3]}, r"non-negative.*got \[-1, 3\]"),
    ],
)
def test_a_state_that_cannot_be_restored_is_refused_and_changes_nothing(state: dict, message: str) -> None:
    history = filled(4, [7])
    with pytest.raises(ValueError, match=message):
        history.restore(state)
    assert history.steps == (7,)


# The project's bars; ln 4 = 1.386 is out of reach of any rule for large capacities.
BARS = [(16, 1.65), (32, 1.56), (64, 1.51), (128, 1.48)]


@pytest.mark.parametrize(("capacity", "bar"), BARS)
def test_regular_intervals_stay_within_the_bar_up_to_two_thousand_capacities(capacity: int, bar: float) -> None:
    assert worst_discrepancy(capacity, [1] * (2000 * capacity), first=32 * capacity) <= bar


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("capacity", "bar"), BARS)
def test_irregular_intervals_stay_within_the_bar_and_a_margin(capacity: int, bar: float, seed: int) -> None:
    intervals = np.random.default_rng(seed).integers(500, 1500, size=200 * capacity, endpoint=True).tolist()
    assert worst_discrepancy(capacity, intervals, first=8 * capacity) <= bar + 0.15


@pytest.mark.parametrize(("capacity", "bar"), BARS)
def test_intervals_that_double_in_mid_run_stay_within_the_bar(capacity: int, bar: float) -> None:
    intervals = [1000] * (50 * capacity) + [2000] * (150 * capacity)
    assert worst_discrepancy(capacity, intervals, first=32 * capacity) <= bar


# Measured 2.996, 2.260, 2.016, 1.718, 1.463, 1.445. With two places q nears 3 whatever the rule: right after
# the one beside the newest is replaced, or never, the whole run is a single gap.
@pytest.mark.parametrize(("capacity", "bar"), [(2, 3.0), (3, 2.3), (5, 2.05), (10, 1.75), (50, 1.49), (100, 1.47)])
def test_tiny_and_odd_capacities_are_even_too(capacity: int, bar: float) -> None:
    assert worst_discrepancy(capacity, [1] * (200 * capacity), first=32 * capacity) <= bar


@pytest.mark.parametrize("capacity", [8, 10, 16, 50, 64, 100, 128])
def test_from_the_first_eviction_on_no_gap_is_worse_than_two(capacity: int) -> None:
    # The first eviction turns gaps of 1 into one of 2: q = 2 x (capacity + 1) / (capacity + 1), whatever the rule.
    assert worst_discrepancy(capacity, [1] * (32 * capacity), first=capacity + 1) <= 2.0


@pytest.mark.parametrize("delta", [0.1, 0.5, 0.75, 0.9])
def test_delta_keeps_its_meaning_long_after_the_history_has_filled(delta: float) -> None:
    history = filled(64, list(range(1, 10_001)))
    oldest_eligible = min(step for step in history.steps if step >= delta * 10_000)
    assert oldest_eligible / 10_000 <= delta + 1.51 / 65  # at most one longest gap late; a sliding window: 0.9937
