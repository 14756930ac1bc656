"""Do PettingZoo's games play as areas: who decides when, who is paid what, and who is on which team?"""

import sys
from typing import Any

import numpy as np
import pytest
import sample_envs
from driving import make, step

from gym_bridges import conformance, registry
from gym_bridges.areas import Statistic

NEED_PYGAME = [
    "classic/connect_four_v3",
    "classic/rps_v2",
    "classic/tictactoe_v3",
    "butterfly/knights_archers_zombies_v11",
    "sisl/pursuit_v5",
]


@pytest.mark.parametrize("environment_id", ["sample_envs:Nim", "sample_envs:Relay"])
def test_games_conform(environment_id: str) -> None:
    complaints = conformance.check(lambda: make(environment_id, 3), seed=0, rng=np.random.default_rng(0), num_steps=60)
    assert complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NEED_PYGAME)
def test_games_of_pettingzoo_conform(name: str) -> None:
    pytest.importorskip("pygame")
    complaints = conformance.check(
        lambda: make(f"pettingzoo/{name}", 2), seed=0, rng=np.random.default_rng(0), num_steps=60
    )
    assert [complaint for complaint in complaints if not complaint.startswith("no episode ended")] == []


def test_in_a_game_of_turns_one_agent_decides_and_the_other_is_paid_later() -> None:
    # Everybody takes one match; of three matches, who begins takes the first and the last one, and wins.
    areas = make("sample_envs:Nim", 1, "--matches", "3")
    steps = areas.reset(3)
    (beginner,) = [name for name, each in steps.items() if len(each.decisions.agent_ids)]
    (other,) = set(steps) - {beginner}
    assert {beginner, other} == {"Nim?team=0", "Nim?team=1"}
    assert steps[beginner].decisions.observations[0].tolist() == [[3]]

    steps = step(areas, steps)  # the beginner moves: a tip for the other, which has not decided yet
    assert len(steps[beginner].decisions.agent_ids) == 0
    assert steps[other].decisions.rewards.tolist() == [0]
    steps = step(areas, steps)  # the other moves: a tip for the beginner
    assert len(steps[other].decisions.agent_ids) == 0
    assert steps[beginner].decisions.rewards.tolist() == [0.25]
    steps = step(areas, steps)  # the beginner wins
    assert steps[beginner].endings.rewards.tolist() == [1]
    assert steps[other].endings.rewards.tolist() == [0.25 - 1]  # the tip before its first decision, and the defeat
    assert not any(each.endings.truncated.any() for each in steps.values())
    assert sum(len(each.decisions.agent_ids) for each in steps.values()) == 1  # the next game has begun
    assert sorted(areas.statistics()) == [Statistic("Nim/won", 0.0), Statistic("Nim/won", 1.0)]


def test_who_never_decided_has_no_ending() -> None:
    areas = make("sample_envs:Nim", 1, "--matches", "1")
    steps = areas.reset(0)
    (beginner,) = [name for name, each in steps.items() if len(each.decisions.agent_ids)]
    after = step(areas, steps)
    assert {name: len(each.endings.agent_ids) for name, each in after.items() if len(each.endings.agent_ids)} == {
        beginner: 1
    }


def test_an_action_mask_in_the_observation_forbids() -> None:
    areas = make("sample_envs:Nim", 1, "--matches", "2")
    steps = areas.reset(0)
    (mask,) = [each.decisions.forbidden for each in steps.values() if len(each.decisions.agent_ids)]
    assert [branch.tolist() for branch in mask] == [[[False, False, True]]]  # three of two cannot be taken


def test_an_action_mask_in_the_info_forbids_to_those_who_have_one() -> None:
    areas = make("sample_envs:Relay", 1, "--teams", "*=0", "--behaviors", "red_*=Red")
    steps = areas.reset(0)
    assert steps["Relay"].decisions.forbidden is None
    forbidden = step(areas, steps)["Relay"].decisions.forbidden
    assert [branch.tolist() for branch in forbidden] == [[[False, True]]]


def test_the_seats_of_a_match_have_consecutive_ids_area_by_area_and_team_by_team() -> None:
    areas = make("sample_envs:Relay", 3)
    decisions = {name: each.decisions.agent_ids.tolist() for name, each in areas.reset(0).items()}
    # Three seats an area: red_0, red_1 (which joins later and has its id already), blue_0.
    assert decisions == {"Relay-red?team=0": [0, 3, 6], "Relay-red?team=1": [], "Relay-blue?team=2": [2, 5, 8]}


