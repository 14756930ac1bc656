"""Players that do not learn, and two players that play as one."""

from __future__ import annotations

import numpy as np
import pytest
from mlagents.trainers.exception import TrainerConfigError
from mlagents_envs.base_env import ActionSpec
from mlagents_selfplay import pinned
from mlagents_selfplay.combined import ms_pacman_lives, ms_pacman_lost_a_life
from mlagents_selfplay.opponents import Decisions

from gym_bridges import registry
from gym_bridges.areas import Actions
from tests.evaluation.hand_made_run import PAPER, ROCK, SCISSORS, SPEC

SCRIPTED = "python:mlagents_selfplay.scripted:"


def decisions(seen: np.ndarray, masks: np.ndarray) -> Decisions:
    return Decisions(
        [seen.astype(np.float32)], masks, np.zeros((len(seen), 0), np.float32), list(map(str, range(len(seen))))
    )


def load(source: str, actions: ActionSpec = SPEC.action_spec) -> object:
    return pinned.load(source, SPEC._replace(action_spec=actions), np.random.default_rng(0))


def test_random_players_take_every_allowed_action_alike_and_no_other() -> None:
    masks = np.tile([1.0, 0.0, 1.0, 0.0, 1.0], (4000, 1)).astype(np.float32)  # branches of 3 and 2
    actions = load(f"{SCRIPTED}random", ActionSpec(2, (3, 2))).act(decisions(np.zeros((4000, 30)), masks))
    # 4000 fair draws of two: five standard deviations are 158.
    assert np.bincount(actions.discrete[:, 0], minlength=3).tolist()[1] == 0
    assert abs(int((actions.discrete[:, 0] == 0).sum()) - 2000) < 158
    assert set(actions.discrete[:, 1]) == {1}
    assert -1.0 <= actions.continuous.min() < -0.99 < 0.99 < actions.continuous.max() <= 1.0


def test_still_players_do_nothing_that_is_not_forced_on_them() -> None:
    masks = np.array([[1, 1, 1, 1, 1], [0, 0, 1, 0, 1]], np.float32)
    actions = load(f"{SCRIPTED}still", ActionSpec(1, (3, 2))).act(decisions(np.zeros((2, 30)), masks))
    assert actions.discrete.tolist() == [[0, 0], [2, 1]]
    assert actions.continuous.tolist() == [[0], [0]]


def test_the_rule_decides_row_by_row_which_of_two_players_acts() -> None:
    both = load(f'python:mlagents_selfplay.combined:switch("{SCRIPTED}paper", "{SCRIPTED}scissors", "0[3] > 0.5")')
    seen = np.zeros((3, 30))
    seen[1, 3] = 1.0
    moves = both.act(decisions(seen, np.ones((3, 3), np.float32))).discrete[:, 0].tolist()
    assert moves == [PAPER, SCISSORS, PAPER]
    assert ROCK not in moves


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("lives == 3", "neither SENSOR"),
        ("0[30] > 1", r"does not fit observations of shapes \[\(30,\)\]"),
        ("1[0] > 1", "does not fit"),
        ("0[0, 0] > 1", "does not fit"),
        ("python:mlagents_selfplay.combined:nothing", "cannot be loaded"),
    ],
)
def test_a_rule_that_cannot_be_used_is_one_error(rule: str, why: str) -> None:
    with pytest.raises(TrainerConfigError, match=why):
        load(f'python:mlagents_selfplay.combined:switch("{SCRIPTED}paper", "{SCRIPTED}rock", "{rule}")')


def test_the_lives_of_ms_pacman_are_read_from_her_pictures() -> None:
    pytest.importorskip("ale_py")
    entry = registry.find("MsPacman")
    areas = entry.make(entry.settings(), 1)
    rng = np.random.default_rng(0)
    try:
        ((name, step),) = areas.reset(0).items()
        shown = []
        for _ in range(400):
            picture = np.asarray(step.decisions.observations[0]).astype(np.float32) / 255
            seen = Decisions([picture], np.ones((1, 9)), np.zeros((1, 0)), ["0"])
            shown.append(int(ms_pacman_lives(seen)[0]))
            assert bool(ms_pacman_lost_a_life(seen)[0]) == (shown[-1] < 2)
            step = areas.step(
                {name: Actions(np.zeros((1, 0), np.float32), rng.integers(9, size=(1, 1), dtype=np.int32))}
            )[name]
            if len(step.endings.agent_ids):
                break
    finally:
        areas.close()
    # A game begins with three lives, of which two are in reserve; the last is played with none.
    assert shown == sorted(shown, reverse=True)
    assert set(shown) == {2, 1, 0}
