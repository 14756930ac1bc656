"""Is everything there that training needs? ML-Agents hides why a plug-in did not load; this says it.

The rules about versions are ML-Agents 1.1.0's own, and what was found to fail with it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlagents_selfplay.ports import is_free

OK, WARNING, BROKEN = "ok", "warning", "broken"

GROUP = "mlagents.trainer_type"  # entry points through which ML-Agents finds trainers
TRAINER_TYPE = "selfplay"
PORTS = {5004: "the Editor and `gym-bridge play`", 5005: "--env"}

Version = tuple[int, ...]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
      level: `ok`, `warning` (training may work) or `broken` (it will not).
      subject: what was looked at.
      fact: what was found.
      advice: what to do; empty if nothing.
    """

    level: str
    subject: str
    fact: str
    advice: str = ""

    def line(self) -> str:
        """Returns it as one line."""
        return f"{self.level:8}{self.subject:24}{self.fact}" + (f" -> {self.advice}" if self.advice else "")


@dataclass(frozen=True)
class Rule:
    """Versions of a package that work.

    Attributes:
      package: its name.
      oldest: first version that works.
      below: first later version that does not; None if none is known.
      otherwise: what happens with others.
      needed: whether its absence breaks training; otherwise it is only looked at where it is installed.
    """

    package: str
    oldest: Version
    below: Version | None
    otherwise: str
    needed: bool = True


RULES = (
    Rule("mlagents", (1, 1, 0), (1, 1, 1), "this plug-in is written for 1.1.0"),
    Rule("mlagents-envs", (1, 1, 0), (1, 1, 1), "it must be of the version of mlagents"),
    Rule("torch", (2, 1, 1), (2, 9), "from 2.9 on ONNX models cannot be exported"),
    Rule("numpy", (1, 23, 5), (1, 24), "ML-Agents uses names that later versions have removed"),
    Rule("protobuf", (3, 6), (3, 21), "ML-Agents' messages cannot be read by 4 and later"),
    Rule("grpcio", (1, 11), (1, 48, 3), "ML-Agents does not accept others"),
    Rule("setuptools", (0,), (82,), "82 removed pkg_resources, which mlagents-learn imports"),
    Rule("onnx", (1, 15), (1, 15, 1), "ML-Agents does not accept others"),
    Rule("safetensors", (0, 3), None, "snapshots are written with it"),
    Rule("gymnasium-robotics", (1, 3), None, "older ones have no Fetch environments", needed=False),
    Rule("pettingzoo", (1, 23), None, "gymnasium-robotics needs 1.23", needed=False),
    Rule("mujoco", (2, 3), (3, 12), "from 3.12 on gymnasium-robotics' Fetch environments fail", needed=False),
    Rule("opencv-python-headless", (4,), (4, 12), "4.12 wants NumPy 2", needed=False),
    Rule("opencv-python", (4,), (4, 12), "4.12 wants NumPy 2", needed=False),
)


def examine() -> list[Finding]:
    """Looks at everything. Loads all trainer plug-ins and mlagents-learn, which takes a few seconds."""
    warnings.simplefilter("ignore")  # ML-Agents' use of pkg_resources, which is known
    return [
        *_python(sys.version_info[:3]),
        *_packages(RULES),
        *_protobuf(),
        *_plugin(),
        *_learn(),
        *_ports(),
        *_builds(),
    ]


def _python(version: Version) -> Iterator[Finding]:
    found = f"{_text(version)}, {sys.executable}"
    if (3, 10, 1) <= version < (3, 11):
        yield Finding(OK, "Python", found)
    else:
        why = "ML-Agents 1.1.0 needs 3.10; later ones read its messages about 300 times slower"
        yield Finding(BROKEN, "Python", f"{found}: {why}", "make .venv anew with Python 3.10")


def _packages(rules: tuple[Rule, ...]) -> Iterator[Finding]:
    for rule in rules:
        try:
            found = importlib.metadata.version(rule.package)
        except importlib.metadata.PackageNotFoundError:
            if rule.needed:
                yield Finding(BROKEN, rule.package, "is not installed", f"install {_wanted(rule)}")
            continue
        version = _version(found)
        if version >= rule.oldest and (rule.below is None or version < rule.below):
            yield Finding(OK, rule.package, found)
        else:
            level = BROKEN if rule.needed else WARNING
            yield Finding(level, rule.package, f"{found}: {rule.otherwise}", f"install {_wanted(rule)}")


