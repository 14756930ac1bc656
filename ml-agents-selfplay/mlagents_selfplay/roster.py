"""Who can be seated for one behavior: snapshots are taken and loaded, pinned opponents loaded, opponents drawn."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.policy.torch_policy import TorchPolicy
from mlagents_envs.base_env import BehaviorSpec
from mlagents_envs.logging_util import get_logger

from mlagents_selfplay import pinned
from mlagents_selfplay.coordinator import Coordinator
from mlagents_selfplay.files import DamagedFile, Weights
from mlagents_selfplay.mail.letters import Guest
from mlagents_selfplay.opponents import SnapshotActors
from mlagents_selfplay.policy import Players
from mlagents_selfplay.selfplay.matches import CURRENT
from mlagents_selfplay.selfplay.pool import OpponentPool
from mlagents_selfplay.selfplay.scorebook import INITIAL
from mlagents_selfplay.settings import SelfPlaySettings
from mlagents_selfplay.store import RunFolder

logger = get_logger(__name__)


class Roster:
    """The players of one behavior of one run.

    Args:
      behavior: its name.
      settings: its self-play settings.
      learner: returns the learner's policy.
      step: returns the learner steps.
      folder: where snapshots are kept.
      shared: what the behaviors of the run have in common; its game is asked who is playing.
      seed: of the draws, and of scripted opponents.

    Raises:
      TrainerConfigError: if a pinned opponent cannot be used.
    """

    def __init__(
        self,
        behavior: str,
        settings: SelfPlaySettings,
        learner: Callable[[], TorchPolicy],
        step: Callable[[], int],
        folder: RunFolder,
        shared: Coordinator,
        seed: np.random.SeedSequence,
    ) -> None:
        self._behavior = behavior
        self._settings = settings
        self._learner = learner
        self._step = step
        self._folder = folder
        self._shared = shared
        pool_rng, self._script_rng, self._rollout_rng = (np.random.default_rng(child) for child in seed.spawn(3))
        self._sources = pinned.names_of(settings.pinned_opponents)
        self.pool = OpponentPool(
            settings.history_capacity,
            settings.sampler_settings,
            list(self._sources),
            float(settings.pinned_ratio),
            pool_rng,
        )
        self.players = Players(learner, SnapshotActors(learner().actor, settings.opponents_in_memory), {})
        self._pinned_weights: dict[str, Weights] = {}
        self._guest_weights: dict[str, Weights] = {}
        self._given = ChainMap(self._guest_weights, self._pinned_weights)  # weights that are no snapshots of ours
        self._load_pinned()

    def draw(self) -> str:
        """Draws the next opponent and has it loaded."""
        on = self._shared.game.players_on(self._behavior)
        book = self._shared.books[self._shared.opposite(self._behavior)]
        while True:
            player = self.pool.draw(self._step(), book, on, self._settings.opponents_in_memory)
            if player == CURRENT or self.is_playable(player):
                return player

    def is_playable(self, player: str) -> bool:
        """Loads a player if need be and says whether it can be seated; a damaged one is struck out, with a warning."""
        if player not in self.pool.players:
            return False
        if player in self.players.others or player in self.players.snapshots:
            return True
        busy = self._shared.game.players_on(self._behavior)
        if player in self._given:
            return self.players.snapshots.put(player, self._given[player], busy)
        step = 0 if player == INITIAL else int(player)
        try:
            return self.players.snapshots.put(player, self._folder.load_snapshot(step), busy)
        except (DamagedFile, ValueError) as error:
            if player not in self.pool.players:
                return False  # it left the history this moment, in the trainer's thread
            aside = self._folder.set_aside(step)
            self.pool.forget(player)
            logger.warning(f"{self._behavior}: snapshot {player} cannot be used and is set aside as {aside}: {error}")
            return False

    def invite(self, guests: Mapping[str, Guest], ratio: float) -> None:
        """Replaces the guests, which are drawn with probability `ratio` and then by their chances."""
        before, fitting = set(self._guest_weights), {}
        for name, guest in guests.items():
            wrong = self.players.snapshots.mismatch(guest.weights)
            if wrong is None:
                fitting[name] = guest
            else:
                logger.warning(f"{self._behavior}: guest {name} is of another architecture and stays away: {wrong}")
        new = {name: guest.weights for name, guest in fitting.items() if name not in before}
        self._folder.save_guests(new, {*fitting, *before})  # until the next time; a resume may need those before
        for name in before - set(fitting):
            del self._guest_weights[name]
            self._shared.ratings.remove(self._behavior, name)
        self._guest_weights.update(new)
        self.pool.invite({name: guest.chance for name, guest in fitting.items()}, ratio)

    def save_initial(self) -> None:
        """Writes the policy before its first update, which is pinned."""
        self._folder.save_snapshot(0, self._weights(), half=False)
        self._shared.ratings.put(self._behavior, INITIAL, float(self._settings.initial_elo))

    def take_snapshot(self) -> None:
        """Freezes the learner as it is now: in the history, in the ratings with the learner's own, and soon on disk."""
        step, ratings = self._step(), self._shared.ratings
        self._folder.save_snapshot_later(step, self._weights(), half=self._settings.snapshot_precision == "float16")
        for player in self.pool.add(step):
            ratings.remove(self._behavior, player)
        ratings.put(self._behavior, str(step), ratings.rating(self._behavior, CURRENT))

    def manifest(self) -> dict[str, Any]:
        """What history.json says: snapshots, pinned opponents and ratings."""
        history, step = self.pool.history, self._step()
        rating_of = {
            player: self._shared.ratings.rating(self._behavior, player) for player in (CURRENT, *self.pool.players)
        }
        initial = {"name": INITIAL, "file": "snapshots/0.safetensors", "rating": rating_of.get(INITIAL)}
        return {
            "behavior": self._behavior,
            "step": step,
            "rating": rating_of[CURRENT],
            "capacity": history.capacity,
            "delta": self.pool.sampler.delta,
            "draws": {
                "sampler": asdict(self.pool.sampler),
                "pinned": self.pool.pinned,
                "pinned_ratio": self.pool.pinned_ratio,
                "matches_per_draw": self._settings.opponent_change_interval,
            },
            "discrepancy": history.discrepancy(max(step, *history.steps, 0)),
            "snapshots": [
                {
                    "step": kept,
                    "file": f"snapshots/{kept}.safetensors",
                    "bytes": self._folder.snapshot_bytes(kept),
                    "rating": rating_of[str(kept)],
                }
                for kept in history.steps
            ],
            "pinned": [
                initial,
                *(
                    {"name": name, "source": source, "rating": rating_of[name]}
                    for name, source in self._sources.items()
                    if source != INITIAL
                ),
            ],
        }

    @property
    def spec(self) -> BehaviorSpec:
        """What the behavior's agents see and do."""
        return self._learner().behavior_spec

    def weights_of(self, player: str) -> Weights:
        """Returns the weights of a player: the learner, a snapshot, a pinned actor or a guest."""
        if player == CURRENT:
            return self._weights()
        if player in self._given:
            return self._given[player]
        return self._folder.load_snapshot(0 if player == INITIAL else int(player))

    def draw_seed(self) -> int:
        """Draws the seed of a rollout."""
        return int(self._rollout_rng.integers(2**63))

    def state(self) -> dict[str, Any]:
        """Returns history and random states, ready for JSON."""
        generators = {"script_rng": self._script_rng, "rollout_rng": self._rollout_rng}
        return {"pool": self.pool.state(), **{name: rng.bit_generator.state for name, rng in generators.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from `state()`.

        Raises:
          ValueError: if the state was taken at another capacity, or the snapshots are of another architecture.
        """
        capacity, saved = self._settings.history_capacity, state["pool"]["history"]["capacity"]
        if capacity != saved:
            raise ValueError(
                f"hyperparameters.history_capacity: {capacity} is not allowed; it must stay {saved}, as the run began."
            )
        self.pool.restore(state["pool"])
        for name in list(self.pool.guests):
            try:
                self._guest_weights[name] = self._folder.load_guest(name)
            except DamagedFile as error:
                self.pool.forget(name)
                logger.warning(f"{self._behavior}: guest {name} stays away: {error}")
        self._script_rng.bit_generator.state = state["script_rng"]
        self._rollout_rng.bit_generator.state = state["rollout_rng"]
        self._check_architecture(max(self.pool.history.steps, default=0))

    def _check_architecture(self, step: int) -> None:
        """Looks at one snapshot, so that a changed network is one error and not a history that is set aside."""
        try:
            wrong = self.players.snapshots.mismatch(self._folder.load_snapshot(step))
        except DamagedFile:
            return  # said, and set aside, when it is drawn
        if wrong is not None:
            raise ValueError(
                f"network_settings or environment are not those of the run; {self._folder.snapshot_file(step)} is of "
                f"another architecture: {wrong}. Put them back, or start a new run with --initialize-from."
            )

    def _load_pinned(self) -> None:
        for name, source in self._sources.items():
            if source == INITIAL:
                continue
            loaded = pinned.load(source, self._learner().behavior_spec, self._script_rng)
            if not isinstance(loaded, dict):
                self.players.others[name] = loaded
                continue
            wrong = self.players.snapshots.mismatch(loaded)
            if wrong is not None:
                raise TrainerConfigError(
                    f"hyperparameters.pinned_opponents: {source} is of another architecture than behavior "
                    f"{self._behavior}: {wrong}."
                )
            self._pinned_weights[name] = loaded

    def _weights(self) -> Weights:
        state = self._learner().actor.state_dict()
        return {name: value.detach().cpu().numpy().copy() for name, value in state.items()}
