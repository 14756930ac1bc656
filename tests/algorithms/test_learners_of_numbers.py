"""Do the learners of numbers keep their promises: noise, delays, normalisers, resumes, exported models?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from mlagents.torch_utils import torch
from mlagents.trainers.exception import TrainerConfigError
from mlagents_envs.base_env import ActionSpec, BehaviorSpec
from mlagents_selfplay.algorithms.actors import SquashedGaussianModel

from tests.algorithms.toys import Identity, Number, Play, Reach, picture, vector

LEARNERS = ("ddpg", "td3", "fast_sac")


def play(kind: str, folder: Path, toy: Any = Number, **keys: Any) -> Play:
    hyperparameters = {"batch_size": 16, "buffer_size": 1_000, "buffer_init_steps": 32, "random_steps": 0}
    return Play(
        kind,
        toy,
        folder,
        areas=4,
        load=keys.pop("load", False),
        training=keys.pop("training", True),
        network_settings={"hidden_units": 8, "num_layers": 1, **keys.pop("network", {})},
        hyperparameters={**hyperparameters, **keys},
    )


def weights(network: torch.nn.Module) -> np.ndarray:
    return np.concatenate([value.detach().numpy().ravel().copy() for value in network.parameters()])


def actions_twice(played: Play) -> np.ndarray:
    decisions = played._decisions()
    return np.stack([played.policy.get_action(decisions, 0).env_action.continuous for _ in range(2)])


@pytest.mark.parametrize("kind", LEARNERS)
def test_uniform_first_weights_lie_evenly_within_one_by_the_root_of_the_inputs(kind: str, tmp_path: Path) -> None:
    def layers(**keys: Any) -> list[Any]:
        played = play(kind, tmp_path / str(len(keys)), network={"hidden_units": 256, "num_layers": 2}, **keys)
        critics, lagging = played.trainer.optimizer.critics, played.trainer.optimizer.target_critics
        assert (weights(lagging) == weights(critics)).all()
        networks = (played.policy.actor, critics)
        return [module for one in networks for module in one.modules() if isinstance(module, torch.nn.Linear)]

    for layer in layers(first_weights="uniform"):
        bound = layer.in_features**-0.5
        values = np.concatenate([layer.weight.detach().numpy().ravel(), layer.bias.detach().numpy()])
        assert 0.5 * bound < np.abs(values).max() <= bound
        if len(values) > 10_000:
            assert values.std() == pytest.approx(bound / 3**0.5, rel=0.02)  # of an even distribution
    assert all((layer.bias == 0.0).all() for layer in layers())  # as ML-Agents has them


@pytest.mark.parametrize("kind", LEARNERS)
def test_a_learner_that_trains_explores(kind: str, tmp_path: Path) -> None:
    first, second = actions_twice(play(kind, tmp_path))
    assert (first != second).all()
    assert np.abs(first).max() <= 1


@pytest.mark.parametrize("kind", LEARNERS)
def test_a_learner_that_is_only_watched_does_what_it_thinks_best(kind: str, tmp_path: Path) -> None:
    # The original's soft actor-critic was tested with actions that it drew.
    first, second = actions_twice(play(kind, tmp_path, training=False, network={"deterministic": True}))
    assert (first == second).all()


def test_the_first_steps_are_random_whatever_the_actor_says(tmp_path: Path) -> None:
    played = play("td3", tmp_path, random_steps=400, action_noise="none")
    tried = []
    while played.trainer.get_step < 380:
        played.step()
        tried.append(played._last.env_action.continuous)
    assert np.concatenate(tried).std() == pytest.approx(3**-0.5, abs=0.05)  # even in [-1, 1]
    played.until(400)
    assert (actions_twice(played)[0] == actions_twice(played)[1]).all()  # no noise ever after


@pytest.mark.parametrize(("kind", "waits"), [("ddpg", False), ("td3", True), ("fast_sac", False)])
def test_only_td3s_actor_waits_for_its_critics(kind: str, waits: bool, tmp_path: Path) -> None:
    played = play(kind, tmp_path)
    while played.trainer.get_step < 40:
        played.step()
    changed = []
    for _ in range(4):
        before = weights(played.policy.actor)
        played.trainer.optimizer.learn(played.trainer.draw_batch()[1])
        changed.append(bool((weights(played.policy.actor) != before).any()))
    assert sum(changed) == (2 if waits else 4)
    assert not waits or changed[0] != changed[1]


@pytest.mark.parametrize(("kind", "critics"), [("ddpg", 1), ("td3", 2), ("fast_sac", 2)])
def test_target_critics_follow_at_their_own_pace(kind: str, critics: int, tmp_path: Path) -> None:
    played = play(kind, tmp_path, tau=0.25, policy_delay=1) if kind == "td3" else play(kind, tmp_path, tau=0.25)
    played.until(40)
    optimizer = played.trainer.optimizer
    assert len(optimizer.critics.bodies) == critics
    before = weights(optimizer.target_critics)
    optimizer.learn(played.trainer.draw_batch()[1])
    expected = before + 0.25 * (weights(optimizer.critics) - before)
    assert weights(optimizer.target_critics) == pytest.approx(expected, abs=1e-6)


class Mixed(Number):
    """The numbers that matter beside one that is always large."""

    def __init__(self) -> None:
        super().__init__()
        self.spec = BehaviorSpec([vector(3)], ActionSpec(2, ()))

    def see(self) -> list[np.ndarray]:
        return [np.append(self._wanted, 1000 + 10 * self._wanted[0]).astype(np.float32)]


@pytest.mark.parametrize("kind", LEARNERS)
def test_every_feature_is_normalised_by_itself_and_for_all_networks_alike(kind: str, tmp_path: Path) -> None:
    # The original's normaliser had one mean for all features.
    played = play(kind, tmp_path, toy=Mixed, network={"normalize": True}).until(300)
    normaliser = played.policy.actor.network_body.processors[0].normalizer
    assert normaliser.running_mean.numpy() == pytest.approx([0, 0, 1000], abs=15)
    optimizer = played.trainer.optimizer
    for critics in (optimizer.critics, optimizer.target_critics):
        assert all(body.processors[0].normalizer is normaliser for body in critics.bodies)


def test_noise_on_parameters_adapts_and_leaves_the_actor_alone(tmp_path: Path) -> None:
    # The original never adapted it.
    played = play("ddpg", tmp_path, parameter_noise=0.2, parameter_noise_interval=10, action_noise="none").until(200)
    noise, actor = played.trainer._parameter_noise, dict(played.policy.actor.named_parameters())
    assert noise.sigma != pytest.approx(0.2)
    noisy = played.policy.noisy_parameters
    assert all((noisy[name] != actor[name]).any() for name in noisy)
    seen = played._decisions()
    plain = played.policy.actor.best_action([torch.as_tensor(seen.obs[0])]).detach().numpy()
    assert (played.policy.get_action(seen, 0).env_action.continuous != plain).all()


@pytest.mark.parametrize("kind", LEARNERS)
def test_a_resumed_learner_has_its_replay_and_goes_on_as_if_nothing_had_happened(kind: str, tmp_path: Path) -> None:
    # The original saved the replay of a process that never learned: an empty one.
    before = play(kind, tmp_path).until(100)
    before.trainer.save_model()
    after = play(kind, tmp_path, load=True)
    assert len(after.trainer.replay) == len(before.trainer.replay) >= 90
    assert weights(after.policy.actor) == pytest.approx(weights(before.policy.actor))
    learned = []
    for one in (before, after):
        torch.manual_seed(5)
        for _ in range(3):
            one.trainer.optimizer.learn(one.trainer.draw_batch()[1])
        learned.append(weights(one.policy.actor))
    assert learned[0] == pytest.approx(learned[1], abs=1e-7)


@pytest.mark.parametrize("kind", LEARNERS)
def test_the_exported_model_knows_the_deterministic_action(kind: str, tmp_path: Path) -> None:
    played = play(kind, tmp_path).until(60)
    played.trainer.save_model()
    (model,) = [path for path in tmp_path.rglob("*.onnx") if "-" not in path.stem]
    session = onnxruntime.InferenceSession(str(model))
    seen = np.array([[0.3, -0.7], [0.1, 0.9]], np.float32)
    given = {"obs_0": seen}
    names = ["continuous_actions", "deterministic_continuous_actions"]
    drawn, best = session.run(names, given)
    expected = played.policy.actor.best_action([torch.as_tensor(seen)]).detach().numpy()
    assert best == pytest.approx(expected, abs=1e-5)
    assert (np.abs(drawn - best).max() > 1e-4) == (kind == "fast_sac")  # only one of them draws its actions


class Shade(Number):
    """Say how bright a picture is."""

    def __init__(self) -> None:
        super().__init__()
        self.spec = BehaviorSpec([picture(1, 20, 20)], ActionSpec(2, ()))

    def see(self) -> list[np.ndarray]:
        return [np.full((1, 20, 20), np.rint(100 * (1 + self._wanted[0])) / 255, np.float32)]


@pytest.mark.parametrize(
    ("toy", "network"), [(Shade, {}), (Reach, {"goal_conditioning_type": "hyper"}), (Reach, {"normalize": True})]
)
@pytest.mark.parametrize("kind", ["td3", "fast_sac"])
def test_pictures_and_goals_are_seen_by_actors_and_critics(
    kind: str, toy: Any, network: dict[str, Any], tmp_path: Path
) -> None:
    played = play(kind, tmp_path, toy=toy, network=network).until(40)
    optimizer = played.trainer.optimizer
    before = weights(optimizer.critics), weights(played.policy.actor)
    for _ in range(2):
        known, _errors = optimizer.learn(played.trainer.draw_batch()[1])
        assert all(np.isfinite(float(value)) for value in known.values())
    assert (weights(optimizer.critics) != before[0]).mean() > 0.5
    assert (weights(played.policy.actor) != before[1]).mean() > 0.5


def test_log_probabilities_of_squashed_actions_are_those_of_torch() -> None:
    torch.manual_seed(0)
    model = SquashedGaussianModel(4, 3, deterministic=False)
    encoding, noise = torch.randn(5, 4), torch.randn(5, 3)
    action, log_prob = model.draw(encoding, noise)
    normal = torch.distributions.Normal(model.mu(encoding), model.log_sigma(encoding).exp())
    squashed = torch.distributions.TransformedDistribution(normal, torch.distributions.transforms.TanhTransform())
    torch.testing.assert_close(log_prob, squashed.log_prob(action), atol=1e-4, rtol=1e-4)


def test_an_action_at_its_bound_has_a_log_probability_still() -> None:
    model = SquashedGaussianModel(1, 1, deterministic=False)
    torch.nn.init.constant_(model.mu.bias, 30.0)  # tanh(30) is 1 in 32 bits, and log(1 - 1) would be infinite
    action, log_prob = model.draw(torch.zeros(1, 1), torch.zeros(1, 1))
    assert float(action) == 1.0
    # Density of the number, -0.919, less log(1 - tanh(30)^2) = 2 (log 2 - 30).
    assert float(log_prob) == pytest.approx(-0.919 + 60 - 1.386, abs=0.01)


@pytest.mark.parametrize("kind", LEARNERS)
def test_choices_are_refused_with_the_learners_that_take_them(kind: str, tmp_path: Path) -> None:
    with pytest.raises(TrainerConfigError, match=f"trainer type {kind} needs continuous actions only.*dqn"):
        play(kind, tmp_path, toy=Identity)


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("ddpg", "tau", 0),
        ("ddpg", "random_steps", -1),
        ("ddpg", "epsilon", 1.5),
        ("ddpg", "action_noise", "pink"),
        ("ddpg", "action_noise_scale", -0.1),
        ("ddpg", "parameter_noise", "much"),
        ("ddpg", "parameter_noise_interval", 0),
        ("ddpg", "action_penalty", -1),
        ("td3", "policy_delay", 0),
        ("td3", "target_noise", -1),
        ("td3", "target_noise_clip", 0),
        ("fast_sac", "init_entcoef", 0),
        ("fast_sac", "hindsight", 4),
        ("fast_sac", "demonstrations", "demo.npz"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(kind: str, key: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(TrainerConfigError, match=f"hyperparameters.{key}: .* is not allowed"):
        play(kind, tmp_path, **{key: value})


def test_goals_are_looked_for_when_hindsight_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(TrainerConfigError, match="achieved_goal"):
        play("td3", tmp_path, hindsight={"k": 4})
