"""Who met whom, when, and with which outcome, of a match log that grows while one looks?

A log may have many millions of rows. It is read once, in blocks, and condensed to counts of rows that are alike: the
same learner step when they began, team, opponent and outcome. When there are more than `MOST_CELLS` kinds of rows,
steps are rounded, by two, four and so on, until there are fewer. So memory is bounded, and a refresh reads new rows.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from mlagents_selfplay.matchlog import MatchLog
from mlagents_selfplay.store import COLUMNS, DamagedFile

BLOCK_BYTES = 1 << 23
MOST_CELLS = 200_000
MOST_LOGS = 8  # kept in memory, the least recently read goes first
TAIL_BYTES = 1 << 20  # read from the end of a log for its last episodes

_CELL = ["step", "team", "opponent", "outcome"]
_TYPES: Mapping[Hashable, str] = {
