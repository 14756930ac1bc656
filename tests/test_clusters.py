"""Does a command that wants Ray say in one line why it gets none?"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mlagents_selfplay.cli import app
from mlagents_selfplay.clusters import read_by_ray
from typer.testing import CliRunner

from tests.on_ray import reachable_from_elsewhere

ROOT = Path(__file__).parents[1]
BUILD = str(ROOT / "gym_bridges" / "builds" / "RockPaperScissors")
COMMANDS = [
    ["evaluate", "rock", "paper", "--env", BUILD, "--ray"],
    ["experiment", str(ROOT / "config" / "experiment.yaml"), "--ray"],
    ["population", str(ROOT / "config" / "population.yaml"), "--json", "--address"],
]


@pytest.fixture(params=COMMANDS, ids=lambda words: words[0])
def words(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A command line that wants an address for its last word."""
    monkeypatch.chdir(ROOT)  # from where the paths of shipped settings are meant
    name, *others = request.param
    return [name, "--results-dir", str(tmp_path), *others]


def test_without_ray_the_extra_that_brings_it_is_named(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # so that it cannot be imported
    said = CliRunner().invoke(app, [*words, "local"])
    assert said.exit_code == 2, said.output
    (line,) = said.stderr.strip().splitlines()
    assert "pip install 'mlagents-selfplay[population]'" in line


def test_an_address_where_nobody_answers_is_named(words: list[str]) -> None:
    said = CliRunner().invoke(app, [*words, "127.0.0.1:1"])  # a port that nothing listens on
    assert said.exit_code == 2, said.output
    (line,) = said.stderr.strip().splitlines()
    assert "There is no Ray to be reached at '127.0.0.1:1'" in line


def test_only_a_ray_of_the_commands_own_is_kept_from_reporting() -> None:
    own, joined = read_by_ray("local"), read_by_ray("127.0.0.1:6379")
    assert own["RAY_enable_metrics_collection"] == "0"
    assert own["RAY_task_events_report_interval_ms"] == "0"
    assert joined == {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    assert joined.items() <= own.items()


def test_what_listens_on_more_than_loopback_is_found() -> None:
    """So that the tests which look for it can fail."""
    import os
    import socket

    before = reachable_from_elsewhere(os.getpid())  # other tests may have left servers of ML-Agents in this process
    with socket.create_server(("127.0.0.1", 0)):
        assert reachable_from_elsewhere(os.getpid()) == before
        with socket.socket(socket.AF_INET6) as everywhere:
            everywhere.bind(("::", 0))
            everywhere.listen()
            (found,) = reachable_from_elsewhere(os.getpid()) - before
            assert found[1:] == ("::", everywhere.getsockname()[1])
