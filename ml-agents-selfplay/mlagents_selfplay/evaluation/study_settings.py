"""What is a study? Arms, which are settings of self-play, on several games with several seeds, read from a YAML."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import cattr
import yaml
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.settings import TrainerSettings

from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.networks import register_trainer_types
from mlagents_selfplay.settings import TRAINER_TYPE

GHOST = "ghost"
"""What stands under `trainer:` in an arm that learns by the self-play of ML-Agents itself."""

CHECKPOINTS = 20  # of a run, evenly over its steps
_SPARE_CHECKPOINTS = 4  # ML-Agents writes one more at the end, and one for every resume
_NAME = re.compile(r"[\w.-]+")

Block = dict[str, Any]


@dataclass(frozen=True)
class Game:
    """One game of a study.

    Attributes:
      environment: executable, or an id that `gym-bridge` knows.
      steps: learner steps of each training.
      block: of the trainer configuration; the arms change what is under its `hyperparameters:`.
      arms: who takes part; all if empty.
      num_areas: areas that learn at once.
      exploitability: environment of `gym-bridge` that computes it exactly, if any does.
    """

    environment: str
    steps: int
    block: Mapping[str, Any]
    arms: tuple[str, ...] = ()
    num_areas: int = 32
    exploitability: str | None = None


@dataclass(frozen=True)
class StudySettings:
    """Arms x games x seeds, and how they are judged.

    Attributes:
      study: names the folder.
      seeds: trainings of each arm on each game.
      first_seed: of the first; the next has one more. What was chosen by some seeds wants to be judged by others.
      arms: by name, what changes under `hyperparameters:` of a game's block. `trainer: ghost` takes ML-Agents' own
        self-play instead, with the rest as its `self_play:`.
      games: by name.
      ours: the arm that is compared with `stock`.
      stock: the other one.
      games_of_each_pair: of final policies.
      pool_games: of each final policy with each member of the pool.
      pool_per_run: earlier policies of each training in the pool.

    Raises:
      EvaluationError: if a value is not allowed.
    """

    study: str
    seeds: int
    arms: Mapping[str, Mapping[str, Any]]
    games: Mapping[str, Game]
    ours: str = "ours"
    stock: str = "stock"
    first_seed: int = 1
    games_of_each_pair: int = 10
    pool_games: int = 2
    pool_per_run: int = 2

    def __post_init__(self) -> None:
        for key in ("seeds", "first_seed", "games_of_each_pair", "pool_games", "pool_per_run"):
            value = getattr(self, key)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise EvaluationError(f"{key}: {value!r} is not a whole number of at least 1.")
        for name in (self.study, *self.arms, *self.games):
            if not _NAME.fullmatch(str(name)):
                raise EvaluationError(f"{name!r} is no name: letters, digits, '.', '_' and '-' are.")
        for key in ("ours", "stock"):
            if getattr(self, key) not in self.arms:
                raise EvaluationError(f"{key}: {getattr(self, key)!r} is not one of the arms {', '.join(self.arms)}.")
        register_trainer_types()
        for game, about in self.games.items():
            for arm in self.arms_of(game):
                if arm not in self.arms:
                    raise EvaluationError(f"{game}: {arm!r} is not one of the arms {', '.join(self.arms)}.")
                try:
                    cattr.structure(self.block(game, arm), TrainerSettings)
                except (TrainerConfigError, ValueError, TypeError) as error:
                    raise EvaluationError(f"{game}, arm {arm}: {error}") from error
            for needed in (self.ours, self.stock):
                if needed not in self.arms_of(game):
                    raise EvaluationError(f"{game}: {needed!r} has to be one of its arms {', '.join(about.arms)}.")
            if about.steps < CHECKPOINTS:
                raise EvaluationError(f"{game}: steps {about.steps} are fewer than {CHECKPOINTS}.")

    @property
    def all_seeds(self) -> range:
        """The seeds of the trainings."""
        return range(self.first_seed, self.first_seed + self.seeds)

    def arms_of(self, game: str) -> list[str]:
        """Returns who takes part in a game, in the order of the arms."""
        chosen = self.games[game].arms
        return list(self.arms) if not chosen else list(chosen)

    def block(self, game: str, arm: str) -> Block:
        """Returns the block of the trainer configuration with which an arm learns a game."""
        about, changes = self.games[game], dict(self.arms[arm])
        block: Block = copy.deepcopy(dict(about.block))
        interval = about.steps // CHECKPOINTS
        block |= {
            "max_steps": about.steps,
            "summary_freq": interval,
            "checkpoint_interval": interval,
            "keep_checkpoints": CHECKPOINTS + _SPARE_CHECKPOINTS,
        }
        given = block["hyperparameters"]
        if changes.pop("trainer", TRAINER_TYPE) == GHOST:
            return as_ghost(block, **changes)
        given |= changes
        return block

    def plain(self) -> dict[str, Any]:
        """Returns everything, ready for YAML and JSON."""
        plain: dict[str, Any] = yaml.safe_load(yaml.safe_dump(asdict(self, dict_factory=_without_tuples)))
        return plain


def as_ghost(block: Mapping[str, Any], **self_play: Any) -> Block:
    """Returns the same learner under the self-play that ships with ML-Agents.

    Args:
      block: one of `selfplay`; not changed. Snapshots are taken as often as it says.
      self_play: further keys of `self_play:`; others stay at the trainer's defaults: a window of 10 snapshots,
        `swap_steps` 2,000 opponent steps, `team_change` 5 x `save_steps` in learner steps.
    """
    ghost: Block = copy.deepcopy(dict(block))
    ours = ghost["hyperparameters"]
    ghost["trainer_type"] = ours.get("learner", "ppo")
    ghost["hyperparameters"] = dict(ours["learner_hyperparameters"])
    ghost["self_play"] = {"save_steps": ours["snapshot_interval"], **self_play}
    return ghost


def is_study(file: Path) -> bool:
    """Returns whether a file has arms, and so describes a study and not an experiment.

    Raises:
      EvaluationError: if it cannot be read.
    """
    return "arms" in _content(file)


def read_study(file: Path, said: Mapping[str, Any] | None = None) -> StudySettings:
    """Reads the YAML file of a study.

    A game may say `block: FILE` instead of the block itself: then it is the one under the game's name in there.

    Args:
      file: the file.
      said: what the command line says of an experiment; None stands for nothing.

    Raises:
      EvaluationError: if the file cannot be read, a key is unknown or missing, a value is not allowed, or the command
        line says anything.
    """
    wrong = [key for key, value in (said or {}).items() if value is not None]
    if wrong:
        raise EvaluationError(f"--{wrong[0]} is for experiments; {file} is a study, which says everything itself.")
    content = _content(file)
    games = {name: _game(file, name, dict(about or {})) for name, about in (content.pop("games", None) or {}).items()}
    arms = {name: dict(changes or {}) for name, changes in (content.pop("arms", None) or {}).items()}
    return _made(StudySettings, f"{file}", {**content, "games": games, "arms": arms})


def _game(file: Path, name: str, about: dict[str, Any]) -> Game:
    if isinstance(about.get("block"), str):
        other = Path(about["block"])
        blocks = _content(other).get("behaviors", {})
        if name not in blocks:
            raise EvaluationError(f"{file}, {name}: {other} has no block of this name; it has {', '.join(blocks)}.")
        about["block"] = blocks[name]
    return _made(Game, f"{file}, {name}", {**about, "arms": tuple(about.get("arms") or ())})


def _made(kind: Any, where: str, values: Mapping[str, Any]) -> Any:
    known = {entry.name for entry in fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise EvaluationError(f"{where}: {unknown[0]} is no key here; these are {', '.join(sorted(known))}.")
    try:
        return kind(**values)
    except TypeError as error:
        raise EvaluationError(f"{where}: {str(error).partition('() ')[2]}.") from error


def _content(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{file} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise EvaluationError(f"{file} holds no keys.")
    return content


def _without_tuples(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in pairs}
