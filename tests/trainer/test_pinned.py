"""Does every kind of pinned opponent play as what it was made from would?"""

from pathlib import Path

import numpy as np
import pytest
from mlagents.torch_utils import torch
from mlagents_selfplay import pinned
from mlagents_selfplay.opponents import Decisions, SnapshotActors
from scipy import stats

from gym_bridges.areas import BehaviorSpec
from tests.environments.arena import Arena, ArenaSettings
from tests.trainer.inprocess import Training, spec_of

GAMES = {
    "discrete": {"masks": True},
    "continuous": {"actions": "continuous"},
    "hybrid": {"actions": "hybrid", "masks": True},
    "image": {"observations": "both"},
}
MEMORY = {"memory": {"sequence_length": 4, "memory_size": 8}}


def spec_for(options: dict) -> BehaviorSpec:
    return spec_of(Arena(ArenaSettings(**options), 1).behaviors["Arena?team=0"])


def trained(folder: Path, options: dict, **keys: object) -> Training:
    training = Training(folder, options, max_steps=200, **keys)
    training.until(60)
    training.trainer.save_model()
    return training


def decisions(spec: BehaviorSpec, n: int) -> Decisions:
    """The same observation in `n` rows; the first choice is forbidden where there are any."""
    rng = np.random.default_rng(0)
    seen = [np.repeat(rng.random((1, *one.shape), np.float32), n, axis=0) for one in spec.observation_specs]
    masks = np.ones((n, sum(spec.action_spec.discrete_branches)), np.float32)
    masks[:, :1] = 0.0
    return Decisions(seen, masks, np.zeros((n, 0), np.float32), [f"agent_0-{i}" for i in range(n)])


@pytest.mark.parametrize("options", GAMES.values(), ids=GAMES)
def test_a_checkpoint_a_snapshot_and_an_exported_model_play_alike(tmp_path: Path, options: dict) -> None:
    training = trained(tmp_path, options)
    step, spec = training.trainer.get_step, spec_for(options)
    rng = np.random.default_rng(0)
    folder = tmp_path / "Arena"
    from_checkpoint = pinned.load(str(folder / "checkpoint.pt"), spec, rng)
    training.trainer.folder.save_snapshot(9999, from_checkpoint, half=False)
    from_snapshot = pinned.load(str(training.trainer.folder.snapshot_file(9999)), spec, rng)
    assert from_checkpoint.keys() == from_snapshot.keys()
    for name, value in from_checkpoint.items():
        assert np.array_equal(value, from_snapshot[name])

    actors = SnapshotActors(training.trainer._learner_policy().actor, 1)
    actors.put("it", from_checkpoint, busy=set())
    exported = pinned.load(str(folder / f"Arena-{step}.onnx"), spec, rng)
    n = 400
    torch.manual_seed(0)
    first, second = actors.act(["it"] * n, decisions(spec, n)), exported.act(decisions(spec, n))
    assert (first.continuous.shape, first.discrete.shape) == (second.continuous.shape, second.discrete.shape)
    for number in range(first.continuous.shape[1]):
        assert stats.ks_2samp(first.continuous[:, number], second.continuous[:, number]).pvalue > 0.001
    for branch in range(first.discrete.shape[1]):
        counts = [np.bincount(one.discrete[:, branch], minlength=3) for one in (first, second)]
        possible = np.sum(counts, axis=0) > 0
        assert stats.chi2_contingency([count[possible] for count in counts]).pvalue > 0.001
        assert branch > 0 or all(count[0] == 0 for count in counts)  # What the mask forbids.


def test_an_exported_model_with_memory_remembers_each_agent_by_itself_until_its_episode_ends(tmp_path: Path) -> None:
    options = {"recall": True, "actions": "continuous"}
    training = trained(tmp_path, options, network={**MEMORY, "deterministic": True})
    spec = spec_for(options)
    exported = pinned.load(
        str(tmp_path / "Arena" / f"Arena-{training.trainer.get_step}.onnx"), spec, np.random.default_rng(0)
    )
    rows = decisions(spec, 2)
    before = exported.act(rows)
    assert set(exported._memories) == set(rows.agents)
    # Memories differ once the agents have seen different things.
    exported.act(Decisions([rows.observations[0][:1] * -3], rows.masks[:1], rows.memories[:1], rows.agents[:1]))
    memories = [exported._memories[agent].copy() for agent in rows.agents]
    assert not np.allclose(*memories)
    for agent in rows.agents:
        exported.forget(agent)
    assert exported._memories == {}
    exported.act(rows)
    exported.forget("nobody")
    assert before.continuous.shape == (2, 1)


def test_a_recurrent_checkpoint_can_be_pinned(tmp_path: Path) -> None:
    trained(tmp_path / "first", {"recall": True}, network=MEMORY)
    source = str(tmp_path / "first" / "Arena" / "checkpoint.pt")
    training = Training(
        tmp_path / "second",
        {"recall": True},
        network=MEMORY,
        pinned_opponents=[source],
        pinned_ratio=1.0,
        max_steps=500,
    )
    training.until(100)
    assert {row.split(",")[2] for row in rows_of(training)} == {"checkpoint"}


