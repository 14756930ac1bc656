"""Which figures did a run report to TensorBoard, learner step by learner step?"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader  # type: ignore[import-untyped]

from mlagents_selfplay.files import DamagedFile

MOST_POINTS = 4000  # of one figure; beyond, every second one is left out
MOST_FOLDERS = 256  # kept in memory
EVENT_FILE = "events.out.tfevents."  # how their names begin
HYPERPARAMETERS = "Hyperparameters/text_summary"


class Curve:
    """One figure over the run: learner steps and values, thinned to `MOST_POINTS`, the last always among them."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, float]] = []
        self._last: list[tuple[int, float]] = []  # the newest point, if it is none of those
        self._stride, self._seen = 1, 0

    def add(self, step: int, value: float) -> None:
        """Takes in the next point. After a resume, steps go back: what lies beyond was thrown away."""
        while self._kept and self._kept[-1][0] >= step:
            self._kept.pop()
        is_kept = self._seen % self._stride == 0
        self._seen += 1
        self._last = [] if is_kept else [(step, value)]
        if is_kept:
            self._kept.append((step, value))
        if len(self._kept) > MOST_POINTS:
            self._kept = self._kept[::2]
            self._stride *= 2

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """`[n]`, learner steps, ascending."""
        return np.array([step for step, _ in self._kept + self._last], dtype=np.int64)

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """`[n]`, one for each step."""
        return np.array([value for _, value in self._kept + self._last], dtype=np.float64)


class EventFolder:
    """The event files of one behavior of one run; `update` reads what is new."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.curves: dict[str, Curve] = {}
        self.hyperparameters = ""  # as the run reported them when it began, until configuration.yaml is there
        self._loaders: OrderedDict[Path, EventFileLoader] = OrderedDict()
        self._lock = threading.Lock()

    def update(self) -> EventFolder:
        """Reads on, in the order in which the files were begun.

        Raises:
          DamagedFile: if a file cannot be read.
        """
        with self._lock:
            files = sorted(self.path.glob(f"{EVENT_FILE}*"), key=lambda file: file.name)
            if not set(self._loaders) <= set(files):  # the run was started over
                self.curves.clear()
                self._loaders.clear()
            for file in files:
                loader = self._loaders.setdefault(file, EventFileLoader(str(file)))
                try:
                    for event in loader.Load():
                        for value in event.summary.value:
                            self._take(event.step, value)
                except (OSError, ValueError, RuntimeError) as error:
                    raise DamagedFile(f"{file} cannot be read: {error}") from error
        return self

    def _take(self, step: int, value: Any) -> None:
        tag, tensor = value.tag, value.tensor
        if tag == HYPERPARAMETERS and tensor.string_val:
            self.hyperparameters = tensor.string_val[0].decode(errors="replace")
        elif len(tensor.float_val) == 1 and not tensor.tensor_shape.dim:
            self.curves.setdefault(tag, Curve()).add(step, tensor.float_val[0])


class Events:
    """Event folders by path, the least recently asked forgotten first."""

    def __init__(self, most: int = MOST_FOLDERS) -> None:
        self._most = most
        self._folders: OrderedDict[Path, EventFolder] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, path: Path) -> EventFolder:
        """Returns the folder's figures as they are now."""
        with self._lock:
            folder = self._folders.setdefault(path, EventFolder(path))
            self._folders.move_to_end(path)
            while len(self._folders) > self._most:
                self._folders.popitem(last=False)
        return folder.update()


def smoothed(values: npt.NDArray[np.float64], weight: float) -> npt.NDArray[np.float64]:
    """Exponential moving average with the bias of its beginning removed, as in TensorBoard.

    Args:
      values: `[n]`; not changed. NaN is passed over.
      weight: of what came before, in [0, 1).

    Returns:
      `[n]`; `values` themselves at weight 0.
    """
    result = np.empty(len(values))
    average = norm = 0.0
    for place, value in enumerate(values):
        if not np.isnan(value):
            average = weight * average + (1.0 - weight) * value
            norm = weight * norm + (1.0 - weight)
        result[place] = average / norm if norm else np.nan
    return result
