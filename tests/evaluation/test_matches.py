"""Games over the wire, in environments whose results are known: fixed players of rock-paper-scissors, and the arena."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from mlagents_selfplay.evaluation.environment import EnvironmentSettings
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.matches import Fixture, GameResult, Pitch, num_seatings
from mlagents_selfplay.evaluation.players import find
from mlagents_selfplay.evaluation.workers import Task, Worker
from mlagents_selfplay.selfplay.matches import Role
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings

BuildOf = Callable[..., str]
ARENA = "tests.environments.arena:ARENA"


def played(
    build: str, sources: list[str], fixtures: list[Fixture], rule: OutcomeSettings, areas: int = 3
) -> list[GameResult]:
    task = Task(EnvironmentSettings(build, num_areas=areas, base_port=6460), tuple(find(sources, 1)), rule)
    with Worker(task) as worker:
        return list(worker.play(fixtures))


def test_rock_loses_every_round_to_paper_in_either_seat(build: BuildOf) -> None:
    fixtures = [Fixture("rock", "paper", seating) for seating in (0, 1) for _ in range(5)]
    results = played(build("RockPaperScissors"), ["rock", "paper"], fixtures, OutcomeSettings("episode_return"))
    # Ten rounds at a reward of -1 and +1; rewards of the last round only would be the same sign.
    assert Counter(results) == Counter(GameResult(fixture, 0.0, -10.0, 10.0, 10) for fixture in fixtures)


def test_seats_are_swapped_where_the_seat_decides(build: BuildOf) -> None:
    # Rock earns 2 against scissors in the first seat and, by the payoff that the environment takes, 2 in the second.
    fixtures = [Fixture("rock", "scissors", seating) for seating in (0, 1)]
    results = played(
        build("RockPaperScissors", "--rock-vs-scissors", "2"),
        ["rock", "scissors"],
        fixtures,
        OutcomeSettings("episode_return", win_above=15.0, loss_below=-25.0),
    )
    # Winning takes more than 15, losing less than -25: rock wins with 20, scissors draws with -20; the mean is 3/4.
    assert {(result.fixture, result.outcome, result.first_return) for result in results} == {
        (fixture, 0.75, 20.0) for fixture in fixtures
    }


def test_even_players_draw(build: BuildOf) -> None:
    results = played(
        build("RockPaperScissors"),
        ["one=rock", "two=rock"],
        [Fixture("one", "two", 0)] * 4,
        OutcomeSettings("episode_return"),
    )
    assert [result.outcome for result in results] == [0.5] * 4


def test_all_games_that_are_dealt_are_played_and_no_others(build: BuildOf) -> None:
    fixtures = [Fixture("random", "still", number % 2) for number in range(17)]
    results = played(build(ARENA, "--actions", "hybrid"), ["random", "still"], fixtures, OutcomeSettings(), areas=5)
    assert Counter(result.fixture for result in results) == Counter(fixtures)


@pytest.mark.parametrize("options", [("--teams", "3"), ("--group", "2"), ("--own-behaviors",), ("--turns",)])
def test_more_teams_groups_two_behaviors_and_turns_are_played_in_every_seating(
    build: BuildOf, options: tuple[str, ...]
) -> None:
    seatings = num_seatings(3 if "--teams" in options else 2)
    fixtures = [Fixture("random", "still", number % seatings) for number in range(2 * seatings)]
    results = played(build(ARENA, *options), ["random", "still"], fixtures, OutcomeSettings())
    assert Counter(result.fixture for result in results) == Counter(fixtures)
    assert all(0.0 <= result.outcome <= 1.0 for result in results)


def test_where_there_is_one_team_a_player_plays_alone(build: BuildOf) -> None:
    results = played(build(ARENA, "--teams", "1"), ["still"], [Fixture("still", "still", 0)] * 6, OutcomeSettings())
    assert [(result.fixture.first, result.outcome) for result in results] == [("still", None)] * 6
    assert all(2 <= result.length <= 6 for result in results)  # decisions of an episode, by the arena's own account


def test_the_same_seed_gives_the_same_games(build: BuildOf) -> None:
    path = build("RockPaperScissors")
    fixtures = [Fixture("random", "mixed(0.5, 0.25, 0.25)", number % 2) for number in range(10)]
    sources = ["random", "mixed(0.5, 0.25, 0.25)"]
    first, second = (played(path, sources, fixtures, OutcomeSettings("episode_return")) for _ in range(2))
    assert first == second
    assert len({result.first_return for result in first}) > 1


def test_a_player_that_cannot_play_the_actions_is_named(build: BuildOf) -> None:
    with pytest.raises(EvaluationError, match=r"rock .* does not fit behavior Arena .* 3 actions cannot play branches"):
        played(build(ARENA), ["rock", "still"], [], OutcomeSettings())


def test_a_build_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"nothing cannot be played"):
        played(str(tmp_path / "nothing"), ["random", "still"], [], OutcomeSettings())


def test_nobody_plays_once_the_games_are_dealt() -> None:
    pitch = Pitch([Role("Game", 0), Role("Game", 1)], iter([Fixture("a", "b", 1)]))
    assert pitch.begin(0, Role("Game", 0), [0, 2], [0, 0]) == ["b", ""]
    assert pitch.begin(0, Role("Game", 1), [1, 3], [0, 0]) == ["a", ""]
    for seat in range(4):
        pitch.finish(seat, 1.0, False)
    assert [fixture for fixture, _ in pitch.over] == [Fixture("a", "b", 1)]
