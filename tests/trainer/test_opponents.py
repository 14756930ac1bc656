"""Do opponents that are evaluated together decide as each of them would alone?"""

from __future__ import annotations

import numpy as np
import pytest
from mlagents.torch_utils import torch
from mlagents_selfplay.opponents import Decisions, SnapshotActors
from scipy import stats

from tests.trainer.actors import ACTIONS, NETWORKS, actor_of, alone, decisions, weights_of


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("actions", ACTIONS)
def test_together_they_decide_as_each_would_alone(actions: str, network: str) -> None:
    options = NETWORKS[network]
    players = {f"{seed}": actor_of(actions, seed, **options) for seed in range(3)}
    together = SnapshotActors(actor_of(actions, 9, **options), slots=4)
    for name, actor in players.items():
        assert together.put(name, weights_of(actor), busy=set())
    rows = decisions(7, players["0"])
    sitting = ["2", "0", "1", "1", "0", "2", "2"]
    found = together.act(sitting, rows)
    for index, name in enumerate(sitting):
        continuous, discrete, memories = alone(players[name], rows.rows(np.array([index])))
        assert found.continuous[index] == pytest.approx(continuous[0], abs=1e-5)
        assert found.discrete[index].tolist() == discrete[0].tolist()
        assert found.memories[index] == pytest.approx(memories[0], abs=1e-5)
    assert together._mappable is (network not in {"memory"})
    others = [alone(actor, rows) for actor in players.values()]
    assert any(not np.allclose(a, b) for a, b in zip(others[0], others[1], strict=True))  # Or else nothing was shown.


def test_the_actions_of_sac_are_squashed_as_its_own_network_does_it() -> None:
    actor = actor_of("continuous", 1, tanh=True)
    together = SnapshotActors(actor_of("continuous", 9, tanh=True), slots=2)
    together.put("1", weights_of(actor), busy=set())
    rows = decisions(5, actor)
    assert together.act(["1"] * 5, rows).continuous == pytest.approx(alone(actor, rows)[0], abs=1e-5)


def test_a_network_too_large_to_be_stacked_is_evaluated_in_turn_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mlagents_selfplay.opponents.STACKED_PARAMETERS", 10)
    actor = actor_of("hybrid", 1)
    one_by_one = SnapshotActors(actor_of("hybrid", 9), slots=2)
    one_by_one.put("1", weights_of(actor), busy=set())
    rows = decisions(5, actor)
    found = one_by_one.act(["1"] * 5, rows)
    assert found.continuous == pytest.approx(alone(actor, rows)[0], abs=1e-5)
    assert found.discrete.tolist() == alone(actor, rows)[1].tolist()
    assert not one_by_one._mappable


def test_the_number_of_rows_changes_nothing_and_few_shapes_are_traced() -> None:
    actor = actor_of("hybrid", 1)
    together = SnapshotActors(actor_of("hybrid", 9), slots=8)
    for name in "abc":
        together.put(name, weights_of(actor), busy=set())
    rows = decisions(33, actor)
    expected = alone(actor, rows)[0]
    rng = np.random.default_rng(0)
    for n in (1, 2, 3, 5, 8, 20, 33):
        index = np.arange(n)
        found = together.act([str(name) for name in rng.choice(list("abc"), n)], rows.rows(index))
        assert found.continuous == pytest.approx(expected[:n], abs=1e-5)
    assert {groups for groups, _ in together._graphs} <= {1, 2, 4}
    assert {width for _, width in together._graphs} <= {8, 16, 32}


def test_sampled_choices_follow_the_probabilities_and_differ_from_call_to_call() -> None:
    actor = actor_of("discrete", 1, deterministic=False)
    together = SnapshotActors(actor_of("discrete", 9, deterministic=False), slots=2)
    together.put("1", weights_of(actor), busy=set())
    row = decisions(1, actor)
    same = Decisions(
        [np.repeat(seen, 256, axis=0) for seen in row.observations],
        np.repeat(row.masks, 256, axis=0),
        np.zeros((256, 0), np.float32),
        ["a"] * 256,
    )
    with torch.no_grad():
        encoding, _ = actor.network_body([torch.as_tensor(row.observations[0])])
        heads = actor.action_model._get_dists(encoding, torch.as_tensor(row.masks)).discrete
        chances = [head.probs.numpy().ravel() for head in heads]
    torch.manual_seed(0)
    calls = [together.act(["1"] * 256, same).discrete for _ in range(8)]
    assert not np.array_equal(calls[0], calls[1])
    drawn = np.concatenate(calls)
    for branch, chance in enumerate(chances):
        counts = np.bincount(drawn[:, branch], minlength=len(chance))
        possible = chance > 1e-6
        assert counts[~possible].sum() == 0  # What the mask forbids.
        expected = chance[possible] / chance[possible].sum() * counts.sum()
        assert stats.chisquare(counts[possible], expected).pvalue > 0.01


