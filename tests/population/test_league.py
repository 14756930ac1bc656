"""Does the league rate, keep, ask and remember as it should, and is what it acknowledged still there after a kill?"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlagents_selfplay.files import DamagedFile
from mlagents_selfplay.mail.letters import Letter
from mlagents_selfplay.population.evolution import EvolutionSettings
from mlagents_selfplay.population.evolving import EvolvingLeague
from mlagents_selfplay.population.folder import LeagueFolder
from mlagents_selfplay.population.store import Store, enter

from tests.population.stories import report, settings


def league(folder: Path, **keys: Any) -> EvolvingLeague:
    return EvolvingLeague(LeagueFolder(folder), settings(**keys))


def store(folder: Path) -> Store:
    """Returns what `store.json` has to be once it is written."""
    made: Store = {}
    for event in LeagueFolder(folder).events():
        enter(made, event)
    return made


def written_store(folder: Path) -> Store:
    return json.loads((folder / "store.json").read_text())


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"] == kind]


def begun(folder: Path, step: int = 100, **keys: Any) -> EvolvingLeague:
    """Returns a league of two that have each reported one snapshot, so that agt_0 has agt_1@100 for a guest."""
    made = league(folder, guest_draws=64, **keys)
    made.report(report("agt_1", step))
    letter = made.report(report("agt_0", step))
    assert set(letter.guests) == {f"agt_1@{step}"}
    return made


def test_the_store_begins_as_the_seeds_does(tmp_path: Path) -> None:
    made = league(tmp_path)
    for member, entry in written_store(tmp_path).items():
        values = made.records[member].hyperparameters
        assert entry == {
            "hyperparameters": {key: [values[key]] for key in ("learning_rate", "extrinsic.gamma")},
            "opponent": ["NA"],
            "score": [0],
            "rating": [0.0],
            "step": [0],
        }
    assert list(written_store(tmp_path)) == ["agt_0", "agt_1"]


def test_the_store_is_written_when_somebody_changes_or_ends_or_the_league_starts_again(tmp_path: Path) -> None:
    made = begun(tmp_path)
    letter = made.report(report("agt_0", 200, [("agt_1@100", 0.0)] * 30, opened=1))
    assert written_store(tmp_path)["agt_0"]["opponent"] == ["NA"]  # ten seconds have not passed
    made.report(report("agt_0", 230, opened=letter.number, snapshot=None))
    assert written_store(tmp_path) == store(tmp_path)
    assert written_store(tmp_path)["agt_0"]["opponent"] == ["NA", "agt_1"]
    made.report(report("agt_1", 300, [("agt_0@100", 1.0)], opened=made.records["agt_1"].letters))
    assert written_store(tmp_path) != store(tmp_path)
    league(tmp_path, guest_draws=64)
    assert written_store(tmp_path) == store(tmp_path)
    made = league(tmp_path, guest_draws=64)
    made.report(report("agt_1", 400, [("agt_0@100", 1.0)], opened=made.records["agt_1"].letters, final=True))
    assert written_store(tmp_path) == store(tmp_path)


def test_what_is_written_with_every_report_does_not_grow_with_the_run(tmp_path: Path) -> None:
    made = begun(tmp_path, history_capacity=2, evolution=EvolutionSettings(start_after=100_000))
    sizes = []
    for step in range(200, 4_000, 100):
        opened = made.records["agt_0"].letters
        made.report(report("agt_0", step, [("agt_1@100", 1.0), ("agt_1@100", 0.0)], opened=opened))
        sizes.append((tmp_path / "state.json").stat().st_size)
    assert sizes[-1] < sizes[4] + 100  # bytes; numbers have become longer, lists have not
    assert written_store(tmp_path)["agt_0"]["opponent"] == ["NA"]


def test_a_damaged_line_of_the_log_is_named(tmp_path: Path) -> None:
    begun(tmp_path)
    file = tmp_path / "events.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    lines[1] = "{" + lines[1][1:].replace(":", ";", 1)
    file.write_text("".join(lines))
    with pytest.raises(DamagedFile, match=r"events\.jsonl, line 2, is damaged"):
        league(tmp_path)


def test_a_win_lifts_one_rating_and_lowers_the_other_by_as_much(tmp_path: Path) -> None:
    """The seed added the same amount to both, so that who lost was rated up."""
    made = begun(tmp_path)
    made.report(report("agt_0", 200, [("agt_1@100", 1.0)], opened=1))
    # Equals: an expected score of 1/2, so K / 2 = 2 points with K = 4.
    assert made.rating_of("agt_0") == pytest.approx(2.0)
    assert made.rating_of("agt_1") == pytest.approx(-2.0)
    kept = store(tmp_path)
    assert (kept["agt_0"]["opponent"][-1], kept["agt_0"]["score"][-1]) == ("agt_1", 1.0)
    assert (kept["agt_1"]["opponent"][-1], kept["agt_1"]["score"][-1]) == ("agt_0", 0.0)
    assert kept["agt_0"]["rating"] == pytest.approx([0.0, 2.0])
    assert kept["agt_1"]["rating"] == pytest.approx([0.0, -2.0])


def test_ratings_move_match_by_match(tmp_path: Path) -> None:
    made = begun(tmp_path)
    made.report(report("agt_0", 200, [("agt_1@100", 1.0)] * 200 + [("agt_1@100", 0.0)] * 200, opened=1))
    # 200 wins make a favourite of about 300 points, who then loses more per game than it had won.
    assert made.rating_of("agt_0") < -100
    assert store(tmp_path)["agt_0"]["score"][-1] == 0.5


def test_an_older_snapshot_has_a_rating_of_its_own_and_that_of_its_member_stays(tmp_path: Path) -> None:
    made = begun(tmp_path)
    made.report(report("agt_1", 200, opened=1))
    made.report(report("agt_0", 200, opened=1))
    assert made.records["agt_0"].stand_ins == {"agt_1@200"}
    made.report(report("agt_0", 300, [("agt_1@100", 1.0)], opened=2))
    assert made.rating_of("agt_0") == pytest.approx(2.0)
    assert made.rating_of("agt_1@100") == pytest.approx(-2.0)
    assert made.rating_of("agt_1") == 0.0


def test_a_report_that_is_sent_again_counts_once_and_is_answered_alike(tmp_path: Path) -> None:
    made = begun(tmp_path)
    told = report("agt_0", 200, [("agt_1@100", 1.0)], opened=1)
    first = made.report(told)
    rating, kept = made.rating_of("agt_0"), store(tmp_path)
    again = made.report(told)
    assert made.rating_of("agt_0") == rating
    assert store(tmp_path) == kept
    assert (again.number, again.hyperparameters) == (first.number, first.hyperparameters)


def test_the_weaker_one_is_asked_to_change_and_the_stronger_one_is_not(tmp_path: Path) -> None:
    """In the seed the direction was reversed, and ratings hardly moved from 0, so that anybody was a parent."""
    made = begun(tmp_path)
    weak = made.report(report("agt_0", 200, [("agt_1@100", 0.0)] * 30, opened=1))
    assert weak.checkpoint == report("agt_1", 100).checkpoint
    assert set(weak.hyperparameters) == {"learning_rate", "extrinsic.gamma"}
    assert made.report(report("agt_1", 300, opened=1)).checkpoint is None


def test_nobody_changes_too_early_too_often_or_just_before_the_end(tmp_path: Path) -> None:
    losses = [("agt_1@100", 0.0)] * 30
    made = begun(tmp_path / "a")
    assert made.report(report("agt_0", 190, losses, opened=1)).checkpoint is None  # start_after is 200
    made = begun(tmp_path / "b", max_steps=299)
    assert made.report(report("agt_0", 200, losses, opened=1)).checkpoint is None  # change_after is 100
    made = begun(tmp_path / "c")
    made.report(report("agt_0", 200, losses, opened=1))
    made.report(report("agt_0", 201, opened=2, snapshot=None))
    made.report(report("agt_1", 300, opened=1))
    assert made.report(report("agt_0", 290, losses, opened=2)).checkpoint is None


def test_a_change_is_entered_when_it_has_been_made_and_not_before(tmp_path: Path) -> None:
    made = begun(tmp_path)
    before = made.records["agt_0"].hyperparameters
    letter = made.report(report("agt_0", 200, [("agt_1@100", 0.0)] * 30, opened=1))
    assert made.records["agt_0"].hyperparameters == before
    assert len(store(tmp_path)["agt_0"]["step"]) == 1
    made.report(report("agt_0", 230, opened=letter.number, snapshot=None))
    kept = store(tmp_path)["agt_0"]
    assert kept["step"] == [0, 230]
    assert {key: values[-1] for key, values in kept["hyperparameters"].items()} == letter.hyperparameters
    assert made.records["agt_0"].hyperparameters == letter.hyperparameters
    assert made.rating_of("agt_0") == made.rating_of("agt_1")  # It plays as its parent does.
    (changed,) = events(tmp_path, "changed")
    assert (changed["member"], changed["parent"], changed["step"]) == ("agt_0", "agt_1", 230)


def test_the_best_snapshot_is_kept_when_the_history_has_forgotten_it(tmp_path: Path) -> None:
    made = begun(tmp_path, history_capacity=2, evolution=EvolutionSettings(start_after=100_000))
    made.report(report("agt_0", 200, [("agt_1@100", 1.0)], opened=1))
    for step in range(300, 900, 100):
        made.report(report("agt_0", step, [("agt_1@100", 0.0)], opened=step // 100 - 1))
    assert (tmp_path / "best" / "agt_0.safetensors").read_bytes() == report("agt_0", 200).snapshot
    kept = {int(path.stem) for path in (tmp_path / "snapshots" / "agt_0").iterdir()}
    assert kept == set(made.records["agt_0"].history.steps)
    assert 200 not in kept
    assert (made.standings()[1]["best_step"], made.standings()[1]["best_rating"]) == (200, pytest.approx(2.0))


def test_guests_come_from_all_over_the_others_histories(tmp_path: Path) -> None:
    made = league(tmp_path, members=3, guest_draws=200, matchmaking="random")
    for step in range(100, 600, 100):
        for member in ("agt_1", "agt_2"):
            made.report(report(member, step, opened=step // 100 - 1))
    guests = made.report(report("agt_0", 100)).guests
    assert {name.partition("@")[0] for name in guests} == {"agt_1", "agt_2"}
    assert {int(name.partition("@")[2]) for name in guests} == {100, 200, 300, 400, 500}
    assert sum(guest.chance for guest in guests.values()) == pytest.approx(1.0)
    # The newest gets half of its member's share, and a fifth of the other half: 0.6.
    newest = sum(guest.chance for name, guest in guests.items() if name.endswith("@500"))
    assert newest == pytest.approx(0.6, abs=0.14)  # Four standard deviations.
    assert guests["agt_1@300"].weights["weight"].tolist() == [300.0]


def test_who_meets_nobody_is_sent_nothing(tmp_path: Path) -> None:
    made = league(tmp_path, guest_ratio=0.0)
    made.report(report("agt_1", 100))
    assert made.report(report("agt_0", 100)) is None


def test_a_league_that_starts_again_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    def story(folder: Path, kills: set[int]) -> tuple[dict[str, Any], list[Letter]]:
        made, answers = begun(folder), []
        told = [report("agt_0", 200, [("agt_1@100", 0.0)] * 30, opened=1)]
        told += [report("agt_1", 300, [("agt_0@100", 1.0)], opened=1), report("agt_0", 230, opened=2, snapshot=None)]
        told += [report("agt_0", 300, opened=2), report("agt_1", 400, opened=2)]
        for number, one in enumerate(told):
            if number in kills:
                made = league(folder, guest_draws=64)
            answers.append(made.report(one))
        return store(folder), answers

    whole, interrupted = story(tmp_path / "a", set()), story(tmp_path / "b", {0, 1, 2, 3, 4})
    assert whole[0] == interrupted[0]
    for one, other in zip(whole[1], interrupted[1], strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert (one.number, one.hyperparameters, one.checkpoint) == (
                other.number,
                other.hyperparameters,
                other.checkpoint,
            )


def die_at(moment: int, folder: Path, told: Path) -> None:
    """Reports until file number `moment` is to be replaced, and is killed; `told` lists what was answered."""
    real, left = os.replace, moment

    def replace(source: str, target: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        real(source, target)

    os.replace = replace
    made = league(folder, history_capacity=2)
    for step in range(100, 10_000, 100):
        made.report(report("agt_0", step, [("agt_1@100", 1.0)], opened=made.records["agt_0"].letters))
        made.report(report("agt_1", step, opened=made.records["agt_1"].letters))
        with told.open("a") as file:
            file.write(f"{step}\n")


@pytest.mark.parametrize("moment", range(1, 40))
def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path, moment: int) -> None:
    told = tmp_path / "told"
    told.touch()
    child = os.fork()
    if child == 0:
        try:
            die_at(moment, tmp_path / "league", told)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    acknowledged = [int(line) for line in told.read_text().split()]
    made = league(tmp_path / "league", history_capacity=2)
    record = made.records["agt_0"]
    waiting = made.pending("agt_0")  # what a member asks for when it starts
    assert (waiting is None) == (record.pending is None)
    assert record.step >= max(acknowledged, default=0)
    assert record.matches_bytes == record.step
    assert sum(one["member"] == "agt_0" for one in events(tmp_path / "league", "snapshot")) == record.step // 100
    for step in record.history.steps:
        assert made.folder.load_snapshot("agt_0", step)["weight"].tolist() == [step]
    assert made.report(report("agt_0", record.step + 100, opened=record.letters)) is not None


def test_random_draws_go_on_where_they_were(tmp_path: Path) -> None:
    made = begun(tmp_path)
    expected = np.random.default_rng()
    expected.bit_generator.state = made.rng.bit_generator.state
    assert league(tmp_path, guest_draws=64).rng.random() == expected.random()


def test_what_a_lost_node_had_done_since_its_last_report_is_done_again(tmp_path: Path) -> None:
    made = begun(tmp_path)
    made.report(report("agt_0", 300, [("agt_1@100", 1.0)], opened=1))
    made.report(report("agt_0", 200, [], opened=1, snapshot=None))
    assert made.records["agt_0"].step == 200
    assert made.rating_of("agt_0") == pytest.approx(2.0)
    assert events(tmp_path, "went back")[0]["before"] == 300
