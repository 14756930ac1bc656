"""Does exploration try as much, and as long, as it says?"""

import numpy as np
import pytest
import torch
from mlagents_selfplay.algorithms import exploration
from mlagents_selfplay.algorithms.exploration import (
    AdaptiveParameterNoise,
    ExponentialSchedule,
    GaussianNoise,
    LinearSchedule,
    OrnsteinUhlenbeckNoise,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 1.0),
        (50, 0.6),  # half of the way from 1 to 0.2
        (100, 0.2),
        (1_000, 0.2),
    ],
)
def test_a_linear_schedule_arrives_and_stays(step: int, expected: float) -> None:
    assert LinearSchedule(1.0, 0.2, 100)(step) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 0.9),
        (1000, 0.362698),  # 0.05 + 0.85 / e
        (10**9, 0.05),
    ],
)
def test_an_exponential_schedule_nears_its_end_by_a_factor_of_e(step: int, expected: float) -> None:
    assert ExponentialSchedule(0.9, 0.05, 1000)(step) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("schedule", [LinearSchedule, ExponentialSchedule])
def test_a_schedule_without_steps_is_at_its_end_at_once(schedule: type) -> None:
    assert schedule(1.0, 0.2, 0)(0) == 0.2


def test_without_epsilon_every_choice_is_the_greedy_one(rng: np.random.Generator) -> None:
    greedy = np.array([[2, 0], [1, 1]])
    allowed = [np.ones((2, 3)), np.ones((2, 2))]
    assert (exploration.epsilon_greedy(greedy, allowed, 0.0, rng) == greedy).all()


def test_epsilon_is_the_share_of_random_actions_and_masks_hold_in_them(rng: np.random.Generator) -> None:
    n = 20_000
    greedy, allowed = np.zeros((n, 1), int), [np.tile([1.0, 0.0, 1.0, 1.0], (n, 1))]
    tried = exploration.epsilon_greedy(greedy, allowed, 0.3, rng)[:, 0]
    shares = np.bincount(tried, minlength=4) / n
    # Three allowed choices: 0.7 + 0.1, 0, 0.1, 0.1; four standard deviations are 0.0113 and 0.0085.
    assert shares == pytest.approx([0.8, 0.0, 0.1, 0.1], abs=0.012)


def test_an_agent_explores_with_all_of_its_branches_or_with_none(rng: np.random.Generator) -> None:
    n = 2_000
    greedy, allowed = np.zeros((n, 2), int), [np.tile([0.0, 1.0], (n, 1))] * 2  # greedy is forbidden: a draw shows
    tried = exploration.epsilon_greedy(greedy, allowed, 0.5, rng)
    assert (tried[:, 0] == tried[:, 1]).all()
    assert 0.4 < tried[:, 0].mean() < 0.6


def test_epsilon_uniform_replaces_that_share_of_actions_by_any(rng: np.random.Generator) -> None:
    tried = exploration.epsilon_uniform(np.full((20_000, 2), 0.5), 0.2, rng)
    explored = tried[:, 0] != 0.5
    assert explored.mean() == pytest.approx(0.2, abs=0.012)
    assert np.abs(tried).max() <= 1.0
    assert tried[explored].mean() == pytest.approx(0.0, abs=0.03)
    assert tried[explored].std() == pytest.approx(0.577, abs=0.02)  # of the even distribution: 1 / sqrt(3)


def test_gaussian_noise_has_its_deviation_and_no_memory(rng: np.random.Generator) -> None:
    noise = GaussianNoise(size=2, sigma=0.2).draw(["a"] * 10_000, rng)
    assert noise.shape == (10_000, 2)
    assert noise.std() == pytest.approx(0.2, abs=0.006)
    assert np.corrcoef(noise[:-1, 0], noise[1:, 0])[0, 1] == pytest.approx(0.0, abs=0.04)


def test_drifting_noise_follows_its_equation(rng: np.random.Generator) -> None:
    noise = OrnsteinUhlenbeckNoise(size=1, sigma=2.0, theta=0.5, dt=0.25)
    pushes = np.random.default_rng(0).normal(0.0, 1.0, 2)
    first, second = (float(noise.draw(["a"], rng)[0, 0]) for _ in range(2))
    assert first == pytest.approx(pushes[0])  # 2 * sqrt(0.25) * push
    assert second == pytest.approx(first * (1 - 0.125) + pushes[1])


def test_each_agent_drifts_by_itself_and_begins_anew_with_its_episode(rng: np.random.Generator) -> None:
    noise = OrnsteinUhlenbeckNoise(size=1, sigma=1.0, dt=0.01)
    for _ in range(50):
        noise.draw(["a"], rng)
    noise.forget(["a"])
    pushed = noise.draw(["a", "b"], np.random.default_rng(1))[:, 0]
    assert pushed == pytest.approx(0.1 * np.random.default_rng(1).normal(size=2))  # one push each, from rest
    noise.forget(["a"])
    after = noise.draw(["b"], np.random.default_rng(1))[0, 0]
    assert after == pytest.approx(pushed[1] * (1 - 0.0015) + 0.1 * np.random.default_rng(1).normal())


def test_parameter_noise_grows_while_it_changes_too_little_and_shrinks_while_too_much() -> None:
    noise = AdaptiveParameterNoise(distance=0.2, coefficient=1.01)
    noise.adapt(0.1)
    assert noise.sigma == pytest.approx(0.202)
    noise.adapt(0.3)
    assert noise.sigma == pytest.approx(0.2)


def test_parameter_noise_settles_where_actions_differ_as_much_as_wanted(rng: np.random.Generator) -> None:
    # An actor of one layer, of which the inputs are 10: noise of sigma moves its action by about 10 sigma.
    generator = torch.Generator().manual_seed(0)
    actor, seen = {"w": torch.zeros(200, 1)}, torch.full((50, 200), 10.0 / 200**0.5)
    noise = AdaptiveParameterNoise(distance=0.2, coefficient=1.05)
    found = []
    for _ in range(400):
        noisy = noise.perturb(actor, generator)
        found.append(exploration.action_distance((seen @ actor["w"]).numpy(), (seen @ noisy["w"]).numpy()))
        noise.adapt(found[-1])
    # The adaptation balances how often the distance is above and below, so the median is what settles.
    assert float(np.median(found[200:])) == pytest.approx(0.2, rel=0.2)
    assert noise.sigma < 0.1  # it began at 0.2


def test_perturbing_leaves_the_actor_itself_alone() -> None:
    actor = {"w": torch.ones(3)}
    noisy = AdaptiveParameterNoise(0.5).perturb(actor, torch.Generator().manual_seed(0))
    assert actor["w"].tolist() == [1.0, 1.0, 1.0]
    assert noisy["w"].tolist() != [1.0, 1.0, 1.0]


def test_the_distance_of_actions_is_the_root_of_their_mean_squared_difference() -> None:
    assert exploration.action_distance(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])) == pytest.approx(12.5**0.5)
