"""Do the options of `mlagents-learn` mean with self-play what they mean without?"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mlagents.torch_utils import torch
from mlagents_selfplay.files import load_weights

from tests.trainer.conftest import Started
from tests.trainer.runs import Run, assert_went_well, behavior

pytestmark = pytest.mark.timeout(300)  # Seconds; a busy machine is no defect.
Learn = Callable[..., Run]
SHORT = behavior(max_steps=250)


@pytest.fixture(scope="module")
def base(start_in: Callable[..., Started], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of 250 steps; tests that change it take copies."""
    return start_in(tmp_path_factory.mktemp("base"), {"Arena": SHORT}, run_id="base").wait()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_gives_the_same_matches_and_another_seed_others(base: Run, learn: Learn) -> None:
    assert_went_well(base, steps=250)
    again = learn({"Arena": SHORT}, run_id="again")
    other = learn({"Arena": SHORT}, run_id="other", seed=2)
    assert again.matches() == base.matches()
    assert again.history() == base.history()
    assert other.matches() != base.matches()


def test_watching_a_run_changes_nothing_of_it_and_ends_well(base: Run, start_in: Callable[..., Started]) -> None:
    before = contents(base.folder / "Arena")
    words = ("--resume", "--inference", "--deterministic", "--time-scale=2")
    watching = start_in(base.folder.parent, {"Arena": SHORT}, *words, run_id="base")
    watching.wait(until=lambda: "Not Training" in watching.said_so_far())
    watching.interrupt()
    ended = watching.wait()
    assert ended.code == 0, ended.output[-3000:]
    after = contents(base.folder / "Arena")
    assert {name for name in before if after.get(name) != before[name]} == set()
    assert not [name for name in after.keys() - before.keys() if "tfevents" not in name]


def test_a_run_that_is_initialised_from_another_begins_with_its_weights_at_step_0(
    base: Run, start_in: Callable[..., Started]
) -> None:
    again = {"Arena": behavior(max_steps=100)}
    run = start_in(base.folder.parent, again, "--initialize-from=base", run_id="next").wait()
    assert_went_well(run, steps=100)
    assert "Starting training from step 0" in run.output
    initial = load_weights(run.path() / "snapshots" / "0.safetensors")
    trained = torch.load(base.folder / "Arena" / "checkpoint.pt", weights_only=True)["Policy"]
    for name, value in trained.items():
        assert np.array_equal(initial[name], value.numpy()), name


def test_a_lesson_ends_when_the_rating_is_reached(learn: Learn) -> None:
    reached = {
        "measure": "reward",
        "behavior": "Arena",
        "signal_smoothing": False,
        "min_lesson_length": 5,
        "threshold": 1,
    }
    lessons = {
        "longest": {
            "curriculum": [
                {"name": "Short", "completion_criteria": reached, "value": 3.0},
                {"name": "Long", "value": 9.0},
            ]
        }
    }
    run = learn(
        {"Arena": behavior(max_steps=400, curriculum_measure="rating")}, top={"environment_parameters": lessons}
    )
    assert_went_well(run, steps=400)
    assert "Parameter 'longest' is in lesson 'Long'" in run.output  # A rating of 1 is reached by the first matches.
    lengths = [int(row["length"]) for row in run.matches()]
    assert max(lengths[:5]) <= 3 < max(lengths) <= 9
