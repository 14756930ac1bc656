"""What does a journal make of rows that come mixed? Worked out by hand."""

import numpy as np

from gym_bridges.areas import ActionSpec, BehaviorSpec, ObservationSpec
from gym_bridges.rollouts.journal import Journal

SPEC = BehaviorSpec((ObservationSpec("seen", (1,)),), ActionSpec(branches=(2,)))
NO, YES = np.array([False]), np.array([True])


def seen(*numbers: float) -> list[np.ndarray]:
    return [np.array(numbers, np.float32)[:, None]]


def add(journal: Journal, pieces: np.ndarray, numbers: list[float]) -> np.ndarray:
    count = len(numbers)
    return journal.add(pieces, seen(*numbers), None, np.zeros((count, 0)), np.zeros((count, 1), int))


def test_rows_are_sorted_into_pieces_in_the_order_in_which_they_closed() -> None:
    journal = Journal(SPEC)
    a, b = journal.begin(2)
    first = add(journal, np.array([a, b]), [1.0, 10.0])
    journal.pay(first, np.array([0.1, 1.0]))
    second = add(journal, np.array([b, a]), [20.0, 2.0])
    journal.pay(second, np.array([2.0, 0.2]))
    journal.close(np.array([b]), seen(30.0), YES, YES)
    journal.close(np.array([a]), seen(3.0), NO, NO)
    taken = journal.take(np.zeros(0, int))
    assert taken["observation.0"].ravel().tolist() == [10.0, 20.0, 1.0, 2.0]
    assert taken["reward"].tolist() == [np.float32(r) for r in (1.0, 2.0, 0.1, 0.2)]
    assert taken["length"].tolist() == [2, 2]
    assert taken["next.0"].ravel().tolist() == [30.0, 3.0]
    assert taken["terminal"].tolist() == [True, False]
    assert taken["ended"].tolist() == [True, False]
    assert taken["allowed"].all()
    assert len(journal) == 0


def test_a_row_that_is_left_out_shortens_its_piece_and_may_leave_nothing_of_it() -> None:
    journal = Journal(SPEC)
    a, b = journal.begin(2)
    rows = add(journal, np.array([a, b]), [1.0, 10.0])
    more = add(journal, np.array([a]), [2.0])
    journal.close(
        np.array([a]), journal.seen_at(int(more[0])), NO, NO
    )  # As if the piece had ended before its last row.
    journal.close(np.array([b]), journal.seen_at(int(rows[1])), NO, NO)
    taken = journal.take(np.array([more[0], rows[1]]))
    assert taken["observation.0"].ravel().tolist() == [1.0]
    assert taken["length"].tolist() == [1]
    assert taken["next.0"].ravel().tolist() == [2.0]


def test_pieces_that_were_not_closed_are_lost_and_the_next_rollout_begins_anew() -> None:
    journal = Journal(SPEC)
    add(journal, journal.begin(1), [1.0])
    assert len(journal.take(np.zeros(0, int))["reward"]) == 0
    piece = journal.begin(1)
    add(journal, piece, [5.0])
    journal.close(piece, seen(6.0), NO, NO)
    taken = journal.take(np.zeros(0, int))
    assert taken["observation.0"].ravel().tolist() == [5.0]
    assert taken["reward"].tolist() == [0.0]  # Nothing of what stood in the array before.


def test_more_rows_than_there_is_room_for_are_taken_in() -> None:
    journal = Journal(SPEC)
    pieces = journal.begin(700)
    for step in range(3):
        add(journal, pieces, [float(step)] * 700)
    journal.close(pieces, seen(*[9.0] * 700), np.zeros(700, bool), np.zeros(700, bool))
    taken = journal.take(np.zeros(0, int))
    assert taken["length"].tolist() == [3] * 700
    assert taken["observation.0"].ravel().tolist() == [0.0, 1.0, 2.0] * 700
