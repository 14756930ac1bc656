"""Does the opponent ever change inside an episode? The environment itself tells, by who answers it.

Every opponent is a script that answers each decision with a number of its own, and the learner's normally distributed
numbers never hit one of those. So the log of the environment shows who played each decision of each episode.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.trainer.runs import Run, behavior

pytestmark = pytest.mark.timeout(300)  # Seconds; a busy machine is no defect.
VALUES = [round(0.1 * number, 1) for number in range(-8, 9)]
OPPONENTS = [f"python:tests.environments.players:constant({value})" for value in VALUES]
LEARNER = "learner"
BY_NUMBER = {float(np.float32(value)): f"constant({value})" for value in VALUES}


def player_of(action: list[float]) -> str:
    return BY_NUMBER.get(action[0], LEARNER)


def episodes_of(folder: Path) -> list[list[list[str]]]:
    """Returns who played each decision, `[episode][team][decision]`, from the logs of all processes."""
    lines = [line for log in folder.glob("episodes.*") for line in log.read_text().splitlines()]
    return [[[player_of(action) for action in team] for team in json.loads(line)] for line in lines]


def check(learn: Callable[..., Run], folder: Path, interval: int, episodes: int) -> None:
    """Trains for about that many episodes, and looks at each of them."""
    keys = {
        "pinned_opponents": OPPONENTS,
        "pinned_ratio": 1.0,
        "opponent_change_interval": interval,
        "team_change_interval": 5,
        "snapshot_interval": 500,
    }
    shortest, longest = 2, 9
    run = learn(
        {"Arena": behavior(max_steps=episodes * (shortest + longest) * 11 // 20, **keys)},
        options={"actions": "continuous", "shortest": shortest, "longest": longest, "log": str(folder / "episodes")},
        envs=2,
        areas=16,
    )
    assert run.code == 0, run.output[-3000:]
    played = episodes_of(folder)
    assert len(played) >= episodes
    assert len({len(team) for episode in played for team in episode}) == longest - shortest + 1

    changes = sum(
        player != next_player
        for episode in played
        for team in episode
        for player, next_player in zip(team, team[1:], strict=False)
    )
    assert changes == 0
    seats = [tuple(team[0] for team in episode) for episode in played]
    assert all(
        sorted(seat == LEARNER for seat in pair) == [False, True] for pair in seats
    )  # The learner and one other.
    assert {pair.index(LEARNER) for pair in seats} == {0, 1}  # Both teams have learned.
    assert {player for pair in seats for player in pair} == {LEARNER, *BY_NUMBER.values()}

    # What the run says of its matches is what the environment saw; a few at the end were seen by the latter only.
    with (run.path() / "matches.csv").open(newline="") as file:
        logged = Counter((int(row["team"]), row["opponent"]) for row in csv.DictReader(file))
    seen = Counter((pair.index(LEARNER), pair[1 - pair.index(LEARNER)]) for pair in seats)
    assert not logged - seen
    assert sum((seen - logged).values()) <= 64  # 2 processes of 16 areas, two steps on the way.


@pytest.mark.parametrize("interval", [1, 7])
def test_the_opponent_never_changes_inside_an_episode(learn: Callable[..., Run], tmp_path: Path, interval: int) -> None:
    check(learn, tmp_path, interval, episodes=600)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("interval", [1, 7])
def test_the_opponent_never_changes_in_ten_thousand_episodes(
    learn: Callable[..., Run], tmp_path: Path, interval: int
) -> None:
    check(learn, tmp_path, interval, episodes=10_000)
