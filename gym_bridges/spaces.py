"""How does an element of a gymnasium space become arrays that can travel, and how do numbers become an action again?

Pure functions of the space: `Sensors` turns observations into one array for each sensor, `Effectors` turns an action of
the trainer into an element of the action space. Every leaf of a nested space is a sensor of its own, named by its path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from gym_bridges.areas import ActionSpec, ObservationSpec

GOAL_KEYS = {"observation", "achieved_goal", "desired_goal"}
"""The keys by which gymnasium-robotics marks a goal environment."""

MASK_KEY = "action_mask"
"""Where PettingZoo's games, and some of gymnasium's, say which actions are allowed."""

MESSAGE_BYTES = 4 * 2**20
"""What ML-Agents' server accepts in one message: gRPC's default."""

MIN_IMAGE_SIDE = 20
"""Pixels; what ML-Agents' default visual encoder (`simple`) asks for. Smaller pictures travel as numbers."""

_BYTE = 255
_MAX_CHANNELS = 64  # a picture has fewer channels than this on one of its outer axes
_MAX_CHOICES = 2**31 - 1  # int32 on the wire
_SUPPORTED = "Box, Discrete, MultiDiscrete, MultiBinary, Tuple and Dict"


class SpaceError(ValueError):
    """A space that cannot travel, or a value that is not in its space."""


class _Leaf(NamedTuple):
    spec: ObservationSpec
    space: spaces.Space
    path: tuple[Any, ...]


class Sensors:
    """Reads observations of one space.

    Args:
      space: of one agent's observations; an entry `action_mask` of a Dict is none of them.

    Raises:
      SpaceError: if a part of the space has no fixed number of numbers, or if it is more than fits into a message.
    """

    def __init__(self, space: spaces.Space) -> None:
        has_goal = isinstance(space, spaces.Dict) and set(space.spaces) == GOAL_KEYS
        self._leaves = [
            _Leaf(
                _spec("/".join(map(str, path)) or "observation", leaf, has_goal and path[0] == "desired_goal"),
                leaf,
                path,
            )
            for path, leaf in _walk(unmasked(space), ())
            if math.prod(leaf.shape or (1,)) > 0
        ]
        if not self._leaves:
            raise SpaceError(f"observation: {space} has nothing to observe")
        size = sum(map(_num_bytes, self.specs))
        if size > MESSAGE_BYTES:
            largest = max(self.specs, key=_num_bytes)
            raise SpaceError(
                f"observation {largest.name!r} has the shape {largest.shape}: {size:,} bytes in all, but the trainer "
                f"accepts {MESSAGE_BYTES:,} in one message, and no agent alone may need more"
            )

    @property
    def specs(self) -> tuple[ObservationSpec, ...]:
        """One for each sensor."""
        return tuple(leaf.spec for leaf in self._leaves)

    def read(self, observations: Sequence[Any]) -> tuple[np.ndarray, ...]:
        """Returns one array `[len(observations), *shape]` for each sensor.

        Raises:
          SpaceError: for an observation that lacks a part, or of which a part has another shape or an impossible value.
        """
        return tuple(_read(leaf, [_pick(observation, leaf) for observation in observations]) for leaf in self._leaves)


class Effectors:
    """Makes actions of one space out of the trainer's numbers.

    A Box that is bounded takes what arrives in [-1, 1], clipped and scaled to its bounds; an unbounded number is passed
    through, a half-bounded one is passed through and clipped. All else is one branch of choices for each component.

    Raises:
      SpaceError: if a part of the space has no fixed number of numbers or choices.
    """

    def __init__(self, space: spaces.Space) -> None:
        self._parts = _Parts()
        self._make = self._parts.add(space, "action")
        self.spec = ActionSpec(self._parts.continuous, tuple(self._parts.branches))
        if self.spec == ActionSpec():
            raise SpaceError(f"action: {space} has nothing to decide")

    def act(self, continuous: np.ndarray, discrete: np.ndarray) -> Any:
        """Returns the element of the space that `[continuous]` numbers and `[branches]` choices stand for."""
        return self._make(continuous, discrete)

    def forbidden(self, mask: Any) -> tuple[np.ndarray, ...]:
        """Returns for each branch `[branch size]` bool, true where `mask`, in which 1 means allowed, holds 0.

        Args:
          mask: of all choices, branch after branch, as one array or as a sequence of arrays.

        Raises:
          SpaceError: if the mask has another size, or forbids all choices of a branch.
        """
        parts = mask if isinstance(mask, (tuple, list)) else (mask,)
        flat = np.concatenate([np.ravel(part) for part in parts])
        if len(flat) != sum(self.spec.branches):
            raise SpaceError(f"the action mask has {len(flat)} entries for branches of {self.spec.branches} choices")
        branches = tuple(np.split(flat == 0, np.cumsum(self.spec.branches)[:-1]))
        if any(branch.all() for branch in branches):
            raise SpaceError(
                f"the action mask {flat.tolist()} forbids every choice of a branch of {self.spec.branches}"
            )
        return branches


