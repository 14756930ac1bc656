"""Do the words of `mlagents-selfplay train` become the settings that they name?"""

import pytest
from mlagents_selfplay.recipes import Order, RecipeError, algorithms, block_for, changed


def test_every_registered_trainer_type_but_self_play_can_be_ordered() -> None:
    assert {"ppo", "sac", "poca", "fast_ppo"} <= set(algorithms())
    assert "selfplay" not in algorithms()


def test_an_algorithm_alone_is_its_own_trainer_type() -> None:
    block = block_for(Order("ppo", steps=1000))
    assert (block["trainer_type"], block["max_steps"], block["summary_freq"]) == ("ppo", 1000, 50)
    assert block["hyperparameters"]["batch_size"] == 256


def test_with_self_play_it_is_the_learner_inside() -> None:
    keys = block_for(Order("ppo", selfplay=True, changes=["delta=0.25", "batch_size=512"]))["hyperparameters"]
    assert (keys["learner"], keys["delta"]) == ("ppo", 0.25)
    assert keys["learner_hyperparameters"]["batch_size"] == 512


def test_hindsight_is_a_block_of_the_learner_and_sac_is_then_the_one_that_has_it() -> None:
    assert block_for(Order("td3", hindsight=True))["hyperparameters"]["hindsight"] == {}
    assert block_for(Order("sac", hindsight=True))["trainer_type"] == "fast_sac"


@pytest.mark.parametrize(
    ("change", "path", "value"),
    [
        ("learning_rate=1e-3", ("hyperparameters", "learning_rate"), 0.001),
        ("network_settings.hidden_units=32", ("network_settings", "hidden_units"), 32),
        ("gamma=0.9", ("reward_signals", "extrinsic", "gamma"), 0.9),
        ("max_steps=5", ("max_steps",), 5),
        ("threaded=true", ("threaded",), True),
        ("learning_rate_schedule=constant", ("hyperparameters", "learning_rate_schedule"), "constant"),
    ],
)
def test_a_change_finds_its_place(change: str, path: tuple[str, ...], value: object) -> None:
    block = changed({"trainer_type": "ppo", "reward_signals": {"extrinsic": {}}, "hyperparameters": {}}, [change])
    for key in path:
        block = block[key]
    assert block == value


def test_changes_leave_the_original_alone() -> None:
    before = {"trainer_type": "ppo", "hyperparameters": {"batch_size": 1}}
    changed(before, ["batch_size=2"])
    assert before["hyperparameters"]["batch_size"] == 1


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (Order("pro"), "'pro' is no algorithm here; there are .*ppo"),
        (Order("ppo", changes=["learning_rate"]), "learning_rate'.*key=value"),
        (Order("ppo", changes=["learning_rat=1"]), "learning_rat"),
        (Order("ppo", changes=["max_steps.x=1"]), "'max_steps' has no parts"),
        (Order("ppo", selfplay=True, changes=["delta=2"]), r"delta: 2 is not allowed; it must be in \[0, 1\]"),
        (Order("ppo", hindsight=True), "ppo does not replay with hindsight"),
    ],
)
def test_what_cannot_be_is_refused_by_name(order: Order, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        block_for(order)
