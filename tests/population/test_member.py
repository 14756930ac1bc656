"""Do members train, meet, change and recover? Real `mlagents-learn` processes in the arena, and no Ray."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from mlagents_selfplay.files import load_weights, read_json
from mlagents_selfplay.population.averaging import AveragingLeague
from mlagents_selfplay.population.evolving import EvolvingLeague
from mlagents_selfplay.population.folder import LEAGUE, LeagueFolder
from mlagents_selfplay.population.league import League
from mlagents_selfplay.population.member import Member, MemberFailed
from mlagents_selfplay.population.settings import PopulationSettings, settings_from

from tests.population.conftest import small_population

pytestmark = pytest.mark.timeout(900)  # Seconds; a busy machine is no defect.


class OneAtATime:
    """A league for members in threads, as an actor serves one call after another."""

    def __init__(self, league: League) -> None:
        self._league, self._lock = league, threading.RLock()

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            with self._lock:
                return getattr(self._league, name)(*arguments)

        return call


class Population:
    """Members in threads.

    Attributes:
      folder: of the population.
      league: theirs.
      errors: that members have raised.
    """

    def __init__(self, folder: Path, settings: PopulationSettings, kind: type[League]) -> None:
        self.folder, self.league = folder, kind(LeagueFolder(folder / LEAGUE), settings)
        self.errors: list[Exception] = []
        (folder / "members").mkdir(parents=True, exist_ok=True)
        shared = OneAtATime(self.league)
        self._threads = [
            threading.Thread(target=self._train, args=(Member(name, folder, settings, shared),), daemon=True)
            for name in settings.names
        ]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        for thread in self._threads:
            thread.join()

    def _train(self, member: Member) -> None:
        try:
            member.train()
        except Exception as error:
            self.errors.append(error)

    def trainer_of(self, member: str) -> psutil.Process:
        """Returns the running `mlagents-learn` of a member."""
        config = str(self.folder / "members" / f"{member}.yaml")
        return next(child for child in psutil.Process().children() if config in _words_of(child))

    def events(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.folder / LEAGUE / "events.jsonl").read_text().splitlines()
        return [event for event in map(yaml.safe_load, lines) if event["event"] == kind]

    def log(self, member: str) -> str:
        return (self.folder / "members" / f"{member}.txt").read_text()

    def state(self, member: str) -> dict[str, Any]:
        return read_json(self.folder / member / "Arena" / "selfplay" / "state.json")


def _words_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_members_meet_and_change_and_one_that_is_killed_goes_on(tmp_path: Path, arena: Path) -> None:
    settings = settings_from(small_population(tmp_path, arena, max_steps=900), "test")
    population = Population(tmp_path / "p", settings, EvolvingLeague)
    while not population.events("snapshot"):
        time.sleep(0.05)
    member = population.events("snapshot")[0]["member"]
    population.trainer_of(member).kill()
    population.wait()
    assert population.errors == []
    assert len(population.events("started")) == 3
    assert "Resuming training from step" in population.log(member)
    for row in population.league.standings():
        assert row["finished"]
        assert row["step"] == population.state(row["member"])["step"] >= 900
        assert load_weights(tmp_path / "p" / "league" / "best" / f"{row['member']}.safetensors")
    assert {(event["member"], event["opponent"].partition("@")[0]) for event in population.events("met")} == {
        ("agt_0", "agt_1"),
        ("agt_1", "agt_0"),
    }
    changed = population.events("changed")
    assert changed
    for event in changed:
        said = f"weights taken over; learning_rate {event['hyperparameters']['learning_rate']:.4g}"
        assert said in population.log(event["member"])
    last = changed[-1]
    assert population.state(last["member"])["state"]["inbox"]["hyperparameters"] == last["hyperparameters"]


@pytest.mark.slow
def test_copies_are_averaged_at_every_interval(tmp_path: Path, arena: Path) -> None:
    block = small_population(tmp_path, arena, mode="averaging", hyperparameters={}, max_steps=300)
    population = Population(tmp_path / "p", settings_from(block, "test"), AveragingLeague)
    population.wait()
    assert population.errors == []
    assert len(population.events("averaged")) >= 3
    assert all(population.log(name).count("weights taken over") >= 3 for name in ("agt_0", "agt_1"))


def test_a_member_whose_trainer_cannot_run_is_given_up_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = tmp_path / "no-such-build"
    settings = settings_from(small_population(tmp_path, nowhere), "test")
    monkeypatch.setattr("mlagents_selfplay.population.member.MLAGENTS_LEARN", ("/bin/false",))
    population = Population(tmp_path / "p", settings, EvolvingLeague)
    population.wait()
    assert [type(error) for error in population.errors] == [MemberFailed, MemberFailed]
    assert "ended 3 times without a new checkpoint" in str(population.errors[0])
