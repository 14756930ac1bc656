"""Which robots are there? Ant, bug and spider, in numbers.

Numbers of legs, radii, ranges of joints and densities are those of RoboSumo, see `docs/environments/robosumo.md`.
Lengths of limbs, postures and looks are our own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Species:
    """A kind of robot.

    Attributes:
      name: as it stands in the ids of match-ups, in lower case.
      leg_directions: degrees about the vertical, 0 is straight ahead; their number is that of the legs.
      limb_radius: of all limbs, m.
      shoulder, thigh, shin: lengths of the limbs, m.
      thigh_rise: degrees by which the thigh rises from the shoulder to the knee.
      shin_drop: degrees below the horizontal at which the shin points when the ankle angle is 0.
      hip_limit: degrees to either side.
      ankle_range: degrees.
      ankle_start: degrees, about which an episode begins.
      looks: MJCF of geoms in the frame of the torso, without mass and contact, with `{color}` and `{shade}`.
    """

    name: str
    leg_directions: tuple[float, ...]
    limb_radius: float
    shoulder: float
    thigh: float
    shin: float
    thigh_rise: float
    shin_drop: float
    hip_limit: float
    ankle_range: tuple[float, float]
    ankle_start: float
    looks: str

    @property
    def num_legs(self) -> int:
        """The number of legs."""
        return len(self.leg_directions)

    @property
    def num_bodies(self) -> int:
        """The torso, and three for each leg."""
        return 1 + 3 * self.num_legs

    @property
    def num_actions(self) -> int:
        """A hip and an ankle for each leg: the number of hinges, of motors and of actions."""
        return 2 * self.num_legs

    @property
    def num_positions(self) -> int:
        """Length of the robot's part of `qpos`: place, quaternion and joint angles."""
        return 7 + self.num_actions

    @property
    def num_velocities(self) -> int:
        """Length of the robot's part of `qvel`: linear and angular velocity, and joint speeds."""
        return 6 + self.num_actions

    @property
    def observation_size(self) -> int:
        """Own positions, velocities and six forces a body, then 7 positions and 6 forces of the opponent's torso."""
        return self.num_positions + self.num_velocities + 6 * self.num_bodies + 7 + 6


_EYES = """
  <geom class="look" type="sphere" size="0.055" pos="{x} {y} {z}" rgba="1 1 1 1"/>
  <geom class="look" type="sphere" size="0.055" pos="{x} -{y} {z}" rgba="1 1 1 1"/>
  <geom class="look" type="sphere" size="0.03" pos="{px} {y} {z}" rgba="0.05 0.05 0.05 1"/>
  <geom class="look" type="sphere" size="0.03" pos="{px} -{y} {z}" rgba="0.05 0.05 0.05 1"/>
"""

SPECIES = {
    species.name: species
    for species in (
        Species(
            name="ant",
            leg_directions=(45, 135, 225, 315),
            limb_radius=0.08,
            shoulder=0.28,
            thigh=0.28,
            shin=0.56,
            thigh_rise=0,
            shin_drop=0,
            hip_limit=30,
            ankle_range=(30, 70),
            ankle_start=50,
            looks="""
  <geom class="look" type="sphere" size="0.16" pos="0.29 0 0.05" rgba="{shade} 1"/>
  <geom class="look" type="ellipsoid" size="0.23 0.17 0.16" pos="-0.36 0 0.04" rgba="{shade} 1"/>
  <geom class="look" type="capsule" size="0.018" fromto="0.36 0.07 0.15 0.52 0.16 0.32" rgba="{shade} 1"/>
  <geom class="look" type="capsule" size="0.018" fromto="0.36 -0.07 0.15 0.52 -0.16 0.32" rgba="{shade} 1"/>
"""
            + _EYES.format(x=0.40, y=0.08, z=0.11, px=0.435),
        ),
        Species(
            name="bug",
            leg_directions=(35, 90, 145, 215, 270, 325),
            limb_radius=0.08,
            shoulder=0.28,
            thigh=0.22,
            shin=0.50,
            thigh_rise=0,
            shin_drop=0,
            hip_limit=30,
            ankle_range=(30, 70),
            ankle_start=50,
            looks="""
  <geom class="look" type="ellipsoid" size="0.38 0.31 0.20" pos="-0.04 0 0.12" rgba="{color} 1"/>
  <geom class="look" type="ellipsoid" size="0.375 0.015 0.207" pos="-0.04 0 0.12" rgba="0.08 0.08 0.08 1"/>
  <geom class="look" type="ellipsoid" size="0.06 0.05 0.02" pos="0.08 0.16 0.275" rgba="0.08 0.08 0.08 1"/>
  <geom class="look" type="ellipsoid" size="0.06 0.05 0.02" pos="0.08 -0.16 0.275" rgba="0.08 0.08 0.08 1"/>
  <geom class="look" type="ellipsoid" size="0.06 0.05 0.02" pos="-0.17 0.15 0.28" rgba="0.08 0.08 0.08 1"/>
  <geom class="look" type="ellipsoid" size="0.06 0.05 0.02" pos="-0.17 -0.15 0.28" rgba="0.08 0.08 0.08 1"/>
  <geom class="look" type="sphere" size="0.15" pos="0.33 0 0.06" rgba="0.08 0.08 0.08 1"/>
"""
            + _EYES.format(x=0.43, y=0.08, z=0.11, px=0.465),
        ),
        Species(
            name="spider",
            leg_directions=(25, 65, 115, 155, 205, 245, 295, 335),
            limb_radius=0.04,
            shoulder=0.28,
            thigh=0.30,
            shin=0.70,
            thigh_rise=15,
            shin_drop=70,
            hip_limit=20,
            ankle_range=(-35, 45),
            ankle_start=0,
            looks="""
  <geom class="look" type="ellipsoid" size="0.32 0.26 0.24" pos="-0.42 0 0.10" rgba="{shade} 1"/>
  <geom class="look" type="ellipsoid" size="0.16 0.05 0.01" pos="-0.44 0 0.335" rgba="0.95 0.9 0.75 1"/>
  <geom class="look" type="sphere" size="0.03" pos="0.245 0.035 0.13" rgba="0.05 0.05 0.05 1"/>
  <geom class="look" type="sphere" size="0.03" pos="0.245 -0.035 0.13" rgba="0.05 0.05 0.05 1"/>
"""
            + _EYES.format(x=0.21, y=0.09, z=0.09, px=0.245),
        ),
    )
}
"""The three kinds by name."""
