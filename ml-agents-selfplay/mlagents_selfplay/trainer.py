"""The adapter onto ML-Agents: a trainer that wraps a learner and feeds it the seats that may teach it."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import attr
import numpy as np
from mlagents.plugins import all_trainer_types
from mlagents.torch_utils import torch
from mlagents.trainers.agent_processor import AgentManagerQueue
from mlagents.trainers.behavior_id_utils import BehaviorIdentifiers
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.policy import Policy
from mlagents.trainers.policy.torch_policy import TorchPolicy
from mlagents.trainers.settings import TrainerSettings
from mlagents.trainers.stats import StatsPropertyType
from mlagents.trainers.trainer import Trainer
from mlagents.trainers.trainer.on_policy_trainer import OnPolicyTrainer
from mlagents.trainers.trajectory import Trajectory
from mlagents_envs.base_env import BehaviorSpec
from mlagents_envs.logging_util import get_logger

from mlagents_selfplay import pinned
from mlagents_selfplay.checkpoints import CrashSafeSaver
from mlagents_selfplay.coordinator import coordinator
from mlagents_selfplay.opponents import SnapshotActors
from mlagents_selfplay.policy import Players, SelfPlayPolicy
from mlagents_selfplay.selfplay.matchmaking import CURRENT, Draws, Entrant, Role
from mlagents_selfplay.selfplay.pool import OpponentPool
from mlagents_selfplay.selfplay.scorebook import INITIAL, MatchRow, Scorebook
from mlagents_selfplay.settings import TRAINER_TYPE, SelfPlaySettings
from mlagents_selfplay.statistics import report_history, report_matches
from mlagents_selfplay.store import DamagedFile, RunFolder, Weights

logger = get_logger(__name__)


class SelfPlayTrainer(Trainer):
    """Trains one behavior by self-play with any registered trainer type as the learner.

    The constructor's arguments are those of every ML-Agents trainer.

    Raises:
      TrainerConfigError: if the settings contradict each other or a pinned opponent cannot be used.
    """

    def __init__(
        self,
        behavior_name: str,
        reward_buff_cap: int,
        trainer_settings: TrainerSettings,
        training: bool,
        load: bool,
        seed: int,
        artifact_path: str,
    ) -> None:
        if trainer_settings.self_play is not None:
            raise TrainerConfigError(
                f"Behavior {behavior_name}: `self_play:` configures ML-Agents' own self-play and cannot stand beside "
                "`trainer_type: selfplay`. Delete the block and write under `hyperparameters:` instead: snapshot_interval "
                "for save_steps, opponent_change_interval (in episodes) for swap_steps, history_capacity for window, "
                "latest_ratio for play_against_latest_model_ratio, team_change_interval (in episodes) for team_change, "
                "initial_elo for initial_elo."
            )
        super().__init__(behavior_name, trainer_settings, training, load, artifact_path, reward_buff_cap)
        self.settings: SelfPlaySettings = trainer_settings.hyperparameters
        self.learner = self._make_learner(behavior_name, reward_buff_cap, training, load, seed)
        self._saver = CrashSafeSaver(self.learner.trainer_settings, artifact_path, load, self._save_around)
        self.learner.model_saver = self._saver
        self._mirror = self.settings.learn_from_mirror_matches
        if self._mirror is None:
            self._mirror = isinstance(self.learner, OnPolicyTrainer)

        shared = coordinator(Path(artifact_path).parent, float(self.settings.elo_k), float(self.settings.initial_elo))
        self._coordinator = shared
        self.book = Scorebook(behavior_name, self.settings.outcome_settings, shared.ratings)
        shared.books[behavior_name] = self.book
        seeds = np.random.SeedSequence([seed, crc32(behavior_name.encode())])
        pool_rng, self._script_rng = (np.random.default_rng(child) for child in seeds.spawn(2))
        self._sources = pinned.names_of(self.settings.pinned_opponents)
        self.pool = OpponentPool(
            self.settings.history_capacity,
            self.settings.sampler_settings,
            list(self._sources),
            float(self.settings.pinned_ratio),
            pool_rng,
        )
        self.folder = RunFolder(Path(artifact_path) / "selfplay")
        self._pinned_weights: dict[str, Weights] = {}
        self._players: Players | None = None
        self._queue: AgentManagerQueue[Trajectory] = AgentManagerQueue(behavior_name)
        self._policy_queue: AgentManagerQueue[Policy] = AgentManagerQueue(behavior_name)
        self._next_snapshot = self.settings.snapshot_interval
        self._draws: dict[Role, Draws] = {}
        self._draws_from_before: dict[str, Any] = {}
        self._measure_buffer: deque[float] = deque(maxlen=reward_buff_cap)
        self._stats_reporter.add_property(StatsPropertyType.SELF_PLAY, True)

    # What ML-Agents asks of a trainer ------------------------------------------------------------------------------------

    @property
    def get_step(self) -> int:
        """Learner steps: agent steps of the trajectories that the learner was given."""
        return int(self.learner.get_step)

    @property
    def reward_buffer(self) -> deque[float]:
        """What a lesson's `measure: reward` averages: episode rewards, or the strength that `curriculum_measure` names."""
        return self.learner.reward_buffer if self.settings.curriculum_measure == "reward" else self._measure_buffer

    @property
    def should_still_train(self) -> bool:
        """Whether the behavior learns and has learner steps left."""
        return bool(self.settings.learns and self.is_training and self.get_step <= self.get_max_steps)

    def create_policy(self, parsed_behavior_id: BehaviorIdentifiers, behavior_spec: BehaviorSpec) -> SelfPlayPolicy:
        """Makes the policy of one team; the first call makes the learner and loads what a resume finds."""
        if self._players is None:
            self._players = self._make_players(parsed_behavior_id, behavior_spec)
        role = Role(parsed_behavior_id.brain_name, parsed_behavior_id.team_id)
        draws = Draws(self.settings.opponent_change_interval, self._draw, self._is_playable)
        if str(role.team) in self._draws_from_before:
            draws.restore(self._draws_from_before[str(role.team)])
        self._draws[role] = draws
        self._coordinator.game.enter(
            role,
            Entrant(draws, lambda: self.should_still_train or not self.is_training, lambda: self.get_step, self.settings.team_change_interval),
        )
        if not self.settings.learns and len(self._draws) > 1:
            raise TrainerConfigError(
                f"Behavior {self.brain_name}: hyperparameters.learns: False is not allowed here; teams "
                f"{sorted(r.team for r in self._draws)} share this behavior, so nobody would learn."
            )
        return SelfPlayPolicy(role, self._coordinator.game, self._players)

    def add_policy(self, parsed_behavior_id: BehaviorIdentifiers, policy: Policy) -> None:
        """Keeps the policy that `create_policy` made."""
        self.policies[parsed_behavior_id.behavior_id] = policy

    def advance(self) -> None:
        """Hands finished trajectories to the learner, lets it learn, and takes a snapshot when one is due."""
        game = self._coordinator.game
        ended = game.take_ended(self.brain_name)
        for queue in self.trajectory_queues:
            for _ in range(queue.qsize()):
                self._take(queue.get_nowait())
        game.discard(ended)
        self._settle_matches()
        self.learner.advance()
        while not self._policy_queue.empty():
            self._policy_queue.get_nowait()
        if self.is_training and self.get_step >= self._next_snapshot:
            self._take_snapshot()

    def end_episode(self) -> None:
        """All episodes were cut short by a reset of the environments."""
        self._coordinator.game.abandon(self.brain_name)
        self.learner.end_episode()

    def save_model(self) -> None:
        """Saves the learner's model and says what came out."""
        self.learner.save_model()
        live = len(self.pool.history.steps)
        logger.info(
            f"{self.brain_name}: rating {self.rating:.0f} (the initial policy has {self.settings.initial_elo:.0f}) after "
            f"{self.book.games} rated matches; {live} snapshots of at most {self.settings.history_capacity} in {self.folder.path}."
        )

    def publish_policy_queue(self, policy_queue: AgentManagerQueue[Policy]) -> None:
        """Nothing is ever published: the policies act with the learner's own weights."""

    @staticmethod
    def get_trainer_name() -> str:
        """The name in the YAML."""
        return TRAINER_TYPE

    # Matches ---------------------------------------------------------------------------------------------------------------

    @property
    def rating(self) -> float:
        """The learner's Elo rating."""
        return self._coordinator.ratings.rating(self.brain_name, CURRENT)

    def _take(self, trajectory: Trajectory) -> None:
        game, seat = self._coordinator.game, trajectory.agent_id
        if game.learns(seat, self._mirror):
            self._queue.put(trajectory._replace(behavior_id=self._learner_behavior_id))
        last = trajectory.steps[-1]
        game.observe(seat, float(sum(step.reward + step.group_reward for step in trajectory.steps)), len(trajectory.steps))
        if trajectory.done_reached:
            game.finish(seat, float(last.reward + last.group_reward), bool(trajectory.interrupted))

    def _settle_matches(self) -> None:
        finished = self._coordinator.game.take_finished(self.brain_name)
        if not finished or not self.is_training:
            return
        rows: list[MatchRow] = []
        for role, match in finished:
            more, warning = self.book.record(role, match)
            rows.extend(more)
            if warning is not None:
                logger.warning(f"{self.brain_name}: {warning}")
        if not rows:
            return
        self._try_to_write("The match log", lambda: self.folder.append(rows))
        measure = self.rating
        if self.settings.curriculum_measure == "win_rate_against_initial":
            measure, games = self.book.win_rate(INITIAL)
            if not games:
                return
        self._measure_buffer.extend([measure] * len(rows))
        report_matches(self.stats_reporter, rows, self.book, self.rating, self.get_step, self.pool)

    # Opponents -------------------------------------------------------------------------------------------------------------

    def _draw(self) -> str:
        on = self._coordinator.game.players_on(self.brain_name)
        book = self._coordinator.book_against(self.brain_name)
        while True:
            player = self.pool.draw(self.get_step, book, on, self.settings.opponents_in_memory)
            if player == CURRENT or self._is_playable(player):
                return player

    def _is_playable(self, player: str) -> bool:
        """Loads a player if need be; a damaged one is struck out, with a warning."""
        assert self._players is not None
        if player not in self.pool.players:
            return False
        if player in self._players.others or player in self._players.snapshots:
            return True
        step = 0 if player == INITIAL else int(player) if player.isdigit() else None
        try:
            weights = self._pinned_weights[player] if step is None else self.folder.load_snapshot(step)
            self._players.snapshots.put(player, weights, busy=self._coordinator.game.players_on(self.brain_name))
        except LookupError:
            return False
        except (DamagedFile, ValueError) as error:
            assert step is not None
            aside = self.folder.set_aside(step)
            self.pool.forget(player)
            logger.warning(f"{self.brain_name}: snapshot {player} cannot be used and is set aside as {aside}: {error}")
            return False
        return True

    def _take_snapshot(self) -> None:
        step = self.get_step
        self._next_snapshot = step - step % self.settings.snapshot_interval + self.settings.snapshot_interval
        half = self.settings.snapshot_precision == "float16"
        if not self._try_to_write("The snapshot", lambda: self.folder.save_snapshot(step, self._weights(), half)):
            return
        for player in self.pool.add(step):
            self._coordinator.ratings.remove(self.brain_name, player)
        self._coordinator.ratings.put(self.brain_name, str(step), self.rating)
        self.book.keep(self.pool.players | self._coordinator.game.players_on(self.brain_name))
        self._saver.write_checkpoint(step)
        report_history(self.stats_reporter, self.pool.history, step, self.folder)

    def _weights(self) -> Weights:
        return {name: value.detach().cpu().numpy().copy() for name, value in self._learner_policy().actor.state_dict().items()}

    def _try_to_write(self, what: str, write: Callable[[], None]) -> bool:
        try:
            write()
        except OSError as error:
            logger.error(f"{self.brain_name}: {what} of step {self.get_step} could not be written: {error}. Training goes on.")
            return False
        return True

    # Making and resuming -----------------------------------------------------------------------------------------------------

    def _make_learner(self, name: str, reward_buff_cap: int, training: bool, load: bool, seed: int) -> Any:
        settings = attr.evolve(
            self.trainer_settings, trainer_type=self.settings.learner, hyperparameters=self.settings.learner_settings
        )
        if not training:
            settings.checkpoint_interval = np.iinfo(np.int64).max  # watching a model must not rotate its checkpoints
        learner_class = all_trainer_types[self.settings.learner]
        learns = training and self.settings.learns
        return learner_class(name, reward_buff_cap, settings, learns, load, seed, self.artifact_path)

    def _make_players(self, first: BehaviorIdentifiers, spec: BehaviorSpec) -> Players:
        policy = self.learner.create_policy(first, spec)
        self.learner.add_policy(first, policy)
        self._learner_behavior_id = first.behavior_id
        self._queue = AgentManagerQueue(first.behavior_id)
        self._policy_queue = AgentManagerQueue(first.behavior_id)
        self.learner.subscribe_trajectory_queue(self._queue)
        self.learner.publish_policy_queue(self._policy_queue)
        players = Players(self._learner_policy, SnapshotActors(policy.actor, self.settings.opponents_in_memory), {})
        self._load_pinned(players, spec)
        self._resume() if self.load and self.get_step > 0 else self._start_afresh()
        return players

    def _load_pinned(self, players: Players, spec: BehaviorSpec) -> None:
        for name, source in self._sources.items():
            if source == INITIAL:
                continue
            loaded = pinned.load(source, spec, self._script_rng)
            if not isinstance(loaded, dict):
                players.others[name] = loaded
                continue
            wrong = players.snapshots.mismatch(loaded)
            if wrong is not None:
                raise TrainerConfigError(
                    f"hyperparameters.pinned_opponents: {source} is of another architecture than behavior {self.brain_name}: {wrong}."
                )
            self._pinned_weights[name] = loaded

    def _learner_policy(self) -> TorchPolicy:
        return self.learner.get_policy(self._learner_behavior_id)

    def _start_afresh(self) -> None:
        if not self.is_training:
            return
        self.folder.clear()
        self.folder.save_snapshot(0, self._weights(), half=False)
        self._coordinator.ratings.put(self.brain_name, INITIAL, float(self.settings.initial_elo))

    def _resume(self) -> None:
        try:
            state = self.folder.read_state(self.get_step)
            if self.is_training:
                self.folder.rewind(self.get_step)
            self.pool.restore(state["pool"])
        except (DamagedFile, ValueError) as error:
            raise TrainerConfigError(f"Behavior {self.brain_name} cannot be resumed: {error}") from error
        self.book.restore(state["book"])
        self._coordinator.game.restore(state["game"])
        self._next_snapshot = state["next_snapshot"]
        self._draws_from_before = state["draws"]
        self._script_rng.bit_generator.state = state["script_rng"]
        _restore_global_randomness(state["global_randomness"])

    def _save_around(self, step: int, write_checkpoint: Callable[[], None]) -> None:
        self.folder.stage(
            step,
            {
                "pool": self.pool.state(),
                "book": self.book.state(),
                "game": self._coordinator.game.state(),
                "next_snapshot": self._next_snapshot,
                "draws": {str(role.team): draws.state() for role, draws in self._draws.items()},
                "script_rng": self._script_rng.bit_generator.state,
                "global_randomness": _global_randomness(),
            },
        )
        write_checkpoint()
        self.folder.commit([0, *self.pool.history.steps])
        self.folder.write_history(self._manifest(step))

    def _manifest(self, step: int) -> dict[str, Any]:
        ratings = self._coordinator.ratings
        history = self.pool.history
        return {
            "behavior": self.brain_name,
            "step": step,
            "rating": self.rating,
            "capacity": history.capacity,
            "delta": self.pool.sampler.delta,
            "discrepancy": history.discrepancy(max(step, *history.steps, 0)),
            "snapshots": [
                {
                    "step": kept,
                    "file": f"snapshots/{kept}.safetensors",
                    "bytes": self.folder.snapshot_file(kept).stat().st_size,
                    "rating": ratings.rating(self.brain_name, str(kept)),
                }
                for kept in history.steps
            ],
            "pinned": [
                {"name": INITIAL, "file": "snapshots/0.safetensors", "rating": ratings.rating(self.brain_name, INITIAL)},
                *(
                    {"name": name, "source": source, "rating": ratings.rating(self.brain_name, name)}
                    for name, source in self._sources.items()
                    if source != INITIAL
                ),
            ],
        }


def _global_randomness() -> dict[str, Any]:
    """The generators that ML-Agents uses: NumPy's for shuffling, torch's for sampling actions."""
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    return {
        "numpy": [kind, np.asarray(keys).tolist(), position, has_gauss, gauss],
        "torch": base64.b64encode(torch.get_rng_state().numpy().tobytes()).decode(),
    }


def _restore_global_randomness(state: dict[str, Any]) -> None:
    kind, keys, position, has_gauss, gauss = state["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), position, has_gauss, gauss))
    torch.set_rng_state(torch.frombuffer(bytearray(base64.b64decode(state["torch"])), dtype=torch.uint8))
