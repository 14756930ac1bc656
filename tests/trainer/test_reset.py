"""What becomes of seats when all environments are reset in the middle of their episodes?"""

from pathlib import Path

from tests.trainer.inprocess import Training


def test_a_forced_reset_ends_all_matches_and_leaves_nobody_behind(tmp_path: Path) -> None:
    training = Training(tmp_path, {"shortest": 5, "longest": 9})
    for _ in range(3):
        training.step()
    game, trainer = training.trainer._shared.game, training.trainer
    assert len(game.state()["matches_on"]) == 4
    training.reset()
    assert game.state()["matches_on"] == []
    assert all(policy._player_of == {} for policy in training.policies.values())
    matches = game.matches_opened
    training.until(100)
    assert game.matches_opened > matches
    assert len(game.state()["matches_on"]) == 4
    assert len(trainer.folder.path.joinpath("matches.csv").read_text().splitlines()) > 5


def test_agents_that_had_only_just_begun_are_forgotten_too(tmp_path: Path) -> None:
    training = Training(tmp_path)
    training.step()  # Everybody has decided once and was not paid yet.
    training.reset()
    assert all(policy._player_of == {} for policy in training.policies.values())
