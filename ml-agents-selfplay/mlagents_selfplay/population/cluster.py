"""How does a population run on Ray? By a named actor that is the league's store, and an actor for each member."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlagents_selfplay.clusters import NAMESPACE
from mlagents_selfplay.mail.letters import Letter
from mlagents_selfplay.population.averaging import AveragingLeague
from mlagents_selfplay.population.evolving import EvolvingLeague
from mlagents_selfplay.population.folder import LEAGUE, LeagueFolder
from mlagents_selfplay.population.member import Member
from mlagents_selfplay.population.records import Report
from mlagents_selfplay.population.settings import AVERAGING, EVOLUTION, PopulationSettings

SHOW_EVERY_SECONDS = 2.0
LEAGUES = {EVOLUTION: EvolvingLeague, AVERAGING: AveragingLeague}

Standings = list[dict[str, Any]]


class RemoteLeague:
    """A league that is an actor; calls wait for its answer, and for its restart if it has died."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self._actor = ray, actor

    def start_of(self, member: str, node: str) -> tuple[dict[str, float], int]:
        """See `League`."""
        return self._ray.get(self._actor.start_of.remote(member, node))

    def report(self, report: Report) -> Letter | None:
        """See `League`."""
        return self._ray.get(self._actor.report.remote(report))

    def pending(self, member: str) -> Letter | None:
        """See `League`."""
        return self._ray.get(self._actor.pending.remote(member))

    def is_finished(self, member: str) -> bool:
        """See `League`."""
        return self._ray.get(self._actor.is_finished.remote(member))

    def standings(self) -> Standings:
        """See `League`."""
        return self._ray.get(self._actor.standings.remote())


class MemberActor:
    """Supervises one member on whichever node Ray has put it; if it dies, Ray starts it again."""

    def __init__(self, name: str, folder: Path, settings: PopulationSettings, league: Any, where: Path) -> None:
        import ray

        os.chdir(where)  # from where the paths of the settings are meant
        node = ray.get_runtime_context().get_node_id()
        self._member = Member(name, folder, settings, RemoteLeague(ray, league), node)

    def train(self) -> None:
        """Trains to the end."""
        self._member.train()


def run(ray: Any, settings: PopulationSettings, folder: Path, show: Callable[[Standings], None]) -> Standings:
    """Trains a population to its end, or goes on with one that is in `folder`.

    Args:
      ray: the module, connected to a cluster that has the cores.
      settings: of the population.
      folder: of the population; every node has to see it under this path.
      show: is given the standings every few seconds.

    Returns:
      The final standings, the best member first.

    Raises:
      ray.exceptions.RayError: if a member fails for good, or Ray does.
    """
    always = {"max_restarts": -1, "max_task_retries": -1}
    affinity = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    here = affinity(ray.get_runtime_context().get_node_id(), soft=True)  # as is the folder
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
    members = [actor.remote(name, folder, settings, league, Path.cwd()) for name in settings.names]
    try:
        running = [member.train.remote() for member in members]
        while running:
            done, running = ray.wait(running, timeout=SHOW_EVERY_SECONDS)
            ray.get(done)
            show(RemoteLeague(ray, league).standings())
        return RemoteLeague(ray, league).standings()
    finally:
        for started in (*members, league):
            ray.kill(started)
