"""Which snapshots lived when?

The result files name the snapshots that are kept now, and those that somebody has met. The rule of the history is
deterministic, so the evictions follow from the steps at which snapshots were taken: they are replayed. If the replay
ends with exactly the snapshots that are kept, it is what happened. Otherwise some snapshot has come and gone unmet;
then an evicted one is only known to have lived until it was last met.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlagents_selfplay.matchlog import MatchLog
from mlagents_selfplay.selfplay.history import SnapshotHistory


@dataclass(frozen=True)
class Lives:
    """The lives of all snapshots that are known of, in the order in which they were taken.

    Attributes:
      taken: `[N]`, learner steps.
      left: `[N]`, learner steps at which they were evicted; -1 for those that are kept.
      exact: whether the replay arrives at the snapshots that are kept.
    """

    taken: npt.NDArray[np.int64]
    left: npt.NDArray[np.int64]
    exact: bool

    def at(self, step: int) -> npt.NDArray[np.int64]:
        """Returns the steps of the snapshots that were in the history at learner step `step`, ascending."""
        return self.taken[(self.taken <= step) & ((self.left < 0) | (self.left > step))]


def lives(kept: Sequence[int], capacity: int, last_met: Mapping[int, int]) -> Lives:
    """Replays the history.

    Args:
      kept: learner steps of the snapshots in the history, ascending.
      capacity: most snapshots of the history, at least 2.
      last_met: by snapshot that was ever met, the learner step at which its last match began.
    """
    newest = max(kept, default=0)
    taken = sorted({*kept, *(step for step in last_met if 0 < step <= newest)})
    history, left = SnapshotHistory(capacity), dict.fromkeys(taken, -1)
    for step in taken:
        left.update(dict.fromkeys(history.add(step), step))
    exact = list(history.steps) == list(kept)
    if not exact:
        left = {step: -1 if step in set(kept) else last_met[step] + 1 for step in taken}
    return Lives(np.array(taken, dtype=np.int64), np.array([left[step] for step in taken], dtype=np.int64), exact)


def last_met(logs: Iterable[MatchLog]) -> dict[int, int]:
    """Returns, by snapshot, the learner step at which its last match began."""
    found: dict[int, int] = {}
    for log in logs:
        for code, player in enumerate(log.players):
            if player.isdigit():
                latest = int(log.steps[log.opponents == code].max())
                found[int(player)] = max(latest, found.get(int(player), 0))
    return found
