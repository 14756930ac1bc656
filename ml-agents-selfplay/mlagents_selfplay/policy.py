"""What ML-Agents takes for a policy: it seats agents and has each one's actions computed by whoever plays it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from mlagents.trainers.action_info import ActionInfo
from mlagents.trainers.behavior_id_utils import get_global_agent_id
from mlagents.trainers.policy import Policy
from mlagents.trainers.policy.torch_policy import TorchPolicy
from mlagents.trainers.torch_entities.action_log_probs import LogProbsTuple
from mlagents_envs.base_env import ActionTuple, DecisionSteps

from mlagents_selfplay.opponents import Actions, Array, Decisions, Opponent, SnapshotActors, merge
from mlagents_selfplay.selfplay.matches import CURRENT, Role
from mlagents_selfplay.selfplay.matchmaking import Game


class Players:
    """Everybody who can decide for a seat of one behavior; shared by the policies of its teams.

    Attributes:
      learner: returns the learner's policy.
      snapshots: frozen actors of the learner's architecture.
      others: pinned opponents that act by themselves, by name.
    """

    def __init__(
        self, learner: Callable[[], TorchPolicy], snapshots: SnapshotActors, others: dict[str, Opponent]
    ) -> None:
        self.learner = learner
        self.snapshots = snapshots
        self.others = others

    def act(self, players: list[str], decisions: Decisions) -> Actions:
        """Lets each row be decided by its player, none of whom is the learner."""
        parts = []
        of_snapshots = np.array([player in self.snapshots for player in players])
        if of_snapshots.any():
            index = np.flatnonzero(of_snapshots)
            parts.append((index, self.snapshots.act([players[i] for i in index], decisions.rows(index))))
        for name in dict.fromkeys(player for player in players if player in self.others):
            index = np.flatnonzero([player == name for player in players])
            parts.append((index, self.others[name].act(decisions.rows(index))))
        return merge(len(players), parts)


class SelfPlayPolicy(Policy):
    """The policy of one team: asks the game for the player of every new agent, and keeps to it until the episode ends.

    Args:
      role: the team.
      game: where its agents are seated.
      players: who decides for them.
      is_elsewhere: whether the environment plays by itself, so that nobody decides here.
    """

    def __init__(self, role: Role, game: Game, players: Players, is_elsewhere: Callable[[], bool]) -> None:
        learner = players.learner()
        super().__init__(learner.seed, learner.behavior_spec, learner.network_settings)
        self.m_size = learner.m_size
        self._role = role
        self._game = game
        self._players = players
        self._is_elsewhere = is_elsewhere
        self._player_of: dict[int, dict[int, str]] = {}  # by worker, by the agent's local id
        self._memories: dict[str, Array] = {}  # of opponents, by the agent's global id
        spec = self.behavior_spec.action_spec
        self._mask_width = int(sum(spec.discrete_branches))
        self._no_previous_action = np.zeros((1, spec.discrete_size), dtype=np.int32)

    def get_action(self, decision_requests: DecisionSteps, worker_id: int = 0) -> ActionInfo:
        """Decides for every agent that asks; agents that ask for the first time are seated first."""
        if len(decision_requests) == 0:
            return ActionInfo.empty()
        if self._is_elsewhere():
            nothing = self.behavior_spec.action_spec.empty_action(len(decision_requests))
            return ActionInfo(nothing, nothing, {"action": nothing}, list(decision_requests.agent_id))
        ids = decision_requests.agent_id.tolist()
        player_of = self._player_of.setdefault(worker_id, {})
        self._seat_new(worker_id, decision_requests, ids, player_of)
        players = [player_of[agent] for agent in ids]
        learners = [row for row, player in enumerate(players) if player == CURRENT]
        if len(learners) == len(ids):
            outputs = self._learner_outputs(worker_id, decision_requests)
        else:
            outputs = self._mixed_outputs(worker_id, decision_requests, players, learners)
        self.check_nan_action(outputs["action"])
        return ActionInfo(outputs["action"], outputs["env_action"], outputs, list(decision_requests.agent_id))

    def _seat_new(self, worker: int, requests: DecisionSteps, ids: list[int], player_of: dict[int, str]) -> None:
        new = sorted(set(ids) - player_of.keys())
        if not new:
            return
        group_of = dict(zip(ids, requests.group_id, strict=True))
        seats = [get_global_agent_id(worker, agent) for agent in new]
        players = self._game.begin(worker, self._role, seats, [group_of[agent] for agent in new])
        player_of.update(zip(new, players, strict=True))

    def _learner_outputs(self, worker: int, requests: DecisionSteps) -> dict[str, Any]:
        learner = self._players.learner()
        agents = [get_global_agent_id(worker, agent) for agent in requests.agent_id.tolist()]
        outputs = learner.evaluate(requests, agents)
        learner.save_memories(agents, outputs.get("memory_out"))
        outputs["entropy"] = np.mean(outputs["entropy"], keepdims=True)  # ML-Agents only averages it
        return dict(outputs)

    def _mixed_outputs(
        self, worker: int, requests: DecisionSteps, players: list[str], learners: list[int]
    ) -> dict[str, Any]:
        """Joins the rows of the learner and those of the others, whose log-probabilities nobody reads."""
        spec, size = self.behavior_spec.action_spec, len(players)
        continuous = np.zeros((size, spec.continuous_size), dtype=np.float32)
        discrete = np.zeros((size, spec.discrete_size), dtype=np.int32)
        raw_continuous, log_probs = (
            continuous.copy(),
            LogProbsTuple(continuous.copy(), np.zeros(discrete.shape, np.float32)),
        )
        outputs: dict[str, Any] = {}
        if learners:
            own = self._learner_outputs(worker, _rows(requests, np.array(learners)))
            continuous[learners], discrete[learners] = own["env_action"].continuous, own["env_action"].discrete
            raw_continuous[learners] = own["action"].continuous
            log_probs.continuous[learners] = own["log_probs"].continuous
            log_probs.discrete[learners] = own["log_probs"].discrete
            outputs["entropy"] = own["entropy"]
        others = np.array([row for row, player in enumerate(players) if player != CURRENT])
        actions = self._others_actions(worker, requests, [players[row] for row in others], others)
        continuous[others], discrete[others] = actions.continuous, actions.discrete
        raw_continuous[others] = actions.continuous
        outputs["action"] = ActionTuple(raw_continuous, discrete)
        outputs["env_action"] = ActionTuple(continuous, discrete)
        outputs["log_probs"] = log_probs
        return outputs

    def _others_actions(self, worker: int, requests: DecisionSteps, players: list[str], rows: Array) -> Actions:
        agents = [get_global_agent_id(worker, agent) for agent in requests.agent_id[rows].tolist()]
        memories = np.zeros((len(rows), self.m_size), dtype=np.float32)
        if self.m_size:
            for row, agent in enumerate(agents):
                if agent in self._memories:
                    memories[row] = self._memories[agent]
        decisions = Decisions([obs[rows] for obs in requests.obs], self._masks(requests, rows), memories, agents)
        actions = self._players.act(players, decisions)
        if self.m_size:
            self._memories.update(zip(agents, actions.memories, strict=True))
        return actions

    def _masks(self, requests: DecisionSteps, rows: Array) -> Array:
        if requests.action_mask is None or not self._mask_width:
            return np.ones((len(rows), self._mask_width), dtype=np.float32)
        return 1.0 - np.concatenate(requests.action_mask, axis=1)[rows].astype(np.float32)

    def remove_previous_action(self, agent_ids: list[str]) -> None:
        """ML-Agents calls this when an episode is over: the seat ends."""
        for agent in agent_ids:
            worker, local = agent.removeprefix("agent_").split("-")
            player = self._player_of.get(int(worker), {}).pop(int(local), None)
            self._game.end(agent)
            if player in self._players.others:
                self._players.others[player].forget(agent)

    def forget_everybody(self) -> None:
        """All episodes were cut short; ML-Agents says so only of agents that have been paid before."""
        self._player_of.clear()
        self._memories.clear()

    def remove_memories(self, agent_ids: list[str]) -> None:
        """Forgets the memories of agents whose episode is over."""
        self._players.learner().remove_memories(agent_ids)
        for agent in agent_ids:
            self._memories.pop(agent, None)

    def retrieve_previous_memories(self, agent_ids: list[str]) -> Array:
        """The learner's; nobody reads those of opponents."""
        return np.asarray(self._players.learner().retrieve_previous_memories(agent_ids))

    def save_previous_action(self, agent_ids: list[str], action_tuple: ActionTuple) -> None:
        """Nothing reads previous actions, so none are kept."""

    def retrieve_previous_action(self, agent_ids: list[str]) -> Array:
        """Returns zeros, `[n, branches]`."""
        return (
            np.repeat(self._no_previous_action, len(agent_ids), axis=0)
            if len(agent_ids) > 1
            else self._no_previous_action
        )

    def increment_step(self, n_steps: int) -> int:
        """Steps are the learner's; returns them."""
        return int(self._players.learner().increment_step(n_steps))

    def get_current_step(self) -> int:
        """Returns the learner steps."""
        return int(self._players.learner().get_current_step())

    def load_weights(self, values: Any) -> None:
        """Loads the learner's weights."""
        self._players.learner().load_weights(values)

    def get_weights(self) -> Any:
        """Returns a copy of the learner's weights."""
        return self._players.learner().get_weights()

    def init_load_weights(self) -> None:
        """Nothing to do: the learner loads its own."""


def _rows(requests: DecisionSteps, rows: Array) -> DecisionSteps:
    masks = None if requests.action_mask is None else [mask[rows] for mask in requests.action_mask]
    return DecisionSteps(
        [obs[rows] for obs in requests.obs],
        requests.reward[rows],
        requests.agent_id[rows],
        masks,
        [requests.group_id[row] for row in rows],
        requests.group_reward[rows],
    )
