"""What does a running trainer do with the letters of its population? It opens them between two of its steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlagents_envs.logging_util import get_logger

from mlagents_selfplay.files import DamagedFile
from mlagents_selfplay.mail import letters
from mlagents_selfplay.mail.changes import change, take_over
from mlagents_selfplay.mail.letters import Letter
from mlagents_selfplay.roster import Roster

logger = get_logger(__name__)

LOOK_AGAIN_SECONDS = 0.01


class Inbox:
    """The trainer's end of the letters to one member of a population; empty and idle in any other run.

    Args:
      folder: where the letters are; need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened = 0  # number of the last letter
        self._hyperparameters: dict[str, float] = {}  # all that letters have changed
        self._waits = False
        self._awaiting = False

    def read(self, learner: Any, modules: dict[str, Any], roster: Roster, save: Callable[[], None]) -> None:
        """Does what the letters say that have come; waits for one if that is the rule and a snapshot was taken.

        Args:
          learner: changed.
          modules: of its checkpoints; changed.
          roster: gets new guests.
          save: writes a checkpoint, with `state()` in it, and returns when it is on disk.
        """
        while not (found := letters.waiting(self._folder)) and self._awaiting:
            time.sleep(LOOK_AGAIN_SECONDS)
        for number in found:
            if number > self._opened:
                self._open(number, learner, modules, roster)
                save()
            letters.discard(self._folder, number)

    def note_snapshot(self) -> None:
        """A snapshot has been taken, and its checkpoint is about to be written."""
        self._awaiting = self._waits

    def state(self) -> dict[str, Any]:
        """Returns what has changed so far, ready for JSON."""
        return {
            "opened": self._opened,
            "hyperparameters": self._hyperparameters,
            "waits": self._waits,
            "awaiting": self._awaiting,
        }

    def restore(self, state: dict[str, Any], learner: Any) -> None:
        """Goes on from `state()`: the learner's hyperparameters change again to what they had become."""
        self._opened, self._waits, self._awaiting = state["opened"], state["waits"], state["awaiting"]
        self._hyperparameters = dict(state["hyperparameters"])
        change(learner, self._hyperparameters)

    def _open(self, number: int, learner: Any, modules: dict[str, Any], roster: Roster) -> None:
        self._opened, self._awaiting = number, False
        try:
            letter = letters.read(self._folder, number)
            if letter.checkpoint is not None:
                take_over(learner, modules, letter.checkpoint)
        except (DamagedFile, ValueError) as error:
            logger.warning(f"Letter {number} of the population cannot be followed: {error}. Training goes on.")
            return
        self._follow(letter, learner, roster)

    def _follow(self, letter: Letter, learner: Any, roster: Roster) -> None:
        change(learner, letter.hyperparameters)
        self._hyperparameters |= letter.hyperparameters
        if letter.waits is not None:
            self._waits = letter.waits
        if letter.guests is not None:
            roster.invite(letter.guests, letter.guest_ratio)
        if letter.hyperparameters or letter.checkpoint:
            said = ", ".join(f"{key} {value:.4g}" for key, value in letter.hyperparameters.items())
            taken = "weights taken over" if letter.checkpoint else "weights kept"
            logger.info(f"The population asks for a change: {taken}; {said or 'same hyperparameters'}.")
