"""Does every match of RoboSumo reach the trainer whole?"""

import os
import subprocess
import sys
from ctypes.util import find_library
from dataclasses import fields
from pathlib import Path

import imageio.v3
import numpy as np
import pytest

from gym_bridges import conformance, registry
from gym_bridges.areas import Actions, Step
from gym_bridges.envs.robosumo.areas import RoboSumoAreas
from gym_bridges.envs.robosumo.settings import RoboSumoSettings, TrainingSettings

ANTS = ("RoboSumoAnt?team=0", "RoboSumoAnt?team=1")


def play(areas: RoboSumoAreas, num_steps: int) -> list[Step]:
    """Plays random actions and returns what team 0 was handed over."""
    steps, rng = areas.reset(seed=0), np.random.default_rng(0)
    handed = []
    for _ in range(num_steps):
        steps = areas.step(conformance.random_actions(areas.behaviors, steps, rng))
        handed.append(steps[next(iter(areas.behaviors))])
    areas.close()
    return handed


@pytest.mark.parametrize("environment_id", ["RoboSumoAntVsAnt", "RoboSumoBugVsSpider"])
def test_the_bridge_finds_nothing_to_complain_about(environment_id: str) -> None:
    entry = registry.find(environment_id)
    make = lambda: entry.make(entry.settings(timestep_limit=40), 2)  # noqa: E731
    assert conformance.check(make, seed=0, rng=np.random.default_rng(0), num_steps=60) == []


def test_one_kind_of_robot_is_one_behavior_with_two_teams_and_two_kinds_are_two() -> None:
    settings = RoboSumoSettings()
    assert tuple(RoboSumoAreas("ant", "ant", settings, 1).behaviors) == ANTS
    two = RoboSumoAreas("spider", "bug", settings, 1).behaviors
    sizes = {name: (spec.observations[0].shape, spec.actions.continuous) for name, spec in two.items()}
    assert sizes == {"RoboSumoSpider?team=0": ((208,), 16), "RoboSumoBug?team=1": ((164,), 12)}


def test_threads_change_nothing_but_the_time() -> None:
    one, two = (play(RoboSumoAreas("ant", "ant", RoboSumoSettings(threads=n), 3), 80) for n in (1, 2))
    assert sum(len(step.endings.agent_ids) for step in one) > 0
    for mine, other in zip(one, two, strict=True):
        assert np.array_equal(mine.decisions.observations[0], other.decisions.observations[0])
        assert np.array_equal(mine.endings.rewards, other.endings.rewards)


def test_ids_of_a_match_are_consecutive_and_never_used_again() -> None:
    areas = RoboSumoAreas("ant", "ant", RoboSumoSettings(timestep_limit=1), 2)
    steps = areas.reset(seed=0)
    still = {team: Actions(np.zeros((2, 8), np.float32), np.zeros((2, 0), np.int32)) for team in ANTS}
    assert [steps[team].decisions.agent_ids.tolist() for team in ANTS] == [[0, 2], [1, 3]]
    areas.step(still)
    steps = areas.step(still)
    assert [steps[team].endings.agent_ids.tolist() for team in ANTS] == [[0, 2], [1, 3]]
    assert [steps[team].decisions.agent_ids.tolist() for team in ANTS] == [[4, 6], [5, 7]]
    assert [steps[team].endings.truncated.tolist() for team in ANTS] == [[False, False]] * 2  # a draw is a result
    assert all((steps[team].endings.rewards < -1000).all() for team in ANTS)
    assert all((steps[team].decisions.rewards == 0).all() for team in ANTS)
    areas.close()


def test_the_last_observation_of_a_match_is_not_the_first_of_the_next() -> None:
    areas = RoboSumoAreas("ant", "ant", RoboSumoSettings(timestep_limit=1), 1)
    areas.reset(seed=0)
    still = {team: Actions(np.zeros((1, 8), np.float32), np.zeros((1, 0), np.int32)) for team in ANTS}
    before = areas.step(still)[ANTS[0]].decisions.observations[0][0]
    ended, begun = areas.step(still)[ANTS[0]][::-1]
    moved = np.abs(ended.observations[0][0, :3] - before[:3]).max()
    assert 0 < moved < 0.2  # m in one step
    assert np.abs(begun.observations[0][0, :3] - before[:3]).max() > 0.2
    areas.close()


