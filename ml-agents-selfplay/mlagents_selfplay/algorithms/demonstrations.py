"""Which episodes did somebody else play well? Read from `.npz` arrays or ML-Agents' `.demo` recordings.

An `.npz` file holds, for `E` episodes of `T` steps,

    acs             [E, T, D] or [T, D]           actions in [-1, 1]
    obs.<sensor>    [E, T + 1, *shape]            what each sensor saw; `obs` alone if there is one sensor
    rew             [E, T]                        rewards; may be missing where hindsight recomputes them
    terminal        [E]                           whether the episode ended by itself; no, unless given

and any arrays beside these, which are not read. Object arrays, which would be pickles, are refused.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attr
import cattr
import numpy as np
from google.protobuf.message import DecodeError
from mlagents.trainers.demo_loader import load_demonstration
from mlagents.trainers.exception import TrainerConfigError
from mlagents_envs.base_env import BehaviorSpec
from mlagents_envs.rpc_utils import steps_from_proto

from mlagents_selfplay.algorithms.replay import Array, Piece
from mlagents_selfplay.checks import Check, block, flag, integer, number, refuse, within


def _is_path(_: Any, field: attr.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str) or Path(value).suffix not in _READERS:
        raise refuse(field.name, value, f"a file of type {' or '.join(_READERS)}")


def _key(default: Any, check: Check) -> Any:
    return attr.ib(default=default, validator=within("demonstrations", check))


@attr.s(auto_attribs=True)
class DemonstrationSettings:
    """Settings of learning from demonstrations, the block `demonstrations:` among a learner's hyperparameters."""

    path: Any = _key(None, _is_path)
    batch_size: Any = _key(128, integer(1, "transitions"))  # beside those of each batch
    # What the squared distance to the demonstrated action, and what the critic's value, count in the actor's loss.
    cloning_weight: Any = _key(1.0, number(0))
    policy_weight: Any = _key(0.001, number(0))
    q_filter: Any = _key(False, flag)  # clone only what the critic prefers to the actor's own action


def demonstrations_block(value: Any) -> DemonstrationSettings | None:
    """Returns the settings of a block `demonstrations:`, or None if there is none."""
    settings: DemonstrationSettings | None = block("demonstrations", DemonstrationSettings, value)
    return settings


cattr.register_structure_hook(DemonstrationSettings, lambda value, _: demonstrations_block(value))


def read(path: Path, spec: BehaviorSpec, *, needs_rewards: bool) -> list[Piece]:
    """Reads whole episodes; the episodes of a file are numbered from 0.

    Args:
      path: of an `.npz` or a `.demo` file.
      spec: what the learner sees and does; the demonstrator saw and did the same.
      needs_rewards: false where they are recomputed, so that a file without them will do.

    Raises:
      TrainerConfigError: if the file cannot be read, or was made in another environment; it says what differs.
    """
    if not path.is_file():
        raise _damaged(path, "there is no such file")
    pieces = _READERS[path.suffix](path, spec, needs_rewards)
    if not pieces:
        raise _damaged(path, "it holds no step")
    return pieces


def _damaged(path: Path, why: str) -> TrainerConfigError:
    return TrainerConfigError(f"hyperparameters.demonstrations.path: {path} cannot be used: {why}.")


