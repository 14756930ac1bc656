"""What does a bridge do with the trainer's plans? The trainer's end is played by the test, letter by letter."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gym_bridges.areas import Actions, Areas, Decisions
from gym_bridges.rollouts import session
from gym_bridges.rollouts.crowd import Crowd
from gym_bridges.rollouts.mailbox import OPEN, PROTOCOL, Letter, Mailbox
from gym_bridges.rollouts.seats import Seats
from gym_bridges.rollouts.session import Session
from tests.bridge.driving import make

RPS = "RockPaperScissors"
NUM_AREAS = 4


@pytest.fixture(autouse=True)
def _busy_machines_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "LONGEST_SECONDS", 1000.0)


def always(move: int) -> dict[str, np.ndarray]:
    """A network without hidden units to speak of, that always does the same."""
    logits = np.full(3, -1e6, np.float32)
    logits[move] = 0.0
    return {
        "weight.0": np.zeros((30, 1), np.float32),
        "bias.0": np.zeros(1, np.float32),
        "logits.weight": np.zeros((1, 3), np.float32),
        "logits.bias": logits,
    }


class Trainer:
    """Posts plans and reads what comes back."""

    def __init__(self, folder: Path, environment: str = RPS, num_areas: int = NUM_AREAS) -> None:
        (folder / OPEN).touch()
        self.areas: Areas = make(environment, num_areas)
        self.mailbox = Mailbox(folder / "5005-1")
        self.ended = 0
        self.session = Session(self.mailbox, self.areas, num_areas, self._count)
        self.session.clear(self.areas.reset(0))
        self._plans = 0

    def _count(self) -> None:
        self.ended += 1

    def ask(self, matches: list[dict[str, Any]], new: dict[str, dict[str, np.ndarray]], **rules: Any) -> Letter:
        """Posts a plan and has it played."""
        asked = {"current": "current", "mirror": True, "horizon": 100, "wanted": 40, "whole": False, "version": 0}
        asked |= {"deterministic": False, "exploration": {"uniform": 0.0, "keep": 0.0, "push": 0.0}}
        header = {
            "protocol": PROTOCOL,
            "kind": "play",
            "number": self._plans,
            "seed": 0,
            "matches": matches,
            "behaviors": {RPS: {**asked, **rules, "new": list(new), "dropped": []}},
        }
        arrays = {
            f"{RPS}/{place}/{name}": array
            for place, network in enumerate(new.values())
            for name, array in network.items()
        }
        self.mailbox.post(f"plan.{self._plans}", header, arrays)
        while True:
            assert self.session.work()
            letter = self.mailbox.take(f"rollout.{self._plans}")
            if letter is not None:
                self._plans += 1
                return letter


def dealt(number: int, opponent: str, learning_team: int = 0) -> dict[str, Any]:
    players = [[RPS, learning_team, "current"], [RPS, 1 - learning_team, opponent]]
    return {"number": number, "learning_team": learning_team, "players": players}


NETWORKS = {"current": always(0), "7": always(2)}  # rock beats scissors


def counting(move: int) -> dict[str, np.ndarray]:
    """One that always does the same, and whose memory takes in 1 at each step and forgets nothing."""
    open_wide = np.full(4, 100.0, np.float32)
    return {**always(move), "lstm.weight": np.zeros((2, 4), np.float32), "lstm.bias": open_wide}


def test_a_bridge_says_who_it_is(tmp_path: Path) -> None:
    letter = Trainer(tmp_path).mailbox.take("hello")
    assert letter is not None
    assert letter.header == {"protocol": PROTOCOL, "areas": 4, "behaviors": [f"{RPS}?team=0", f"{RPS}?team=1"]}


def test_matches_are_played_by_whom_they_were_dealt_to_and_their_results_are_right(tmp_path: Path) -> None:
    trainer = Trainer(tmp_path)
    # Ten rounds a match: 4 x 10 rows are enough, and every round is won by rock.
    letter = trainer.ask([dealt(number, "7", number % 2) for number in range(1, 9)], NETWORKS)
    assert [match["number"] for match in letter.header["matches"]] == [1, 2, 3, 4]
    for match in letter.header["matches"]:
        results = {team: rest for _, team, *rest in match["results"]}
        learning = match["number"] % 2
        assert results[learning] == [1.0, 10.0, 10.0, 10, False]
        assert results[1 - learning] == [-1.0, -10.0, -10.0, 10, False]
    assert letter.header["begun"] == 4
    assert letter.header["left"] == 4
    assert letter.arrays[f"{RPS}/reward"].tolist() == [1.0] * 40
    assert (letter.arrays[f"{RPS}/discrete"] == 0).all()
    assert letter.arrays[f"{RPS}/length"].tolist() == [10] * 4
    assert letter.arrays[f"{RPS}/terminal"].all()
    assert trainer.ended == 1


def test_the_rows_are_what_the_environment_showed_and_did(tmp_path: Path) -> None:
    """The same actions, step by step in another copy of the environment, lead through the same observations."""
    trainer = Trainer(tmp_path)
    letter = trainer.ask([dealt(number, "7") for number in range(1, 9)], NETWORKS)
    twin = make(RPS, NUM_AREAS)
    steps = twin.reset(0)
    rows = letter.arrays[f"{RPS}/observation.0"].reshape(NUM_AREAS, 10, 30)
    for number in range(10):
        first, _ = steps.values()
        assert np.array_equal(rows[:, number], first.decisions.observations[0])
        nothing = np.zeros((NUM_AREAS, 0), np.float32)
        moves = [np.full((NUM_AREAS, 1), move, np.int32) for move in (0, 2)]
        steps = twin.step({team: Actions(nothing, move) for team, move in zip(twin.behaviors, moves, strict=True)})
    endings = next(iter(steps.values())).endings
    assert np.array_equal(letter.arrays[f"{RPS}/next.0"], endings.observations[0])


def test_a_memory_is_empty_when_an_episode_begins_and_outlives_a_rollout(tmp_path: Path) -> None:
    trainer = Trainer(tmp_path)
    matches = [dealt(number, "7") for number in range(1, 13)]
    first = trainer.ask(matches, {"current": counting(0), "7": counting(2)}, wanted=12)
    second = trainer.ask([], {"current": counting(0)}, wanted=32)
    # Ten rounds a match: three in the first rollout; the other seven and one of the next match in the second.
    assert first.arrays[f"{RPS}/memory"][:, 1].tolist() == [0, 1, 2] * 4
    assert first.arrays[f"{RPS}/memory"][:, 0] == pytest.approx(np.tanh([0, 1, 2] * 4), abs=1e-6)
    assert second.arrays[f"{RPS}/memory"][:, 1].tolist() == [3, 4, 5, 6, 7, 8, 9] * 4 + [0] * 4


def test_a_match_that_is_on_when_a_rollout_ends_goes_on_in_the_next_with_the_same_players(tmp_path: Path) -> None:
    trainer = Trainer(tmp_path)
    first = trainer.ask([dealt(number, "7") for number in range(1, 9)], NETWORKS, wanted=12)
    assert first.header["matches"] == []
    assert first.arrays[f"{RPS}/length"].tolist() == [3] * 4
    assert not first.arrays[f"{RPS}/ended"].any()
    second = trainer.ask([], {"current": always(2)}, wanted=28)  # The learner has learned to draw.
    assert [match["number"] for match in second.header["matches"]] == [1, 2, 3, 4]
    assert second.arrays[f"{RPS}/length"].tolist() == [7] * 4
    for match in second.header["matches"]:
        results = {team: rest for _, team, *rest in match["results"]}
        assert results[0] == [0.0, 3.0, 3.0, 10, False]  # Three rounds won before, seven drawn now.


def test_only_seats_that_teach_are_written_down(tmp_path: Path) -> None:
    mirror = [{**dealt(number, "current")} for number in range(1, 9)]
    both = Trainer(tmp_path).ask(mirror, NETWORKS, wanted=80)
    assert len(both.arrays[f"{RPS}/reward"]) == 80
    assert len(both.header["matches"]) == 4
    other = tmp_path / "other"
    other.mkdir()
    one = Trainer(other).ask(mirror, NETWORKS, wanted=40, mirror=False)
    assert len(one.arrays[f"{RPS}/reward"]) == 40
    assert len(one.header["matches"]) == 4


def test_where_pieces_outlive_a_rollout_they_come_when_their_episode_is_over_and_say_whose_they_are(
    tmp_path: Path,
) -> None:
    trainer = Trainer(tmp_path)
    everybody = [dealt(number, "7", number % 2) for number in range(1, 9)]
    first = trainer.ask(everybody, NETWORKS, wanted=1, whole=True, horizon=6, version=11)
    # Ten rounds a match, pieces of six rows: the first four pieces come as soon as their agents decide again.
    assert first.arrays[f"{RPS}/length"].tolist() == [6] * 4
    assert first.arrays[f"{RPS}/version"].tolist() == [11] * 24
    second = trainer.ask([], {"current": always(2)}, wanted=1, whole=True, horizon=6, version=30)
    assert second.arrays[f"{RPS}/length"].tolist() == [4] * 4
    assert second.arrays[f"{RPS}/ended"].all()
    assert set(second.arrays[f"{RPS}/version"].tolist()) == {30}
    for name in ("agent", "match", "team"):
        assert first.arrays[f"{RPS}/{name}"].tolist() == second.arrays[f"{RPS}/{name}"].tolist(), name
    assert sorted(second.arrays[f"{RPS}/match"].tolist()) == [1, 2, 3, 4]
    for number, team in zip(second.arrays[f"{RPS}/match"].tolist(), second.arrays[f"{RPS}/team"].tolist(), strict=True):
        assert team == number % 2


def test_a_piece_of_two_rollouts_says_of_each_row_which_weights_it_was_played_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count()
    monkeypatch.setattr(session, "time", SimpleNamespace(monotonic=lambda: next(seconds)))  # One goes by each step.
    monkeypatch.setattr(session, "LONGEST_SECONDS", 6)
    trainer = Trainer(tmp_path)
    first = trainer.ask([dealt(number, "7") for number in range(1, 9)], NETWORKS, whole=True, version=1)
    assert len(first.arrays[f"{RPS}/reward"]) == 0
    second = trainer.ask([], {"current": always(2)}, whole=True, version=2)
    assert second.arrays[f"{RPS}/version"].tolist() == ([1] * 6 + [2] * 4) * 4
    assert second.arrays[f"{RPS}/reward"].tolist() == ([1.0] * 6 + [0.0] * 4) * 4  # Rock wins, scissors draw.
    assert second.arrays[f"{RPS}/length"].tolist() == [10] * 4


def test_a_piece_has_no_gap_where_a_rollout_was_played_for_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count()
    monkeypatch.setattr(session, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    monkeypatch.setattr(session, "LONGEST_SECONDS", 4)  # Ten rounds take three rollouts.
    trainer = Trainer(tmp_path)
    trainer.ask([dealt(number, "7") for number in range(1, 9)], NETWORKS, whole=True, version=1)
    trainer.ask([], {"current": always(0)}, whole=True, version=2, wanted=0)
    last = trainer.ask([], {"current": always(0)}, whole=True, version=3)
    assert last.arrays[f"{RPS}/version"].tolist() == ([1] * 4 + [2] * 4 + [3] * 2) * 4


def test_where_nobody_has_to_decide_no_network_is_asked() -> None:
    spec = next(iter(make(RPS, 1).behaviors.values()))
    nobody = Decisions(np.zeros(0, int), (np.zeros((0, 30), np.float32),), np.zeros(0))
    acted = Crowd(RPS, spec, Seats()).act([nobody, nobody], np.random.default_rng(0))  # There is no network yet.
    assert [(actions.continuous.shape, actions.discrete.shape) for actions in acted] == [((0, 0), (0, 1))] * 2


def test_only_the_learner_explores(tmp_path: Path) -> None:
    rules = {"exploration": {"uniform": 1.0, "keep": 0.0, "push": 0.0}}
    letter = Trainer(tmp_path).ask([dealt(number, "7") for number in range(1, 9)], NETWORKS, **rules)
    assert set(letter.arrays[f"{RPS}/discrete"].ravel().tolist()) == {0, 1, 2}  # Without, it would always be 0.
    returns = [
        sum(results[2] for results in match["results"]) for match in letter.header["matches"]
    ]  # Against scissors rock is paid 1, scissors 0, paper -1; what one side wins the other loses.
    assert returns == [0.0] * 4
    moves = letter.arrays[f"{RPS}/discrete"].ravel()
    assert letter.arrays[f"{RPS}/reward"].tolist() == np.array([1.0, -1.0, 0.0])[moves].tolist()


def test_a_piece_ends_at_the_horizon(tmp_path: Path) -> None:
    letter = Trainer(tmp_path).ask([dealt(number, "7") for number in range(1, 9)], NETWORKS, horizon=4)
    assert sorted(letter.arrays[f"{RPS}/length"].tolist()) == [2] * 4 + [4] * 8
    assert letter.arrays[f"{RPS}/terminal"].sum() == 4


def test_a_rollout_ends_when_the_matches_run_out_and_the_next_seats_who_is_left(tmp_path: Path) -> None:
    trainer = Trainer(tmp_path)
    short = trainer.ask([dealt(number, "7") for number in range(1, 6)], NETWORKS, wanted=1000)
    assert [match["number"] for match in short.header["matches"]] == [1, 2, 3, 4]
    assert short.header["left"] == 0
    more = trainer.ask([dealt(number, "7") for number in range(6, 9)], NETWORKS, wanted=40)
    assert [match["number"] for match in more.header["matches"]] == [5, 6, 7, 8]


def test_a_reset_forgets_who_was_seated_and_what_was_dealt(tmp_path: Path) -> None:
    trainer = Trainer(tmp_path)
    trainer.ask([dealt(number, "7") for number in range(1, 9)], NETWORKS, wanted=12)
    trainer.session.clear(trainer.areas.reset(1))
    letter = trainer.ask([dealt(number, "7") for number in range(11, 19)], NETWORKS, wanted=40)
    assert [match["number"] for match in letter.header["matches"]] == [11, 12, 13, 14]


def test_a_trainer_may_decline(tmp_path: Path) -> None:
    trainer = Trainer(tmp_path)
    trainer.mailbox.post("plan.0", {"protocol": PROTOCOL, "kind": "wire", "why": "it rains"}, {})
    assert not trainer.session.takes_over()
    assert trainer.session.on is False


def test_without_a_trainer_behind_the_door_it_is_the_wire_at_once(tmp_path: Path) -> None:
    trainer = Trainer(tmp_path)
    (tmp_path / OPEN).unlink()
    assert not trainer.session.takes_over()
    assert trainer.session.on is False


def test_until_the_trainer_has_decided_it_is_the_wire_and_then_everything_begins_anew(tmp_path: Path) -> None:
    trainer = Trainer(tmp_path)
    assert not trainer.session.takes_over()
    assert trainer.session.on is None
    resets = []
    reset = trainer.areas.reset
    trainer.areas.reset = lambda seed: resets.append(seed) or reset(seed)  # type: ignore[method-assign]
    letter = trainer.ask([dealt(number, "7") for number in range(1, 9)], NETWORKS)
    assert resets == [None]
    assert trainer.session.takes_over()
    assert len(letter.header["matches"]) == 4


@pytest.mark.parametrize("wanted", [1, 40, 41])
def test_there_are_as_many_rows_as_wanted_or_as_many_more_as_act_at_once(tmp_path: Path, wanted: int) -> None:
    letter = Trainer(tmp_path).ask([dealt(number, "7") for number in range(1, 20)], NETWORKS, wanted=wanted)
    assert wanted <= len(letter.arrays[f"{RPS}/reward"]) < wanted + NUM_AREAS
