"""Do ranges keep what is drawn and perturbed within what was declared, on the scale that was declared?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlagents_selfplay.population.ranges import Range

LEARNING_RATE = Range(1e-5, 1e-1, "log")
GAMMA = Range(0.9, 0.999, "complement")
EPOCHS = Range(1, 11, whole=True)


@pytest.mark.parametrize(
    ("range_", "value", "factor", "expected"),
    [
        (LEARNING_RATE, 1e-3, 1.2, 1.2e-3),  # The logarithmic scale multiplies.
        (LEARNING_RATE, 1e-3, 0.8, 0.8e-3),
        (LEARNING_RATE, 0.09, 1.2, 0.1),  # 0.108 is too much.
        (GAMMA, 0.99, 1.2, 0.988),  # 1 - 0.01 x 1.2
        (GAMMA, 0.99, 0.8, 0.992),
        (GAMMA, 0.999, 0.8, 0.999),  # 0.9992 is too much.
        (Range(0.0, 10.0), 5.0, 1.2, 7.0),  # A fifth of the length, 10.
        (EPOCHS, 3, 1.2, 5),  # 3 + 0.2 x 10
        (EPOCHS, 3, 0.8, 1),
    ],
)
def test_a_perturbed_value_is_near_the_old_one_on_its_scale(
    range_: Range, value: float, factor: float, expected: float
) -> None:
    assert range_.perturbed(value, factor) == pytest.approx(expected)


def test_half_of_all_draws_lie_below_the_middle_of_the_scale() -> None:
    rng = np.random.default_rng(0)
    # Middles: the root of 1e-5 x 1e-1; 1 - the root of 0.1 x 0.001; the mean.
    for range_, middle in ((LEARNING_RATE, 1e-3), (GAMMA, 0.99), (Range(0.0, 10.0), 5.0)):
        below = np.mean([range_.sample(rng) < middle for _ in range(4000)])
        assert below == pytest.approx(0.5, abs=0.03)  # Four standard errors.


@given(st.sampled_from([LEARNING_RATE, GAMMA, EPOCHS]), st.integers(0, 2**32 - 1), st.floats(0.1, 10))
def test_nothing_leaves_its_range(range_: Range, seed: int, factor: float) -> None:
    drawn = range_.sample(np.random.default_rng(seed))
    for value in (drawn, range_.perturbed(drawn, factor)):
        assert range_.low <= value <= range_.high
        assert not range_.whole or isinstance(value, int)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((1.0, 1.0), "low: 1.0 is not below high: 1.0"),
        ((0.0, 1.0, "log"), "low: 0.0 is not above 0"),
        ((0.5, 1.0, "complement"), "high: 1.0 is not below 1"),
        ((0.5, 1.0, "cubic"), "scale: 'cubic' is not one of linear, log, complement"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(arguments: tuple, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Range(*arguments)
