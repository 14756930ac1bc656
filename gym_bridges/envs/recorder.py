"""How does an area become a video? Its pictures, one for each turn, written to a file as they come."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

_FRAMES_PER_SECOND = 30  # for an environment that does not name its own


class Recorder:
    """Writes one video.

    Args:
      path: of the file; its ending decides on the format. Missing folders are made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None
        if sys.platform == "linux" and not os.environ.get("DISPLAY"):
            os.environ.setdefault("MUJOCO_GL", "egl")  # MuJoCo reads it when it draws for the first time

    def add(self, env: Any) -> None:
        """Appends what `env` looks like now.

        Raises:
          ValueError: if the environment does not draw as `rgb_array`, or imageio is missing.
        """
        picture = env.render()
        if isinstance(picture, list):
            picture = picture[-1]
        if not isinstance(picture, np.ndarray) or picture.ndim != 3:
            raise ValueError(f"--record: render() returned {type(picture).__name__}, not a picture [height, width, 3]")
        if self._writer is None:
            self._writer = self._open((env.metadata or {}).get("render_fps") or _FRAMES_PER_SECOND)
        height, width = (size - size % 2 for size in picture.shape[:2])  # video formats ask for even sizes
        self._writer.append_data(picture[:height, :width].astype(np.uint8))

    def close(self) -> None:
        """Finishes the file."""
        if self._writer is not None:
            self._writer.close()

    def _open(self, frames_per_second: float) -> Any:
        try:
            import imageio.v2
        except ImportError as error:
            raise ValueError("--record needs the packages imageio and imageio-ffmpeg") from error
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.suffix.lower() == ".gif":
            return imageio.v2.get_writer(self._path, duration=1000 / frames_per_second, loop=0)
        return imageio.v2.get_writer(self._path, fps=frames_per_second, macro_block_size=1)
