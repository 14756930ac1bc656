"""What can go wrong in a process of `mlagents-learn`, for the tests to order? Called in it before anything else."""

from __future__ import annotations

import importlib
import json
import os
import signal
from collections.abc import Callable
from fnmatch import fnmatch
from operator import attrgetter
from pathlib import Path
from typing import Any


def _patch(target: str, replacement: Callable[[Any], Any]) -> None:
    """Replaces `module:path.to.attribute` by what `replacement` makes of it."""
    module, _, path = target.partition(":")
    *parents, name = path.split(".")
    owner = importlib.import_module(module)
    if parents:
        owner = attrgetter(".".join(parents))(owner)
    setattr(owner, name, replacement(getattr(owner, name)))


def kill_before(target: str, number: int, file: str | None = None) -> None:
    """Kills the process, as `kill -9` does, just before the call of that number (from 1) of `target`.

    Only calls count whose second argument is a path to a file with the given name (with wildcards), if one is given.
    """
    calls = 0

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keys: Any) -> Any:
            nonlocal calls
            calls += file is None or fnmatch(Path(arguments[1]).name, file)
            if calls == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **keys)

        return call

    _patch(target, counting)


def write_down_what_was_restored(path: str) -> None:
    """Writes the state of each behavior to `path/<behavior>.json` as soon as all of its policies have been created."""
    from mlagents_selfplay.trainer import SelfPlayTrainer

    real = SelfPlayTrainer.create_policy

    def create_policy(self: SelfPlayTrainer, *arguments: Any) -> Any:
        policy = real(self, *arguments)
        found = {"step": self.get_step, "state": self._state()}
        (Path(path) / f"{self.brain_name}.json").write_text(json.dumps(found))
        return policy

    SelfPlayTrainer.create_policy = create_policy
