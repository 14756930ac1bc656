"""Does the dashboard read from a population's log what became of its members?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlagents_selfplay.dashboard.figures.population import lineage, schedule
from mlagents_selfplay.dashboard.populations import Member, read, take_in
from mlagents_selfplay.files import DamagedFile
from mlagents_selfplay.population.evolution import EvolutionSettings
from mlagents_selfplay.population.evolving import EvolvingLeague
from mlagents_selfplay.population.folder import LeagueFolder

from tests.dashboard.results import POPULATION, write_population
from tests.population.stories import report, settings


@pytest.fixture
def members() -> dict[str, Member]:
    found: dict[str, Member] = {}
    for event in POPULATION:
        take_in(found, event)
    return found


def test_ratings_and_changes_are_told_by_member(members: dict[str, Member]) -> None:
    assert list(members) == ["agt_0", "agt_1"]
    assert members["agt_0"].ratings == [(0, 0.0), (1000, -20.0), (1200, 20.0), (2000, 30.0)]
    first, second = members["agt_0"].changes
    assert (first.step, first.parent, first.hyperparameters["lr"]) == (0, None, 1e-4)
    assert (second.step, second.parent, second.before, second.after) == (1200, "agt_1", -20.0, 20.0)
    assert members["agt_1"].last_step == 1000


def test_the_arrow_stands_where_the_weights_were_taken_over(members: dict[str, Member]) -> None:
    (arrow,) = lineage(members).layout.annotations
    assert (arrow.text, arrow.x, arrow.ay, arrow.y) == ("agt_1", 1200, -20.0, 20.0)


def test_a_schedule_holds_until_now_and_spans_decades_on_a_logarithmic_axis(members: dict[str, Member]) -> None:
    rates = schedule(members, "lr")
    assert (list(rates.data[0].x), list(rates.data[0].y)) == ([0, 1200, 2000], [1e-4, 4e-3, 4e-3])
    assert list(rates.data[0].text) == ["", "from agt_1", ""]
    assert rates.layout.yaxis.type == "log"
    assert schedule(members, "gamma").layout.yaxis.type is None


def test_a_line_that_is_being_written_waits_and_a_damaged_one_is_named(
    tmp_path: Path, members: dict[str, Member]
) -> None:
    log = write_population(tmp_path)
    with log.open("a") as file:
        file.write('{"event": "snapshot", "mem')
    assert read(log) == members
    with log.open("a") as file:
        file.write("\n")
    with pytest.raises(DamagedFile, match=r"events\.jsonl, line 9, is damaged"):
        read(log)
    log.write_text(json.dumps({"event": "changed", "member": "nobody"}) + "\n")
    with pytest.raises(DamagedFile, match=r"line 1, is damaged"):
        read(log)


def test_what_a_league_writes_is_what_is_read(tmp_path: Path) -> None:
    made = EvolvingLeague(
        LeagueFolder(tmp_path), settings(guest_draws=64, evolution=EvolutionSettings(start_after=200, change_after=100))
    )
    made.report(report("agt_1", 100))
    made.report(report("agt_0", 100))
    letter = made.report(report("agt_0", 200, [("agt_1@100", 0.0)] * 30, opened=1))
    assert letter is not None
    made.report(report("agt_0", 230, opened=letter.number, snapshot=None))
    member = read(tmp_path / "events.jsonl")["agt_0"]
    assert [(change.step, change.parent) for change in member.changes] == [(0, None), (230, "agt_1")]
    assert member.changes[1].hyperparameters == letter.hyperparameters
    assert member.ratings[-1] == (230, made.rating_of("agt_1"))
