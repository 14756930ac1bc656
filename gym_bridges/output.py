"""Where do the words of a build go? Into the player's log; what a person must see goes to the console as well."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import stat
import sys
from pathlib import Path
from typing import TextIO

_STANDARD_ERROR = 2


def redirect(log_file: str | None) -> None:
    """Sends everything that this process prints from now on to the end of `log_file`, even from native code.

    None leaves the output where it is. A fault in native code leaves its Python traceback there too.
    """
    if log_file is not None:
        path = Path(log_file)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as log:  # at the end: a trainer that restarts us must not lose the traceback of the crash
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
    if os.path.samestat(os.fstat(ours), os.stat(os.devnull)):
        with contextlib.suppress(OSError):  # not on Linux, or a socket, or another user's
            ours = _open_output_of(os.getppid())
    return os.fdopen(ours, "w")


def _open_output_of(process: int) -> int:
    """Opens the standard error of another process; OSError if it is a file in which that process would overwrite us."""
    path = f"/proc/{process}/fd/{_STANDARD_ERROR}"
    details = Path(f"/proc/{process}/fdinfo/{_STANDARD_ERROR}").read_text()
    flags = next(int(line.split()[1], base=8) for line in details.splitlines() if line.startswith("flags:"))
    if stat.S_ISREG(os.stat(path).st_mode) and not flags & os.O_APPEND:
        raise OSError(f"{path} is a file that is not open for appending")
    return os.open(path, os.O_WRONLY | os.O_APPEND)
