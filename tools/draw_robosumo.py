"""Draws the pictures of docs/environments/robosumo: MUJOCO_GL=egl .venv/bin/python tools/draw_robosumo.py"""

from pathlib import Path

import numpy as np
from PIL import Image

from gym_bridges.envs.robosumo import GYMNASIUM_IDS
from gym_bridges.envs.robosumo.match import Match
from gym_bridges.envs.robosumo.settings import RoboSumoSettings

FOLDER = Path(__file__).parents[1] / "docs" / "environments" / "robosumo"
HEIGHT = 1.2  # m above the floor, of each torso at first
HALF_DISTANCE = 0.8  # m, of each torso from the centre
TURN = np.radians(20)  # of the line between the robots, about the vertical
STEPS = 16  # until they have landed, with a little movement


def draw(home: str, away: str, rng: np.random.Generator) -> np.ndarray:
    """Returns a picture of two robots that face each other, `[240, 320, 3]` uint8; `rng` is consumed."""
    match = Match(home, away)
    match.begin(RoboSumoSettings(), rng)
    for seat, direction in enumerate((TURN + np.pi, TURN)):  # from the centre to the robot, which looks back
        place = HALF_DISTANCE * np.array([np.cos(direction), np.sin(direction)])
        half_turn = (direction + np.pi) / 2
        match.data.joint(f"root_{seat}").qpos[:] = *place, HEIGHT, np.cos(half_turn), 0, 0, np.sin(half_turn)
    for _ in range(STEPS):
        match.step([rng.uniform(-0.3, 0.3, species.num_actions) for species in match.species])
    picture = match.render()
    match.close()
    return picture


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for environment_id, pair in GYMNASIUM_IDS.items():
        drawn = Image.fromarray(draw(*pair, np.random.default_rng(0))).quantize(128)  # colours, for a small file
        drawn.save(FOLDER / f"{environment_id}.png", optimize=True)
