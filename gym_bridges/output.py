"""Where do the words of a build go? Into the player's log; what a person must see goes to the console as well."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
from pathlib import Path
from typing import TextIO

_STANDARD_ERROR = 2


def redirect(log_file: str | None) -> None:
    """Sends everything that this process prints from now on into `log_file`, even from native code.

    None leaves the output where it is. A fault in native code leaves its Python traceback there too.
    """
    if log_file is not None:
        path = Path(log_file)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as log:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
                os.dup2(log.fileno(), stream.fileno())
    faulthandler.enable()


def console() -> TextIO:
    """Returns a copy of the standard error, or that of the parent process if ours leads nowhere.

    `mlagents-learn` starts a build with both outputs closed off, so that a build which cannot start would do so in
    silence. Only Linux shows a process the outputs of its parent.
    """
    ours = os.dup(_STANDARD_ERROR)
    parents = f"/proc/{os.getppid()}/fd/{_STANDARD_ERROR}"
    if os.path.samestat(os.fstat(ours), os.stat(os.devnull)):
        with contextlib.suppress(OSError):  # not on Linux, or a socket, or another user's
            ours = os.open(parents, os.O_WRONLY | os.O_APPEND)
    return os.fdopen(ours, "w")
