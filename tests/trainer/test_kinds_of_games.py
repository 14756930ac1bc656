"""Does self-play train whatever the game and the network are like? Each run is `mlagents-learn` itself, a short one."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.trainer.runs import Run, assert_went_well, behavior

pytestmark = pytest.mark.timeout(300)  # Seconds; a busy machine is no defect.
Learn = Callable[..., Run]
MEMORY = {"memory": {"sequence_length": 4, "memory_size": 8}}

SLOW = pytest.mark.slow
GAMES = [  # options of the arena, keys of the behavior
    pytest.param({"actions": "continuous"}, {"learner": "sac"}, id="continuous actions, sac"),
    pytest.param({"masks": "true"}, {"learner": "sac"}, id="discrete actions with masks, sac", marks=SLOW),
    pytest.param({"masks": "true", "observations": "both"}, {"learner": "dqn"}, id="discrete actions, masks, dqn"),
    pytest.param({"masks": "true"}, {"learner": "split_q"}, id="discrete actions with masks, split_q", marks=SLOW),
    pytest.param({"masks": "true"}, {"learner": "tabular_q"}, id="discrete actions with masks, tabular_q"),
    pytest.param({"actions": "hybrid", "group": 2, "masks": "true"}, {"learner": "poca"}, id="hybrid groups, poca"),
    pytest.param({"recall": "true", "masks": "true"}, {"network": MEMORY}, id="memory, discrete actions with masks"),
    pytest.param({"recall": "true", "group": 2}, {"network": MEMORY, "learner": "poca"}, id="memory, poca", marks=SLOW),
    pytest.param({"observations": "both"}, {"network": {"normalize": True}}, id="images and vectors, normalised"),
    pytest.param({"turns": "true", "actions": "continuous"}, {}, id="turns"),
    pytest.param(
        {"teams": 3}, {"opponents_in_memory": 2, "rollouts": "wire"}, id="three teams, two opponents in memory"
    ),
    pytest.param({}, {"snapshot_precision": "float16", "history_capacity": 2}, id="half precision, small history"),
]


@pytest.mark.parametrize(("options", "keys"), GAMES)
def test_every_kind_of_game_trains(learn: Learn, options: dict[str, Any], keys: dict[str, Any]) -> None:
    run = learn({"Arena": behavior(**{"max_steps": 400, **keys})}, options=options)
    assert_went_well(run, steps=400)
    met = {name for label in run.opponents() for name in label.split("+")}
    assert "current" in met
    assert any(name.isdigit() for name in met)
    teams = {row["team"] for row in run.matches()}
    assert teams == {str(team) for team in range(options.get("teams", 2))}  # Every team has had its turn.


def test_a_row_for_each_seat_of_a_group_and_one_outcome_for_all(learn: Learn) -> None:
    run = learn({"Arena": behavior("poca", 300)}, options={"group": 2, "shortest": 3, "longest": 3})
    assert_went_well(run, steps=300)
    rows = run.matches()
    assert {row["length"] for row in rows} == {"3"}
    for first, second in zip(rows[::2], rows[1::2], strict=True):
        assert first == second


def test_asymmetric_roles_both_learn_against_the_others_history(learn: Learn) -> None:
    both = {"Attacker": behavior(max_steps=250), "Defender": behavior(max_steps=400)}
    run = learn(both, options={"own_behaviors": "true"})
    for name, configuration in both.items():
        assert_went_well(run, name, steps=configuration["max_steps"])
        assert any(player.isdigit() for player in run.opponents(name))
        # Who is through with learning plays on, and makes no further steps nor snapshots.
        assert run.history(name)["step"] < configuration["max_steps"] + 100


def test_a_role_that_does_not_learn_is_played_by_its_initial_policy(learn: Learn) -> None:
    run = learn(
        {"Attacker": behavior(max_steps=400), "Defender": behavior(learns=False)}, options={"own_behaviors": "true"}
    )
    assert_went_well(run, "Attacker", steps=400)
    assert run.opponents("Attacker") == {"initial", "current"}  # Which are the same weights here.
    assert run.history("Defender")["step"] == 0
    assert run.history("Defender")["snapshots"] == []


def test_a_single_team_trains_as_its_learner_alone_would(learn: Learn) -> None:
    run = learn({"Arena": behavior(max_steps=400)}, options={"teams": 1})
    assert_went_well(run, steps=400, matches=False)
    assert "Mean Reward" in run.output


def test_a_trainer_of_its_own_thread_and_two_processes_of_sixteen_areas(learn: Learn) -> None:
    run = learn({"Arena": behavior(max_steps=1000, threaded=True)}, envs=2, areas=16)
    assert_went_well(run, steps=1000)
    assert len(run.matches()) > 100
