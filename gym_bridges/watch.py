"""How does a build end with its trainer, even with one that was killed? It watches its parents.

A closed connection is not enough. `mlagents-learn` starts a build from a worker process, which is a fork of the trainer
and holds the server that we talk to. If the trainer is killed, the worker notices nothing: it holds both ends of the
pipe on which it waits, and would do so for ever, with the port in use. So we watch the trainer in its place, and end
the worker too.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

from gym_bridges.rollouts.mailbox import door_maker

POLL_SECONDS = 1.0


def end_with_trainer() -> None:
    """Starts a thread that ends this process, and an orphaned worker that started it, once the trainer is gone.

    A trainer that was killed while this process was starting is gone already, or dead and not yet buried; its door
    still says who it was.
    """
    worker = os.getppid()
    trainer = _trainer_behind(worker)
    maker = door_maker()
    if trainer is None and maker not in (None, worker) and _parent_of(worker) is not None and not _command_line(maker):
        trainer = maker
    threading.Thread(target=_watch, args=(worker, trainer), daemon=True).start()


def _watch(worker: int, trainer: int | None) -> None:
    while os.getppid() == worker:
        if trainer is not None and _parent_of(worker) != trainer:
            os.kill(worker, signal.SIGTERM)
            break
        time.sleep(POLL_SECONDS)
    os._exit(0)


def _trainer_behind(worker: int) -> int | None:
    """Returns the process of which `worker` is a fork, or None if it is none: then it is a program of its own."""
    parent = _parent_of(worker)
    if parent is None or _command_line(parent) != _command_line(worker):
        return None
    return parent


def _parent_of(process: int) -> int | None:
    """Returns the id of the parent of `process`; None where there is no `/proc`, or no such process."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    return int(status.rpartition(")")[2].split()[1])  # "id (name) state parent ..."


def _command_line(process: int) -> bytes:
    """Returns the words of `process`, or nothing where there is no `/proc`, or where it is dead."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""
