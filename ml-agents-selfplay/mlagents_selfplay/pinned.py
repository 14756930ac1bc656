"""Opponents that the user lists: where `initial`, a file or `python:module:factory` comes from, and how it plays."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mlagents.torch_utils import torch
from mlagents.trainers.exception import TrainerConfigError
from mlagents_envs.base_env import BehaviorSpec

from mlagents_selfplay.files import DamagedFile, Weights, load_weights
from mlagents_selfplay.opponents import Actions, Array, Decisions, Opponent
from mlagents_selfplay.selfplay.scorebook import INITIAL

KEY = "hyperparameters.pinned_opponents: "  # in front of what is wrong with one

_PYTHON = re.compile(r"python:(?P<module>[\w.]+):(?P<factory>\w+)(?P<arguments>\(.*\))?$")


def names_of(sources: list[str]) -> dict[str, str]:
    """Names each source: `initial`, the stem of its file, or its factory with the arguments.

    Returns:
      Source by name, in the given order.

    Raises:
      TrainerConfigError: if a source is none of the known forms, or two would share a name.
    """
    named: dict[str, str] = {}
    for source in sources:
        scripted = _PYTHON.match(source)
        if scripted:
            name = scripted["factory"] + (scripted["arguments"] or "")
        elif source == INITIAL or Path(source).suffix in _LOADERS:
            name = source if source == INITIAL else Path(source).stem
        else:
            raise _refusal(
                source, "is not known; give initial, FILE.safetensors, FILE.pt, FILE.onnx or python:module:factory"
            )
        if name in named or name.isdigit() or name == "current":
            raise _refusal(source, f"would be named {name!r}, which is taken; rename the file")
        named[name] = source
    return named


def load(source: str, spec: BehaviorSpec, rng: np.random.Generator) -> Weights | Opponent:
    """Loads a listed opponent.

    Args:
      source: anything `names_of` accepts but `initial`.
      spec: observations and actions of the behavior it has to play.
      rng: the opponent's own; advanced while it plays.

    Returns:
      Actor weights, or an opponent that acts by itself.

    Raises:
      TrainerConfigError: if it cannot be loaded or does not fit the behavior.
    """
    scripted = _PYTHON.match(source)
    if scripted:
        return _script(source, scripted, spec, rng)
    path = Path(source)
    if not path.is_file():
        raise _refusal(source, "does not exist")
    return _LOADERS[path.suffix](path, spec)


def _refusal(source: str, why: str) -> TrainerConfigError:
    return TrainerConfigError(f"{KEY}{source} {why}.")


def _from_safetensors(path: Path, _: BehaviorSpec) -> Weights:
    try:
        return load_weights(path)
    except DamagedFile as error:
        raise _refusal(str(path), f"cannot be used: {error}") from error


def _from_checkpoint(path: Path, _: BehaviorSpec) -> Weights:
    try:
        modules = torch.load(path, map_location="cpu", weights_only=True)  # tensors only, no pickled code
        return {name: value.numpy() for name, value in modules["Policy"].items()}
    except Exception as error:  # torch raises half a dozen unrelated types for a broken file
        raise _refusal(str(path), f"is not a checkpoint of ML-Agents: {error}") from error


def _from_onnx(path: Path, spec: BehaviorSpec) -> Opponent:
    return OnnxOpponent(path, spec)


def _script(source: str, parts: re.Match[str], spec: BehaviorSpec, rng: np.random.Generator) -> Opponent:
    try:
        arguments = ast.literal_eval(f"[{(parts['arguments'] or '()')[1:-1]}]")
        factory: Callable[..., Opponent] = getattr(importlib.import_module(parts["module"]), parts["factory"])
        return factory(*arguments, spec=spec, rng=rng)
    except Exception as error:  # whatever the user's module raises
        why = error if isinstance(error, TrainerConfigError) else f"{type(error).__name__}: {error}"
        raise _refusal(source, f"cannot be made: {why}") from error


class OnnxOpponent:
    """A model that ML-Agents exported, run by onnxruntime.

    Args:
      path: of the model.
      spec: observations and actions of the behavior it has to play.
      deterministic: whether it takes its likeliest action and does not sample.

    Raises:
      TrainerConfigError: if the file is no such model or its inputs and outputs are not those of `spec`.
    """

    def __init__(self, path: Path, spec: BehaviorSpec, deterministic: bool = False) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # the trainer's cores are busy enough
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no public base class for its errors
            raise _refusal(str(path), f"is not a model that onnxruntime can load: {error}") from error
        inputs = {entry.name: entry.shape for entry in self._session.get_inputs()}
        outputs = {entry.name for entry in self._session.get_outputs()}
        for number, observation in enumerate(spec.observation_specs):
            found = inputs.get(f"obs_{number}")
            if found is None or tuple(found[1:]) != tuple(observation.shape):
                raise _refusal(
                    str(path), f"expects obs_{number} of shape {found and found[1:]}, not {list(observation.shape)}"
                )
        self._size, self._branches = spec.action_spec.continuous_size, spec.action_spec.discrete_size
        how = "deterministic_" if deterministic else ""
        self._continuous, self._discrete = f"{how}continuous_actions", f"{how}discrete_actions"
        for name, needed in ((self._continuous, self._size), (self._discrete, self._branches)):
            if bool(needed) != (name in outputs):
                raise _refusal(str(path), f"{'lacks' if needed else 'has'} {name}, unlike the behavior")
        self._outputs = [name for name in (self._continuous, self._discrete, "recurrent_out") if name in outputs]
        self._inputs = inputs
        self._memories: dict[str, Array] = {}

    def act(self, decisions: Decisions) -> Actions:
        """Decides for every row; memories of recurrent models are kept here, by agent."""
        given: dict[str, Array] = {f"obs_{i}": value for i, value in enumerate(decisions.observations)}
        if "action_masks" in self._inputs:
            given["action_masks"] = decisions.masks
        if "recurrent_in" in self._inputs:
            empty = np.zeros((1, self._inputs["recurrent_in"][-1]), dtype=np.float32)
            given["recurrent_in"] = np.stack([self._memories.get(agent, empty) for agent in decisions.agents])
        out = dict(zip(self._outputs, self._session.run(self._outputs, given), strict=True))
        if "recurrent_out" in out:
            self._memories.update(zip(decisions.agents, out["recurrent_out"], strict=True))
        n = len(decisions.agents)
        return Actions(
            np.asarray(out.get(self._continuous, np.zeros((n, 0))), dtype=np.float32).reshape(n, self._size),
            np.asarray(out.get(self._discrete, np.zeros((n, 0))), dtype=np.int32).reshape(n, self._branches),
            decisions.memories,
        )

    def forget(self, agent: str) -> None:
        """Drops the agent's memory."""
        self._memories.pop(agent, None)


_LOADERS: dict[str, Callable[[Path, BehaviorSpec], Weights | Opponent]] = {
    ".safetensors": _from_safetensors,
    ".pt": _from_checkpoint,
    ".onnx": _from_onnx,
}
