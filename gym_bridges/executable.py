"""How is an executable written that `mlagents-learn --env PATH` starts? A small launcher in the system's own form."""

from __future__ import annotations

import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

_SUFFIXES = {"linux": ".x86_64", "darwin": ".app", "win32": ".exe"}
_REMOVED = (".app", ".exe", ".x86_64", ".x86")  # by ML-Agents, wherever they stand in a path
_PATTERNS = "*?["  # ML-Agents looks for the file with `glob`


def write(environment_id: str, path: Path, python: Path, platform: str = sys.platform) -> Path:
    """Writes a launcher that plays `environment_id` with the interpreter `python`, which has this package.

    Args:
      environment_id: see `registry`.
      path: what `--env` is to be given; the system's suffix may be there or not. Missing folders are made.
      python: of the interpreter; made absolute, links kept (a virtual environment's interpreter is a link).
      platform: "linux", "darwin" or "win32", as in `sys.platform`.

    Returns:
      What to give to `--env`.

    Raises:
      ValueError: if `mlagents-learn` could not find a file of that path, or the platform is another one.
    """
    if platform not in _SUFFIXES:
        raise ValueError(f"platform {platform!r}: ML-Agents starts builds on {', '.join(_SUFFIXES)} only")
    path = path.absolute()
    if path.suffix == _SUFFIXES[platform]:
        path = path.with_suffix("")
    _check(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [str(python.absolute()), "-m", "gym_bridges.launch", environment_id]
    if platform == "win32":
        _write_windows(path, command)
    elif platform == "darwin":
        _write_shell(path.with_name(path.name + ".app") / "Contents" / "MacOS" / path.name, command)
    else:
        _write_shell(path, command)
    return path


def _check(path: Path) -> None:
    for part in path.parts:
        for text in (*_REMOVED, *_PATTERNS):
            if text in part:
                raise ValueError(
                    f"{path}: mlagents-learn cannot start a build whose path has {text!r} in it, as {part!r} has; "
                    "choose another name or folder"
                )


def _write_shell(path: Path, command: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    path.chmod(0o755)


def _write_windows(path: Path, command: list[str]) -> None:
    """Copies setuptools' launcher, which runs `NAME-script.py` beside it with the interpreter that it names."""
    setuptools = find_spec("setuptools")
    if setuptools is None or setuptools.origin is None:
        raise ValueError("an executable for Windows needs setuptools, whose launcher it is a copy of")
    python, _, module, environment_id = command
    shutil.copyfile(Path(setuptools.origin).with_name("cli-64.exe"), path.with_name(path.name + ".exe"))
    path.with_name(path.name + "-script.py").write_text(
        f"#!{python}\n"
        "import runpy, sys\n"
        f"sys.argv.insert(1, {environment_id!r})\n"
        f"runpy.run_module({module!r}, run_name='__main__')\n"
    )
