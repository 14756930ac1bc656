"""Where do the words of a build go? Into the player's log; what a person must see goes to the console as well."""

from __future__ import annotations

import faulthandler
import os
import sys
from pathlib import Path
from typing import TextIO

_CONSOLE_STREAM = 2  # standard error


def redirect(log_file: str | None) -> TextIO:
    """Sends everything that this process prints from now on into `log_file`, even from C; returns the console.

    `None` and "-" leave the output where it is. A fault in native code leaves its Python traceback in the log.
    """
    console = _console()
    if log_file not in (None, "-"):
        path = Path(log_file)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as log:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
                os.dup2(log.fileno(), stream.fileno())
    faulthandler.enable()
    return console


def _console() -> TextIO:
    """Returns a copy of the standard error, or that of the parent process if ours leads nowhere.

    `mlagents-learn` starts a build with both outputs closed off, so that a build which cannot start would do so in
    silence. Only Linux shows a process the outputs of its parent.
    """
    parents = Path(f"/proc/{os.getppid()}/fd/{_CONSOLE_STREAM}")
    if os.path.samestat(os.fstat(_CONSOLE_STREAM), os.stat(os.devnull)) and parents.exists():
        try:
            return parents.open("a")
        except OSError:  # a socket, or another user's
            pass
    return os.fdopen(os.dup(_CONSOLE_STREAM), "w")
