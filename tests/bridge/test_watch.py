"""Does no process stay behind when a trainer is killed, and does none end that has nothing to do with it?"""

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches processes by /proc")

BUILD = (
    "import time; from gym_bridges import watch; watch.end_with_trainer(); "
    "print('watching', flush=True); time.sleep(60)"
)

LATE_BUILD = f"import time; time.sleep(2); {BUILD}"


def trainer(build: str, began: str = "") -> str:
    """A trainer as mlagents-learn is one: a fork of it starts the build, then waits on a pipe whose ends it holds both.

    It has made a door. `began` is what its worker does when the build has been started.
    """
    return f"""
import multiprocessing, os, subprocess, sys
os.environ["GYM_BRIDGE_ROLLOUTS"] = f"/dev/shm/mlagents-selfplay-{{os.getpid()}}-test"
def work(ours, theirs):
    subprocess.Popen([sys.executable, "-c", {build!r}], start_new_session=True)
    {began}
    ours.recv()
ours, theirs = multiprocessing.Pipe()
multiprocessing.get_context("fork").Process(target=work, args=(ours, theirs)).start()
theirs.recv()
"""


# A script of one's own, started by another program that then ends: the script goes on, so the build has to as well.
SCRIPT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUILD!r}])"
STARTER = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SCRIPT!r}]); time.sleep(60)"


class Family:
    """A process and all that it started, which are ended with the test."""

    def __init__(self, code: str) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "watching\n"
        self.descendants = psutil.Process(self.process.pid).children(recursive=True)

    def kill_the_first(self, bury: bool = True) -> None:
        self.process.kill()
        if bury:
            self.process.wait()

    def alive(self) -> list[psutil.Process]:
        return [one for one in self.descendants if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]

    def ends(self) -> bool:
        """Returns whether all that is left ends within 20 seconds."""
        deadline = time.monotonic() + 20
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.alive() == []

    def end(self) -> None:
        for one in self.alive():
            one.kill()
        self.process.kill()


@pytest.fixture
def families() -> Iterator[list[Family]]:
    started: list[Family] = []
    yield started
    for family in started:
        family.end()


def test_a_killed_trainer_takes_its_worker_and_its_build_along(families: list[Family]) -> None:
    family = Family(trainer(BUILD))
    families.append(family)
    assert len(family.alive()) == 2
    family.kill_the_first()
    assert family.ends()


def test_a_trainer_that_is_killed_while_its_build_starts_takes_it_along_too(families: list[Family]) -> None:
    family = Family(trainer(LATE_BUILD, began="print('watching', flush=True)"))
    families.append(family)
    assert len(family.alive()) == 2
    family.kill_the_first()
    assert family.ends()


def test_so_does_one_that_is_dead_by_then_and_whose_parent_has_not_noticed(families: list[Family]) -> None:
    family = Family(trainer(LATE_BUILD, began="print('watching', flush=True)"))
    families.append(family)
    family.kill_the_first(bury=False)
    assert family.ends()


def test_a_build_ends_with_a_script_that_was_killed(families: list[Family]) -> None:
    family = Family(SCRIPT)
    families.append(family)
    assert len(family.alive()) == 1
    family.kill_the_first()
    assert family.ends()


def test_a_script_and_its_build_outlive_the_program_that_started_the_script(families: list[Family]) -> None:
    family = Family(STARTER)
    families.append(family)
    assert len(family.alive()) == 2
    family.kill_the_first()
    time.sleep(2.5)  # over two looks
    assert len(family.alive()) == 2
