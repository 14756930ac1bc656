"""Who can be evaluated, and where do they come from? From runs, files and scripts; nothing is loaded yet."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlagents_selfplay import scripted
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.files import DamagedFile, read_json

ANY_BEHAVIOR = ""  # key of a source that plays whatever behavior it is asked to
CONFIGURATION = "configuration.yaml"  # what ML-Agents leaves in the folder of a run

_SCRIPT = re.compile(r"python:[\w.]+:(?P<factory>\w+)(?P<arguments>\(.*\))?$")
_WORD = re.compile(r"(?P<factory>\w+)(?P<arguments>\(.*\))?$")
_FILES = {".safetensors": "snapshot", ".pt": "checkpoint", ".onnx": "onnx"}


@dataclass(frozen=True)
class Player:
    """Anybody who can be seated.

    Attributes:
      name: unique among those who meet.
      kind: `snapshot`, `checkpoint`, `onnx` or `script`.
      sources: by behavior, what `pinned.load` takes: a file or `python:module:factory`.
      fingerprint: of the contents of the files, or of the name of the script.
      run: folder of the run that it comes from, with the configuration of its networks; None for scripts and ONNX.
      step: learner steps at which it was taken; None if that is not known.
    """

    name: str
    kind: str
    sources: Mapping[str, str]
    fingerprint: str
    run: Path | None = None
    step: int | None = None

    def source(self, behavior: str) -> str:
        """Returns what plays a behavior.

        Raises:
          EvaluationError: if it has nothing that does.
        """
        found = self.sources.get(behavior, self.sources.get(ANY_BEHAVIOR))
        if found is None:
            raise EvaluationError(
                f"Player {self.name} has no policy for behavior {behavior} of the environment; it has one for "
                f"{', '.join(self.sources)}."
            )
        return found


def find(sources: Iterable[str], per_run: int) -> list[Player]:
    """Finds players.

    Args:
      sources: each a run's folder (several of its snapshots), `FOLDER@STEP`, `FOLDER@initial` or `FOLDER@last` (one of
        them), a file `.safetensors`, `.pt` or `.onnx`, a script `python:module:factory`, or the name of a factory in
        `mlagents_selfplay.scripted` such as `random`. `NAME=` before a single one names it.
      per_run: most players of each folder that is given without `@`; the last is among them, and the first if more than
        one is wanted.

    Returns:
      The players, in the order of the sources, those of a run by learner steps.

    Raises:
      EvaluationError: if a source is nothing of that, cannot be read, or two players would share a name.
    """
    found: list[Player] = []
    for source in sources:
        for player in _players_of(source, per_run):
            taken = next((other for other in found if other.name == player.name), None)
            if taken is not None:
                raise EvaluationError(
                    f"{source}: the name {player.name} is taken by {', '.join(taken.sources.values())}. "
                    f"Give another one, as in NAME={source}."
                )
            found.append(player)
    return found


def everybody_of(run: Path) -> list[Player]:
    """Returns everybody that a run has kept, by learner steps.

    Raises:
      EvaluationError: if it is no run, or has kept nobody yet.
    """
    if not (run / CONFIGURATION).is_file():
        what = "it is empty" if not any(run.iterdir()) else f"it holds no {CONFIGURATION}"
        raise EvaluationError(f"{run} is no folder of a run of mlagents-learn, results/<run-id>: {what}.")
    behaviors = sorted(entry.parent for entry in run.glob("*/checkpoint.pt"))
    kept = {folder.name: dict(_kept(folder)) for folder in behaviors}
    if not behaviors or not all(kept.values()):
        raise EvaluationError(f"{run} holds no checkpoint yet: nobody of it can play.")
    main = max(kept.values(), key=len)
    return [_of_step(run, kept, step) for step in sorted(main)]


def nearest(run: Path, step: float) -> Player:
    """Returns whom a run kept nearest to a learner step; raises what `everybody_of` raises."""
    return min(everybody_of(run), key=lambda player: abs((player.step or 0) - step))


def _players_of(source: str, per_run: int) -> list[Player]:
    name, has_name, rest = source.partition("=")
    if has_name and re.fullmatch(r"[\w.-]+", name):
        players = _players_of(rest, per_run)
        if len(players) != 1:
            raise EvaluationError(f"{source}: a name goes with one player, and {rest} has {len(players)}.")
        return [Player(name, *(getattr(players[0], key) for key in list(Player.__dataclass_fields__)[1:]))]
    script = _script(source)
    if script is not None:
        return [script]
    folder, has_step, which = source.partition("@")
    path = Path(folder)
    if path.suffix in _FILES and not has_step:
        return [_from_file(path)]
    if not path.is_dir():
        raise EvaluationError(
            f"{source} is no player: there is no such folder of a run (results/<run-id>, or one with @STEP), it is no "
            f"file {', '.join(_FILES)}, no script python:module:factory, and none of "
            f"{', '.join(sorted(_ready_made()))}."
        )
    everybody = everybody_of(path)
    if has_step:
        return [_choose(everybody, which, source)]
    places = np.unique(np.linspace(len(everybody) - 1, 0, min(per_run, len(everybody))).round().astype(int))
    return [everybody[place] for place in places]


def _choose(players: Sequence[Player], which: str, source: str) -> Player:
    steps = {str(player.step): player for player in players}
    steps |= {"initial": players[0]} if players[0].step == 0 else {}
    steps |= {"last": players[-1]}
    if which not in steps:
        raise EvaluationError(f"{source}: there is none of {which}; the run has {', '.join(steps)}.")
    return steps[which]


def _script(source: str) -> Player | None:
    parts = _SCRIPT.match(source)
    if parts is None:
        word = _WORD.match(source)
        if word is None or word["factory"] not in _ready_made():
            return None
        parts, source = word, f"python:{scripted.__name__}:{source}"
    return Player(parts["factory"] + (parts["arguments"] or ""), "script", {ANY_BEHAVIOR: source}, source)


def _ready_made() -> set[str]:
    return {
        name
        for name, value in vars(scripted).items()
        if name.islower() and getattr(value, "__module__", "") == scripted.__name__
    }


def _from_file(path: Path) -> Player:
    if not path.is_file():
        raise EvaluationError(f"{path} does not exist.")
    kind = _FILES[path.suffix]
    run = None
    if kind != "onnx":
        run = next((folder for folder in path.resolve().parents if (folder / CONFIGURATION).is_file()), None)
        if run is None:
            raise EvaluationError(
                f"{path}: no folder above it holds {CONFIGURATION}, which says what network these weights are for. "
                "Leave the file in the folder of its run, or give the exported .onnx."
            )
    return Player(path.stem, kind, {ANY_BEHAVIOR: str(path)}, _fingerprint([path]), run)


def _of_step(run: Path, kept: Mapping[str, Mapping[int, Path]], step: int) -> Player:
    nearest = {behavior: files[min(files, key=lambda at: abs(at - step))] for behavior, files in kept.items()}
    kind = _FILES[next(iter(nearest.values())).suffix]
    sources = {behavior: str(file) for behavior, file in nearest.items()}
    return Player(f"{run.resolve().name}/{step}", kind, sources, _fingerprint(nearest.values()), run, step)


def _kept(folder: Path) -> Iterator[tuple[int, Path]]:
    """Yields learner step and file of what a behavior has left; a snapshot counts for more than a checkpoint."""
    for file in folder.glob(f"{folder.name}-*.pt"):
        step = file.stem.rpartition("-")[2]
        if step.isdigit():
            yield int(step), file
    history = folder / "selfplay" / "history.json"
    if not history.exists():
        return
    try:
        content = read_json(history)
        steps = [int(entry["step"]) for entry in content["snapshots"]]
    except (KeyError, TypeError, ValueError) as error:
        raise EvaluationError(f"{history} is damaged ({error!r}).") from error
    except DamagedFile as error:
        raise EvaluationError(str(error)) from error
    for kept in [0, *steps]:
        snapshot = folder / "selfplay" / "snapshots" / f"{kept}.safetensors"
        if snapshot.is_file():  # a run that goes on may have let it go by now
            yield kept, snapshot


def _fingerprint(files: Iterable[Path]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()[:16]
