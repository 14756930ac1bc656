"""Parts of an experiment or a study: when each may begin, and who does it, one by one or side by side."""

from __future__ import annotations

from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.parts import Done, Here, Part, Show, Work, do_all

TRAININGS = {number: frozenset({f"run {number}: A learns", f"run {number}: B learns"}) for number in (0, 1)}
PARTS = [
    part
    for number, trainings in TRAININGS.items()
    for part in (
        *(Part(name) for name in sorted(trainings)),
        *(Part(f"run {number}: benchmark at {steps}", trainings) for steps in (1000, 2000)),
    )
]


class Recorded:
    """Hands that do as many parts at once as they are told, and end the one that began last first."""

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.under_way: list[Part] = []
        self.most = 0

    def start(self, part: Part, work: Work) -> None:
        self.under_way.append(part)
        self.most = max(self.most, len(self.under_way))

    def wait(self, show: Show) -> Done:
        return Done(self.under_way.pop(), "done")


def began(hands: Recorded | Here, finished: frozenset[str]) -> list[str]:
    """Does all parts; returns what happened, in order."""
    happened: list[str] = []

    def begin(part: Part) -> Work:
        happened.append(f"begin {part}")
        return lambda show: None

    for found in do_all(PARTS, finished, hands, begin, lambda doing, done, planned: None):
        happened.append(f"end {found.part}")
    return happened


def test_one_after_another_goes_run_by_run() -> None:
    happened = began(Here(), frozenset())
    assert happened[::2] == [f"begin {part}" for part in PARTS]
    assert happened[1::2] == [f"end {part}" for part in PARTS]


def test_side_by_side_a_benchmark_waits_for_the_trainings_of_its_run_and_for_no_other() -> None:
    hands = Recorded(3)
    happened = began(hands, frozenset())
    assert hands.most == 3
    assert sorted(happened) == sorted(f"{what} {part}" for what in ("begin", "end") for part in PARTS)
    # The training of run 1 that began as the third ends first, and the fourth begins in its place.
    assert happened[:5] == [
        "begin run 0: A learns",
        "begin run 0: B learns",
        "begin run 1: A learns",
        "end run 1: A learns",
        "begin run 1: B learns",
    ]
    for number in (0, 1):
        trained = max(happened.index(f"end {name}") for name in TRAININGS[number])
        assert trained < min(happened.index(f"begin run {number}: benchmark at {step}") for step in (1000, 2000))


def test_what_is_finished_is_not_done_again() -> None:
    happened = began(Here(), TRAININGS[0])
    assert happened[0] == "begin run 0: benchmark at 1000"
    assert "begin run 0: A learns" not in happened


def test_an_error_is_the_end_of_its_part() -> None:
    def fail(show: Show) -> None:
        raise EvaluationError("no luck")

    (found,) = do_all([PARTS[0]], [], Here(), lambda part: fail, lambda doing, done, planned: None)
    assert found.part == PARTS[0]
    assert str(found.error) == "no luck"
