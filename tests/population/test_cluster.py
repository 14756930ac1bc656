"""Does a population train to its end on Ray, and go on after anything was killed? By the command that users type."""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlagents_selfplay.files import load_weights, read_json

from tests.on_ray import DAEMONS, name_of, reachable_from_elsewhere, started_by
from tests.population.conftest import Population

pytestmark = pytest.mark.timeout(900)  # Seconds; a busy machine is no defect.
PLUGIN = Path(__file__).parents[2] / "ml-agents-selfplay" / "mlagents_selfplay"
Train = Callable[..., Population]


def assert_went_well(population: Population, members: int = 2, steps: int = 600) -> None:
    """Checks what a population of the arena has left."""
    standings = population.wait()
    names = {f"agt_{number}" for number in range(members)}
    store = json.loads((population.folder / "league" / "store.json").read_text())
    assert {row["member"] for row in standings} == set(store) == names
    for row in standings:
        member = row["member"]
        assert row["finished"]
        assert row["step"] >= steps
        state = read_json(population.folder / member / "Arena" / "selfplay" / "state.json")
        assert state["step"] == row["step"]
        assert (population.folder / member / "Arena.onnx").stat().st_size > 0
        assert load_weights(population.folder / "league" / "best" / f"{member}.safetensors")
        entry = store[member]
        assert len(entry["opponent"]) == len(entry["score"]) == len(entry["rating"])
        assert len(entry["step"]) == row["changes"] + 1
        assert all(len(values) == len(entry["step"]) for values in entry["hyperparameters"].values())
        assert {opponent.partition("@")[0] for opponent in entry["opponent"][1:]} <= names - {member}
    # On a busy machine one may be done before another begins, and then meets nobody; the other meets it.
    assert any(len(entry["opponent"]) > 1 for entry in store.values())
    assert population.trainers() == []


@pytest.mark.slow
def test_a_population_trains_to_its_end_and_its_members_meet_and_change(train: Train) -> None:
    population = train()
    population.wait_until(lambda: bool(population.events("snapshot")))
    daemons = [process for process in started_by(population.process.pid) if name_of(process) in DAEMONS]
    assert {name_of(daemon) for daemon in daemons} == DAEMONS
    assert (
        reachable_from_elsewhere(population.process.pid, range(population.base_port, population.base_port + 20))
        == set()
    )
    assert_went_well(population)
    _wait_for(lambda: not any(daemon.is_running() for daemon in daemons))
    changed = population.events("changed")
    assert changed
    for event in changed:
        log = (population.folder / "members" / f"{event['member']}.txt").read_text()
        value = event["hyperparameters"]["learning_rate"]
        assert f"weights taken over; learning_rate {value:.4g}" in log
    last = changed[-1]
    state = read_json(population.folder / last["member"] / "Arena" / "selfplay" / "state.json")
    assert state["state"]["inbox"]["hyperparameters"] == last["hyperparameters"]


def test_only_the_command_needs_ray() -> None:
    """The trainer plug-in, which every run loads, has to work without the extra."""
    users = {
        str(path.relative_to(PLUGIN))
        for path in PLUGIN.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "ray" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ray")
    }
    assert users == {"clusters.py", "population/cluster.py"}
    script = "import sys, mlagents_selfplay.trainer; print('ray' in sys.modules)"
    said = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_member_that_is_killed_goes_on_from_its_last_checkpoint(train: Train, seed: int) -> None:
    rng, population = random.Random(seed), train(max_steps=1500)
    for _ in range(2):
        known = len(population.events("snapshot"))
        population.wait_until(lambda known=known: len(population.events("snapshot")) > known + 1)
        time.sleep(rng.uniform(0, 1))
        victims = population.trainers()
        if victims:
            victim = rng.choice(victims)
            (victim if rng.random() < 0.5 else victim.parent()).kill()  # the trainer, or the actor above it
    assert_went_well(population, steps=1500)
    assert len(population.events("started")) > 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_population_whose_driver_was_killed_goes_on(train: Train, seed: int) -> None:
    population = train(max_steps=1500)
    population.wait_until(lambda: len(population.events("snapshot")) > 4)
    time.sleep(random.Random(seed).uniform(0, 2))
    population.process.kill()
    population.process.wait()
    _wait_for(lambda: population.trainers() == [])
    best = {path.name: path.read_bytes() for path in (population.folder / "league" / "best").iterdir()}
    steps = {event["member"]: event["step"] for event in population.events("snapshot")}
    population.resume()
    assert_went_well(population, steps=1500)
    assert best
    for name in steps:
        assert (population.folder / "league" / "best" / f"{name}.safetensors").exists()
    assert [event["event"] for event in population.events("league restarted")] == ["league restarted"]


@pytest.mark.slow
@pytest.mark.parametrize("daemon", sorted(DAEMONS))
def test_a_population_whose_ray_was_killed_goes_on(train: Train, daemon: str) -> None:
    population = train(max_steps=1500)
    population.wait_until(lambda: len(population.events("snapshot")) > 4)
    for process in started_by(population.process.pid):
        if daemon == name_of(process):
            process.kill()
    _wait_for(lambda: population.process.poll() is not None, seconds=240)
    _wait_for(lambda: population.trainers() == [])
    population.resume()
    assert_went_well(population, steps=1500)


@pytest.fixture
def two_nodes(ray_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Returns the address of two Ray nodes on this machine, of one core each."""
    for name, value in ray_environment.items():
        monkeypatch.setenv(name, value)
    from ray.cluster_utils import Cluster

    keys = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=keys)
    cluster.add_node(num_cpus=1, object_store_memory=100 * 2**20)
    yield str(cluster.address)
    cluster.shutdown()


@pytest.mark.slow
def test_two_nodes_share_the_members(train: Train, two_nodes: str) -> None:
    population = train("--address", two_nodes, cpus_per_member=1.0)
    assert_went_well(population)
    assert len({event["node"] for event in population.events("started")}) == 2


@pytest.mark.slow
def test_a_cluster_that_is_too_small_is_said(train: Train, two_nodes: str) -> None:
    population = train("--address", two_nodes, cpus_per_member=2.0)
    assert population.process.wait() == 2
    assert (
        "cpus_per_member: 2 for 2 members is more than the 2 cores" in population.folder.with_suffix(".txt").read_text()
    )


def _wait_for(happened: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)
