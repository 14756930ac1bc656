"""How does one match go? Two robots in MuJoCo: where they begin, how a step moves them, what they see, who wins."""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Sequence

import mujoco
import numpy as np

from gym_bridges.envs.robosumo.bodies import CAMERA, START_HEIGHT, START_RADIUS, TIMESTEP, scene
from gym_bridges.envs.robosumo.rules import Place, Verdict, judge
from gym_bridges.envs.robosumo.settings import RoboSumoSettings
from gym_bridges.envs.robosumo.species import SPECIES, Species

SUBSTEPS = 5
STEP_SECONDS = SUBSTEPS * TIMESTEP
START_NOISE = 0.1
"""Half the width of the uniform noise on positions, standard deviation of the normal noise on velocities."""
FORCE_LIMIT = 100.0
"""Contact forces are observed up to here, N and N m."""


class Match:
    """Two robots in a ring.

    Attributes:
      species: the kinds of robot of seats 0 and 1.
      settings: of the running episode.
      data: MuJoCo's state; a new object when an episode begins under settings that change the model.
      steps: taken in the running episode.
      observations: what each seat sees, `[observation size of its species]` float32; new arrays after each step. Own
        positions, velocities and contact forces by body, then the positions of the opponent's torso and the contact
        forces on it: `docs/environments/robosumo.md` has the table. Forces are those of the integrator's last stage.
    """

    data: mujoco.MjData
    settings: RoboSumoSettings
    steps: int
    observations: tuple[np.ndarray, np.ndarray]
    _places: tuple[Place, Place]

    def __init__(self, home: str, away: str) -> None:
        self.species: tuple[Species, Species] = (SPECIES[home], SPECIES[away])
        self._model: mujoco.MjModel | None = None
        self._renderer: mujoco.Renderer | None = None
        first, second = self.species
        self._root = first.num_positions  # of the second robot in `qpos`
        self._seen = np.concatenate(_observation_indices(first, second))

    def begin(self, settings: RoboSumoSettings, rng: np.random.Generator) -> None:
        """Begins an episode: the robots stand opposite each other on a circle, with noise in every position.

        Args:
          settings: for this episode.
          rng: draws the phase on the circle and the noise; advanced.
        """
        self.settings = settings
        self.steps = 0
        model = _compile(*self.species, settings)
        if model is not self._model:
            self._take(model)
        mujoco.mj_resetData(model, self.data)
        phase = rng.uniform(0.0, 2.0 * np.pi)
        for root, angle in ((0, phase), (self._root, phase + np.pi)):
            self._qpos[root : root + 3] = START_RADIUS * np.cos(angle), START_RADIUS * np.sin(angle), START_HEIGHT
        self._qpos += rng.uniform(-START_NOISE, START_NOISE, model.nq)
        self._qvel += START_NOISE * rng.standard_normal(model.nv)
        mujoco.mj_normalizeQuat(model, self._qpos)
        mujoco.mj_forward(model, self.data)
        self._look()

    def step(self, actions: Sequence[np.ndarray]) -> Verdict:
        """Moves the robots on by `STEP_SECONDS` and judges the step.

        Other threads run while MuJoCo does, so that matches can move side by side.

        Args:
          actions: for each seat `[its number of actions]`; the motors clip them to [-1, 1].

        Raises:
          ValueError: if an action has another shape or is not finite.
        """
        first, second = actions
        efforts = (self._command(0, first), self._command(1, second))
        before = self._places
        mujoco.mj_step(self._model, self.data, SUBSTEPS)
        self.steps += 1
        self._look()
        return judge(
            before,
            self._places,
            efforts,
            seconds=STEP_SECONDS,
            tatami_size=self.settings.tatami_size,
            is_late=self.steps > self.settings.timestep_limit,
        )

    def render(self, width: int = 320, height: int = 240) -> np.ndarray:
        """Returns a picture from the ringside, `[height, width, 3]` uint8.

        Raises:
          RuntimeError: if there is no screen and MuJoCo was not told to draw without one.
        """
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("MUJOCO_GL")):
            raise RuntimeError("there is no screen to draw on: set MUJOCO_GL=egl before MuJoCo is imported")
        if self._renderer is None or (self._renderer.width, self._renderer.height) != (width, height):
            self._close_renderer()
            self._renderer = mujoco.Renderer(self._model, height, width)
        self._renderer.update_scene(self.data, CAMERA)
        return self._renderer.render()

    def close(self) -> None:
        """Frees the renderer, if there is one."""
        self._close_renderer()

    def _command(self, seat: int, action: np.ndarray) -> float:
        """Sets the torques of one robot and returns the sum of the squares of its action."""
        action = np.asarray(action)
        shape = self._torques[seat].shape
        effort = float(action @ action) if action.shape == shape else math.nan
        if not math.isfinite(effort):
            raise ValueError(f"the action of seat {seat} is {action}, but takes finite numbers of shape {shape}")
        self._torques[seat][:] = action
        return effort

    def _look(self) -> None:
        """Takes in where the robots are and what they see."""
        mujoco.mj_rnePostConstraint(self._model, self.data)  # or else MuJoCo leaves `cfrc_ext` as it was
        np.concatenate(self._sources, out=self._state)
        np.abs(self._forces, out=self._forces)
        np.minimum(self._forces, FORCE_LIMIT, out=self._forces)
        adjust_z = self.settings.adjust_z
        self._heights += adjust_z
        x0, y0, z0 = self._qpos[:3].tolist()
        x1, y1, z1 = self._qpos[self._root : self._root + 3].tolist()
        self._places = ((x0, y0, z0 + adjust_z), (x1, y1, z1 + adjust_z))
        seen = self._state.take(self._seen)
        size = self.species[0].observation_size
        self.observations = (seen[:size], seen[size:])

    def _take(self, model: mujoco.MjModel) -> None:
        self._close_renderer()
        self._model, self.data = model, mujoco.MjData(model)
        # Views: to ask MuJoCo for one costs as much as to use it.
        self._qpos, self._qvel = self.data.qpos, self.data.qvel
        self._torques = np.split(self.data.ctrl, [self.species[0].num_actions])
        self._sources = (self._qpos, self._qvel, self.data.cfrc_ext.ravel())
        self._state = np.concatenate(self._sources, dtype=np.float32)  # what `_look` picks from
        self._forces = self._state[model.nq + model.nv :]
        self._heights = self._state[2 : self._root + 3 : self._root]  # of both torsos

    def _close_renderer(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def _compile(home: Species, away: Species, settings: RoboSumoSettings) -> mujoco.MjModel:
    densities = (settings.density(home.name), settings.density(away.name))
    return _compile_scene(home, away, densities, settings.tatami_size)


@functools.lru_cache(maxsize=64)  # areas share a model: MuJoCo only reads it
def _compile_scene(home: Species, away: Species, densities: tuple[float, float], tatami_size: float) -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(scene(home, away, densities, tatami_size))


def _observation_indices(home: Species, away: Species) -> tuple[np.ndarray, np.ndarray]:
    """Returns, for each seat, the places of what it sees in (`qpos`, `qvel`, forces by body), one after the other."""
    num_positions = home.num_positions + away.num_positions
    num_velocities = home.num_velocities + away.num_velocities
    positions = np.split(np.arange(num_positions), [home.num_positions])
    velocities = np.split(num_positions + np.arange(num_velocities), [home.num_velocities])
    bodies = num_positions + num_velocities + np.arange(6 * (1 + home.num_bodies + away.num_bodies))
    forces = np.split(bodies[6:], [6 * home.num_bodies])  # without the first body, the world
    first, second = (
        np.concatenate([positions[own], velocities[own], forces[own], positions[other][:7], forces[other][:6]])
        for own, other in ((0, 1), (1, 0))
    )
    return first, second
