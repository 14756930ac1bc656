"""Are the robots of RoboSumo built as the game says, do they move as told, and do they hold together?"""

import math

import mujoco
import numpy as np
import pytest

from gym_bridges.envs.robosumo import GYMNASIUM_IDS
from gym_bridges.envs.robosumo.gym_env import RoboSumoEnv
from gym_bridges.envs.robosumo.match import Match
from gym_bridges.envs.robosumo.settings import RoboSumoSettings
from gym_bridges.envs.robosumo.species import SPECIES

MATCH_UPS = pytest.mark.parametrize(
    ("home", "away"), [pytest.param(*pair, id="-".join(pair)) for pair in GYMNASIUM_IDS.values()]
)


def rest(environment: RoboSumoEnv) -> tuple[np.ndarray, ...]:
    return tuple(np.zeros(space.shape) for space in environment.action_space)


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


def test_a_step_is_five_substeps_of_ten_milliseconds() -> None:
    environment = RoboSumoEnv("ant", "ant")
    environment.reset(seed=0)
    environment.step(rest(environment))
    assert environment.match.data.time == pytest.approx(0.05)


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
