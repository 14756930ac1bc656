"""What does a journal make of rows that come mixed? Worked out by hand."""

import numpy as np

from gym_bridges.areas import ActionSpec, BehaviorSpec, ObservationSpec
from gym_bridges.rollouts.journal import NOBODY, Journal, Seat

SPEC = BehaviorSpec((ObservationSpec("seen", (1,)),), ActionSpec(branches=(2,)))
NOTHING = np.zeros(0, int)
NO, YES = np.array([False]), np.array([True])


def seen(*numbers: float) -> list[np.ndarray]:
    return [np.array(numbers, np.float32)[:, None]]


def add(journal: Journal, pieces: np.ndarray, numbers: list[float]) -> np.ndarray:
    count = len(numbers)
    nothing = np.zeros((count, 0))
    return journal.add(pieces, seen(*numbers), None, nothing, np.zeros((count, 1), int), nothing, 7)


def close(journal: Journal, pieces: np.ndarray, after: list[np.ndarray], terminal: np.ndarray) -> None:
    """The agent of piece p is 100 + p, in match 10 + p, on team 1; a piece that is terminal has ended."""
    journal.close(pieces, after, terminal, terminal, Seat(100 + pieces, 10 + pieces, np.ones_like(pieces)))


def test_rows_are_sorted_into_pieces_in_the_order_in_which_they_closed() -> None:
    journal = Journal(SPEC)
    a, b = journal.begin(2)
    first = add(journal, np.array([a, b]), [1.0, 10.0])
    journal.pay(first, np.array([0.1, 1.0]))
    second = add(journal, np.array([b, a]), [20.0, 2.0])
    journal.pay(second, np.array([2.0, 0.2]))
    close(journal, np.array([b]), seen(30.0), YES)
    close(journal, np.array([a]), seen(3.0), NO)
    taken, _ = journal.take(NOTHING)
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
    close(journal, np.array([a]), journal.seen_at(int(more[0])), NO)  # As if it had ended before its last row.
    close(journal, np.array([b]), journal.seen_at(int(rows[1])), NO)
    taken, _ = journal.take(np.array([more[0], rows[1]]))
    assert taken["observation.0"].ravel().tolist() == [1.0]
    assert taken["length"].tolist() == [1]
    assert taken["next.0"].ravel().tolist() == [2.0]


def test_pieces_that_were_not_closed_stay_and_go_on_under_their_new_numbers() -> None:
    journal = Journal(SPEC)
    a, b, c = journal.begin(3)
    journal.pay(add(journal, np.array([a, b, c]), [1.0, 10.0, 100.0]), np.array([0.1, 1.0, 5.0]), np.array([0, 2.0, 0]))
    rows = add(journal, np.array([b, c]), [20.0, 200.0])
    close(journal, np.array([a]), seen(3.0), YES)
    taken, moved = journal.take(NOTHING)
    assert taken["observation.0"].ravel().tolist() == [1.0]
    # Of five rows a had the first; b and c keep their order: rows 1, 2, 3, 4 become 0, 1, 2, 3.
    assert moved.rows.tolist() == [NOBODY, 0, 1, 2, 3]
    assert moved.pieces.tolist() == [NOBODY, 0, 1]
    journal.pay(moved.rows[rows], np.array([0.5, 0.25]))
    (d,) = journal.begin(1)
    add(journal, np.array([moved.pieces[b], d]), [30.0, 7.0])
    close(journal, np.array([moved.pieces[b]]), seen(40.0), YES)
    taken, moved = journal.take(NOTHING)
    assert taken["observation.0"].ravel().tolist() == [10.0, 20.0, 30.0]
    assert taken["reward"].tolist() == [1.0, 0.5, 0.0]
    assert taken["group_reward"].tolist() == [2.0, 0.0, 0.0]
    assert taken["version"].tolist() == [7, 7, 7]
    assert (taken["agent"].tolist(), taken["match"].tolist(), taken["team"].tolist()) == ([100], [10], [1])
    assert len(journal) == 3  # Two of c, one of d.
    assert moved.pieces.tolist() == [NOBODY, 0, 1]


def test_what_is_cleared_leaves_nothing_behind() -> None:
    journal = Journal(SPEC)
    journal.pay(add(journal, journal.begin(1), [1.0]), np.array([3.0]))
    journal.clear()
    piece = journal.begin(1)
    add(journal, piece, [5.0])
    close(journal, piece, seen(6.0), NO)
    taken, _ = journal.take(NOTHING)
    assert taken["observation.0"].ravel().tolist() == [5.0]
    assert taken["reward"].tolist() == [0.0]  # Nothing of what stood in the array before.


def test_more_rows_than_there_is_room_for_are_taken_in() -> None:
    journal = Journal(SPEC)
    pieces = journal.begin(700)
    for step in range(3):
        add(journal, pieces, [float(step)] * 700)
    close(journal, pieces, seen(*[9.0] * 700), np.zeros(700, bool))
    taken, _ = journal.take(NOTHING)
    assert taken["length"].tolist() == [3] * 700
    assert taken["observation.0"].ravel().tolist() == [0.0, 1.0, 2.0] * 700
