"""Do the benchmarks of the learners measure what they say?"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import learners, updates


@pytest.mark.parametrize("name", updates.CASES)
def test_updates_are_counted_on_both_sides(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "CASES", {name: updates.CASES[name]})
    found = updates.measure(updates.Budget(turns=1, updates=5))["updates_per_second"][name]
    assert found["ratio"] == found["ours"] / found["stable_baselines3"]  # There was one turn.
    assert 1 < found["ours"] < 1e5
    print(name, found)


def test_a_configuration_is_found_by_its_algorithm_and_environment() -> None:
    block, parameters = learners.configuration_of("dqn", "CartPole-v1")
    assert block["trainer_type"] == "dqn"
    assert parameters == {}
    assert learners.configuration_of("split_q", "MsPacman")[1]["reward_function"] == 4


def test_an_algorithm_without_a_configuration_is_refused() -> None:
    with pytest.raises(SystemExit, match="behavior CartPole-v1 with trainer_type: split_q"):
        learners.configuration_of("split_q", "CartPole-v1")


def test_what_counts_is_the_last_tenth() -> None:
    assert learners.final([(500, 1.0), (900, 2.0), (950, 3.0), (1000, 5.0)], 1000) == 4.0


def test_the_picture_has_a_line_for_each_seed_and_who_learned_it(tmp_path: Path) -> None:
    curves = {1: [(100, -10.0), (200, -5.0)], 2: [(100, -12.0), (200, -3.0)]}
    result = {"algorithm": "td3", "environment": "Pendulum-v1"}
    learners.draw({**result, "curves": {"ours": curves, "stable_baselines3": curves}}, tmp_path / "learners.svg")
    text = (tmp_path / "learners.svg").read_text()
    assert "td3, mean of 2 seed(s)" in text
    assert "Stable-Baselines3, mean of 2 seed(s)" in text
