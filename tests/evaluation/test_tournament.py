"""Tournaments of players whose results are known: what is written, what goes on after a break, and what is refused."""

from __future__ import annotations

import csv
import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlagents_selfplay.cli import app
from mlagents_selfplay.evaluation import tournament
from mlagents_selfplay.evaluation.environment import EnvironmentSettings
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.players import find
from mlagents_selfplay.evaluation.tournament import TournamentSettings
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings
from typer.testing import CliRunner

from tests.evaluation.hand_made_run import PAPER, ROCK, SCISSORS, make_run

BuildOf = Callable[..., str]
SUM_DECIDES = OutcomeSettings("episode_return")


def run(folder: Path, build: str, sources: list[str], games: int = 4, **keys: Any) -> dict[str, Any]:
    settings = TournamentSettings(games, outcome=keys.pop("outcome", SUM_DECIDES), **keys)
    environment = EnvironmentSettings(build, num_areas=4, base_port=6470)
    return tournament.run(folder, find(sources, 8), environment, settings)


def test_the_moves_of_rock_paper_scissors_come_out_as_the_circle_that_they_are(build: BuildOf, tmp_path: Path) -> None:
    moves = make_run(tmp_path / "moves", {0: ROCK, 1: PAPER, 2: SCISSORS}, "selfplay")
    content = run(tmp_path / "out", build("RockPaperScissors"), [str(moves), "other=paper"], games=6)
    # Rock, paper, scissors, and paper again; row against column.
    circle = [[0.5, 0, 1, 0], [1, 0.5, 0, 0.5], [0, 1, 0.5, 1], [1, 0.5, 0, 0.5]]
    assert content["payoff"] == circle
    assert content["draws"] == [
        [6 * (value == 0.5 and i != j) for j, value in enumerate(row)] for i, row in enumerate(circle)
    ]
    assert [rating["nash"] for rating in content["ratings"]] == pytest.approx([1 / 3, 1 / 6, 1 / 3, 1 / 6])
    assert content["structure"]["cycles"][0] == ("moves/0", "moves/2", "moves/1")
    assert content["anchor"] == "moves/0"
    assert json.loads((tmp_path / "out" / "tournament.json").read_text())["payoff"] == circle
    rows = list(csv.DictReader((tmp_path / "out" / "games.csv").open()))
    assert len(rows) == 36
    assert {(row["first"], row["outcome"], row["seating"]) for row in rows if row["second"] == "moves/2"} == {
        ("moves/0", "1", "0"),
        ("moves/0", "1", "1"),
        ("moves/1", "0", "0"),
        ("moves/1", "0", "1"),
    }
    with (tmp_path / "out" / "payoff.csv").open() as file:
        assert next(csv.reader(file)) == ["", "moves/0", "moves/1", "moves/2", "other"]


class Killed(BaseException):
    """Stands for a kill: nothing in between may catch it."""


def test_a_tournament_that_was_killed_plays_what_is_left_and_no_game_twice(build: BuildOf, tmp_path: Path) -> None:
    path, out, sources = build("RockPaperScissors"), tmp_path / "out", ["rock", "paper", "random"]

    def kill(done: int, planned: int) -> None:
        if done == 5:
            raise Killed

    environment, settings = (
        EnvironmentSettings(path, num_areas=4, base_port=6470),
        TournamentSettings(4, outcome=SUM_DECIDES),
    )
    with pytest.raises(Killed):
        tournament.run(out, find(sources, 8), environment, settings, kill)
    with (out / "games.csv").open("a") as file:
        file.write("rock,pap")  # the last line, cut short
    content = run(out, path, sources)
    assert content["status"] == "finished"
    assert content["games_done"] == 12
    lines = (out / "games.csv").read_text().splitlines()
    assert len(lines) == 1 + 12
    assert np.array(content["games"]).tolist() == [[0, 4, 4], [4, 0, 4], [4, 4, 0]]


def test_a_finished_tournament_goes_on_when_more_games_or_players_are_wanted(build: BuildOf, tmp_path: Path) -> None:
    path, out = build("RockPaperScissors"), tmp_path / "out"
    run(out, path, ["rock", "paper"], games=2)
    content = run(out, path, ["rock", "paper", "scissors"], games=4)
    assert content["games"] == [[0, 4, 4], [4, 0, 4], [4, 4, 0]]
    again = run(out, path, ["rock", "paper"], games=4)
    assert again["payoff"] == [[0.5, 0], [1, 0.5]]


def test_an_environment_that_dies_in_mid_tournament_is_one_error_and_what_is_done_is_kept(
    build: BuildOf, tmp_path: Path
) -> None:
    marker, out = tmp_path / "dies", tmp_path / "out"
    marker.touch()
    # The shell becomes the environment; its child kills it once a game has been played.
    games = out / "games.csv"
    before = f"[ -e {marker} ] && (while [ ! -s {games} ]; do sleep 0.1; done; kill -9 $$) &"
    path = build("RockPaperScissors", "--rounds", "1", before=before)
    with pytest.raises(EvaluationError, match="cannot be played: UnityEnvironmentException"):
        run(out, path, ["rock", "paper"], games=1_000_000)
    kept = json.loads((out / "tournament.json").read_text())
    assert kept["status"] == "stopped"
    assert "cannot be played" in kept["message"]
    assert kept["games_done"] == len((out / "games.csv").read_text().splitlines()) - 1 > 0
    marker.unlink()
    assert run(out, path, ["rock", "paper"], games=kept["games_done"] + 2)["games_done"] == kept["games_done"] + 2


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("tournament.json", "{", "is damaged or not readable"),
        ("tournament.json", '{"format": 99}', "has format version 99"),
        ("tournament.json", '{"format": 1, "kind": "experiment"}', "is of kind 'experiment'"),
        ("tournament.json", '{"format": 1, "kind": "tournament"}', r"is damaged \(KeyError"),
        ("notes.txt", "mine", "is not empty, and there is no tournament.json"),
    ],
)
def test_a_folder_that_cannot_be_used_is_left_alone(tmp_path: Path, file: str, content: str, why: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / file).write_text(content)
    with pytest.raises(EvaluationError, match=why):
        run(out, "/no/such/build", ["rock", "paper"])
    assert (out / file).read_text() == content


