"""What does `mlagents-selfplay population` do with its words? It checks them, and shows how the members stand."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml
from rich.console import Console
from rich.live import Live
from rich.table import Table

from mlagents_selfplay.clusters import connected
from mlagents_selfplay.files import write_bytes_atomically
from mlagents_selfplay.population.cluster import Standings, run
from mlagents_selfplay.population.configuration import check
from mlagents_selfplay.population.folder import LEAGUE
from mlagents_selfplay.population.settings import PopulationSettings, SettingsError, read_settings

SETTINGS_FILE = "population.yaml"  # in the population's folder: what it was begun with


def train(config: Path, folder: Path, *, resume: bool, force: bool, address: str, quiet: bool) -> Standings:
    """Trains the population that a YAML describes.

    Args:
      config: the YAML.
      folder: of the population, `<results-dir>/<run-id>`.
      resume: whether to go on with what is there.
      force: whether to overwrite what is there.
      address: of a Ray cluster, see `clusters.connected`.
      quiet: whether to show nothing on the way.

    Raises:
      SettingsError: if the settings are wrong, or say something else than those that the population was begun with, or
        if what is in the folder would be lost.
      ClusterError: see `connected`; nothing has changed then.
    """
    folder, settings = folder.absolute(), read_settings(config)
    check(settings)
    text, kept = config.read_text(encoding="utf-8"), folder / SETTINGS_FILE
    if (folder / LEAGUE / "state.json").exists():
        if not (resume or force):
            raise SettingsError(f"{folder} holds a population: add --resume to go on, or --force to overwrite it.")
    elif folder.exists() and not kept.exists() and not force and any(folder.iterdir()):
        raise SettingsError(f"{folder} holds something else than a population: take another --run-id, or add --force.")
    if resume and kept.exists() and yaml.safe_load(kept.read_text(encoding="utf-8")) != yaml.safe_load(text):
        raise SettingsError(f"{config} is not what the population began with; that is {kept}.")
    wanted = f"cpus_per_member: {settings.cpus_per_member:g} for {settings.members} members"
    with connected(address, settings.members * settings.cpus_per_member, wanted) as ray:
        if not resume:
            shutil.rmtree(folder, ignore_errors=True)
        if not kept.exists():
            (folder / "members").mkdir(parents=True, exist_ok=True)
            write_bytes_atomically(kept, text.encode())
        if quiet:
            return run(ray, settings, folder, lambda standings: None)
        with Live(table([], settings), console=Console(stderr=True), refresh_per_second=1) as live:
            return run(ray, settings, folder, lambda standings: live.update(table(standings, settings)))


def table(standings: Standings, settings: PopulationSettings) -> Table:
    """Returns the standings for the console."""
    shown = Table("member", "learner steps", "rating", "changes", *settings.hyperparameters)
    for row in standings:
        values = [f"{row['hyperparameters'][key]:.3g}" for key in settings.hyperparameters]
        shown.add_row(row["member"], f"{row['step']:,}", f"{row['rating']:.0f}", str(row["changes"]), *values)
    return shown
