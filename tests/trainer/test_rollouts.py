"""Does `mlagents-learn` train by rollouts as it does over the wire? Whole runs, short ones."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil
import pytest
from safetensors import safe_open

from tests.trainer.conftest import Started
from tests.trainer.runs import Run, assert_went_well, behavior

pytestmark = pytest.mark.timeout(300)  # Seconds; a busy machine is no defect.
Learn = Callable[..., Run]
TAKEN = "Rollouts are played by the bridge"


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"actions": "hybrid", "masks": "true"}, {"network": {"normalize": True}}),
        ({"actions": "continuous", "group": 2}, {}),
        ({"teams": 3}, {}),
        ({"turns": "true"}, {}),
        ({"observations": "both"}, {"network": {"normalize": True}}),
        ({"recall": "true", "masks": "true"}, {"network": {"memory": {"sequence_length": 4, "memory_size": 8}}}),
    ],
    ids=["hybrid actions with masks, normalised", "groups", "three teams", "turns", "pictures and numbers", "memory"],
)
def test_the_bridge_plays_and_the_run_is_as_any_other(
    learn: Learn, options: dict[str, Any], keys: dict[str, Any]
) -> None:
    run = learn({"Arena": behavior(max_steps=1000, rollouts="bridge", **keys)}, options=options, envs=2)
    assert_went_well(run, steps=1000)
    assert f"{TAKEN} (2 process(es))" in run.output
    assert "Traceback" not in run.output
    met = {name for label in run.opponents() for name in label.split("+")}
    assert "current" in met
    assert any(name.isdigit() for name in met)


FROM_REPLAY = {"batch_size": 16, "buffer_size": 500, "buffer_init_steps": 100, "steps_per_update": 10.0}


@pytest.mark.parametrize(
    ("learner", "options", "keys"),
    [
        ("dqn", {"masks": "true"}, {}),
        ("split_q", {"group": 2}, {"streams": "group_reward"}),
        ("ddpg", {"turns": "true"}, {"random_steps": 100, "parameter_noise": 0.2}),
        ("td3", {}, {"random_steps": 100, "action_noise": "ornstein_uhlenbeck"}),
        ("fast_sac", {"teams": 3}, {"random_steps": 100}),
        ("dqn", {"observations": "image"}, {}),
    ],
)
def test_learners_from_replay_are_played_for_as_well(
    learn: Learn, learner: str, options: dict[str, Any], keys: dict[str, Any]
) -> None:
    actions = "discrete" if learner in ("dqn", "split_q") else "continuous"
    hyperparameters = {"learner_hyperparameters": {**FROM_REPLAY, **keys}, "rollouts": "bridge"}
    configuration = {"Arena": behavior(learner, max_steps=600, network={"normalize": True}, **hyperparameters)}
    run = learn(configuration, options={"actions": actions, **options})
    assert_went_well(run, steps=600)
    assert TAKEN in run.output
    assert "Traceback" not in run.output
    with safe_open(run.folder / "Arena" / "replay.safetensors", framework="numpy") as saved:
        met, rewards = set(saved.get_tensor("opponent").tolist()), saved.get_tensor("reward")
    assert met & set(range(1, 600))  # snapshots
    assert np.abs(rewards).max() == 1.0  # What the arena pays.


def test_a_learner_from_replay_has_the_same_run_with_the_same_seed_and_goes_on_from_it(learn: Learn) -> None:
    keys = {"learner_hyperparameters": FROM_REPLAY, "rollouts": "bridge"}
    first, second = (
        learn({"Arena": behavior("dqn", max_steps=400, **keys)}, run_id=name, seed=3) for name in ("a", "b")
    )
    assert first.matches() == second.matches()
    assert len(first.matches()) > 30
    resumed = learn({"Arena": behavior("dqn", max_steps=600, **keys)}, "--resume", run_id="a", seed=3)
    assert_went_well(resumed, steps=600)
    assert "begins empty" not in resumed.output


def test_the_same_seed_gives_the_same_run(learn: Learn) -> None:
    first, second = (
        learn({"Arena": behavior(max_steps=800, rollouts="bridge")}, run_id=name, seed=3) for name in ("a", "b")
    )
    assert first.matches() == second.matches()
    assert len(first.matches()) > 50


def test_updates_have_exactly_the_rows_that_they_want(learn: Learn) -> None:
    run = learn({"Arena": behavior(max_steps=516, rollouts="bridge")}, areas=1)
    # Buffers of 128: an update takes 129 steps, and one more where both sides of a mirror match act at once. Training
    # is over at 517.
    assert 517 <= run.history()["step"] <= 518


@pytest.mark.parametrize(
    ("keys", "options", "why"),
    [
        ({"rollouts": "wire"}, {}, "`rollouts: wire` asks for it"),
        ({"learner": "sac"}, {}, "its learner, sac, takes single trajectories"),
        ({"learner": "tabular_q", "learner_hyperparameters": {}}, {"actions": "discrete"}, "is a table"),
        ({"fast_learner": False}, {}, "its learner, ppo, takes single trajectories"),
        ({"network": {"vis_encode_type": "resnet"}}, {"observations": "both"}, "the visual encoder is resnet"),
        ({"pinned_opponents": ["python:tests.environments.players:constant(0.5)"]}, {}, "acts by itself"),
    ],
)
def test_where_the_bridge_cannot_play_it_is_the_wire_and_the_console_says_why(
    learn: Learn, keys: dict[str, Any], options: dict[str, Any], why: str
) -> None:
    run = learn({"Arena": behavior(max_steps=200, **keys)}, options={"actions": "continuous", **options})
    assert_went_well(run, steps=200)
    assert "Rollouts go over the wire: behavior Arena: " in run.output
    assert why in run.output


def test_rollouts_that_are_asked_for_and_impossible_are_refused(learn: Learn) -> None:
    run = learn({"Arena": behavior("sac", rollouts="bridge")}, options={"actions": "continuous"})
    assert run.code != 0
    assert "hyperparameters.rollouts: bridge is not possible here, since its learner, sac, takes" in run.output


def test_a_bridge_that_dies_is_started_again_and_training_goes_on(start: Callable[..., Started]) -> None:
    started = start({"Arena": behavior(max_steps=6000, rollouts="bridge")}, areas=2)
    run = started.wait(until=lambda: "Step: 1000." in started.said_so_far())
    bridges = [
        process
        for process in psutil.Process(started.process).children(recursive=True)
        if "gym_bridges.launch" in " ".join(process.cmdline())
    ]
    os.kill(bridges[0].pid, signal.SIGKILL)
    run = started.wait()
    assert run.code == 0, run.output[-3000:]
    assert "Restarting worker[0]" in run.output
    assert_went_well(run, steps=6000)


def test_a_learner_with_a_memory_learns_what_only_a_memory_can_know(learn: Learn) -> None:
    # The cue is shown in the first step only. Who forgets it is right half the time, and draws or loses as often as
    # it wins; so does the past of the first few thousand steps.
    configuration = behavior(
        max_steps=24_000,
        rollouts="bridge",
        network={"hidden_units": 32, "memory": {"sequence_length": 8, "memory_size": 32}},
        learner_hyperparameters={"batch_size": 256, "buffer_size": 2048, "learning_rate": 3e-3, "num_epoch": 4},
        snapshot_interval=2000,
        delta=0.0,
        latest_ratio=0.0,
    )
    run = learn({"Arena": configuration}, options={"recall": "true", "shortest": 6, "longest": 8})
    assert_went_well(run, steps=24_000)
    late = [row for row in run.matches() if int(row["step"]) > 16_000 and row["opponent"].isdigit()]
    past = [float(row["outcome"]) for row in late if int(row["opponent"]) < 7_000]
    assert len(past) > 50
    assert np.mean(past) > 0.75