def test_parameters_hold_from_the_next_match_on() -> None:
    areas = RoboSumoAreas("ant", "ant", RoboSumoSettings(timestep_limit=2), 1)
    areas.reset(seed=0)
    areas.set_parameters({"timestep_limit": 1.0, "reward_scale": 0.001, "tatami_size": 3.0})
    still = {team: Actions(np.zeros((1, 8), np.float32), np.zeros((1, 0), np.int32)) for team in ANTS}
    ends = [areas.step(still)[ANTS[0]].endings.rewards.tolist() for _ in range(5)]
    assert [len(paid) for paid in ends] == [0, 0, 1, 0, 1]  # three steps as it began, then two
    assert ends[2][0] < -1000
    assert -1.02 < ends[4][0] < -1.0  # -1000 and a little shaping, scaled
    areas.close()


def test_every_setting_but_threads_is_an_environment_parameter() -> None:
    areas = RoboSumoAreas("ant", "ant", RoboSumoSettings(), 1)
    assert set(areas.PARAMETERS) == {field.name for field in fields(RoboSumoSettings)} - {"threads"}
    with pytest.raises(ValueError, match="unknown environment parameter 'threads'; known are tatami_size, "):
        areas.set_parameters({"threads": 2.0})


def test_statistics_are_means_over_the_matches_that_ended() -> None:
    areas = RoboSumoAreas("ant", "ant", RoboSumoSettings(timestep_limit=2), 2)
    areas.reset(seed=0)
    still = {team: Actions(np.zeros((2, 8), np.float32), np.zeros((2, 0), np.int32)) for team in ANTS}
    assert [areas.step(still) and areas.statistics() for _ in range(2)] == [[], []]
    areas.step(still)
    told = {statistic.name: statistic.value for statistic in areas.statistics()}
    assert told["RoboSumo/Steps of a match"] == 3.0
    assert (told["RoboSumo/Share decided"], told["RoboSumo/Share won by team 0"]) == (0.0, 0.0)
    assert told["RoboSumo/Reward for control"] == 0.0
    assert -3 * 10 < told["RoboSumo/Reward for push"] < -3 * 2  # three steps near the circle: 10 exp(-1.15) = 3.2
    assert areas.statistics() == []
    areas.close()


@pytest.mark.parametrize("pair", [f"{a}Vs{b}" for a in ("Ant", "Bug", "Spider") for b in ("Ant", "Bug", "Spider")])
def test_every_match_up_has_an_entry_and_a_build_that_plays_it(pair: str) -> None:
    assert registry.find(f"RoboSumo{pair}").settings() == TrainingSettings(adjust_z=-0.5, reward_scale=0.001)
    builds = Path(__file__).parents[2] / "gym_bridges" / "builds"
    build = builds / f"RoboSumo{pair}"
    assert f"gym_bridges.launch RoboSumo{pair} " in build.read_text()
    assert build.stat().st_mode & 0o111
    assert (builds / f"RoboSumo{pair}.app" / "Contents" / "MacOS" / f"RoboSumo{pair}").exists()


FILM = """
import numpy as np
from gym_bridges import conformance, registry
entry = registry.find("RoboSumoAntVsAnt")
areas = entry.make(entry.settings(record="film.gif"), 1)
steps = areas.reset(0)
for _ in range(3):
    steps = areas.step(conformance.random_actions(areas.behaviors, steps, np.random.default_rng(0)))
areas.close()
"""


@pytest.mark.skipif(find_library("EGL") is None, reason="needs libEGL, to draw without a screen")
def test_the_first_area_can_be_filmed_without_a_screen(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "MUJOCO_GL")}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    subprocess.run([sys.executable, "-c", FILM], cwd=tmp_path, env=environment, check=True)
    assert imageio.v3.imread(tmp_path / "film.gif").shape == (3, 240, 320, 3)  # three steps, three pictures
