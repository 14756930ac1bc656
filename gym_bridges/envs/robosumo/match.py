"""How does one match move? Two robots in MuJoCo: where they begin, how a step advances them, and what they see.

Who has won and what is paid is decided elsewhere, in `rules`; a match only moves on.
"""

from __future__ import annotations

import functools
import os
import sys

import mujoco
import numpy as np

from gym_bridges.envs.robosumo.bodies import CAMERA, SPECIES, START_HEIGHT, START_RADIUS, TIMESTEP, Species, scene
from gym_bridges.envs.robosumo.rules import Place
from gym_bridges.envs.robosumo.settings import RoboSumoSettings

SUBSTEPS = 5
STEP_SECONDS = SUBSTEPS * TIMESTEP
START_NOISE = 0.1
"""Half the width of the uniform noise on positions, standard deviation of the normal noise on velocities."""
FORCE_LIMIT = 100.0
"""Contact forces are observed up to here, N and N m."""


class Match:
    """Two robots in a ring, without rules.

    Attributes:
      species: the kinds of robot of seats 0 and 1.
      settings: of the running episode.
      data: MuJoCo's state; a new object when an episode begins under settings that change the model.
    """

    data: mujoco.MjData
    settings: RoboSumoSettings

    def __init__(self, home: str, away: str) -> None:
        self.species: tuple[Species, Species] = (SPECIES[home], SPECIES[away])
        self._model: mujoco.MjModel | None = None
        self._renderer: mujoco.Renderer | None = None
        first, second = self.species
        self._commands = (slice(0, first.num_actions), slice(first.num_actions, None))
        self._roots = (0, first.num_positions)  # of the robots in `qpos`
        self._seen = np.concatenate(_observation_indices(first, second))

    def begin(self, settings: RoboSumoSettings, rng: np.random.Generator) -> None:
        """Begins an episode: the robots stand opposite each other on a circle, with noise in every position.

        Args:
          settings: for this episode.
          rng: draws the phase on the circle and the noise; advanced.
        """
        self.settings = settings
        model = _compile(*self.species, settings)
        if model is not self._model:
            self._take(model)
        mujoco.mj_resetData(model, self.data)
        phase = rng.uniform(0.0, 2.0 * np.pi)
        for root, angle in zip(self._roots, (phase, phase + np.pi), strict=True):
            self._qpos[root : root + 3] = START_RADIUS * np.cos(angle), START_RADIUS * np.sin(angle), START_HEIGHT
        self._qpos += rng.uniform(-START_NOISE, START_NOISE, model.nq)
        self._qvel += START_NOISE * rng.standard_normal(model.nv)
        mujoco.mj_normalizeQuat(model, self._qpos)
        mujoco.mj_forward(model, self.data)
        mujoco.mj_rnePostConstraint(model, self.data)

    def command(self, seat: int, action: np.ndarray) -> None:
        """Sets the torques of a robot for the next step, `[number of its actions]`; the motors clip to [-1, 1]."""
        self._ctrl[self._commands[seat]] = action

    def advance(self) -> None:
        """Moves the robots on by one step. Other threads run meanwhile: matches may advance side by side."""
        mujoco.mj_step(self._model, self.data, SUBSTEPS)
        mujoco.mj_rnePostConstraint(self._model, self.data)  # or else `cfrc_ext` stays as it was

    def places(self) -> tuple[Place, Place]:
        """Returns the centres of both torsos in metres, with heights as they are observed."""
        first, second = (self._qpos[root : root + 3].tolist() for root in self._roots)
        adjust_z = self.settings.adjust_z
        return (first[0], first[1], first[2] + adjust_z), (second[0], second[1], second[2] + adjust_z)

    def observe(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns what each seat sees, `[observation size of its species]` float32.

        Own positions, velocities and contact forces by body, then the positions of the opponent's torso and the
        contact forces on it; `docs/environments/robosumo.md` has the table. Forces are those of the last stage of the
        integrator.
        """
        np.concatenate(self._sources, out=self._state)
        np.abs(self._forces, out=self._forces)
        np.minimum(self._forces, FORCE_LIMIT, out=self._forces)
        for root in self._roots:
            self._state[root + 2] += self.settings.adjust_z
        seen = self._state.take(self._seen).astype(np.float32)
        size = self.species[0].observation_size
        return seen[:size], seen[size:]

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

    def _take(self, model: mujoco.MjModel) -> None:
        self._close_renderer()
        self._model, self.data = model, mujoco.MjData(model)
        # Views: to ask MuJoCo for one costs as much as to use it.
        self._qpos, self._qvel, self._ctrl = self.data.qpos, self.data.qvel, self.data.ctrl
        self._sources = (self._qpos, self._qvel, self.data.cfrc_ext.ravel())
        self._state = np.concatenate(self._sources)  # what `observe` picks from, kept to be filled anew
        self._forces = self._state[model.nq + model.nv :]

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
