"""Is anything that is on disk lost before a population can begin?"""

from pathlib import Path

import pytest
from mlagents_selfplay.clusters import ClusterError
from mlagents_selfplay.population.command import train
from mlagents_selfplay.population.settings import SettingsError

CONFIG = Path(__file__).parents[2] / "config" / "population.yaml"
NOBODY_THERE = "127.0.0.1:9"


@pytest.fixture
def population(tmp_path: Path) -> Path:
    """The folder of a population that has begun."""
    state = tmp_path / "population" / "league" / "state.json"
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    return tmp_path / "population"


def test_a_population_is_not_overwritten_without_a_word(population: Path) -> None:
    with pytest.raises(SettingsError, match=r"holds a population: add --resume to go on, or --force"):
        train(CONFIG, population, resume=False, force=False, address="local", quiet=True)
    assert (population / "league" / "state.json").exists()


def test_the_folder_of_another_run_is_not_overwritten_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "configuration.yaml").write_text("behaviors: {}")
    with pytest.raises(SettingsError, match=r"holds something else than a population: take another --run-id"):
        train(CONFIG, tmp_path, resume=False, force=False, address="local", quiet=True)
    assert (tmp_path / "configuration.yaml").exists()


def test_nothing_is_overwritten_by_force_where_ray_cannot_be_reached(population: Path) -> None:
    with pytest.raises(ClusterError, match=NOBODY_THERE):
        train(CONFIG, population, resume=False, force=True, address=NOBODY_THERE, quiet=True)
    assert (population / "league" / "state.json").exists()