def test_sampled_numbers_have_mean_and_spread_of_the_network() -> None:
    actor = actor_of("continuous", 1, deterministic=False)
    together = SnapshotActors(actor_of("continuous", 9, deterministic=False), slots=2)
    together.put("1", weights_of(actor), busy=set())
    row = decisions(1, actor)
    same = Decisions(
        [np.repeat(row.observations[0], 256, axis=0)],
        np.ones((256, 0), np.float32),
        np.zeros((256, 0), np.float32),
        ["a"] * 256,
    )
    torch.manual_seed(0)
    found = np.concatenate([together.act(["1"] * 256, same).continuous for _ in range(8)])
    with torch.no_grad():
        reference = np.concatenate([alone(actor, same)[0] for _ in range(8)])
    for number in range(2):
        assert stats.ks_2samp(found[:, number], reference[:, number]).pvalue > 0.01


# Room


def test_the_least_recently_used_opponent_that_nobody_meets_makes_room() -> None:
    actors = SnapshotActors(actor_of("discrete"), slots=2)
    weights = weights_of(actor_of("discrete", 1))
    rows = decisions(1, actor_of("discrete"))
    assert actors.put("a", weights, busy=set())
    assert actors.put("b", weights, busy=set())
    actors.act(["a"], rows)
    assert actors.put("c", weights, busy=set())
    assert ("a" in actors, "b" in actors, "c" in actors) == (True, False, True)
    assert actors.put("d", weights, busy={"a"})
    assert ("a" in actors, "c" in actors, "d" in actors) == (True, False, True)


def test_when_all_are_in_a_match_nobody_makes_room() -> None:
    actors = SnapshotActors(actor_of("discrete"), slots=1)
    weights = weights_of(actor_of("discrete", 1))
    assert actors.put("a", weights, busy=set())
    assert not actors.put("b", weights, busy={"a"})
    assert ("a" in actors, "b" in actors, len(actors)) == (True, False, 1)


def test_an_opponent_that_took_anothers_place_plays_by_its_own_weights() -> None:
    first, second = actor_of("continuous", 1), actor_of("continuous", 2)
    actors = SnapshotActors(actor_of("continuous", 9), slots=1)
    rows = decisions(3, first)
    for name, actor in (("a", first), ("b", second), ("a", first)):
        actors.put(name, weights_of(actor), busy=set())
        assert actors.act([name] * 3, rows).continuous == pytest.approx(alone(actor, rows)[0], abs=1e-5)


def test_more_opponents_than_fit_are_met_one_after_another() -> None:
    players = {str(seed): actor_of("continuous", seed) for seed in range(6)}
    actors = SnapshotActors(players["0"], slots=2)
    rows = decisions(2, players["0"])
    for name, actor in list(players.items()) * 2:
        if name not in actors:
            assert actors.put(name, weights_of(actor), busy=set())
        assert actors.act([name] * 2, rows).continuous == pytest.approx(alone(actor, rows)[0], abs=1e-5)
    assert len(actors) == 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda weights: weights.pop(next(iter(weights))), "it has no "),
        (lambda weights: weights.update(extra=np.zeros(1)), "the network has no extra"),
        (
            lambda weights: weights.update({next(iter(weights)): np.zeros((5, 5))}),
            r"has shape \(5, 5\) where the network",
        ),
    ],
)
def test_weights_of_another_architecture_are_refused(change: object, complaint: str) -> None:
    actors = SnapshotActors(actor_of("discrete"), slots=1)
    weights = weights_of(actor_of("discrete", 1))
    change(weights)
    with pytest.raises(ValueError, match=complaint):
        actors.put("a", weights, busy=set())
    assert "a" not in actors
