"""What do the ring and its three kinds of robots look like to MuJoCo? A small generator of MJCF.

Every robot is a torso with equal legs around it. A leg is three bodies in a row, shoulder, thigh and shin, and two
hinges: the hip swings the thigh about the vertical, the ankle bends the shin. In the frame of a leg x points outwards,
so that the same two numbers mean the same movement in every leg: a positive hip angle turns the leg to its left, a
positive ankle angle bends the shin down.

The measures of the robots are in `species`; those of the ring, the motors and the simulation here are RoboSumo's.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, radians, sin

from gym_bridges.envs.robosumo.species import Species

TORSO_RADIUS = 0.25  # m
START_RADIUS = 1.15  # m; robots begin on this circle around the centre of the ring
START_HEIGHT = 1.25  # m above the floor, of the centre of a torso
MAT_TOP = 0.5  # m above the floor
MAT_MARGIN = 0.3  # m of mat beyond the border lines
TIMESTEP = 0.01  # s
GEAR = 150  # N m at full action
CAMERA = "ringside"
CAMERA_TILT = radians(36)  # below the horizontal

COLORS = ("0.86 0.27 0.20", "0.16 0.42 0.80")
"""Of team 0 and team 1."""
_SHADES = ("0.66 0.15 0.12", "0.09 0.26 0.56")


def scene(home: Species, away: Species, densities: tuple[float, float], tatami_size: float) -> str:
    """Returns the MJCF of a ring with two robots.

    The robots' parts of `qpos`, `qvel`, `ctrl` and of the list of bodies follow each other, `home` first; body 0 is the
    world with the ring.

    Args:
      home: the robot of team 0.
      away: the robot of team 1.
      densities: of the two robots, unit of mass of RoboSumo per cubic metre.
      tatami_size: distance of the border lines from the centre, m.
    """
    robots = [
        _robot(species, seat, density)
        for seat, (species, density) in enumerate(zip((home, away), densities, strict=True))
    ]
    motors = "\n".join(
        f'<motor joint="{joint}{leg}_{seat}"/>'
        for seat, species in enumerate((home, away))
        for leg in range(species.num_legs)
        for joint in ("hip", "ankle")
    )
    return _SCENE.format(
        timestep=TIMESTEP,
        gear=GEAR,
        mat_half=tatami_size + MAT_MARGIN,
        mat_half_height=MAT_TOP / 2,
        lines="\n".join(_border(tatami_size)),
        camera=_camera(tatami_size),
        robots="\n".join(robots),
        motors=motors,
    )


def _robot(species: Species, seat: int, density: float) -> str:
    """One robot, half a circle away from the other; `seat` 0 and 1 touch each other but not themselves."""
    contact = f'contype="{1 << seat}" conaffinity="{2 >> seat}"'
    color, shade = COLORS[seat], _SHADES[seat]
    solid = f'{contact} density="{density}"'
    x = START_RADIUS if seat == 0 else -START_RADIUS
    legs = "\n".join(_leg(species, seat, leg, solid, color, shade) for leg in range(species.num_legs))
    return f"""
<body name="torso_{seat}" pos="{x} 0 {START_HEIGHT}">
  <freejoint name="root_{seat}"/>
  <geom name="torso_{seat}" type="sphere" size="{TORSO_RADIUS}" {solid} rgba="{color} 1"/>
  {species.looks.format(color=color, shade=shade)}
  {legs}
</body>"""


def _leg(species: Species, seat: int, leg: int, solid: str, color: str, shade: str) -> str:
    def limb(length: float, direction: float, rgba: str) -> str:
        end = f"{length * cos(radians(direction)):.6f} 0 {-length * sin(radians(direction)):.6f}"
        return f'<geom type="capsule" size="{species.limb_radius}" fromto="0 0 0 {end}" {solid} rgba="{rgba} 1"/>'

    low, high = species.ankle_range
    drop = species.shin_drop + species.ankle_start
    rise = radians(species.thigh_rise)
    knee = f"{species.thigh * cos(rise):.6f} 0 {species.thigh * sin(rise):.6f}"
    return f"""
