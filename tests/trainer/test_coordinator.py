"""Do the behaviors of one run share one game, one scale of ratings and each other's results?"""

from pathlib import Path

import numpy as np
import pytest
from mlagents_selfplay.coordinator import Coordinator, coordinator
from mlagents_selfplay.selfplay.draws import Draws
from mlagents_selfplay.selfplay.matches import CURRENT, Match, Role, SeatResult, Side
from mlagents_selfplay.selfplay.matchmaking import Entrant
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings
from mlagents_selfplay.selfplay.pool import OpponentPool
from mlagents_selfplay.selfplay.samplers import SamplerSettings
from mlagents_selfplay.selfplay.scorebook import Scorebook


def shared_by(*roles: Role) -> Coordinator:
    shared = Coordinator(32.0, 1200.0)
    for role in roles:
        shared.game.enter(role, Entrant(Draws(1, lambda: CURRENT, lambda _: True), lambda: True, lambda: 0, 1))
    for behavior in {role.behavior for role in roles}:
        shared.books[behavior] = Scorebook(behavior, OutcomeSettings(), shared.ratings)
        shared.pools[behavior] = OpponentPool(2, SamplerSettings(), [], 0.0, np.random.default_rng(0))
    return shared


def test_behaviors_of_one_run_get_the_same_coordinator_and_those_of_another_run_another() -> None:
    first = coordinator(Path("runs/a"), "Striker", 32.0, 1200.0)
    first.books["Striker"] = Scorebook("Striker", OutcomeSettings(), first.ratings)
    assert coordinator(Path("runs/a"), "Goalie", 32.0, 1200.0) is first
    assert coordinator(Path("runs/b"), "Goalie", 32.0, 1200.0) is not first


def test_a_run_that_begins_again_in_the_same_process_has_nothing_of_the_old_one() -> None:
    first = coordinator(Path("runs/a"), "Striker", 32.0, 1200.0)
    first.books["Striker"] = Scorebook("Striker", OutcomeSettings(), first.ratings)
    assert coordinator(Path("runs/a"), "Striker", 32.0, 1200.0) is not first


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ([Role("Fencer", 0), Role("Fencer", 1)], "Fencer"),  # It meets itself.
        ([Role("Goalie", 1), Role("Striker", 0)], "Striker"),  # Asymmetric: whoever is on the other side.
        ([Role("Goalie", 1), Role("Defender", 1), Role("Striker", 0)], "Striker"),  # And never a team mate.
        ([Role("Goalie", 1), Role("Goalie", 0), Role("Striker", 0), Role("Striker", 1)], "Goalie"),
        ([Role("Loner", 0)], "Loner"),
    ],
)
def test_a_behavior_meets_itself_or_the_one_on_the_other_side(roles: list[Role], expected: str) -> None:
    assert shared_by(*roles).opposite(roles[0].behavior) == expected


def test_a_snapshot_of_one_side_does_not_erase_what_that_side_knows_of_the_other() -> None:
    striker, goalie = Role("Striker", 0), Role("Goalie", 1)
    shared = shared_by(striker, goalie)
    shared.pools["Striker"].add(100)
    shared.pools["Goalie"].add(250)
    for met in ("250", "999"):  # The latter has left the history of the goalies.
        sides = {
            role: Side(player, results=[SeatResult(player, 1.0, 1.0, 1, False)])
            for role, player in ((striker, CURRENT), (goalie, met))
        }
        players = {role: side.player for role, side in sides.items()}
        shared.books["Striker"].record(striker, Match(0, {"Striker": 0}, 0, players, sides))
    shared.forget_the_evicted()
    assert shared.books["Striker"].win_rate("250")[1] == 1.0
    assert shared.books["Striker"].win_rate("999")[1] == 0.0
