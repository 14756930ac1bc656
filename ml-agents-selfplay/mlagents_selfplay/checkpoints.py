"""How is a checkpoint written so that a kill at any moment leaves one to resume from?

ML-Agents overwrites `checkpoint.pt` in place and ends training when an ONNX export fails. This saver replaces files as
a whole, treats the export as the convenience it is, and lets the trainer put its own state beside the checkpoint.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlagents.torch_utils import torch
from mlagents.trainers.model_saver.torch_model_saver import DEFAULT_CHECKPOINT_NAME, TorchModelSaver
from mlagents.trainers.policy.torch_policy import TorchPolicy
from mlagents.trainers.settings import TrainerSettings
from mlagents_envs.logging_util import get_logger

from mlagents_selfplay.files import write_bytes_atomically

logger = get_logger(__name__)


class CrashSafeSaver(TorchModelSaver):
    """ML-Agents' model saver, crash-safe.

    Args:
      settings: of the learner.
      model_path: folder of the behavior in the results.
      load: whether to resume from the checkpoint there.
      saving: called with the learner step and a function that writes the checkpoint as it is now; returns a function
        that calls it and saves what belongs to it, as that is now.
      do: called with what is to be done on the disk, now or soon, in order.
    """

    def __init__(
        self,
        settings: TrainerSettings,
        model_path: str,
        load: bool,
        saving: Callable[[int, Callable[[], None]], Callable[[], None]],
        do: Callable[[Callable[[], None]], None] = lambda job: job(),
    ) -> None:
        super().__init__(settings, model_path, load)
        self._saving, self._do = saving, do
        self.resumed = False  # whether a checkpoint was found and loaded

    def write_checkpoint(self, step: int) -> None:
        """Replaces the file that a resume reads, together with the trainer's state of this learner step.

        A full disk costs this checkpoint, with an error in the log, and nothing that was saved before.
        """
        path, state = Path(self.model_path) / DEFAULT_CHECKPOINT_NAME, copy.deepcopy(self._state())

        def save_and_tell() -> None:
            with _failure_told(step, path):
                save()

        with _failure_told(step, path):
            save = self._saving(step, lambda: _write(path, state))
            self._do(save_and_tell)

    def save_checkpoint(self, behavior_name: str, step: int) -> tuple[str, list[str]]:
        """Saves `checkpoint.pt`, a numbered copy of it and an ONNX model; returns the paths of the latter two."""
        self.write_checkpoint(step)
        base = Path(self.model_path) / f"{behavior_name}-{step}"
        numbered = base.with_name(base.name + ".pt")
        try:
            _write(numbered, self._state())
        except OSError as error:
            logger.error(f"{numbered} could not be written: {error}.")
        self.export(str(base), behavior_name)
        return f"{base}.onnx", [str(numbered)]

    def export(self, output_filepath: str, behavior_name: str) -> None:
        """Exports the ONNX model; a failure is a warning."""
        try:
            super().export(output_filepath, behavior_name)
        except Exception as error:  # the exporter may raise anything, and nothing of it is worth a run
            Path(f"{output_filepath}.onnx").unlink(missing_ok=True)
            logger.warning(
                f"{behavior_name} could not be exported to {output_filepath}.onnx: {error}. "
                f"Its weights are in {output_filepath}.pt; training goes on."
            )

    def initialize_or_load(self, policy: TorchPolicy | None = None) -> None:
        """Loads the checkpoint to resume from, if the run came so far as to write one."""
        path = Path(self.model_path) / DEFAULT_CHECKPOINT_NAME
        if self.load and self.initialize_path is None and not path.exists():
            logger.warning(f"{path} does not exist: the run ended before its first checkpoint and starts from step 0.")
            return
        if self.load:
            for half_written in path.parent.glob("*.part"):
                half_written.unlink()
        super().initialize_or_load(policy)
        self.resumed = self.load and self.initialize_path is None

    def _state(self) -> dict[str, object]:
        return {name: module.state_dict() for name, module in self.modules.items()}


@contextmanager
def _failure_told(step: int, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = f"could not be written to {path}: {error}. The last one is still there."
        logger.error(f"The checkpoint of step {step} {why}")


def _write(path: Path, state: dict[str, object]) -> None:
    blob = io.BytesIO()  # torch.save into a file on a full disk raises no OSError
    torch.save(state, blob)
    write_bytes_atomically(path, blob.getvalue())