<body name="shoulder{leg}_{seat}" euler="0 0 {species.leg_directions[leg]}">
  {limb(species.shoulder, 0, color)}
  <body name="thigh{leg}_{seat}" pos="{species.shoulder} 0 0">
    <joint name="hip{leg}_{seat}" axis="0 0 1" range="-{species.hip_limit} {species.hip_limit}"/>
    {limb(species.thigh, -species.thigh_rise, color)}
    <body name="shin{leg}_{seat}" pos="{knee}">
      <joint name="ankle{leg}_{seat}" axis="0 1 0" range="{low} {high}" ref="{species.ankle_start}"/>
      {limb(species.shin, drop, shade)}
    </body>
  </body>
</body>"""


def _camera(size: float) -> str:
    """A camera that looks down on the mat from in front of it, far enough away to see all of it."""
    away = 1.4 + 2.1 * size
    y, z = 0.1 - away * cos(CAMERA_TILT), MAT_TOP + 0.1 + away * sin(CAMERA_TILT)
    axes = f"1 0 0 0 {sin(CAMERA_TILT):.6f} {cos(CAMERA_TILT):.6f}"
    return f'<camera name="{CAMERA}" pos="0 {y:.6f} {z:.6f}" xyaxes="{axes}"/>'


def _border(size: float) -> Iterator[str]:
    """Four white lines on the mat, `size` from the centre."""
    for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        half_x, half_y = (0.03, size + 0.03) if x else (size + 0.03, 0.03)
        yield (
            f'<geom class="look" type="box" size="{half_x} {half_y} 0.004" '
            f'pos="{x * size} {y * size} {MAT_TOP}" rgba="0.96 0.94 0.88 1"/>'
        )


_SCENE = """
<mujoco model="robosumo">
  <compiler angle="degree" inertiafromgeom="true"/>
  <option timestep="{timestep}" integrator="RK4"/>
  <visual>
    <global offwidth="1280" offheight="960" fovy="40"/>
    <quality shadowsize="4096" offsamples="4"/>
    <headlight ambient="0.35 0.35 0.35" diffuse="0.25 0.25 0.25" specular="0.1 0.1 0.1"/>
  </visual>
  <default>
    <joint armature="1" damping="1" limited="true"/>
    <geom condim="3" friction="1 0.1 0.1" margin="0.01"/>
    <motor gear="{gear}" ctrlrange="-1 1" ctrllimited="true"/>
    <default class="look">
      <geom contype="0" conaffinity="0" mass="0" group="1"/>
    </default>
  </default>
  <asset>
    <texture type="skybox" builtin="gradient" rgb1="0.55 0.66 0.78" rgb2="0.12 0.15 0.22" width="256" height="256"/>
    <texture name="floor" type="2d" builtin="checker" rgb1="0.20 0.22 0.26" rgb2="0.24 0.26 0.31"
             width="300" height="300"/>
    <material name="floor" texture="floor" texrepeat="12 12" texuniform="false" reflectance="0.08"/>
    <texture name="mat" type="2d" builtin="flat" rgb1="0.72 0.68 0.46" mark="edge" markrgb="0.55 0.50 0.32"
             width="300" height="300"/>
    <material name="mat" texture="mat" texrepeat="4 4" specular="0.1" shininess="0.1"/>
  </asset>
  <worldbody>
    <light pos="2 -3 7" dir="-0.25 0.4 -1" directional="true" diffuse="0.65 0.63 0.6" specular="0.2 0.2 0.2"/>
    <light pos="-4 4 6" dir="0.5 -0.5 -0.8" directional="true" diffuse="0.25 0.27 0.32" castshadow="false"/>
    {camera}
    <geom name="floor" type="plane" size="20 20 1" contype="3" conaffinity="3" material="floor"/>
    <geom name="mat" type="box" size="{mat_half} {mat_half} {mat_half_height}" pos="0 0 {mat_half_height}"
          contype="3" conaffinity="3" material="mat"/>
    {lines}
    {robots}
  </worldbody>
  <actuator>
    {motors}
  </actuator>
</mujoco>
"""
