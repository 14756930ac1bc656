"""What are the rules of the sumo ring? Pure functions over many matches at once.

Two round bodies push each other in a ring that shrinks to nothing; whoever is out, loses. The rules are those of
`SumoMatch.cs` in the Unity project, to the last bit: only +, -, *, / and square roots of doubles, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

STEP_SECONDS = 0.05
FULL_RADIUS = 2.5  # metres, of the ring at the start
BODY_RADIUS = 0.5  # metres
START_DISTANCE = 1.25  # metres from the middle
DRAG = 2.0  # share of its speed that a body loses in a second
SPEED_SCALE = 6.0  # metres per second, by which observed velocities are divided
OBSERVATION_SIZE = 10
ACTION_SIZE = 2

_BITS_64 = 2**64 - 1


@dataclass(frozen=True)
class SumoRingSettings:
    """The options of the environment.

    Attributes:
      steps: longest match, in steps of 0.05 s, at least 1; the ring is gone by then.
      calm_steps: steps before the ring begins to shrink, from 0 to below `steps`.
      thrust: acceleration of a body at full thrust, in metres per second squared, above 0.
      bounce: share of the closing speed that a collision gives back, in [0, 1].
    """

    steps: int = 100
    calm_steps: int = 40
    thrust: float = 12.0
    bounce: float = 0.5

    def __post_init__(self) -> None:
        if self.steps != int(self.steps) or self.steps < 1:
            raise ValueError(f"steps is {self.steps}, but takes a whole number of at least 1")
        if self.calm_steps != int(self.calm_steps) or not 0 <= self.calm_steps < self.steps:
            raise ValueError(
                f"calm_steps is {self.calm_steps}, but takes a whole number from 0 to below steps, {self.steps}"
            )
        if not 0 < self.thrust < np.inf:
            raise ValueError(f"thrust is {self.thrust}, but takes a finite number above 0")
        if not 0 <= self.bounce <= 1:
            raise ValueError(f"bounce is {self.bounce}, but takes a number from 0 to 1")


class Options(NamedTuple):
    """The settings of `n` matches, `[n]` each."""

    steps: np.ndarray
    calm_steps: np.ndarray
    thrust: np.ndarray
    bounce: np.ndarray

    @classmethod
    def alike(cls, settings: SumoRingSettings, num_matches: int) -> Options:
        """Returns those of matches that are all played by the same settings."""
        return cls(*(np.full(num_matches, getattr(settings, name)) for name in cls._fields))


class Bodies(NamedTuple):
    """Both bodies of `n` matches.

    Attributes:
      places: `[n, 2 seats, 2]` float64; x and y of the centres, in metres from the middle.
      velocities: `[n, 2 seats, 2]` float64, in metres per second.
    """

    places: np.ndarray
    velocities: np.ndarray


def start(seeds: Iterable[int]) -> Bodies:
    """Returns the bodies at the start of matches with these seeds, whole numbers from 0 to 2**64 - 1.

    They stand still, opposite each other on a line through the middle whose direction the seed decides.
    """
    firsts = np.array([_first_place(seed) for seed in seeds]).reshape(-1, 2)
    places = np.stack([firsts, -firsts], axis=1)
    return Bodies(places, np.zeros_like(places))


def radius(step: np.ndarray, options: Options) -> np.ndarray:
    """Returns the radius of the ring in metres, `[n]`, after `step` `[n]` steps."""
    late = np.maximum(0, step - options.calm_steps)
    shrunk: np.ndarray = FULL_RADIUS * (1 - late / (options.steps - options.calm_steps))
    return shrunk


def advance(bodies: Bodies, thrusts: np.ndarray, options: Options) -> Bodies:
    """Returns the bodies after one step; changes nothing.

    Args:
      bodies: of `n` matches.
      thrusts: `[n, 2 seats, 2]` float; each cut to [-1, 1], then to length 1, in the seat's own view.
      options: of these matches.
    """
    return _collide(_move(bodies, thrusts, options.thrust), options.bounce)


def judge(bodies: Bodies, step: np.ndarray, options: Options) -> tuple[np.ndarray, np.ndarray]:
    """Returns which matches are over after `step` `[n]` steps, `[n]` bool, and what seat 0 is paid, `[n]` float.

    A match is over if a centre is outside; if both are, or the ring is gone, the nearer one wins. A win pays 1, a loss
    -1, a draw or a match that goes on 0.
    """
    squared = bodies.places[..., 0] * bodies.places[..., 0] + bodies.places[..., 1] * bodies.places[..., 1]
    first, second = squared.T
    limit = radius(step, options)
    over = (first > limit * limit) | (second > limit * limit) | (step == options.steps)
    return over, np.where(over, np.sign(second - first), 0.0)


def observe(bodies: Bodies, step: np.ndarray, options: Options) -> np.ndarray:
    """Returns `[n, 2 seats, 10]` float32; see docs/environments/sumo_ring.md.

    Both seats see themselves first, and seat 1 sees the ring turned by half a circle.
    """
    places, velocities = bodies.places / FULL_RADIUS, bodies.velocities / SPEED_SCALE
    seen = np.empty((len(step), 2, OBSERVATION_SIZE), np.float32)
    for seat, sign in enumerate((1, -1)):
        parts = (places[:, seat], velocities[:, seat], places[:, 1 - seat], velocities[:, 1 - seat])
        seen[:, seat, :8] = sign * np.concatenate(parts, axis=1)
    seen[:, :, 8] = (radius(step, options) / FULL_RADIUS)[:, None]
    seen[:, :, 9] = (step / options.steps)[:, None]
    return seen


def _move(bodies: Bodies, thrusts: np.ndarray, thrust: np.ndarray) -> Bodies:
    cut = np.clip(np.asarray(thrusts, np.float64), -1.0, 1.0)
    length = np.sqrt(cut[..., 0] * cut[..., 0] + cut[..., 1] * cut[..., 1])[..., None]
    cut = np.where(length > 1, cut / np.maximum(length, 1), cut)
    accelerations = np.stack([thrust, -thrust], axis=1)[..., None]  # seat 1 sees the ring turned by half a circle
    velocities = (bodies.velocities + cut * accelerations * STEP_SECONDS) * (1 - DRAG * STEP_SECONDS)
    return Bodies(bodies.places + velocities * STEP_SECONDS, velocities)


def _collide(bodies: Bodies, bounce: np.ndarray) -> Bodies:
    """Separates bodies that overlap, and lets them bounce off each other if they close in."""
    between = bodies.places[:, 1] - bodies.places[:, 0]
    distance = np.sqrt(between[:, 0] * between[:, 0] + between[:, 1] * between[:, 1])
    touching = distance < 2 * BODY_RADIUS
    if not touching.any():
        return bodies
    apart = (distance > 0)[:, None]
    normal = np.where(apart, between / np.where(apart, distance[:, None], 1.0), (1.0, 0.0))
    half = np.where(touching, (2 * BODY_RADIUS - distance) / 2, 0.0)
    relative = bodies.velocities[:, 1] - bodies.velocities[:, 0]
    closing = relative[:, 0] * normal[:, 0] + relative[:, 1] * normal[:, 1]
    push = np.where(touching & (closing < 0), -(1 + bounce) * closing / 2, 0.0)
    shift, kick = normal * half[:, None], normal * push[:, None]
    return Bodies(
        np.stack([bodies.places[:, 0] - shift, bodies.places[:, 1] + shift], axis=1),
        np.stack([bodies.velocities[:, 0] - kick, bodies.velocities[:, 1] + kick], axis=1),
    )


def _first_place(seed: int) -> tuple[float, float]:
    """Returns where seat 0 starts: on a direction drawn evenly, by rejection from the square around the unit disc."""
    state = seed
    while True:
        state, x = _next_unit(state)
        state, y = _next_unit(state)
        x, y = 2 * x - 1, 2 * y - 1
        squared = x * x + y * y
        if 0.01 <= squared <= 1:
            scale = START_DISTANCE / float(np.sqrt(squared))
            return x * scale, y * scale


def _next_unit(state: int) -> tuple[int, float]:
    """Returns the next state and a number in [0, 1).

    SplitMix64: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
    """
    state = (state + 0x9E3779B97F4A7C15) & _BITS_64
    mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _BITS_64
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _BITS_64
    return state, ((mixed ^ (mixed >> 31)) >> 11) * 2.0**-53
