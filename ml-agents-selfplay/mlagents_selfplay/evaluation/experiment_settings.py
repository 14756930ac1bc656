"""What is an experiment? Schemes x algorithms x runs, as the command line or one YAML file describe it."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.networks import register_trainer_types
from mlagents_selfplay.selfplay.samplers import PRESETS
from mlagents_selfplay.settings import TRAINER_TYPE

SCHEMES = {
    "naiveselfplay": "naive",
    "fullhistoryselfplay": "full_history",
    "halfhistoryselfplay": "half_history",
    "lastquarterselfplay": "last_quarter",
}
ALGORITHMS = {"tabularqlearning": "tabular_q", "deepqlearning": "dqn"}
FIXED_AGENTS = {f"{name}agent": name for name in ("rock", "paper", "scissors", "random", "still")}

_OF_A_SCHEME = ("scheme", "delta", "sampler", "latest_ratio", "learner", "learner_hyperparameters")
_SPARE_CHECKPOINTS = 4  # ML-Agents writes one more at the end, and one for every resume


@dataclass(frozen=True)
class Job:
    """One training of a run: a scheme and an algorithm, both by the names that the trainer knows."""

    scheme: str
    algorithm: str

    @property
    def name(self) -> str:
        """What files and figures call it."""
        return f"{self.scheme}-{self.algorithm}"


@dataclass(frozen=True)
class ExperimentSettings:
    """The parameters of an experiment; the first eight are those of `run.py` in the framework that this follows.

    Attributes:
      environment: executable, a bridge or a Unity build, with two teams or more.
      experiment_id: names the folder.
      number_of_runs: how often everything is repeated, with other seeds.
      checkpoint_at_iterations: learner steps at which every trained policy is benchmarked, ascending. (There, episodes;
        ML-Agents counts and saves by steps.)
      benchmarking_episodes: games of each pair in a benchmark.
      self_play_training_schemes: presets of the sampler, or their names there (`HalfHistorySelfPlay`).
      algorithms: registered trainer types, or their names there (`TabularQLearning`).
      fixed_agents: players that do not learn: as in `evaluate`, or their names there (`RockAgent`).
      trainer_config: trainer configuration with a block for each behavior of the environment, which the jobs change.
      algorithm_settings: by trainer type, what stands under `learner_hyperparameters`; else that of the block, if its
        learner is the same, or the type's defaults.
      environment_arguments: words for the environment itself.
      num_areas: areas in a process, in training and in benchmarks.
      seed: of the first run; each further one has the next.
      base_port: first port to try.

    Raises:
      EvaluationError: if a value is not allowed.
    """

    environment: str
    experiment_id: str
    number_of_runs: int
    checkpoint_at_iterations: tuple[int, ...]
    benchmarking_episodes: int
    self_play_training_schemes: tuple[str, ...]
    algorithms: tuple[str, ...]
    fixed_agents: tuple[str, ...] = ()
    trainer_config: str = "config/trainer_config.yaml"
    algorithm_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    environment_arguments: tuple[str, ...] = ()
    num_areas: int = 32
    seed: int = 0
    base_port: int = 6005

    def __post_init__(self) -> None:
        for key in ("number_of_runs", "benchmarking_episodes", "num_areas"):
            value = getattr(self, key)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise EvaluationError(f"{key}: {value!r} is not a whole number of at least 1.")
        steps = self.checkpoint_at_iterations
        if (
            not steps
            or any(not isinstance(step, int) or step < 1 for step in steps)
            or list(steps) != sorted(set(steps))
        ):
            raise EvaluationError(
                f"checkpoint_at_iterations: {list(steps)} are not learner steps above 0 in ascending order."
            )
        if not self.experiment_id or "/" in self.experiment_id:
            raise EvaluationError(f"experiment_id: {self.experiment_id!r} is no name of a folder.")
        named = {
            "self_play_training_schemes": _known(self.self_play_training_schemes, SCHEMES, PRESETS),
            "algorithms": _known(self.algorithms, ALGORITHMS, register_trainer_types() - {TRAINER_TYPE}),
        }
        for key, (names, wrong, allowed) in named.items():
            if wrong is not None:
                raise EvaluationError(f"{key}: {wrong!r} is not one of {', '.join(allowed)}.")
            if not names:
                raise EvaluationError(f"{key} is empty; give at least one of {', '.join(allowed)}.")
            object.__setattr__(self, key, names)
        agents = tuple(FIXED_AGENTS.get(agent.lower(), agent) for agent in self.fixed_agents)
        object.__setattr__(self, "fixed_agents", agents)
        if len(self.jobs) + len(agents) < 2:
            raise EvaluationError("One scheme, one algorithm and no fixed agent: there is nobody to play against.")

    @property
    def jobs(self) -> list[Job]:
        """The trainings of a run, in order."""
        return [Job(scheme, name) for scheme in self.self_play_training_schemes for name in self.algorithms]

    def plain(self) -> dict[str, Any]:
        """Returns everything, ready for YAML and JSON."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    def config(self, job: Job, behaviors: Sequence[str]) -> dict[str, Any]:
        """Returns the trainer configuration of a job.

        Raises:
          EvaluationError: if `trainer_config` has no block for one of the behaviors.
        """
        blocks = _blocks(Path(self.trainer_config))
        missing = [name for name in behaviors if name not in blocks]
        if missing:
            raise EvaluationError(
                f"{self.trainer_config} has no block for behavior {missing[0]} of {self.environment}; "
                f"it has {', '.join(blocks)}."
            )
        changed = {name: self._changed(copy.deepcopy(blocks[name]), job) for name in behaviors}
        return {"env_settings": {"max_lifetime_restarts": 0}, "behaviors": changed}

    def _changed(self, block: dict[str, Any], job: Job) -> dict[str, Any]:
        given = dict(block.get("hyperparameters") or {})
        learner, learners = block["trainer_type"], given
        if learner == TRAINER_TYPE:
            learner, learners = given.get("learner", "ppo"), given.get("learner_hyperparameters") or {}
        else:
            given = {}
        own = self.algorithm_settings.get(job.algorithm, learners if learner == job.algorithm else {})
        interval = math.gcd(*self.checkpoint_at_iterations)
        last = self.checkpoint_at_iterations[-1]
        return {
            **block,
            "trainer_type": TRAINER_TYPE,
            "hyperparameters": {
                **{key: value for key, value in given.items() if key not in _OF_A_SCHEME},
                "scheme": job.scheme,
                "learner": job.algorithm,
                "learner_hyperparameters": dict(own),
            },
            "max_steps": last,
            "checkpoint_interval": interval,
            "keep_checkpoints": last // interval + _SPARE_CHECKPOINTS,
        }


