"""How does one behavior take part in rollouts? What the host has to know of it, and what its learner is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.settings import TrainerSettings

from mlagents_selfplay.algorithms.experience import Rows, Segments
from mlagents_selfplay.algorithms.exploration import Exploration
from mlagents_selfplay.algorithms.fast_ppo import Episode, FastPPOTrainer
from mlagents_selfplay.algorithms.lived import Lived
from mlagents_selfplay.algorithms.off_policy import OffPolicyLearner
from mlagents_selfplay.algorithms.replay import Array
from mlagents_selfplay.rollouts.exchange import Member, Part
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
    spec, from_replay = roster.spec, isinstance(learner, OffPolicyLearner)
    return Member(
        behavior=behavior,
        why_not=reason,
        steps_wanted=lambda: int(learner.steps_wanted),
        arrays_of=lambda player: to_arrays(spec, {**roster.weights_of(player), **_instead(learner, player)}),
        whole=from_replay,
        version=lambda: int(learner.get_step),
        exploration=lambda: (learner.exploration() if from_replay else Exploration())._asdict(),
        is_known=lambda player: player in roster.pool.players,
        horizon=settings.time_horizon,
        mirror=mirror,
        deterministic=settings.network_settings.deterministic,
        draw_seed=roster.draw_seed,
    )


def hand_over(part: Part, learner: Any, opponent_step: Callable[[list[str]], int]) -> None:
    """Gives a learner what a rollout brought for it.

    Args:
      part: what was brought.
      learner: one that `member_of` had nothing against.
      opponent_step: returns what the replay notes of those who play the other teams.
    """
    if isinstance(learner, OffPolicyLearner):
        for agent, opponents in zip(part.agents, part.opponents, strict=True):
            learner.note_opponent(agent, opponent_step(opponents))
        learner.take_rollout(pieces_of(part), part.arrays["version"])
    else:
        learner.take_rollout(*rows_of(part), [Episode(*episode) for episode in part.episodes])


def _instead(learner: Any, player: str) -> dict[str, Array]:
    """Returns what a player acts with in place of some of its weights: the learner's own may be noisy."""
    return learner.acting_weights() if player == CURRENT and isinstance(learner, OffPolicyLearner) else {}


def _why_not(settings: TrainerSettings, learner: Any, roster: Roster) -> str | None:
    in_bulk = isinstance(learner, OffPolicyLearner) or (isinstance(learner, FastPPOTrainer) and learner.in_arrays)
    if not in_bulk:
        return f"its learner, {settings.hyperparameters.learner}, takes single trajectories"
    if roster.players.others:
        return f"pinned opponent {min(roster.players.others)} acts by itself"
    return why_not(roster.spec, roster.weights_of(CURRENT))


def rows_of(part: Part) -> tuple[Rows, Segments]:
    """Returns what a learner takes in; log-probabilities are not known here, and zero."""
    arrays = part.arrays
    sensors = _sensors(part)
    rows = Rows(
        tuple(arrays[f"observation.{sensor}"] for sensor in sensors),
        arrays["continuous"],
        arrays["discrete"].astype(np.int64),
        np.zeros(arrays["continuous"].shape, np.float32),
        np.zeros(arrays["discrete"].shape, np.float32),
        arrays["allowed"].astype(np.float32),
        arrays["reward"] + arrays["group_reward"],
        arrays["memory"],
    )
    return rows, Segments(arrays["length"], tuple(arrays[f"next.{sensor}"] for sensor in sensors), arrays["terminal"])


def pieces_of(part: Part) -> list[Lived]:
    """Returns what a learner from replay takes in, in the order in which the pieces ended."""
    arrays, sensors, pieces = part.arrays, _sensors(part), []
    ends = np.cumsum(arrays["length"])
    for place, (begin, end) in enumerate(zip((ends - arrays["length"]).tolist(), ends.tolist(), strict=True)):
        seen = tuple(
            np.concatenate((arrays[f"observation.{sensor}"][begin:end], arrays[f"next.{sensor}"][place : place + 1]))
            for sensor in sensors
        )
        rows = slice(begin, end)
        pieces.append(
            Lived(
                part.agents[place],
                seen,
                arrays["continuous"][rows],
                arrays["discrete"][rows],
                arrays["allowed"][rows],
                arrays["reward"][rows],
                arrays["group_reward"][rows],
                bool(arrays["terminal"][place]),
                bool(arrays["ended"][place]),
            )
        )
    return pieces


def _sensors(part: Part) -> range:
    return range(sum(name.startswith("observation.") for name in part.arrays))
