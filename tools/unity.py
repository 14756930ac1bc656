#!/usr/bin/env python3
"""How are the Unity project's scripts compiled, tested and played where there is no Unity? With mono, out of Debian.

    tools/unity.py install  gets mono and NUnit 2.6 from the system's packages if they are missing
    tools/unity.py build    compiles every assembly of the project, and the player that stands in for Unity
    tools/unity.py test     the same, then runs the project's NUnit tests

Each word does what the ones before it do. What comes out lies in unity-project/Tools~/build. It needs no package of
Python's, and is quick when nothing has changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "unity-project"
TOOLS = PROJECT / "Tools~"
OUT = TOOLS / "build"
STUBS = ("UnityEngine", "UnityEditor", "Unity.ML-Agents")  # each needs those before it
PLAYER = {"UnityEngine": "Engine", "Unity.ML-Agents": "MLAgents"}  # assembly -> folder, in the same order
PROVIDED = {"UnityEngine.TestRunner", "UnityEditor.TestRunner"}  # of the test framework; our tests use NUnit alone
SYSTEM_PACKAGES = ("mono-devel", "mono-mcs", "nunit-console")
NUNIT = Path("/usr/lib/cli/nunit.framework-2.6.3/nunit.framework.dll")
LONGEST_SECONDS = 300  # of any command
ATTEMPTS = 2  # NUnit under mono was once seen to sit still for ever, without using the processor


class Failed(Exception):
    """Something could not be compiled, tested or installed; the message is for the person at the console."""


def main() -> int:
    """Runs the word on the command line; returns the exit status."""
    words = {"install": install, "build": build, "test": test}
    if len(sys.argv) != 2 or sys.argv[1] not in words:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        words[sys.argv[1]]()
    except Failed as error:
        print(f"unity: {error}", file=sys.stderr)
        return 1
    return 0


def build() -> None:
    """Compiles everything that has changed, one process at a time."""
    install()
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, wanted = OUT / "stamp", fingerprint()
        if stamp.exists() and stamp.read_text() == wanted:
            return
        stamp.unlink(missing_ok=True)
        compile_all()
        stamp.write_text(wanted)


def test() -> None:
    """Runs the tests of both test assemblies: EditMode on the rules alone, PlayMode with the player's Academy."""
    build()
    for name in ("SelfPlay.Tests.EditMode", "SelfPlay.Tests.PlayMode"):
        run(["nunit-console", "-nologo", "-noresult", "-noshadow", f"{name}.dll"], "the tests failed", OUT / "player")
        print(f"{name}: passed")


def install() -> None:
    """Gets the compiler, the runtime and NUnit from the system's packages if one of them is missing."""
    if all(shutil.which(word) for word in ("mcs", "mono", "nunit-console")) and NUNIT.exists():
        return
    how = f"apt-get install {' '.join(SYSTEM_PACKAGES)}"
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise Failed(f"there is no mono with NUnit 2.6 here; as root on Debian: {how}")
    print(f"unity: {how}", file=sys.stderr)
    quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["apt-get", "update"], [*how.split(), "-y", "--no-install-recommends"]):
        run(words, f"could not install what is missing; try it by hand: {how}", environment=quietly)


def compile_all() -> None:
    """Compiles the project against the stubs, then the player, which runs those very assemblies."""
    aside = OUT / "aside"  # a player that is running must not lose its assemblies half-way
    shutil.rmtree(aside, ignore_errors=True)
    stubs, player = aside / "stubs", aside / "player"
    for folder in (stubs, player):
        folder.mkdir(parents=True)
    known = compile_chain({name: TOOLS / "Stubs" / name for name in STUBS}, stubs)
    for name, definition in in_order(asmdefs()):
        references = [known[other] for other in definition["references"] if other not in PROVIDED]
        if not definition["noEngineReferences"]:
            references.append(known["UnityEngine"])
        if "Editor" in definition["includePlatforms"]:
            references.append(known["UnityEditor"])
        if "nunit.framework.dll" in definition["precompiledReferences"]:
            references.append(NUNIT)
        folder = stubs if name == "SelfPlay.Editor" else player
        known[name] = compile_one(name, definition["folder"], references, folder)
    engine = compile_chain({name: TOOLS / "HeadlessPlayer" / folder for name, folder in PLAYER.items()}, player)
    own = [*engine.values(), known["SelfPlay.Core"], known["SelfPlay.Runtime"]]
    compile_one("HeadlessPlayer", TOOLS / "HeadlessPlayer" / "Player", own, player, "exe")
    compile_one("Traces", TOOLS / "Traces", [known["SelfPlay.Core"]], player, "exe")
    shutil.copy(NUNIT, player)
    for folder in (stubs, player):
        shutil.rmtree(OUT / folder.name, ignore_errors=True)
        folder.rename(OUT / folder.name)


def asmdefs() -> dict[str, dict]:
    """Returns every assembly definition of the project by name, with the folder that it stands in."""
    found = {}
    for path in sorted(PROJECT.glob("Assets/**/*.asmdef")):
        definition = json.loads(path.read_text(encoding="utf-8"))
        found[definition["name"]] = {**definition, "folder": path.parent}
    return found


def in_order(definitions: dict[str, dict]) -> Iterable[tuple[str, dict]]:
    """Yields the definitions so that each comes after those that it refers to."""
    left = dict(definitions)
    while left:
        ready = [name for name, one in left.items() if not set(one["references"]) & set(left)]
        if not ready:
            raise Failed(f"these assemblies refer to each other in a circle: {', '.join(left)}")
        for name in ready:
            yield name, left.pop(name)


def compile_chain(folders: dict[str, Path], to: Path) -> dict[str, Path]:
    """Compiles assemblies of which each may use those before it; returns their paths by name."""
    made: dict[str, Path] = {}
    for name, folder in folders.items():
        made[name] = compile_one(name, folder, made.values(), to)
    return made


def compile_one(name: str, folder: Path, references: Iterable[Path], to: Path, kind: str = "library") -> Path:
    """Compiles the scripts under a folder; a warning is an error."""
    path = to / f"{name}.{'exe' if kind == 'exe' else 'dll'}"
    scripts = sorted(str(script) for script in folder.rglob("*.cs"))
    options = ["-langversion:7.2", "-warn:4", "-warnaserror", "-debug:portable", f"-target:{kind}", f"-out:{path}"]
    run(["mcs", *options, *(f"-r:{reference}" for reference in references), *scripts], f"{name} does not compile")
    return path


def fingerprint() -> str:
    """Returns a digest of everything that is compiled, and of how."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(path for pattern in ("*.cs", "*.asmdef") for path in PROJECT.rglob(pattern)):
        digest.update(f"{path.relative_to(PROJECT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def run(
    words: list[str], complaint: str, folder: Path | None = None, environment: dict[str, str] | None = None
) -> None:
    """Runs a command, a second time if it does not come to an end, and shows its output only if it fails."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            done = subprocess.run(
                words, cwd=folder, env=environment, capture_output=True, text=True, timeout=LONGEST_SECONDS
            )
            break
        except subprocess.TimeoutExpired as error:
            if attempt == ATTEMPTS:
                raise Failed(f"{complaint}: {words[0]} did not end within {LONGEST_SECONDS} seconds") from error
    if done.returncode != 0:
        print(done.stdout + done.stderr, file=sys.stderr)
        raise Failed(complaint)


if __name__ == "__main__":
    sys.exit(main())
