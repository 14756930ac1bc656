"""How is an executable written that `mlagents-learn --env PATH` starts? A small launcher in the system's own form."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

_SUFFIXES = {"linux": ".x86_64", "darwin": ".app", "win32": ".exe"}
_REMOVED = (".app", ".exe", ".x86_64", ".x86")  # by ML-Agents, wherever they stand in a path
_PATTERNS = "*?["  # ML-Agents looks for the file with `glob`


def write(words: Sequence[str], path: Path, python: Path, platform: str = sys.platform) -> Path:
    """Writes a launcher that plays an environment with the interpreter `python`; it finds the same modules as this one.

    Args:
      words: the environment's id, see `registry`, and the options that it always gets; those given later come first.
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
    folders = search_path(words[0])
    if platform == "win32":
        _write_windows(path, python.absolute(), words, folders)
    elif platform == "darwin":
        _write_shell(
            path.with_name(path.name + ".app") / "Contents" / "MacOS" / path.name, python.absolute(), words, folders
        )
    else:
        _write_shell(path, python.absolute(), words, folders)
    return path


def search_path(environment_id: str) -> list[str]:
    """Returns the folders in which another interpreter finds this package, and the module that an id of your own names.

    Folders of installed packages are left out: they belong to this interpreter.
    """
    modules = [__name__] + ([environment_id.partition(":")[0]] if ":" in environment_id else [])
    tops = [find_spec(module.partition(".")[0]) for module in modules]
    folders = [
        Path(spec.origin).parents[1 if spec.submodule_search_locations else 0] for spec in tops if spec and spec.origin
    ]
    return list(dict.fromkeys(str(folder.absolute()) for folder in folders if "site-packages" not in folder.parts))


def _check(path: Path) -> None:
    for part in path.parts:
        for text in (*_REMOVED, *_PATTERNS):
            if text in part:
                raise ValueError(
                    f"{path}: mlagents-learn cannot start a build whose path has {text!r} in it, as {part!r} has; "
                    "choose another name or folder"
                )


def _write_shell(path: Path, python: Path, words: Sequence[str], folders: Sequence[str]) -> None:
    found = f"PYTHONPATH={shlex.quote(os.pathsep.join(folders))}${{PYTHONPATH:+:$PYTHONPATH}} " if folders else ""
    command = shlex.join([str(python), "-m", "gym_bridges.launch", *words])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n{found}exec {command} "$@"\n')
    path.chmod(0o755)


def _write_windows(path: Path, python: Path, words: Sequence[str], folders: Sequence[str]) -> None:
    """Copies setuptools' launcher, which runs `NAME-script.py` beside it with the interpreter that it names."""
    setuptools = find_spec("setuptools")
    if setuptools is None or setuptools.origin is None:
        raise ValueError("an executable for Windows needs setuptools, whose launcher it is a copy of")
    shutil.copyfile(Path(setuptools.origin).with_name("cli-64.exe"), path.with_name(path.name + ".exe"))
    path.with_name(path.name + "-script.py").write_text(
        f"#!{python}\n"
        "import runpy, sys\n"
        f"sys.path[:0] = {list(folders)!r}\n"
        f"sys.argv[1:1] = {list(words)!r}\n"
        "runpy.run_module('gym_bridges.launch', run_name='__main__')\n"
    )
