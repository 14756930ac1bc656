"""Does the bridge try what the trainer's own policies would try?"""

import numpy as np
import pytest
from mlagents_selfplay.algorithms.exploration import GaussianNoise, OrnsteinUhlenbeckNoise
from scipy import stats

from gym_bridges.rollouts.exploration import Exploration, explore
from gym_bridges.rollouts.networks import Acted

MANY = 30_000


def numbers(values: np.ndarray) -> Acted:
    values = values.astype(np.float32)
    return Acted(values, values, np.zeros((len(values), 0), np.int32))


@pytest.mark.parametrize("noise", [GaussianNoise(2, 0.2), OrnsteinUhlenbeckNoise(2, 0.3)], ids=["gaussian", "drifting"])
def test_noise_is_that_of_the_trainer_draw_by_draw(noise: GaussianNoise | OrnsteinUhlenbeckNoise) -> None:
    how = Exploration(**noise.exploration._asdict())
    theirs, ours = np.random.default_rng(5), np.random.default_rng(5)
    now = np.zeros((3, 2))
    for _ in range(4):
        acted, now = explore(numbers(np.zeros((3, 2))), None, (), now, how, ours)
        expected = np.clip(noise.draw(["a", "b", "c"], theirs), -1.0, 1.0)
        assert acted.sent == pytest.approx(expected, abs=1e-6)
        assert np.array_equal(acted.continuous, acted.sent)  # What is learned from is what was done.


def test_noise_never_leads_out_of_the_range_of_an_action() -> None:
    acted, _ = explore(numbers(np.full((100, 1), 0.9)), None, (), np.zeros((100, 1)), Exploration(push=5.0), rng())
    assert set(np.abs(acted.sent).ravel().tolist()) >= {1.0}
    assert np.abs(acted.sent).max() == 1.0


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_a_share_of_agents_does_anything_and_the_others_what_they_would_have_done() -> None:
    acted, _ = explore(numbers(np.full((MANY, 2), 0.5)), None, (), np.zeros((MANY, 2)), Exploration(uniform=0.3), rng())
    changed = (acted.sent != 0.5).any(axis=1)
    assert stats.binomtest(int(changed.sum()), MANY, 0.3).pvalue > 0.01
    assert (acted.sent[~changed] == 0.5).all()
    assert stats.kstest(acted.sent[changed].ravel(), "uniform", (-1, 2)).pvalue > 0.01


def test_random_choices_are_all_that_is_allowed_with_the_same_chance() -> None:
    greedy = Acted(np.zeros((MANY, 0)), np.zeros((MANY, 0)), np.tile(np.array([[2, 1]], np.int32), (MANY, 1)))
    allowed = np.tile([True, True, False, True, False, True], (MANY, 1))  # The greedy ones: none of them.
    acted, _ = explore(greedy, allowed, (4, 2), np.zeros((MANY, 0)), Exploration(uniform=1.0), rng())
    counts = np.bincount(acted.discrete[:, 0], minlength=4)
    assert counts[2] == 0
    assert stats.chisquare(counts[[0, 1, 3]]).pvalue > 0.01
    assert (acted.discrete[:, 1] == 1).all()


def test_nothing_changes_without_exploration() -> None:
    given = Acted(np.ones((4, 1)), np.ones((4, 1)), np.ones((4, 1), np.int32))
    acted, noise = explore(given, None, (2,), np.zeros((4, 1)), Exploration(), rng())
    assert np.array_equal(acted.sent, given.sent)
    assert np.array_equal(acted.discrete, given.discrete)
    assert not noise.any()


def test_while_everything_is_random_the_noise_stands_still() -> None:
    _, noise = explore(numbers(np.zeros((4, 1))), None, (), np.zeros((4, 1)), Exploration(1.0, 0.9, 0.2), rng())
    assert not noise.any()  # As the trainer's policies do in their first, random steps.
