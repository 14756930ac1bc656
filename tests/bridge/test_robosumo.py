"""Are the robots, the start of a match, what is seen and how it ends those of RoboSumo?"""

import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from ctypes.util import find_library

import gymnasium
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pettingzoo.test import parallel_api_test

from gym_bridges.envs.robosumo import GYMNASIUM_IDS
from gym_bridges.envs.robosumo.gym_env import RoboSumoEnv
from gym_bridges.envs.robosumo.match import Match
from gym_bridges.envs.robosumo.parallel_env import parallel_env
from gym_bridges.envs.robosumo.settings import RoboSumoSettings


@pytest.fixture
def ants() -> Iterator[RoboSumoEnv]:
    environment = RoboSumoEnv("ant", "ant")
    environment.reset(seed=0)
    yield environment
    environment.close()


def rest(environment: RoboSumoEnv) -> tuple[np.ndarray, ...]:
    return tuple(np.zeros(space.shape) for space in environment.action_space)


def put(environment: RoboSumoEnv, seat: int, **place: float) -> None:
    """Moves the torso of a robot with a free joint, by `x`, `y` or `z` in metres, and stops everything."""
    data = environment.match.data
    for name, value in place.items():
        data.joint(f"root_{seat}").qpos["xyz".index(name)] = value
    data.qvel[:] = 0.0


# Where a match begins.


@given(st.integers(0, 2**32 - 1))
def test_robots_begin_opposite_each_other_on_a_circle_with_noise(seed: int) -> None:
    match = Match("ant", "spider")
    match.begin(RoboSumoSettings(), np.random.default_rng(seed))
    (x0, y0, z0), (x1, y1, z1) = match.data.qpos[:3], match.data.qpos[15:18]
    for x, y in ((x0, y0), (x1, y1)):
        assert 1.15 - math.hypot(0.1, 0.1) <= math.hypot(x, y) <= 1.15 + math.hypot(0.1, 0.1)
    assert max(abs(x0 + x1), abs(y0 + y1)) <= 0.2
    assert max(abs(z0 - 1.25), abs(z1 - 1.25)) <= 0.1
    ankles = match.data.qpos[[8, 10, 12, 14]]  # of the ant, after 7 numbers of its root and the first hip
    assert np.abs(ankles - np.radians(50)).max() <= 0.1
    assert np.linalg.norm(match.data.qpos[3:7]) == pytest.approx(1)
    assert 0.01 < np.abs(match.data.qvel).max() < 0.6  # 0.1 times a standard normal, 50 of them


def test_a_seed_fixes_a_match_and_another_gives_another() -> None:
    def story(seed: int) -> list[float]:
        environment = RoboSumoEnv("ant", "bug")
        environment.action_space.seed(0)
        environment.reset(seed=seed)
        return [environment.step(environment.action_space.sample())[1][0] for _ in range(20)]

    assert story(3) == story(3) != story(4)


# What a seat sees.


def test_an_observation_is_own_positions_velocities_and_forces_then_the_opponents_torso() -> None:
    environment = RoboSumoEnv("ant", "spider")
    environment.reset(seed=0)
    for _ in range(30):  # both stand by then
        (ant, spider), *_ = environment.step(rest(environment))
    data = environment.match.data
    assert ant[:15] == pytest.approx(data.qpos[:15])
    assert ant[15:29] == pytest.approx(data.qvel[:14], abs=1e-6)
    assert ant[29:107].reshape(13, 6) == pytest.approx(np.abs(data.cfrc_ext[1:14]), abs=1e-4)
    assert ant[107:114] == pytest.approx(data.joint("root_1").qpos)
    assert ant[114:120] == pytest.approx(np.abs(data.body("torso_1").cfrc_ext), abs=1e-4)
    assert spider[:23] == pytest.approx(data.qpos[15:])
    assert spider[195:202] == pytest.approx(data.qpos[:7])


def test_the_forces_that_are_seen_carry_the_weight_of_a_robot_that_stands(ants: RoboSumoEnv) -> None:
    for _ in range(60):
        (seen, _), *_ = ants.step(rest(ants))
    weight = 9.81 * ants.match.data.model.body_subtreemass[1]
    vertical = seen[29:107].reshape(13, 6)[:, 5]  # three torques, then three forces
    assert vertical.sum() == pytest.approx(weight, rel=0.05)


def test_forces_are_seen_without_their_sign_and_up_to_a_hundred(ants: RoboSumoEnv) -> None:
    ants.match.data.body("torso_0").xfrc_applied[:3] = 500.0, -500.0, -60.0  # N along x, y, z
    (own, other), *_ = ants.step(rest(ants))
    assert own[32:35].tolist() == [100, 100, 60]  # the torso's three forces, after 29 numbers and three torques
    assert other[117:120].tolist() == [100, 100, 60]


def test_heights_are_seen_from_where_the_setting_says() -> None:
    heights = []
    for adjust_z in (0.0, -0.5):
        environment = RoboSumoEnv("ant", "ant", adjust_z=adjust_z)
        (seen, _), _ = environment.reset(seed=0)
        heights.append((seen[2], seen[107 + 2]))
    assert np.subtract(*heights) == pytest.approx([0.5, 0.5])


# How it ends, and what is paid.


def test_the_control_reward_is_a_tenth_of_the_sum_of_squares(ants: RoboSumoEnv) -> None:
    action = (np.full(8, 0.5), np.array([1.0, -1.0, 0, 0, 0, 0, 0, 0]))
    info = ants.step(action)[4]["seats"]
    assert info[0]["ctrl_reward"] == pytest.approx(-0.2)  # 0.1 x 8 x 0.25
    assert info[1]["ctrl_reward"] == pytest.approx(-0.2)  # 0.1 x 2


