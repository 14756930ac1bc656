"""Who is found where, and what is said of what is no player."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.lineup import Lineup
from mlagents_selfplay.evaluation.players import find

from tests.evaluation.hand_made_run import BEHAVIOR, PAPER, ROCK, SCISSORS, SPEC, make_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "first", dict.fromkeys((0, 100, 200, 300, 400), ROCK))


def test_a_run_sends_evenly_chosen_players_the_first_and_the_last_among_them(run: Path) -> None:
    assert [player.name for player in find([str(run)], 3)] == ["first/0", "first/200", "first/400"]
    assert [player.step for player in find([str(run)], 99)] == [0, 100, 200, 300, 400]
    assert [player.step for player in find([str(run)], 1)] == [400]


@pytest.mark.parametrize(("which", "step"), [("200", 200), ("initial", 0), ("last", 400)])
def test_one_player_of_a_run_can_be_named(run: Path, which: str, step: int) -> None:
    (player,) = find([f"{run}@{which}"], 8)
    assert (player.step, player.kind) == (step, "checkpoint")


def test_scripts_are_known_by_their_names_and_everybody_can_be_given_another(run: Path) -> None:
    found = find(["random", "mixed(0.5, 0.5, 0)", f"me={run}@last", "python:mlagents_selfplay.scripted:rock"], 8)
    assert [player.name for player in found] == ["random", "mixed(0.5, 0.5, 0)", "me", "rock"]
    assert found[1].sources == {"": "python:mlagents_selfplay.scripted:mixed(0.5, 0.5, 0)"}


def test_other_weights_have_another_fingerprint(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {100: ROCK, 200: PAPER})
    rock, paper = (player.fingerprint for player in find([str(run)], 3))
    assert rock != paper
    assert rock == find([f"{run}@100"], 1)[0].fingerprint


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("nowhere", r"nowhere is no player: .*run.*\.onnx.*python:module:factory.*rock"),
        ("{tmp}", r"holds no configuration\.yaml"),
        ("{tmp}/empty", "it is empty"),
        ("{run}@150", r"none of 150; the run has 0, 100, 200, 300, 400, initial, last"),
        ("{tmp}/lost.pt", r"no folder above it holds configuration\.yaml"),
        ("{tmp}/missing.onnx", "does not exist"),
        ("a={run}", "a name goes with one player, and .* has 5"),
    ],
)
def test_what_is_no_player_is_one_error_that_names_it(run: Path, tmp_path: Path, source: str, why: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "lost.pt").write_bytes(b"")
    with pytest.raises(EvaluationError, match=why):
        find([source.format(tmp=tmp_path, run=run)], 8)


def test_a_run_that_has_saved_nothing_yet_has_no_players(run: Path) -> None:
    for file in (run / BEHAVIOR).iterdir():
        file.unlink()
    with pytest.raises(EvaluationError, match="no checkpoint yet"):
        find([str(run)], 8)


def test_two_players_of_one_name_are_refused(run: Path) -> None:
    with pytest.raises(EvaluationError, match=r"the name first/400 is taken .* NAME="):
        find([f"{run}@last", str(run)], 8)


def lineup_of(sources: list[str], deterministic: bool = False) -> Lineup:
    return Lineup(BEHAVIOR, SPEC, find(sources, 8), deterministic, np.random.default_rng(0))


def test_networks_of_two_architectures_and_scripts_decide_together(tmp_path: Path) -> None:
    small = make_run(tmp_path / "small", {0: ROCK, 1: PAPER})
    large = make_run(tmp_path / "large", {0: SCISSORS}, "selfplay", hidden_units=16)
    recurrent = make_run(tmp_path / "recurrent", {0: PAPER}, memory={"memory_size": 8, "sequence_length": 4})
    lineup = lineup_of([str(small), str(large), str(recurrent), "rock"])
    players = ["small/1", "large/0", "rock", "", "small/0", "recurrent/0", "small/1"]
    seen = [np.random.default_rng(0).random((len(players), 30)).astype(np.float32)]
    decisions = lineup.decisions(seen, None, [f"agent-{row}" for row in range(len(players))])
    moves = lineup.act(players, decisions).discrete[:, 0].tolist()
    # Nobody sits in the fourth place, and does nothing: move 0.
    assert moves == [PAPER, SCISSORS, ROCK, 0, ROCK, PAPER, PAPER]


def test_a_forbidden_action_is_not_taken(tmp_path: Path) -> None:
    lineup = lineup_of([str(make_run(tmp_path / "run", {0: ROCK})), "random", "still"])
    seen = [np.zeros((30, 30), np.float32)]
    forbidden = [np.tile([True, False, True], (30, 1))]
    players = ["run/0", "random", "still"] * 10
    assert set(lineup.act(players, lineup.decisions(seen, forbidden, list(map(str, range(30))))).discrete.ravel()) == {
        1
    }


def test_a_network_for_other_observations_is_one_error_that_names_player_and_tensor(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {0: ROCK})
    narrow = SPEC._replace(observation_specs=[SPEC.observation_specs[0]._replace(shape=(20,))])
    why = r"Player run/0 \(.*\) does not fit .*: network_body\S+ has shape \(8, 30\) where the network has \(8, 20\)"
    with pytest.raises(EvaluationError, match=why):
        Lineup(BEHAVIOR, narrow, find([str(run)], 8), False, np.random.default_rng(0))


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {0: ROCK})
    (run / BEHAVIOR / f"{BEHAVIOR}-0.pt").write_bytes(b"half")
    with pytest.raises(EvaluationError, match=r"Player run/0 \(.*\) does not fit .*: is not a checkpoint of ML-Agents"):
        lineup_of([str(run)])


def test_a_run_of_another_behavior_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {0: ROCK})
    with pytest.raises(
        EvaluationError, match="has no behavior Sumo, which the environment has; it has RockPaperScissors"
    ):
        Lineup("Sumo", SPEC, find([str(run)], 8), False, np.random.default_rng(0))
