"""Are the rules those of repeated rock-paper-scissors, and does every match reach the trainer whole?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gym_bridges.areas import Actions, Step
from gym_bridges.envs import rps_rules as rules
from gym_bridges.envs.rock_paper_scissors import TEAMS, RockPaperScissors, RockPaperScissorsSettings

ROCK, PAPER, SCISSORS = 0, 1, 2
HISTORIES = st.lists(st.integers(0, 9), min_size=3, max_size=3)


def play(areas: RockPaperScissors, *moves: tuple[int, int]) -> dict[str, Step]:
    """Plays one round; `moves` are those of both teams, area by area."""
    nothing = np.zeros((len(moves), 0), np.float32)
    chosen = np.array(moves, np.int32)
    return dict(areas.step({team: Actions(nothing, chosen[:, [seat]]) for seat, team in enumerate(TEAMS)}))


def areas_after_reset(num_areas: int = 1, **settings: object) -> RockPaperScissors:
    areas = RockPaperScissors(RockPaperScissorsSettings(**settings), num_areas)
    areas.reset(seed=0)
    return areas


def test_payoffs_are_those_of_the_game() -> None:
    # Rock loses to paper, paper to scissors, scissors to rock; rows are the own move.
    expected = [
        [0, -1, 1],
        [1, 0, -1],
        [-1, 1, 0],
    ]
    assert rules.payoff_matrix(-1, 1, -1).tolist() == expected


def test_the_recall_is_a_one_hot_vector_for_each_slot_with_the_newest_last() -> None:
    recall = rules.remember(np.array([[rules.EMPTY, rules.EMPTY]]), np.array([rules.joint_move(PAPER, SCISSORS)]))
    assert recall.tolist() == [[9, 5]]  # 3 * 1 + 2 = 5
    assert rules.observe(recall).tolist() == [
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]  # empty
        + [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]  # joint move 5
    ]


@given(HISTORIES)
def test_mirrored_twice_is_the_same(history: list[int]) -> None:
    recall = np.array([history])
    assert (rules.mirror(rules.mirror(recall)) == recall).all()


@given(st.integers(0, 2), st.integers(0, 2))
def test_the_mirror_of_a_joint_move_swaps_the_players(own: int, other: int) -> None:
    assert rules.mirror(rules.joint_move(np.array(own), np.array(other))) == rules.joint_move(other, own)


def test_both_seats_see_themselves_first_and_are_paid_opposite_amounts() -> None:
    steps = play(areas_after_reset(recall=1), (PAPER, ROCK))
    first, second = (steps[team].decisions for team in TEAMS)
    assert first.observations[0].argmax(axis=1).tolist() == [3]  # own paper, other's rock: 3 * 1 + 0
    assert second.observations[0].argmax(axis=1).tolist() == [1]  # own rock, other's paper: 3 * 0 + 1
    assert (first.rewards.tolist(), second.rewards.tolist()) == ([1.0], [-1.0])


def test_ids_of_a_match_are_consecutive_area_by_area_and_never_used_again() -> None:
    areas = RockPaperScissors(RockPaperScissorsSettings(rounds=1), 2)
    steps = areas.reset(seed=0)
    assert [steps[team].decisions.agent_ids.tolist() for team in TEAMS] == [[0, 2], [1, 3]]
    steps = play(areas, (ROCK, ROCK), (ROCK, ROCK))
    assert [steps[team].endings.agent_ids.tolist() for team in TEAMS] == [[0, 2], [1, 3]]
    assert [steps[team].decisions.agent_ids.tolist() for team in TEAMS] == [[4, 6], [5, 7]]
    steps = areas.reset(seed=None)
    assert [steps[team].decisions.agent_ids.tolist() for team in TEAMS] == [[8, 10], [9, 11]]


def test_a_match_ends_after_its_rounds_and_the_next_begins_in_the_same_step() -> None:
    areas = areas_after_reset(rounds=3, recall=3)
    for _ in range(2):
        steps = play(areas, (ROCK, SCISSORS))
        assert len(steps[TEAMS[0]].endings.agent_ids) == 0
    steps = play(areas, (ROCK, PAPER))
    endings, decisions = steps[TEAMS[0]].endings, steps[TEAMS[0]].decisions
    assert endings.rewards.tolist() == [-1.0]
    assert endings.truncated.tolist() == [False]
    # Rock against scissors is joint move 2, rock against paper joint move 1.
    assert endings.observations[0].reshape(3, 10).argmax(axis=1).tolist() == [2, 2, 1]
    assert decisions.observations[0].reshape(3, 10).argmax(axis=1).tolist() == [9, 9, 9]
    assert decisions.rewards.tolist() == [0.0]


def test_paid_by_match_the_last_reward_is_the_result() -> None:
    areas = areas_after_reset(rounds=3, rewards="match")
    assert play(areas, (ROCK, SCISSORS))[TEAMS[0]].decisions.rewards.tolist() == [0.0]
    assert play(areas, (ROCK, SCISSORS))[TEAMS[0]].decisions.rewards.tolist() == [0.0]
    steps = play(areas, (ROCK, PAPER))  # won 2 : 1, though the last round was lost
    assert [steps[team].endings.rewards.tolist() for team in TEAMS] == [[1.0], [-1.0]]
    for _ in range(3):
        steps = play(areas, (ROCK, ROCK))
    assert steps[TEAMS[0]].endings.rewards.tolist() == [0.0]  # the next match counts from nothing


def test_parameters_hold_from_the_next_match_on() -> None:
    areas = areas_after_reset(rounds=2)
    play(areas, (ROCK, SCISSORS))
    areas.set_parameters({"rounds": 1.0, "rock_vs_scissors": 3.0})
    steps = play(areas, (ROCK, SCISSORS))
    assert steps[TEAMS[0]].endings.rewards.tolist() == [1.0]  # the running match has its second round at the old price
    steps = play(areas, (ROCK, SCISSORS))
    assert steps[TEAMS[0]].endings.rewards.tolist() == [3.0]  # the next has one round at the new one


def test_areas_play_matches_of_their_own() -> None:
    areas = areas_after_reset(num_areas=3)
    steps = play(areas, (ROCK, SCISSORS), (ROCK, ROCK), (ROCK, PAPER))
    assert steps[TEAMS[0]].decisions.rewards.tolist() == [1.0, 0.0, -1.0]


def test_statistics_are_shares_of_moves_once_a_match_has_ended() -> None:
    areas = areas_after_reset(rounds=2)
    play(areas, (ROCK, ROCK))
    assert areas.statistics() == []
    play(areas, (ROCK, PAPER))
    assert {name: value for name, value, _ in areas.statistics()} == {
        "RockPaperScissors/Share of rock": 0.75,
        "RockPaperScissors/Share of paper": 0.25,
        "RockPaperScissors/Share of scissors": 0.0,
    }
    assert areas.statistics() == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rounds": 0}, "rounds is 0, but takes a whole number of at least 1"),
        ({"rounds": 2.5}, "rounds is 2.5, but takes a whole number"),
        ({"recall": 0}, "recall is 0, but takes a whole number"),
        ({"rock_vs_paper": float("nan")}, "rock_vs_paper is nan, but takes a finite number"),
        ({"rewards": "never"}, "rewards is 'never', but takes 'round' or 'match'"),
    ],
)
def test_a_setting_out_of_range_is_an_error_that_says_what_is_allowed(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RockPaperScissorsSettings(**settings)


@pytest.mark.parametrize("name", ["recall", "round", "speed"])
def test_only_payoffs_and_rounds_are_environment_parameters(name: str) -> None:
    with pytest.raises(ValueError, match=f"unknown environment parameter '{name}'; known are rounds, "):
        areas_after_reset().set_parameters({name: 1.0})