def unmasked(space: spaces.Space) -> spaces.Space:
    """Returns what is there to observe: the space without its action mask."""
    if not isinstance(space, spaces.Dict) or MASK_KEY not in space.spaces:
        return space
    return spaces.Dict({key: part for key, part in space.spaces.items() if key != MASK_KEY})


def is_image(space: spaces.Box) -> bool:
    """Tells whether a Box holds pictures: bytes from 0 to 255, `[h, w]`, `[h, w, channels]` or `[channels, h, w]`."""
    if space.dtype != np.uint8 or len(space.shape) not in (2, 3) or space.low.any() or (space.high != _BYTE).any():
        return False
    channels, height, width = _image_shape(space.shape)
    return min(height, width) >= MIN_IMAGE_SIDE and 0 < channels <= _MAX_CHANNELS


def _image_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Returns (channels, height, width); the shorter outer axis is that of the channels, the last one if they tie."""
    if len(shape) == 2:
        return (1, *shape)
    return (shape[2], shape[0], shape[1]) if shape[2] <= shape[0] else (shape[0], shape[1], shape[2])


def _walk(space: spaces.Space, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], spaces.Space]]:
    """Yields every leaf and the keys that lead to it."""
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        parts = space.spaces.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces)
        for key, part in parts:
            yield from _walk(part, (*path, key))
    else:
        yield path, space


def _spec(name: str, space: spaces.Space, goal: bool) -> ObservationSpec:
    if isinstance(space, spaces.Box) and is_image(space):
        return ObservationSpec(name, _image_shape(space.shape), "image", goal)
    return ObservationSpec(name, (_vector_size(name, space),), goal=goal)


def _num_bytes(spec: ObservationSpec) -> int:
    return math.prod(spec.shape) * (1 if spec.kind == "image" else 4)


def _vector_size(name: str, space: spaces.Space) -> int:
    if isinstance(space, (spaces.Box, spaces.MultiBinary)):
        return math.prod(space.shape)
    if isinstance(space, spaces.Discrete):
        return int(space.n)
    if isinstance(space, spaces.MultiDiscrete):
        return int(space.nvec.sum())
    raise SpaceError(f"observation {name!r}: a {type(space).__name__} space cannot travel; supported are {_SUPPORTED}")


def _pick(observation: Any, leaf: _Leaf) -> Any:
    try:
        for key in leaf.path:
            observation = observation[key]
    except (KeyError, IndexError, TypeError) as error:
        raise SpaceError(f"observation {leaf.spec.name!r} is missing from {observation!r:.200}") from error
    return observation


def _read(leaf: _Leaf, values: list[Any]) -> np.ndarray:
    """Returns the values of one sensor as a batch."""
    spec, space = leaf.spec, leaf.space
    shape = tuple(space.shape or ())
    if isinstance(space, (spaces.Discrete, spaces.MultiDiscrete)):
        return _one_hot(spec, space, values)
    dtype = space.dtype if spec.kind == "image" or space.dtype == np.float64 else np.float32
    batch = np.empty((len(values), *shape), dtype)
    for index, value in enumerate(values):
        array = np.asarray(value)
        if array.shape != shape or array.dtype.kind not in "biuf":
            raise SpaceError(
                f"observation {spec.name!r} is {value!r:.200} of shape {array.shape}, but its space is {space!r:.200}"
            )
        batch[index] = array
    if spec.kind == "vector":
        return batch.reshape(len(values), *spec.shape)
    if len(shape) == 2:
        return batch[:, np.newaxis]
    return batch if spec.shape == shape else batch.transpose(0, 3, 1, 2)


def _one_hot(spec: ObservationSpec, space: spaces.Discrete | spaces.MultiDiscrete, values: list[Any]) -> np.ndarray:
    """Returns `[len(values), sum of choices]`, for each component a 1 among zeros."""
    sizes, start = _choices(space)
    try:
        places = np.asarray(values).reshape(len(values), len(sizes)) - start
        is_inside = bool(((places >= 0) & (places < sizes) & (places == np.floor(places))).all())
    except (ValueError, TypeError):
        is_inside = False
    if not is_inside:
        raise SpaceError(f"observation {spec.name!r} is not in {space}: {values!r:.200}")
    batch = np.zeros((len(values), *spec.shape), np.float32)
    np.put_along_axis(batch, places.astype(int) + np.cumsum(sizes) - sizes, 1.0, axis=1)
    return batch


def _choices(space: spaces.Discrete | spaces.MultiDiscrete) -> tuple[np.ndarray, np.ndarray]:
    """Returns the number of choices, and the first one, of each component."""
    if isinstance(space, spaces.Discrete):
        return np.array([space.n]), np.array([space.start])
    return space.nvec.ravel(), space.start.ravel()


_Make = Callable[[np.ndarray, np.ndarray], Any]
"""(all continuous numbers, all choices) of an action -> one part of it."""


class _Parts:
    """Counts numbers and branches while the parts of an action space claim theirs, in order."""

    def __init__(self) -> None:
        self.continuous = 0
        self.branches: list[int] = []

    def add(self, space: spaces.Space, name: str) -> _Make:
        if isinstance(space, spaces.Dict):
            by_key: Mapping[Any, _Make] = {key: self.add(part, f"{name}/{key}") for key, part in space.spaces.items()}
            return lambda numbers, choices: {key: make(numbers, choices) for key, make in by_key.items()}
        if isinstance(space, spaces.Tuple):
            makes = [self.add(part, f"{name}/{index}") for index, part in enumerate(space.spaces)]
            return lambda numbers, choices: tuple(make(numbers, choices) for make in makes)
        if isinstance(space, spaces.Box):
            taken = slice(self.continuous, self.continuous + math.prod(space.shape))
            if 4 * taken.stop > MESSAGE_BYTES:
                raise SpaceError(f"{name}: {taken.stop:,} numbers are more than fit into a message")
            self.continuous = taken.stop
            scale = _scale(space)
            return lambda numbers, choices: scale(numbers[taken])
        if isinstance(space, spaces.Discrete):
            place, start = self._branches(name, [int(space.n)]).start, int(space.start)
            return lambda numbers, choices: start + int(choices[place])
        if isinstance(space, spaces.MultiDiscrete):
            places, shape, dtype = self._branches(name, space.nvec.ravel().tolist()), space.nvec.shape, space.dtype
            first = space.start
            return lambda numbers, choices: (choices[places].reshape(shape) + first).astype(dtype)
        if isinstance(space, spaces.MultiBinary):
            places, shape, dtype = self._branches(name, [2] * math.prod(space.shape)), space.shape, space.dtype
            return lambda numbers, choices: choices[places].reshape(shape).astype(dtype)
        raise SpaceError(f"{name}: a {type(space).__name__} space cannot travel; supported are {_SUPPORTED}")

    def _branches(self, name: str, sizes: list[int]) -> slice:
        if max(sizes, default=0) > _MAX_CHOICES:
            raise SpaceError(f"{name}: {max(sizes):,} choices, but a branch has at most {_MAX_CHOICES:,}")
        first = len(self.branches)
        self.branches.extend(sizes)
        return slice(first, len(self.branches))


def _scale(space: spaces.Box) -> Callable[[np.ndarray], np.ndarray]:
    """Returns the function from flat numbers, nominally in [-1, 1], to an element of the Box.

    It runs for every agent and step, so what can be known beforehand is, and `np.clip`, slow for a few numbers, is not
    called.
    """
    low, high = space.low.astype(np.float64).ravel(), space.high.astype(np.float64).ravel()
    is_bounded = high - low < np.finfo(np.float32).max  # also false for bounds that only mean "any float"
    least, most = np.where(is_bounded, -1.0, low), np.where(is_bounded, 1.0, high)
    with np.errstate(invalid="ignore", over="ignore"):
        gain = np.where(is_bounded, (high - low) / 2.0, 1.0)
        shift = np.where(is_bounded, (high + low) / 2.0, 0.0)
    whole = space.dtype.kind in "biu"

    def scale(numbers: np.ndarray) -> np.ndarray:
        values = np.minimum(np.maximum(numbers, least), most) * gain + shift
        if whole:
            values = np.rint(values)
        inside = np.minimum(np.maximum(values, low), high)  # rounding may have led out of the bounds
        return inside.astype(space.dtype).reshape(space.shape)

    return scale
