"""Has a file changed since it was last read? What was read is kept until it has."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml

from mlagents_selfplay.files import DamagedFile

T = TypeVar("T")
Stamp = tuple[tuple[str, int, int], ...]


def stamp(paths: Iterable[Path]) -> Stamp:
    """Returns name, size (bytes) and time of change (ns) of each path that exists."""
    found = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(found)


class Kept(Generic[T]):
    """Answers by key, worked out again when the stamp of the key differs; the least recently asked goes first.

    Args:
      most: answers to keep, at least 1.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: OrderedDict[object, tuple[object, T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object, mark: object, work_out: Callable[[], T]) -> T:
        """Returns the answer for `key`, from `work_out` unless it was worked out with the same `mark` before."""
        with self._lock:
            held = self._answers.get(key)
            if held is not None and held[0] == mark:
                self._answers.move_to_end(key)
                return held[1]
        answer = work_out()  # outside the lock: two askers may work at the same time, none waits for another's file
        with self._lock:
            self._answers[key] = (mark, answer)
            self._answers.move_to_end(key)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return answer


def read_mapping(path: Path) -> dict[str, Any]:
    """Reads a JSON or YAML file (by its suffix) that holds a mapping; a file that is not there is an empty one.

    Raises:
      DamagedFile: if it cannot be read or holds anything else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DamagedFile(f"{path} cannot be read: {error}") from error
    try:
        content = json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=_YAML)
    except (ValueError, yaml.YAMLError) as error:
        raise DamagedFile(f"{path} is damaged or half written: {error}") from error
    if not isinstance(content, dict):
        raise DamagedFile(f"{path} holds no mapping")
    return content


_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, ten times as fast where libyaml is there
