"""Are the robots, the start of a match, what is seen and how it ends those of RoboSumo?"""

import math
import re
from collections.abc import Iterator

import gymnasium
import mujoco
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
from gym_bridges.envs.robosumo.species import SPECIES

MATCH_UPS = pytest.mark.parametrize(
    ("home", "away"), [pytest.param(*pair, id="-".join(pair)) for pair in GYMNASIUM_IDS.values()]
)


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


# The bodies.


@pytest.mark.parametrize(
    ("name", "legs", "actions", "bodies", "observation"),
    [
        ("ant", 4, 8, 13, 120),  # 15 positions + 14 velocities + 13 x 6 forces + 7 + 6 of the opponent
        ("bug", 6, 12, 19, 164),  # 19 + 18 + 19 x 6 + 13
        ("spider", 8, 16, 25, 208),  # 23 + 22 + 25 x 6 + 13
    ],
)
def test_sizes_are_those_of_the_game(name: str, legs: int, actions: int, bodies: int, observation: int) -> None:
    species = SPECIES[name]
    sizes = (species.num_legs, species.num_actions, species.num_bodies, species.observation_size)
    assert sizes == (legs, actions, bodies, observation)
    environment = RoboSumoEnv(name, name)
    environment.reset(seed=0)
    model = environment.match.data.model
    assert (model.nu, model.nbody) == (2 * actions, 1 + 2 * bodies)  # the world is a body too
    assert [space.shape for space in environment.observation_space] == [(observation,)] * 2
    assert [space.shape for space in environment.action_space] == [(actions,)] * 2


@pytest.mark.parametrize(
    ("name", "hip", "ankle", "limb_radius", "density"),
    [("ant", 30, (30, 70), 0.08, 13), ("bug", 30, (30, 70), 0.08, 10), ("spider", 20, (-35, 45), 0.04, 39)],
)
def test_measures_are_those_of_the_game(
    name: str, hip: float, ankle: tuple[float, float], limb_radius: float, density: float
) -> None:
    match = Match(name, name)
    match.begin(RoboSumoSettings(), np.random.default_rng(0))
    model = match.data.model
    assert np.degrees(model.joint("hip0_0").range).tolist() == pytest.approx([-hip, hip])
    assert np.degrees(model.joint("ankle0_0").range).tolist() == pytest.approx(ankle)
    assert model.geom("torso_0").size[0] == 0.25
    assert set(model.geom_size[(model.geom_type == mujoco.mjtGeom.mjGEOM_CAPSULE) & (model.geom_contype > 0), 0]) == {
        limb_radius
    }
    assert model.body("torso_0").mass == pytest.approx(
        4 / 3 * math.pi * 0.25**3 * density
    )  # a sphere; looks weigh nothing
    assert model.actuator_gear[:, 0].tolist() == [150] * model.nu
    assert model.actuator_ctrlrange.tolist() == [[-1, 1]] * model.nu
    hinges = model.jnt_type == mujoco.mjtJoint.mjJNT_HINGE
    dofs = model.jnt_dofadr[hinges]
    assert set(model.dof_armature[dofs]) == {1}
    assert set(model.dof_damping[dofs]) == {1}
    assert (model.opt.timestep, model.opt.integrator) == (0.01, mujoco.mjtIntegrator.mjINT_RK4)
    assert model.geom("mat").friction.tolist() == [1, 0.1, 0.1]
    assert model.geom("mat").size.tolist() == [2.3, 2.3, 0.25]
    assert model.geom("mat").pos[2] == 0.25  # the top at 0.5


def test_a_step_is_five_substeps_of_ten_milliseconds(ants: RoboSumoEnv) -> None:
    ants.step(rest(ants))
    assert ants.match.data.time == pytest.approx(0.05)


@pytest.mark.parametrize(("seat", "leg", "joint"), [(0, 0, "hip"), (0, 3, "ankle"), (1, 2, "hip"), (1, 5, "ankle")])
def test_a_torque_moves_its_own_joint_and_in_its_direction(seat: int, leg: int, joint: str) -> None:
    environment = RoboSumoEnv("bug", "bug")
    environment.reset(seed=0)
    action = rest(environment)
    action[seat][2 * leg + (joint == "ankle")] = 0.2  # hip and ankle of leg 0, of leg 1, ...
    data = environment.match.data
    data.qvel[:] = 0.0
    environment.step(action)
    speeds = {
        data.model.joint(i).name: float(data.joint(i).qvel[0])
        for i in range(data.model.njnt)
        if data.model.jnt_type[i] == 3
    }
    assert max(speeds, key=lambda name: abs(speeds[name])) == f"{joint}{leg}_{seat}"
    assert speeds[f"{joint}{leg}_{seat}"] > 0.5  # rad/s; about 0.05 s x 30 N m / 1 kg m^2 = 1.5


def test_a_positive_ankle_angle_bends_the_foot_down() -> None:
    match = Match("ant", "ant")
    match.begin(RoboSumoSettings(), np.random.default_rng(0))
    data = match.data
    data.qpos[3:7] = 1, 0, 0, 0
    heights = []
    for degrees in (30, 70):
        data.joint("ankle0_0").qpos[0] = np.radians(degrees)
        mujoco.mj_kinematics(data.model, data)
        heights.append(data.body("shin0_0").xipos[2])
    assert heights[0] > heights[1]


@MATCH_UPS
def test_no_body_explodes_under_random_actions(home: str, away: str) -> None:
    environment = RoboSumoEnv(home, away)
    environment.action_space.seed(0)
    observations, _ = environment.reset(seed=0)
    for _ in range(500):
        observations, rewards, over, _, _ = environment.step(environment.action_space.sample())
        assert all(np.isfinite(seen).all() for seen in observations)
        assert np.abs(environment.match.data.qvel).max() < 100  # m/s and rad/s
        if over:
            environment.reset()
    warnings = environment.match.data.warning
    assert [warnings[i].number for i in range(len(warnings))] == [0] * len(warnings)


@pytest.mark.parametrize("name", list(SPECIES))
def test_a_robot_left_alone_stands_and_does_not_fall(name: str) -> None:
    environment = RoboSumoEnv(name, name, timestep_limit=300, adjust_z=-0.5)
    environment.reset(seed=1)
    over, steps = False, 0
    while not over:
        observations, _, over, _, info = environment.step(rest(environment))
        steps += 1
    assert steps == 301
    assert info["seats"][0]["draw_penalty"] == -1000
    assert min(seen[2] for seen in observations) > 0.33  # m above the mat, where 0.29 is fallen


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