def test_games_under_other_rules_or_of_other_weights_are_not_mixed(build: BuildOf, tmp_path: Path) -> None:
    path, out = build("RockPaperScissors"), tmp_path / "out"
    source = str(make_run(tmp_path / "run", {0: ROCK}, "selfplay"))
    run(out, path, [source, "paper"], games=2)
    with pytest.raises(EvaluationError, match=r"played with outcome .*episode_return.* not .*last_reward.*--force"):
        run(out, path, [source, "paper"], outcome=OutcomeSettings())
    with pytest.raises(EvaluationError, match="played with actions 'sampled', not 'deterministic'"):
        run(out, path, [source, "paper"], deterministic=True)
    other = make_run(tmp_path / "elsewhere" / "run", {0: PAPER}, "selfplay")
    with pytest.raises(EvaluationError, match="player run/0 has other weights"):
        run(out, path, [str(other), "paper"])
    (out / "games.csv").write_text((out / "games.csv").read_text() + "rock,paper,x,1,1,1,1\n")
    with pytest.raises(EvaluationError, match=r"games\.csv, line 4, is damaged"):
        run(out, path, [source, "paper"])


def test_two_processes_do_not_play_one_tournament(build: BuildOf, tmp_path: Path) -> None:
    path, out = build("RockPaperScissors"), tmp_path / "out"
    run(out, path, ["rock", "paper"], games=2)
    with (out / "games.csv").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(EvaluationError, match="another process is playing this tournament"):
            run(out, path, ["rock", "paper"], games=4)
    assert run(out, path, ["rock", "paper"], games=4)["games_done"] == 4


def test_several_processes_play_the_same_tournament(build: BuildOf, tmp_path: Path) -> None:
    content = run(tmp_path / "out", build("RockPaperScissors"), ["rock", "paper", "scissors"], games=8, workers=2)
    assert content["payoff"] == [[0.5, 0, 1], [1, 0.5, 0], [0, 1, 0.5]]
    assert content["games_done"] == 24


def test_a_game_with_one_team_has_no_tournament(build: BuildOf, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"one team only.*mlagents-selfplay play"):
        run(tmp_path / "out", build("tests.environments.arena:ARENA", "--teams", "1"), ["random", "still"])


@pytest.mark.parametrize(("key", "value"), [("games", 0), ("workers", 0), ("schedule", "fair")])
def test_settings_that_are_not_allowed_are_named(key: str, value: object) -> None:
    with pytest.raises(EvaluationError, match=key):
        TournamentSettings(**{key: value})


def test_the_command_prints_json_draws_pictures_and_says_in_one_line_what_is_wrong(
    build: BuildOf, tmp_path: Path
) -> None:
    path = build("RockPaperScissors")
    moves = str(make_run(tmp_path / "moves", {0: ROCK, 1: PAPER, 2: SCISSORS}, "selfplay"))
    words = ["evaluate", moves, "--env", path, "--games", "4", "--num-areas", "4", "--base-port", "6470"]
    words += ["--results-dir", str(tmp_path), "--json"]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["payoff"] == [[0.5, 0, 1], [1, 0.5, 0], [0, 1, 0.5]]
    out = tmp_path / "evaluations" / "moves"
    for name in ("payoff", "ratings", "progress"):
        assert (out / f"{name}.svg").read_text().lstrip().startswith("<?xml")
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    wrong = CliRunner().invoke(app, [*words[:1], "nowhere", *words[2:]])
    assert wrong.exit_code == 2
    assert len(wrong.stderr.strip().splitlines()) == 1
    assert wrong.stderr.startswith("mlagents-selfplay evaluate: nowhere is no player")


def test_play_says_how_two_players_fare_and_what_one_earns_alone(build: BuildOf, tmp_path: Path) -> None:
    words = ["--games", "4", "--num-areas", "2", "--base-port", "6470", "--json", "--outcome", "episode_return"]
    answer = CliRunner().invoke(app, ["play", "rock", "scissors", "--env", build("RockPaperScissors"), *words])
    assert answer.exit_code == 0, answer.output
    rock, scissors = json.loads(answer.stdout)["scores"]
    assert (rock["player"], rock["win_rate"], rock["mean_return"]) == ("rock", 1.0, 10.0)
    assert (scissors["win_rate"], scissors["mean_return"], scissors["games"]) == (0.0, -10.0, 4)
    alone = build("tests.environments.arena:ARENA", "--teams", "1")
    answer = CliRunner().invoke(app, ["play", "random", "still", "--env", alone, *words])
    assert [score["player"] for score in json.loads(answer.stdout)["scores"]] == ["random", "still"]
