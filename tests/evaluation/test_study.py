"""Studies: what the arms are trained with, what their tables come to, and a small one from end to end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from mlagents_selfplay.cli import app
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.parts import Part, Work
from mlagents_selfplay.evaluation.study import Study
from mlagents_selfplay.evaluation.study_figures import estimate, name_of, of_game, together
from mlagents_selfplay.evaluation.study_settings import Game, StudySettings, read_study
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
CONFIG = str(ROOT / "config" / "trainer_config.yaml")
RPS = "RockPaperScissors"


def written(folder: Path, **changes: Any) -> Path:
    """Writes the file of a study of two arms on one game."""
    game = {"environment": RPS, "steps": 2000, "num_areas": 8, "block": CONFIG, **changes.pop("game", {})}
    content = {
        "study": "small",
        "seeds": 1,
        "games": {RPS: game},
        "arms": {"stock": {"trainer": "ghost"}, "ours": {"delta": 0.25}},
        "games_of_each_pair": 2,
        "pool_per_run": 1,
        **changes,
    }
    folder.mkdir(exist_ok=True)
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file


def test_an_arm_changes_its_keys_and_nothing_else(tmp_path: Path) -> None:
    settings = read_study(written(tmp_path))
    shipped = yaml.safe_load(Path(CONFIG).read_text())["behaviors"][RPS]
    block = settings.block(RPS, "ours")
    assert block["hyperparameters"] == {**shipped["hyperparameters"], "delta": 0.25}
    assert block["network_settings"] == shipped["network_settings"]
    # 2,000 steps, a checkpoint after each twentieth of them.
    assert (block["max_steps"], block["checkpoint_interval"], block["keep_checkpoints"]) == (2000, 100, 24)


def test_stock_has_the_same_learner_and_saves_as_often(tmp_path: Path) -> None:
    settings = read_study(written(tmp_path))
    shipped = yaml.safe_load(Path(CONFIG).read_text())["behaviors"][RPS]["hyperparameters"]
    block = settings.block(RPS, "stock")
    assert block["trainer_type"] == "ppo"
    assert block["hyperparameters"] == shipped["learner_hyperparameters"]
    assert block["self_play"] == {"save_steps": 4000}  # snapshot_interval of config/trainer_config.yaml


def test_the_studies_that_are_shipped_can_be_read() -> None:
    assert set(read_study(ROOT / "config" / "studies" / "quick.yaml").arms) == {"stock", "ours", "naive"}
    study = read_study(ROOT / "config" / "studies" / "defaults.yaml")
    assert len([game for game in study.games.values() if game.environment.startswith("pettingzoo/")]) == 3
    confirming = read_study(ROOT / "config" / "studies" / "confirm.yaml")
    assert not set(confirming.all_seeds) & set(study.all_seeds)
    block = read_study(ROOT / "config" / "studies" / "learners.yaml").block("SumoRing", "own-ppo")
    assert block["hyperparameters"]["fast_learner"] is False


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"seeds": 0}, "seeds: 0 is not a whole number of at least 1"),
        ({"repeats": 3}, "repeats is no key here; these are arms, first_seed, games"),
        ({"ours": "best"}, "ours: 'best' is not one of the arms stock, ours"),
        ({"arms": {"stock": {}, "ours": {"delta": 2}}}, "RockPaperScissors, arm ours: .*delta: 2 is not allowed"),
        ({"game": {"arms": ["stock", "mine"]}}, "'mine' is not one of the arms stock, ours"),
        ({"game": {"arms": ["stock"]}}, "'ours' has to be one of its arms stock"),
        ({"game": {"block": "nowhere.yaml"}}, "nowhere.yaml cannot be read"),
        ({"game": {"steps": 10}}, "steps 10 are fewer than 20"),
        ({"game": {"stepz": 10}}, "stepz is no key here"),
        ({"study": "a/b"}, "'a/b' is no name"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(EvaluationError, match=why):
        read_study(written(tmp_path, **changes))


def test_a_game_without_a_block_of_its_name_says_which_there_are(tmp_path: Path) -> None:
    file = written(tmp_path)
    content = yaml.safe_load(file.read_text())
    content["games"] = {"Chess": content["games"][RPS]}
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(EvaluationError, match="Chess: .* has no block of this name; it has RockPaperScissors"):
        read_study(file)


def test_what_is_said_of_an_experiment_is_not_silently_left_out(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["experiment", str(written(tmp_path)), "--seed", "3"])
    assert done.exit_code == 2
    assert "--seed is for experiments" in done.output


def tournament_of(names: list[str], payoff: dict[tuple[str, str], float]) -> dict[str, Any]:
    """A table in which whoever is not named draws."""
    matrix = np.full((len(names), len(names)), 0.5)
    for (first, second), value in payoff.items():
        i, j = names.index(first), names.index(second)
        matrix[i, j], matrix[j, i] = value, 1.0 - value
    return {
        "players": [{"name": name} for name in names],
        "payoff": matrix.tolist(),
        "ratings": [{"player": name, "exploitability": 0.1 * place} for place, name in enumerate(names)],
    }


def hand_worked() -> dict[str, Any]:
    arms: dict[str, dict[str, Any]] = {"stock": {"trainer": "ghost"}, "ours": {}, "other": {}}
    block = yaml.safe_load(Path(CONFIG).read_text())["behaviors"][RPS]
    settings = StudySettings("hand", 2, arms, {RPS: Game("build", 100, block)}, pool_per_run=1)
    finals = [f"{arm}-{seed}" for arm in ("stock", "ours", "other", "at-the-same-time") for seed in (1, 2)]
    table = tournament_of(
        finals,
        {
            ("ours-1", "stock-1"): 0.9,
            ("ours-1", "stock-2"): 0.7,
            ("ours-2", "stock-1"): 0.7,
            ("ours-2", "stock-2"): 0.5,
            ("ours-1", "at-the-same-time-1"): 1.0,
        },
    )
    pool = [*finals[:6], *(f"{arm}-{seed}@0.50" for arm in arms for seed in (1, 2))]
    earlier = tournament_of(pool, {(f"ours-{seed}", f"stock-{other}@0.50"): 0.8 for seed in (1, 2) for other in (1, 2)})
    return of_game(table, earlier, settings, RPS)


def test_mean_outcomes_and_intervals_are_those_worked_by_hand() -> None:
    arms = hand_worked()["arms"]
    # ours-1: (0.9 + 0.7) / 2 = 0.8, ours-2: 0.6. Their mean 0.7, deviation sqrt(0.02) = 0.1414, error 0.1, and
    # Student's t for one degree of freedom 12.706: 0.7 +- 1.27, which [0, 1] cuts off.
    found = arms["ours"]["against_stock"]
    assert found.pop("seeds") == pytest.approx([0.8, 0.6])
    assert found == pytest.approx({"mean": 0.7, "low": 0.0, "high": 1.0})
    # Against stock 0.8 and 0.6, against other 0.5: means 0.65 and 0.55.
    assert arms["ours"]["against_all"]["mean"] == pytest.approx(0.6)
    assert arms["ours"]["against_stock_at_the_same_time"]["mean"] == pytest.approx((0.75 + 0.5) / 2)
    # 0.8 against two of six in the pool, else 0.5.
    assert arms["ours"]["against_pool"]["mean"] == pytest.approx(0.6)
    assert arms["ours"]["against_pool_less_stock"]["seeds"] == pytest.approx([0.1, 0.1])  # stock is at 0.5
    # stock's policies of half the steps: 0.2 against the two of ours among six final ones.
    assert arms["stock"]["curve"] == [[0.5, pytest.approx(0.4)]]
    assert arms["ours"]["exploitability"] == pytest.approx((0.2 + 0.3) / 2)
    assert "against_stock" not in arms["stock"]


def test_head_to_head_is_the_mean_over_all_pairs_of_seeds() -> None:
    assert hand_worked()["head_to_head"] == [
        [0.5, pytest.approx(0.3), 0.5],
        [pytest.approx(0.7), 0.5, 0.5],
        [0.5, 0.5, 0.5],
    ]


def test_games_are_averaged_seed_by_seed_and_the_worst_is_told() -> None:
    def game(*values: float) -> dict[str, Any]:
        return {"arms": {"ours": {"against_stock": estimate(np.array(values))}}}

    # Averages 0.4, 0.5 and 0.6 have the interval of the next test.
    found = together({"a": game(0.3, 0.4, 0.5), "b": game(0.5, 0.6, 0.7)})["ours"]["against_stock"]
    assert found.pop("seeds") == pytest.approx([0.4, 0.5, 0.6])
    expected = {"mean": 0.5, "low": 0.2516, "high": 0.7484, "lowest": 0.4, "games": 2}
    assert found == pytest.approx(expected, abs=1e-4)


def test_an_interval_of_three_seeds_is_that_of_students_table() -> None:
    # Mean 0.5, deviation 0.1, error 0.1 / sqrt(3) = 0.0577; t for two degrees of freedom is 4.303: 0.2484.
    found = estimate(np.array([0.4, 0.5, 0.6]))
    assert found.pop("seeds") == [0.4, 0.5, 0.6]
    assert found == pytest.approx({"mean": 0.5, "low": 0.2516, "high": 0.7484}, abs=1e-4)
    assert estimate(np.array([0.4])) == {"mean": 0.4, "low": None, "high": None, "seeds": [0.4]}


def test_a_study_of_two_games_goes_on_with_more_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def everybody_draws(self: Study, part: Part) -> Work:
        if "seed" in part.name:
            return lambda show: 1.0  # seconds
        names = [
            name_of(arm, seed) for arm in ("stock", "ours", "at-the-same-time") for seed in self.settings.all_seeds
        ]
        earlier = [name_of(arm, seed, 0.5) for arm in ("stock", "ours") for seed in self.settings.all_seeds]
        return lambda show: tournament_of([*names, *earlier], {})

    monkeypatch.setattr(Study, "_begin_part", everybody_draws)
    game = {"environment": RPS, "block": CONFIG, "steps": 2000}
    games = {"games": {RPS: game, "SumoRing": game}}
    Study(tmp_path, read_study(written(tmp_path / "in", **games))).run()
    found = Study(tmp_path, read_study(written(tmp_path / "in", seeds=2, **games))).run()
    assert found["together"]["ours"]["against_stock"]["seeds"] == [0.5, 0.5]


def test_who_is_behind_stock_has_an_interval_under_nothing() -> None:
    # As above, less 0.7: none of it is cut off at 0.
    found = together(
        {"a": {"arms": {"ours": {"against_pool_less_stock": estimate(np.array([-0.3, -0.2, -0.1]), -1.0)}}}}
    )
    assert found["ours"]["against_pool_less_stock"]["low"] == pytest.approx(-0.4484, abs=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_study_trains_judges_and_goes_on_where_it_was(tmp_path: Path) -> None:
    file = written(tmp_path / "in", game={"exploitability": RPS})
    words = ["experiment", str(file), "--results-dir", str(tmp_path), "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    folder = tmp_path / "studies" / "small"
    result = json.loads((folder / "study.json").read_text())
    arms = result["games"][RPS]["arms"]
    assert set(arms) == {"stock", "ours"}
    assert 0.0 <= arms["ours"]["against_stock"]["mean"] <= 1.0
    assert 0.0 < arms["ours"]["exploitability"] <= 1.0
    assert all(result["seconds"][RPS][arm]["1"] > 0.0 for arm in arms)
    for name in ("arms", "head_to_head", "strength", "strength_over_minutes"):
        assert (folder / RPS / f"{name}.svg").exists()
    checkpoint = folder / RPS / "training" / "ours-1" / RPS / "checkpoint.pt"
    before = checkpoint.stat().st_mtime_ns
    again = Study(folder, read_study(file)).run()
    assert checkpoint.stat().st_mtime_ns == before
    assert again["games"] == result["games"]
    took = result["seconds"][RPS].pop("ours")["1"]
    shutil.rmtree(folder / RPS / "finals")
    (folder / RPS / "training" / "ours-1" / "seconds.json").unlink()
    (folder / "study.json").write_text(json.dumps(result))  # as if killed between a training's end and its note
    again = Study(folder, read_study(file)).run()
    assert 1.0 < again["seconds"][RPS]["ours"]["1"] < took  # as mlagents-learn has it, without its imports
    others: list[tuple[dict[str, Any], str]] = [
        ({"pool_per_run": 2, "game": {"exploitability": RPS}}, "another pool_per_run"),
        ({"arms": {"stock": {"trainer": "ghost"}, "ours": {}}, "game": {"exploitability": RPS}}, "another arm ours"),
        ({"game": {"exploitability": RPS, "steps": 3000}}, "another game RockPaperScissors"),
    ]
    for changes, why in others:
        with pytest.raises(EvaluationError, match=why):
            Study(folder, read_study(written(tmp_path / "in", **changes))).run()
