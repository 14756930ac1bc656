"""What are the rules of repeated rock-paper-scissors? Pure functions over many matches at once.

A *joint move* is `3 * own + other`, 0..8, with rock 0, paper 1, scissors 2; `EMPTY` (9) stands where no round has been
played yet. A *recall* is the last `n` joint moves of a match, oldest first, so that a young match has its empty slots
in front.
"""

from __future__ import annotations

import numpy as np

MOVES = ("rock", "paper", "scissors")
EMPTY = 9
SLOT_SIZE = 10
"""Length of the one-hot vector of one recall slot: nine joint moves and "empty"."""

_ONE_HOT = np.eye(SLOT_SIZE, dtype=np.float32)
_MIRROR = np.array([0, 3, 6, 1, 4, 7, 2, 5, 8, EMPTY])


def payoff_matrix(rock_vs_paper: float, rock_vs_scissors: float, paper_vs_scissors: float) -> np.ndarray:
    """Returns `[3, 3]`: what the row's move is paid against the column's.

    The first named move is the row's. The opposite pairing pays the negative and equal moves pay 0, so the game is
    zero-sum and alike for both players.
    """
    matrix = np.zeros((3, 3))
    matrix[0, 1], matrix[0, 2], matrix[1, 2] = rock_vs_paper, rock_vs_scissors, paper_vs_scissors
    return matrix - matrix.T


def joint_move(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns the joint moves 0..8 of two arrays of moves 0..2, of any one shape."""
    return 3 * own + other


def mirror(joint: np.ndarray) -> np.ndarray:
    """Returns the same joint moves as the other player sees them; any shape, entries 0..9."""
    return _MIRROR[joint]


def remember(recall: np.ndarray, joint: np.ndarray) -> np.ndarray:
    """Returns recalls `[m, n]` with the oldest slot dropped and `joint` `[m]` as the newest; changes nothing."""
    return np.concatenate([recall[:, 1:], joint[:, None]], axis=1)


def observe(recall: np.ndarray) -> np.ndarray:
    """Returns `[m, 10 * n]` float32, one one-hot vector for each slot of recalls `[m, n]`, the oldest slot first."""
    return _ONE_HOT[recall].reshape(len(recall), SLOT_SIZE * recall.shape[1])
