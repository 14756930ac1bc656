"""How does one behavior take part in rollouts? What the host has to know of it, and what its learner is given."""

from __future__ import annotations

from typing import Any

import numpy as np
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.settings import TrainerSettings

from mlagents_selfplay.algorithms.experience import Rows, Segments
from mlagents_selfplay.algorithms.fast_ppo import FastPPOTrainer
from mlagents_selfplay.rollouts.host import Member, Part
from mlagents_selfplay.rollouts.policies import to_arrays, why_not
from mlagents_selfplay.roster import Roster
from mlagents_selfplay.selfplay.matches import CURRENT


def member_of(behavior: str, settings: TrainerSettings, learner: Any, roster: Roster, mirror: bool) -> Member:
    """Describes a behavior that is trained.

    Args:
      behavior: its name.
      settings: of its trainer; the hyperparameters are those of self-play.
      learner: the trainer that learns; its policy exists.
      roster: its players.
      mirror: whether both sides of a match of the learner with itself teach.

    Raises:
      TrainerConfigError: if the settings ask for rollouts by the bridge, and the behavior cannot have them.
    """
    wish: str = settings.hyperparameters.rollouts
    reason = "`rollouts: wire` asks for it" if wish == "wire" else _why_not(settings, learner, roster)
    if wish == "bridge" and reason is not None:
        raise TrainerConfigError(
            f"Behavior {behavior}: hyperparameters.rollouts: bridge is not possible here, since {reason}. "
            "Write auto or wire."
        )
    spec = roster.spec
    return Member(
        behavior=behavior,
        why_not=reason,
        steps_wanted=lambda: int(learner.steps_wanted),
        arrays_of=lambda player: to_arrays(spec, roster.weights_of(player)),
        is_known=lambda player: player in roster.pool.players,
        horizon=settings.time_horizon,
        mirror=mirror,
        deterministic=settings.network_settings.deterministic,
        draw_seed=roster.draw_seed,
    )


def _why_not(settings: TrainerSettings, learner: Any, roster: Roster) -> str | None:
    if not isinstance(learner, FastPPOTrainer) or not learner.in_arrays:
        return f"its learner, {settings.hyperparameters.learner}, takes single trajectories"
    if roster.players.others:
        return f"pinned opponent {min(roster.players.others)} acts by itself"
    return why_not(roster.spec, settings.network_settings, roster.weights_of(CURRENT))


def rows_of(part: Part) -> tuple[Rows, Segments]:
    """Returns what a learner takes in; log-probabilities are not known here, and zero."""
    arrays = part.arrays
    sensors = range(sum(name.startswith("observation.") for name in arrays))
    rows = Rows(
        tuple(arrays[f"observation.{sensor}"] for sensor in sensors),
        arrays["continuous"],
        arrays["discrete"].astype(np.int64),
        np.zeros(arrays["continuous"].shape, np.float32),
        np.zeros(arrays["discrete"].shape, np.float32),
        arrays["allowed"].astype(np.float32),
        arrays["reward"],
    )
    return rows, Segments(arrays["length"], tuple(arrays[f"next.{sensor}"] for sensor in sensors), arrays["terminal"])
