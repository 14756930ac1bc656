"""Does the doctor find what keeps ML-Agents from training, and nothing where all is well?"""

import importlib.metadata
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlagents_selfplay import doctor
from mlagents_selfplay.doctor import BROKEN, OK, WARNING, Finding


def findings(subject: str) -> list[Finding]:
    return [finding for finding in doctor.examine() if finding.subject == subject]


@pytest.fixture
def version_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str | None], None]:
    """Returns a function that pretends a package has a version, or with None that it is not installed."""
    real = importlib.metadata.version

    def pretend(package: str, version: str | None) -> None:
        def found(asked: str) -> str:
            if asked != package:
                return real(asked)
            if version is None:
                raise importlib.metadata.PackageNotFoundError(asked)
            return version

        monkeypatch.setattr(importlib.metadata, "version", found)

    return pretend


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Returns a function that puts other entry points in the place of those installed."""

    def install(**load: Callable[[], Any]) -> None:
        entries = [SimpleNamespace(name=name, load=function) for name, function in load.items()]
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: entries)

    return install


def test_this_environment_is_healthy() -> None:
    assert [finding for finding in doctor.examine() if finding.level == BROKEN] == []
    ours = "trainer types ddpg, dqn, fast_ppo, fast_sac, selfplay, split_q, tabular_q, td3"
    assert findings("plug-in")[0].fact.startswith(ours)


@pytest.mark.parametrize(
    ("package", "version", "level"),
    [
        # The first versions that are known to fail, and the last ones that are known to work.
        ("setuptools", "82.0.0", BROKEN),
        ("setuptools", "81.0.0", OK),
        ("torch", "2.9.0+cu128", BROKEN),
        ("torch", "2.8.0+cu128", OK),
        ("torch", "2.1.0", BROKEN),
        ("numpy", "1.24.0", BROKEN),
        ("protobuf", "4.25.3", BROKEN),
        ("mlagents", "1.2.0", BROKEN),
        ("mlagents", None, BROKEN),
        ("mujoco", "3.12.0", WARNING),
        ("mujoco", "3.11.0", OK),
        ("opencv-python-headless", "4.12.0.88", WARNING),
        ("pettingzoo", "1.15.0", WARNING),
    ],
)
def test_versions_that_do_not_work_together_are_found(
    version_of: Callable[[str, str | None], None], package: str, version: str | None, level: str
) -> None:
    version_of(package, version)
    (finding,) = findings(package)
    assert finding.level == level
    assert finding.fact.startswith(version or "is not installed")
    assert (f"install '{package}>=" in finding.advice) == (level != OK)


def test_a_package_that_only_some_environments_need_may_be_absent(version_of: Callable[[str, None], None]) -> None:
    version_of("mujoco", None)
    assert findings("mujoco") == []


def test_the_advice_names_the_versions_that_work(version_of: Callable[[str, str], None]) -> None:
    version_of("setuptools", "82.0.1")
    assert findings("setuptools")[0].line() == (
        "broken  setuptools              82.0.1: 82 removed pkg_resources, which mlagents-learn imports"
        " -> install 'setuptools>=0,<82'"
    )


@pytest.mark.parametrize(("version", "level"), [((3, 10, 0), BROKEN), ((3, 10, 13), OK), ((3, 11, 0), BROKEN)])
def test_only_python_3_10_will_do(monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], level: str) -> None:
    monkeypatch.setattr(doctor.sys, "version_info", version)
    assert findings("Python")[0].level == level


def test_a_pure_python_protobuf_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    from google.protobuf.internal import api_implementation

    monkeypatch.setattr(api_implementation, "Type", lambda: "python")
    assert findings("protobuf backend")[0].level == WARNING


def test_a_plug_in_that_does_not_load_is_broken_with_its_reason_and_place(plugin: Callable[..., None]) -> None:
    def load() -> None:
        raise ImportError("cannot import name 'SelfPlayTrainer'")

    plugin(selfplay=load)
    (finding,) = findings("plug-in")
    assert finding.level == BROKEN
    assert "ImportError: cannot import name 'SelfPlayTrainer'" in finding.fact
    assert Path(__file__).name in finding.fact


def test_a_plug_in_that_fails_when_it_is_asked_for_its_trainers_is_broken(plugin: Callable[..., None]) -> None:
    def get_type_and_setting() -> None:
        raise SystemExit("no licence")  # ML-Agents swallows even this

    plugin(selfplay=lambda: get_type_and_setting)
    assert "SystemExit: no licence" in findings("plug-in")[0].fact


def test_a_missing_plug_in_is_broken(plugin: Callable[..., None]) -> None:
    plugin()
    (finding,) = findings("plug-in")
    assert (finding.level, finding.fact) == (BROKEN, "no entry point selfplay in mlagents.trainer_type")


def test_another_plug_in_that_does_not_load_is_a_warning(plugin: Callable[..., None]) -> None:
    plugin(selfplay=lambda: lambda: ({"selfplay": object}, {}), other=lambda: 1 / 0)
    assert findings("plug-in") == [Finding(OK, "plug-in", "trainer types selfplay")]
    assert findings("plug-in other")[0].level == WARNING


def test_a_port_in_use_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        listener.listen()
        port = listener.getsockname()[1]
        monkeypatch.setattr(doctor, "PORTS", {port: "--env"})
        (busy,) = findings(f"port {port}")
    assert (busy.level, busy.fact) == (WARNING, "in use, but wanted for --env")
    assert findings(f"port {port}")[0].level == OK


def test_builds_are_found_beside_the_bridges(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bridges = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: bridges)
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    (tmp_path / "builds").mkdir()
    assert findings("builds")[0].advice == "gym-bridge build RockPaperScissors PATH"
    build = tmp_path / "builds" / "Game"
    build.write_text("#!/bin/sh\n")
    build.chmod(0o644)
    assert "Game" in findings("builds")[0].fact
    assert findings("builds")[0].level == WARNING
    build.chmod(0o755)
    assert findings("builds")[0] == Finding(OK, "builds", f"Game in {tmp_path / 'builds'}")


def test_without_the_bridges_there_is_no_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)
    assert (findings("builds")[0].level, findings("builds")[0].fact) == (
        WARNING,
        "package gym_bridges is not installed",
    )