def read_settings(file: Path | None, said: Mapping[str, Any]) -> ExperimentSettings:
    """Reads a YAML file with the fields of `ExperimentSettings`.

    Args:
      file: the file; None for none.
      said: what the command line says, which counts for more; None stands for nothing.

    Raises:
      EvaluationError: if the file cannot be read, a key is unknown or missing, or a value is not allowed.
    """
    given: Any = {}
    if file is not None:
        try:
            given = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            raise EvaluationError(f"{file} cannot be read: {error}") from error
        if not isinstance(given, dict):
            raise EvaluationError(f"{file} holds no keys of an experiment.")
    known = {entry.name: entry for entry in fields(ExperimentSettings)}
    unknown = sorted(set(map(str, given)) - set(known))
    if unknown:
        raise EvaluationError(f"{file}: {unknown[0]} is no key of an experiment; these are {', '.join(known)}.")
    whole = {**given, **{key: value for key, value in said.items() if value is not None}}
    values = {key: _as_declared(key, value, str(known[key].type)) for key, value in whole.items()}
    needed = [name for name in list(known)[:7] if name not in values]
    if needed:
        raise EvaluationError(f"{needed[0]} is missing: give --{needed[0]}, or the key in a YAML file.")
    return ExperimentSettings(**values)


def _as_declared(key: str, value: Any, kind: str) -> Any:
    if kind.startswith("tuple"):
        return tuple(value) if isinstance(value, (list, tuple)) else (value,)
    return str(value) if kind == "str" else value


def _known(
    names: Sequence[str], aliases: Mapping[str, str], allowed: Any
) -> tuple[tuple[str, ...], str | None, list[str]]:
    """Returns the names that the trainer knows, the first that it does not, and all that it does."""
    resolved = tuple(dict.fromkeys(aliases.get(str(name).lower(), str(name)) for name in names))
    wrong = next((name for name in resolved if name not in allowed), None)
    return resolved, wrong, sorted(allowed)


def _blocks(path: Path) -> dict[str, Any]:
    try:
        return dict(yaml.safe_load(path.read_text(encoding="utf-8"))["behaviors"])
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise EvaluationError(f"trainer_config: {path} cannot be read: {error!r}") from error
