"""How does a population run on Ray? By a named actor that is the league's store, and an actor for each member."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from mlagents_selfplay.mail.letters import Letter
from mlagents_selfplay.population.averaging import AveragingLeague
from mlagents_selfplay.population.evolving import EvolvingLeague
from mlagents_selfplay.population.folder import LEAGUE, LeagueFolder
from mlagents_selfplay.population.member import Member
from mlagents_selfplay.population.records import Report
from mlagents_selfplay.population.settings import AVERAGING, EVOLUTION, PopulationSettings

NAMESPACE = "mlagents-selfplay"
SHOW_EVERY_SECONDS = 2.0
START_ATTEMPTS = 3
OBJECT_STORE_BYTES = 200 * 2**20  # reports and letters are small; Ray would take a third of the memory
LEAGUES = {EVOLUTION: EvolvingLeague, AVERAGING: AveragingLeague}

Standings = list[dict[str, Any]]


class ClusterError(Exception):
    """Ray does not start, or its cluster cannot hold all members at once; the message says what to change."""


class RemoteLeague:
    """A league that is an actor; calls wait for its answer, and for its restart if it has died."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def start_of(self, member: str, node: str) -> tuple[dict[str, float], int]:
        """See `League`."""
        return ray.get(self._actor.start_of.remote(member, node))

    def report(self, report: Report) -> Letter | None:
        """See `League`."""
        return ray.get(self._actor.report.remote(report))

    def pending(self, member: str) -> Letter | None:
        """See `League`."""
        return ray.get(self._actor.pending.remote(member))

    def is_finished(self, member: str) -> bool:
        """See `League`."""
        return ray.get(self._actor.is_finished.remote(member))

    def standings(self) -> Standings:
        """See `League`."""
        return ray.get(self._actor.standings.remote())


class MemberActor:
    """Supervises one member on whichever node Ray has put it; if it dies, Ray starts it again."""

    def __init__(self, name: str, folder: Path, settings: PopulationSettings, league: Any) -> None:
        node = ray.get_runtime_context().get_node_id()
        self._member = Member(name, folder, settings, RemoteLeague(league), node)

    def train(self) -> None:
        """Trains to the end."""
        self._member.train()


def run(
    settings: PopulationSettings, folder: Path, address: str | None, show: Callable[[Standings], None]
) -> Standings:
    """Trains a population to its end, or goes on with one that is in `folder`.

    Args:
      settings: of the population.
      folder: of the population; every node has to see it under this path.
      address: of a Ray cluster; None starts Ray here, and ends it in the end.
      show: is given the standings every few seconds.

    Returns:
      The final standings, the best member first.

    Raises:
      ClusterError: if Ray does not start or the cluster is too small.
      ray.exceptions.RayError: if a member fails for good, or Ray does.
    """
    with _connected(settings, address):
        always = {"max_restarts": -1, "max_task_retries": -1}
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)  # as is the folder
        league: Any = (
            ray.remote(LEAGUES[settings.mode])
            .options(
                name=str(folder),
                namespace=NAMESPACE,
                lifetime="detached",
                get_if_exists=True,
                num_cpus=0,
                scheduling_strategy=here,
                **always,
            )
            .remote(LeagueFolder(folder / LEAGUE), settings)
        )
        actor: Any = ray.remote(MemberActor).options(
            num_cpus=settings.cpus_per_member, num_gpus=settings.gpus_per_member, scheduling_strategy="SPREAD", **always
        )
        members = [actor.remote(name, folder, settings, league) for name in settings.names]
        try:
            running = [member.train.remote() for member in members]
            while running:
                done, running = ray.wait(running, timeout=SHOW_EVERY_SECONDS)
                ray.get(done)
                show(RemoteLeague(league).standings())
            return RemoteLeague(league).standings()
        finally:
            for started in (*members, league):
                ray.kill(started)


@contextmanager
def _connected(settings: PopulationSettings, address: str | None) -> Iterator[None]:
    """Connects to a cluster, or starts one here that ends with this process."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    needed = ceil(settings.members * settings.cpus_per_member)
    if address is None:
        _start_ray(max(os.cpu_count() or 1, needed))
    else:
        ray.init(address, namespace=NAMESPACE, log_to_driver=False)
    try:
        there = ray.cluster_resources().get("CPU", 0.0)
        if there < needed:
            raise ClusterError(
                f"cpus_per_member: {settings.cpus_per_member:g} for {settings.members} members is more than the "
                f"{there:g} cores of the cluster at {address}; write less, or add nodes."
            )
        yield
    finally:
        ray.shutdown()


def _start_ray(cores: int) -> None:
    """Starts Ray on this machine; on a busy one its daemons may be too late for each other the first time."""
    for _ in range(START_ATTEMPTS):
        try:
            ray.init(
                "local",
                num_cpus=cores,
                object_store_memory=OBJECT_STORE_BYTES,
                include_dashboard=False,
                namespace=NAMESPACE,
                log_to_driver=False,
                _node_ip_address="127.0.0.1",
            )
            return
        except Exception as error:  # Ray raises a bare one
            ray.shutdown()
            why = error
    raise ClusterError(f"Ray does not start on this machine: {why}")
