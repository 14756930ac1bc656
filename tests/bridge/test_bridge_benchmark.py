"""Does the bridge's benchmark measure what it says?"""

import pytest

from benchmarks import bridge


def test_every_bar_is_about_an_environment_that_is_measured() -> None:
    assert set(bridge.BARS) <= set(bridge.ENVIRONMENTS)


def test_a_speed_counts_the_steps_of_every_copy() -> None:
    calls = []
    speed = bridge.speed(lambda: calls.append(1), 0.02)
    assert speed == pytest.approx(len(calls) * bridge.NUM_COPIES / 0.02, rel=0.5)


@pytest.mark.slow
def test_an_environment_is_slower_behind_the_bridge_by_the_overhead() -> None:
    figures = bridge.measure("CartPole-v1", num_pairs=1, seconds=0.5)
    own, bridged = figures["steps_per_second_by_itself"], figures["steps_per_second_behind_the_bridge"]
    assert own > bridged > 0  # a step takes microseconds, a message most of a millisecond
    assert figures["overhead"] == pytest.approx(1 - bridged / own)