def _protobuf() -> Iterator[Finding]:
    try:
        from google.protobuf.internal import api_implementation
    except ImportError as error:
        yield Finding(BROKEN, "protobuf backend", str(error), "install protobuf 3.20")
        return
    kind = api_implementation.Type()
    if kind == "python":
        advice = "unset PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION; install protobuf 3.20 for Python 3.10"
        yield Finding(WARNING, "protobuf backend", "pure Python, about 300 times slower", advice)
    else:
        yield Finding(OK, "protobuf backend", kind)


def _plugin() -> Iterator[Finding]:
    entries = {entry.name: entry for entry in importlib.metadata.entry_points(group=GROUP)}
    if TRAINER_TYPE not in entries:
        advice = "install this package into the environment of mlagents-learn"
        yield Finding(BROKEN, "plug-in", f"no entry point {TRAINER_TYPE} in {GROUP}", advice)
    for name, entry in sorted(entries.items()):
        is_ours = name == TRAINER_TYPE
        subject = "plug-in" if is_ours else f"plug-in {name}"
        found = _attempt(lambda: sorted(entry.load()()[0]))  # noqa: B023 (called at once)
        if isinstance(found, _Failure):
            advice = "repair that module; ML-Agents itself only says: Invalid trainer type"
            yield Finding(BROKEN if is_ours else WARNING, subject, f"does not load: {found.reason}", advice)
        else:
            yield Finding(OK, subject, f"trainer types {', '.join(found)}")


def _learn() -> Iterator[Finding]:
    found = _attempt(lambda: [importlib.import_module("mlagents.trainers.learn").__name__])
    if isinstance(found, _Failure):
        yield Finding(BROKEN, "mlagents-learn", f"does not load: {found.reason}", "see the packages above")
    else:
        yield Finding(OK, "mlagents-learn", "loads")


def _ports() -> Iterator[Finding]:
    for port, user in PORTS.items():
        if is_free(port):
            yield Finding(OK, f"port {port}", f"free for {user}")
        else:
            advice = "end what listens there" if port == 5004 else "end what listens there, or train with --base-port"
            yield Finding(WARNING, f"port {port}", f"in use, but wanted for {user}", advice)


def _builds() -> Iterator[Finding]:
    advice = "gym-bridge build RockPaperScissors PATH"
    spec = importlib.util.find_spec("gym_bridges")  # the files only: trainer and bridges do not import each other
    if spec is None or not spec.submodule_search_locations:
        yield Finding(WARNING, "builds", "package gym_bridges is not installed", "use a Unity build, or install it")
        return
    folder = Path(spec.submodule_search_locations[0]) / "builds"
    names = sorted({file.stem for file in folder.glob("*") if not file.name.startswith("_")})
    unusable = [name for name in names if not _is_usable(folder / name)]
    if not names:
        yield Finding(WARNING, "builds", f"none in {folder}", advice)
    elif unusable:
        yield Finding(
            WARNING, "builds", f"{', '.join(unusable)} in {folder} cannot be executed", f"chmod +x, or {advice}"
        )
    else:
        yield Finding(OK, "builds", f"{', '.join(names)} in {folder}")


def _is_usable(build: Path) -> bool:
    on_mac = build.with_suffix(".app") / "Contents" / "MacOS" / build.name
    file = {"darwin": on_mac, "win32": build.with_suffix(".exe")}.get(sys.platform, build)
    return file.is_file() and os.access(file, os.X_OK)


@dataclass(frozen=True)
class _Failure:
    reason: str


def _attempt(action: Callable[[], list[str]]) -> list[str] | _Failure:
    """Returns what `action` returns, or why it failed and where: even an exit is caught, as ML-Agents does."""
    try:
        return action()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
        where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if len(frames) > 1 else ""
        text = " ".join(str(error).split())
        return _Failure(f"{type(error).__name__}: {text}{where}")


def _version(text: str) -> Version:
    """Returns the leading numbers, `2.8.0+cu128` as (2, 8, 0)."""
    numbers = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(number) for number in numbers[0].split(".")) if numbers else ()


def _wanted(rule: Rule) -> str:
    below = "" if rule.below is None else f",<{_text(rule.below)}"
    return f"'{rule.package}>={_text(rule.oldest)}{below}'"


def _text(version: Version) -> str:
    return ".".join(map(str, version))