def test_agents_join_and_leave_within_an_episode() -> None:
    areas = make("sample_envs:Relay", 1)
    red_0, red_1, blue = "Relay-red?team=0", "Relay-red?team=1", "Relay-blue?team=2"
    seen = [areas.reset(0)]
    for _ in range(3):
        seen.append(step(areas, seen[-1]))
    playing = [{name for name, each in steps.items() if len(each.decisions.agent_ids)} for steps in seen]
    assert playing == [{red_0, blue}, {blue}, {red_1, blue}, {red_0, blue}]
    ended = [{name for name, each in steps.items() if len(each.endings.agent_ids)} for steps in seen]
    assert ended == [set(), {red_0}, set(), {red_1, blue}]
    assert seen[1][red_0].endings.truncated.tolist() == [False]
    assert seen[3][blue].endings.truncated.tolist() == [True]
    assert seen[3][blue].endings.rewards.tolist() == [3]
    assert seen[3][red_1].endings.agent_ids.tolist() == [1]


def test_who_vanishes_without_a_word_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    original = sample_envs.Relay.step

    def silent(self: sample_envs.Relay, actions: dict[str, int]) -> Any:
        observations, rewards, terminations, truncations, infos = original(self, actions)
        return observations, rewards, dict.fromkeys(terminations, False), truncations, infos

    monkeypatch.setattr(sample_envs.Relay, "step", silent)
    areas = make("sample_envs:Relay", 1)
    ended = step(areas, areas.reset(0))["Relay-red?team=0"].endings
    assert ended.truncated.tolist() == [True]


@pytest.mark.parametrize(
    ("words", "behaviors"),
    [
        ([], ["Relay-blue?team=2", "Relay-red?team=0", "Relay-red?team=1"]),
        (["--teams", "red_*=0,blue_*=1"], ["Relay-blue?team=1", "Relay-red?team=0"]),
        (["--teams", "*=0"], ["Relay-blue", "Relay-red"]),
        (["--teams", "blue_0=0"], ["Relay-blue?team=0", "Relay-red?team=1", "Relay-red?team=2"]),
        (["--behaviors", "red_*=Fox", "--teams", "red_*=4, blue_0=7"], ["Fox?team=4", "Relay?team=7"]),
    ],
)
def test_teams_and_behaviors_follow_the_spaces_unless_the_user_knows_better(
    words: list[str], behaviors: list[str]
) -> None:
    assert sorted(make("sample_envs:Relay", 1, *words).behaviors) == behaviors


def test_mates_share_a_group_that_nobody_else_has() -> None:
    areas = make("sample_envs:Relay", 2, "--teams", "red_0=0,blue_0=0,red_1=1")
    steps = areas.reset(0)
    red, blue = (steps[f"Relay-{color}?team=0"].decisions.group_ids.tolist() for color in ("red", "blue"))
    assert red == blue
    assert len({0, *red}) == 3
    assert steps["Relay-red?team=1"].decisions.group_ids is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--teams", "green_*=0"], "--teams: 'green_.' fits none of the agents red_0, red_1, blue_0"),
        (["--teams", "red_0"], "--teams: 'red_0' is not of the form agent=value"),
        (["--teams", "red_0=first"], "'first' is not the number of a team"),
        (["--behaviors", "*=One"], "behavior 'One': blue_0 has the spaces"),
    ],
)
def test_teams_that_cannot_be_are_an_error(words: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make("sample_envs:Relay", 1, *words)


def test_a_game_that_does_not_say_who_may_play_is_refused() -> None:
    with pytest.raises(RuntimeError, match="no list `possible_agents`"):
        make("sample_envs:Nobody")


def test_parameters_reach_a_game() -> None:
    areas = make("sample_envs:Nim", 1)
    areas.set_parameters({"matches": 9.0})
    seen = [each.decisions.observations[0].tolist() for each in areas.reset(0).values()]
    assert sorted(seen) == [[], [[9]]]


def test_a_package_that_a_game_lacks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pettingzoo.classic.go_v5", None)  # so that its import fails
    with pytest.raises(KeyError, match=r"'pettingzoo/classic/go_v5' cannot be loaded: import of pettingzoo"):
        registry.find("pettingzoo/classic/go_v5")