def rows_of(training: Training) -> list[str]:
    return (training.trainer.folder.path / "matches.csv").read_text().splitlines()[1:]


def test_files_models_and_scripts_are_met_side_by_side_and_reported_by_name(tmp_path: Path) -> None:
    options = {"actions": "continuous"}
    first = trained(tmp_path / "first", options)
    folder = tmp_path / "first" / "Arena"
    snapshot = first.trainer.folder.snapshot_file(0)
    (folder / "old.safetensors").write_bytes(snapshot.read_bytes())
    sources = [
        "initial",
        str(folder / "old.safetensors"),
        str(folder / "checkpoint.pt"),
        str(folder / f"Arena-{first.trainer.get_step}.onnx"),
        "python:tests.environments.players:constant(0.5)",
    ]
    training = Training(tmp_path / "second", options, pinned_opponents=sources, pinned_ratio=1.0, max_steps=1000)
    training.until(400)
    names = {"initial", "old", "checkpoint", f"Arena-{first.trainer.get_step}", "constant(0.5)"}
    assert {row.split(",")[2] for row in rows_of(training)} == names
    training.trainer.save_model()
    manifest = training.trainer.roster.manifest()
    assert {entry["name"] for entry in manifest["pinned"]} == names


@pytest.mark.parametrize("arguments", ["(0.25)", "(0.25,)", "( 0.25 )"])
def test_a_script_gets_the_arguments_in_its_source(arguments: str) -> None:
    spec = spec_for({"actions": "continuous"})
    source = f"python:tests.environments.players:constant{arguments}"
    player = pinned.load(source, spec, np.random.default_rng(0))
    assert player.act(decisions(spec, 3)).continuous.ravel().tolist() == [0.25] * 3
    assert pinned.names_of([source]) == {f"constant{arguments}": source}


def test_a_mixed_strategy_plays_its_probabilities() -> None:
    from mlagents_envs.base_env import ActionSpec

    spec = spec_for({})._replace(action_spec=ActionSpec(0, (3,)))
    player = pinned.load("python:mlagents_selfplay.scripted:mixed(0.5, 0.25, 0.25)", spec, np.random.default_rng(0))
    drawn = player.act(decisions(spec, 4000)).discrete
    assert stats.chisquare(np.bincount(drawn.ravel()), [2000, 1000, 1000]).pvalue > 0.01


@pytest.mark.parametrize(("name", "move"), [("rock", 0), ("paper", 1), ("scissors", 2)])
def test_a_fixed_player_always_makes_its_move(name: str, move: int) -> None:
    from mlagents_envs.base_env import ActionSpec

    spec = spec_for({})._replace(action_spec=ActionSpec(0, (3,)))
    player = pinned.load(f"python:mlagents_selfplay.scripted:{name}", spec, np.random.default_rng(0))
    assert set(player.act(decisions(spec, 50)).discrete.ravel().tolist()) == {move}


def test_an_exported_model_of_another_game_is_refused(tmp_path: Path) -> None:
    from mlagents.trainers.exception import TrainerConfigError

    training = trained(tmp_path, {"actions": "continuous"})
    source = str(tmp_path / "Arena" / f"Arena-{training.trainer.get_step}.onnx")
    for options, complaint in (
        ({}, "lacks discrete_actions|has continuous_actions"),
        ({"observations": "image"}, "expects obs_0 of shape"),
    ):
        with pytest.raises(TrainerConfigError, match=f"pinned_opponents: .*({complaint})"):
            pinned.load(source, spec_for(options), np.random.default_rng(0))


# What lessons are measured by


@pytest.mark.parametrize("measure", ["rating", "win_rate_against_initial"])
def test_a_lesson_is_measured_by_what_curriculum_measure_names(tmp_path: Path, measure: str) -> None:
    training = Training(
        tmp_path, curriculum_measure=measure, pinned_opponents=["initial"], pinned_ratio=1.0, max_steps=500
    )
    assert list(training.trainer.reward_buffer) == []
    training.until(200)
    book = training.trainer.book
    expected = training.trainer.rating if measure == "rating" else book.win_rate("initial")[0]
    assert training.trainer.reward_buffer[-1] == pytest.approx(expected)
    training.trainer.reward_buffer.clear()  # As ML-Agents does when a lesson is over.
    training.until(250)
    assert 0 < len(training.trainer.reward_buffer) <= 20


def test_the_reward_is_the_measure_unless_told_otherwise(tmp_path: Path) -> None:
    training = Training(tmp_path, max_steps=500)
    training.until(100)
    assert set(training.trainer.reward_buffer) <= {-1.0, 0.0, 1.0}
    assert training.trainer.reward_buffer is training.trainer.learner.reward_buffer