def test_who_is_pushed_out_loses(ants: RoboSumoEnv) -> None:
    put(ants, 1, x=2.15)
    _, rewards, over, truncated, info = ants.step(rest(ants))
    winner, loser = info["seats"]
    assert (over, truncated) == (True, False)
    assert (winner["win_reward"], winner["main_reward"], winner["winner"]) == (2000, 2000, True)
    assert (loser["lose_penalty"], loser["main_reward"]) == (-2000, -2000)
    assert "winner" not in loser
    assert rewards == (2000 + winner["shaping_reward"], -2000 + loser["shaping_reward"])


def test_who_falls_loses(ants: RoboSumoEnv) -> None:
    put(ants, 0, z=0.2)
    _, rewards, over, _, info = ants.step(rest(ants))
    assert over
    assert info["seats"][0]["lose_penalty"] == -2000
    assert "winner" in info["seats"][1]


def test_a_match_is_drawn_in_the_first_step_beyond_its_limit() -> None:
    environment = RoboSumoEnv("ant", "ant", timestep_limit=3)
    environment.reset(seed=0)
    ends = [environment.step(rest(environment)) for _ in range(4)]
    assert [over for _, _, over, _, _ in ends] == [False, False, False, True]
    for parts in ends[-1][4]["seats"]:
        assert (parts["draw_penalty"], parts["main_reward"]) == (-1000, -1000)
        assert "winner" not in parts


# Settings.


def test_a_larger_ring_and_other_densities_change_the_model() -> None:
    match = Match("ant", "bug")
    match.begin(RoboSumoSettings(tatami_size=3.0, bug_density=20.0), np.random.default_rng(0))
    model = match.data.model
    assert model.geom("mat").size[0] == pytest.approx(3.3)
    assert model.body("torso_1").mass == pytest.approx(4 / 3 * math.pi * 0.25**3 * 20)
    assert model.body("torso_0").mass == pytest.approx(4 / 3 * math.pi * 0.25**3 * 13)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tatami_size": 1.0}, "tatami_size is 1.0, but takes a number of metres in [1.5, 10]"),
        ({"timestep_limit": 0}, "timestep_limit is 0, but takes a whole number >= 1"),
        ({"timestep_limit": 2.5}, "timestep_limit is 2.5, but takes a whole number"),
        ({"spider_density": 0.0}, "spider_density is 0.0, but takes a finite number above 0"),
        ({"reward_scale": float("nan")}, "reward_scale is nan, but takes a finite number above 0"),
        ({"shaping_scale": -1.0}, "shaping_scale is -1.0, but takes a finite number >= 0"),
        ({"adjust_z": 2.0}, "adjust_z is 2.0, but takes a number of metres in [-0.5, 0.5]"),
        ({"threads": -1}, "threads is -1, but takes a whole number >= 0"),
    ],
)
def test_a_setting_out_of_range_is_an_error_that_says_what_is_allowed(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        RoboSumoSettings(**settings)


# For Python code.


def test_all_nine_match_ups_are_registered_with_gymnasium() -> None:
    assert len(GYMNASIUM_IDS) == 9
    environment = gymnasium.make("gym_bridges.envs.robosumo:RoboSumo-Bug-vs-Spider-v0", tatami_size=2.5)
    observations, _ = environment.reset(seed=0)
    assert [seen.shape for seen in observations] == [(164,), (208,)]
    assert observations in environment.observation_space
    assert environment.unwrapped.settings.tatami_size == 2.5


def test_pettingzoos_own_test_passes() -> None:
    environment = parallel_env("ant", "spider")
    assert environment.possible_agents == ["ant_0", "spider_1"]
    parallel_api_test(environment, num_cycles=150)


@pytest.mark.parametrize("action", [np.zeros(7), np.full(8, np.nan)])
def test_an_action_of_another_shape_or_without_a_value_is_an_error(ants: RoboSumoEnv, action: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"the action of seat 1 is \[.*takes finite numbers of shape \(8,\)"):
        ants.step((np.zeros(8), action))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"home": "crab", "away": "ant"}, "there is no robot 'crab'; known are ant, bug, spider"),
        (
            {"home": "ant", "away": "ant", "render_mode": "human"},
            "render_mode is 'human', but takes None or 'rgb_array'",
        ),
    ],
)
def test_an_unknown_robot_or_mode_is_an_error(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RoboSumoEnv(**arguments)


PICTURE = """
from gym_bridges.envs.robosumo.gym_env import RoboSumoEnv
environment = RoboSumoEnv("ant", "bug", render_mode="rgb_array")
environment.reset(seed=0)
picture = environment.render().astype(int)
red, green, blue = picture.transpose(2, 0, 1)
print(picture.shape, (red - blue > 120).sum() > 100, (blue - red > 80).sum() > 100)
environment.close()
"""


@pytest.mark.skipif(find_library("EGL") is None, reason="needs libEGL, to draw without a screen")
def test_a_picture_shows_both_teams_in_their_colours() -> None:
    environment = {**os.environ, "MUJOCO_GL": "egl"}
    run = subprocess.run([sys.executable, "-c", PICTURE], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[0] == "(240, 320, 3) True True"


def test_a_picture_without_a_screen_is_an_error_that_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DISPLAY", "MUJOCO_GL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    environment = RoboSumoEnv("ant", "ant", render_mode="rgb_array")
    environment.reset(seed=0)
    with pytest.raises(RuntimeError, match="no screen to draw on: set MUJOCO_GL=egl before"):
        environment.render()


def test_render_needs_a_mode(ants: RoboSumoEnv) -> None:
    with pytest.raises(ValueError, match="render_mode='rgb_array'"):
        ants.render()
