"""How do many players decide for the agents of one behavior? Networks of one kind together, in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mlagents.torch_utils import torch
from mlagents.trainers.exception import TrainerConfigError
from mlagents_envs.base_env import BehaviorSpec

from mlagents_selfplay import pinned
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.networks import new_actor, register_trainer_types, trainer_settings
from mlagents_selfplay.evaluation.players import Player
from mlagents_selfplay.opponents import Actions, Array, Decisions, Opponent, SnapshotActors, merge


class _Kind(NamedTuple):
    """Actors of one architecture, and the size of their memories."""

    actors: SnapshotActors
    network: torch.nn.Module
    memory_size: int


class Lineup:
    """All players of a tournament, ready to play one behavior.

    Args:
      behavior: its name.
      spec: its observations and actions.
      players: who may be asked to act.
      deterministic: whether networks take their likeliest action and do not sample.
      rng: of scripted players, each of which gets a generator of its own.

    Raises:
      EvaluationError: if a player cannot be loaded or does not fit.
    """

    def __init__(
        self,
        behavior: str,
        spec: BehaviorSpec,
        players: Sequence[Player],
        deterministic: bool,
        rng: np.random.Generator,
    ) -> None:
        self.behavior = behavior
        self.spec = spec
        self._deterministic = deterministic
        self._kinds: list[_Kind] = []
        self._kind_of: dict[str, int] = {}
        self._others: dict[str, Opponent] = {}
        self._memories: dict[str, Array] = {}
        self._mask_width = int(sum(spec.action_spec.discrete_branches))
        register_trainer_types()
        self._add_networks([player for player in players if player.run is not None])
        for player in players:
            if player.run is None:
                seed = int(rng.integers(2**63))
                self._others[player.name] = self._load_other(player, np.random.default_rng(seed))

    def decisions(self, observations: Sequence[Array], masks: Sequence[Array] | None, agents: list[str]) -> Decisions:
        """Puts together what agents see, as the environment tells it, with what their players remember.

        Args:
          observations: one array `[n, *shape]` for each sensor.
          masks: for each branch `[n, actions]`, true where forbidden; None if nothing is.
          agents: ids of the seats.
        """
        if masks is None or not self._mask_width:
            allowed = np.ones((len(agents), self._mask_width), dtype=np.float32)
        else:
            allowed = 1.0 - np.concatenate(masks, axis=1).astype(np.float32)
        return Decisions(list(observations), allowed, np.zeros((len(agents), 0), dtype=np.float32), agents)

    def act(self, players: Sequence[str], decisions: Decisions) -> Actions:
        """Lets each row be decided by its player; a row with a player that is not known does nothing.

        Args:
          players: name for each row, `[n]`.
          decisions: of `n` rows.
        """
        spec, size = self.spec.action_spec, len(players)
        nothing = Actions(
            np.zeros((size, spec.continuous_size), np.float32),
            np.zeros((size, spec.discrete_size), np.int32),
            decisions.memories,
        )
        parts = [(np.arange(size), nothing)]
        kinds = np.array([self._kind_of.get(player, -1) for player in players])
        for number in np.unique(kinds[kinds >= 0]):
            index = np.flatnonzero(kinds == number)
            parts.append((index, self._act_as(self._kinds[number], [players[i] for i in index], decisions.rows(index))))
        for name in dict.fromkeys(player for player in players if player in self._others):
            index = np.flatnonzero([player == name for player in players])
            parts.append((index, self._others[name].act(decisions.rows(index))))
        of_seats = decisions.memories  # what a network remembers stays here
        return merge(size, [(index, Actions(done.continuous, done.discrete, of_seats[index])) for index, done in parts])

    def forget(self, player: str, agent: str) -> None:
        """Drops what is remembered of an agent whose episode is over."""
        self._memories.pop(agent, None)
        if player in self._others:
            self._others[player].forget(agent)

    def probabilities(self, player: str, observations: Sequence[Array]) -> Array | None:
        """Returns the chance of each action of a player's only discrete branch, `[n, actions]`.

        None if the behavior has other actions, or the player is no network without memory that can tell.
        """
        branches = self.spec.action_spec.discrete_branches
        if player not in self._kind_of or len(branches) != 1 or self.spec.action_spec.continuous_size:
            return None
        kind = self._kinds[self._kind_of[player]]
        if kind.memory_size or not hasattr(kind.network, "network_body"):
            return None
        chances = kind.actors.action_probabilities(player, observations)
        return np.eye(chances.shape[1])[chances.argmax(axis=1)] if self._deterministic else chances

    def _act_as(self, kind: _Kind, players: list[str], decisions: Decisions) -> Actions:
        if not kind.memory_size:
            return kind.actors.act(players, decisions)
        empty = np.zeros(kind.memory_size, dtype=np.float32)
        memories = np.stack([self._memories.get(agent, empty) for agent in decisions.agents])
        seen = Decisions(decisions.observations, decisions.masks, memories, decisions.agents)
        actions = kind.actors.act(players, seen)
        self._memories.update(zip(decisions.agents, actions.memories, strict=True))
        return actions

    def _add_networks(self, players: Iterable[Player]) -> None:
        groups: dict[str, tuple[Any, list[Player]]] = {}
        for player in players:
            assert player.run is not None
            settings = trainer_settings(player.run, self.behavior)
            key = repr(
                (
                    settings.trainer_type,
                    settings.network_settings,
                    getattr(settings.hyperparameters, "shared_critic", None),
                )
            )
            groups.setdefault(key, (settings, []))[1].append(player)
        for settings, members in groups.values():
            network = new_actor(settings, self.behavior, self.spec, self._deterministic)
            actors = SnapshotActors(network, len(members))
            for player in members:
                self._put(actors, player)
                self._kind_of[player.name] = len(self._kinds)
            self._kinds.append(_Kind(actors, network, int(getattr(network, "memory_size", 0))))

    def _put(self, actors: SnapshotActors, player: Player) -> None:
        source = player.source(self.behavior)
        try:
            weights = pinned.load(source, self.spec, np.random.default_rng(0))
            assert isinstance(weights, dict)
            actors.put(player.name, weights, set())
        except (TrainerConfigError, ValueError) as error:
            why = str(error).removeprefix(pinned.KEY).removeprefix(source).strip()
            raise EvaluationError(
                f"Player {player.name} ({source}) does not fit behavior {self.behavior} of the environment: {why}"
            ) from error

    def _load_other(self, player: Player, rng: np.random.Generator) -> Opponent:
        source = player.source(self.behavior)
        try:
            if player.kind == "onnx":
                return pinned.OnnxOpponent(Path(source), self.spec, self._deterministic)
            loaded = pinned.load(source, self.spec, rng)
        except TrainerConfigError as error:
            why = str(error).removeprefix(pinned.KEY).removeprefix(source).strip()
            raise EvaluationError(
                f"Player {player.name} ({source}) does not fit behavior {self.behavior} of the environment: {why}"
            ) from error
        assert not isinstance(loaded, dict)
        return loaded