def _from_npz(path: Path, spec: BehaviorSpec, needs_rewards: bool) -> list[Piece]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {
                name: file[name] for name in file.files if name.split(".")[0] in {"acs", "obs", "rew", "terminal"}
            }
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise _damaged(path, f"it is no .npz file: {error}") from error
    except ValueError as error:
        raise _damaged(
            path,
            "it holds Python objects, which could run code when read; save plain arrays instead: "
            f"acs, obs.<sensor>, rew, terminal ({error})",
        ) from error
    if "acs" not in arrays:
        raise _damaged(path, "it has no array acs")
    alone = arrays["acs"].ndim == 2
    if alone:
        arrays = {name: array[np.newaxis] for name, array in arrays.items()}
    actions = np.asarray(arrays["acs"], np.float32)
    if actions.ndim != 3:
        raise _damaged(path, f"acs has the shape {actions.shape}, not [episodes, steps, numbers]")
    episodes, steps = actions.shape[:2]
    _must_be(path, "acs", actions, (episodes, steps, spec.action_spec.continuous_size))
    if spec.action_spec.discrete_size:
        raise _damaged(path, "the behavior has discrete actions, which only a .demo file can hold")
    seen = [
        _must_be(path, name, _sensor(path, arrays, name, len(spec.observation_specs)), (episodes, steps + 1, *shape))
        for name, shape in ((f"obs.{sensor.name}", tuple(sensor.shape)) for sensor in spec.observation_specs)
    ]
    if "rew" not in arrays and needs_rewards:
        raise _damaged(path, "it has no array rew, and there is no hindsight to recompute rewards")
    rewards = _must_be(path, "rew", arrays.get("rew", np.zeros((episodes, steps))), (episodes, steps))
    terminal = np.asarray(arrays.get("terminal", np.zeros(episodes, bool))).reshape(-1)
    _must_be(path, "terminal", terminal, (episodes,))
    nothing = np.zeros((steps, 0))
    return [
        Piece(
            tuple(sensor[episode] for sensor in seen),
            actions[episode],
            nothing.astype(np.int32),
            nothing.astype(bool),
            rewards[episode],
            bool(terminal[episode]),
            episode,
            0,
        )
        for episode in range(episodes if steps else 0)
    ]


def _sensor(path: Path, arrays: Mapping[str, Array], name: str, sensors: int) -> Array:
    if sensors == 1 and "obs" in arrays:
        return arrays["obs"]
    if name not in arrays:
        raise _damaged(path, f"it has no array {name}")
    return arrays[name]


def _must_be(path: Path, name: str, array: Array, shape: tuple[int, ...]) -> Array:
    if array.shape != shape:
        raise _damaged(path, f"{name} has the shape {array.shape}, not {shape}")
    return np.asarray(array, np.float32)


def _from_demo(path: Path, spec: BehaviorSpec, _: bool) -> list[Piece]:
    try:
        theirs, pairs, _ = load_demonstration(str(path))
    except (RuntimeError, DecodeError, IndexError, ValueError) as error:
        raise _damaged(path, f"it is no recording of ML-Agents: {error}") from error
    shapes = [[tuple(sensor.shape) for sensor in each.observation_specs] for each in (theirs, spec)]
    if shapes[0] != shapes[1]:
        raise _damaged(path, f"its observations have the shapes {shapes[0]}, not {shapes[1]}")
    if theirs.action_spec != spec.action_spec:
        raise _damaged(path, f"its actions are {theirs.action_spec}, not {spec.action_spec}")
    pieces: list[Piece] = []
    rows: list[tuple[Any, Any]] = []  # (what was seen, action) since the episode began
    rewards: list[float] = []
    for pair in pairs:
        deciding, ended = steps_from_proto([pair.agent_info], spec)
        step = (ended if len(ended) else deciding)[pair.agent_info.id]
        if rows:
            rewards.append(float(step.reward + step.group_reward))
        rows.append((step.obs, pair.action_info))
        if len(ended):
            pieces += _piece(spec, rows, rewards, not step.interrupted, len(pieces))
            rows, rewards = [], []
    return pieces + _piece(spec, rows, rewards, False, len(pieces))  # what was recorded last may have no end


def _piece(
    spec: BehaviorSpec, rows: list[tuple[Any, Any]], rewards: list[float], terminal: bool, episode: int
) -> list[Piece]:
    if not rewards:
        return []
    steps, actions = len(rewards), spec.action_spec
    return [
        Piece(
            tuple(
                np.stack([seen[sensor] for seen, _ in rows]).astype(np.float32)
                for sensor in range(len(spec.observation_specs))
            ),
            np.array([done.continuous_actions for _, done in rows[:-1]], np.float32).reshape(steps, -1),
            np.array([done.discrete_actions for _, done in rows[:-1]], np.int32).reshape(steps, -1),
            np.ones((steps, sum(actions.discrete_branches)), bool),
            np.array(rewards, np.float32),
            terminal,
            episode,
            0,
        )
    ]


_READERS = {".npz": _from_npz, ".demo": _from_demo}
