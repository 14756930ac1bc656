"""What does `mlagents-selfplay population` do with its words? It checks them, and shows how the members stand."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml
from rich.console import Console
from rich.live import Live
from rich.table import Table

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
      SettingsError: if the settings are wrong, or say something else than those that the population was begun with.
    """
    folder, settings = folder.absolute(), read_settings(config)
    check(settings)
    begun = (folder / LEAGUE / "state.json").exists()
    if begun and not (resume or force):
        raise SettingsError(f"{folder} holds a population already: add --resume to go on, or --force to overwrite it.")
    if not resume:
        shutil.rmtree(folder, ignore_errors=True)
    text = config.read_text(encoding="utf-8")
    kept = folder / SETTINGS_FILE
    if not kept.exists():
        (folder / "members").mkdir(parents=True, exist_ok=True)
        kept.write_text(text, encoding="utf-8")
    elif yaml.safe_load(kept.read_text(encoding="utf-8")) != yaml.safe_load(text):
        raise SettingsError(f"{config} is not what the population began with; that is {kept}.")
    if quiet:
        return run(settings, folder, address, lambda standings: None)
    with Live(table([], settings), console=Console(stderr=True), refresh_per_second=1) as live:
        return run(settings, folder, address, lambda standings: live.update(table(standings, settings)))


def table(standings: Standings, settings: PopulationSettings) -> Table:
    """Returns the standings for the console."""
    shown = Table("member", "learner steps", "rating", "changes", *settings.hyperparameters)
    for row in standings:
        values = [f"{row['hyperparameters'][key]:.3g}" for key in settings.hyperparameters]
        shown.add_row(row["member"], f"{row['step']:,}", f"{row['rating']:.0f}", str(row["changes"]), *values)
    return shown
