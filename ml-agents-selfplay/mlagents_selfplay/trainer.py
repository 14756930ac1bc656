"""The adapter onto ML-Agents: a trainer that wraps a learner and feeds it the seats that may teach it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import attr
import numpy as np
from mlagents.plugins import all_trainer_types
from mlagents.trainers.agent_processor import AgentManagerQueue
from mlagents.trainers.behavior_id_utils import BehaviorIdentifiers
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.policy import Policy
from mlagents.trainers.policy.torch_policy import TorchPolicy
from mlagents.trainers.ppo.trainer import PPOTrainer
from mlagents.trainers.settings import TrainerSettings
from mlagents.trainers.stats import StatsPropertyType
from mlagents.trainers.trainer import Trainer
from mlagents.trainers.trainer.on_policy_trainer import OnPolicyTrainer
from mlagents.trainers.trajectory import Trajectory
from mlagents_envs.base_env import BehaviorSpec
from mlagents_envs.logging_util import get_logger

from mlagents_selfplay import randomness
from mlagents_selfplay.algorithms.fast_ppo import FastPPOTrainer
from mlagents_selfplay.algorithms.off_policy import OffPolicyLearner
from mlagents_selfplay.algorithms.replay import NO_SNAPSHOT, NOBODY
from mlagents_selfplay.checkpoints import CrashSafeSaver
from mlagents_selfplay.coordinator import coordinator
from mlagents_selfplay.files import DamagedFile
from mlagents_selfplay.mail.inbox import Inbox
from mlagents_selfplay.mail.letters import INBOX
from mlagents_selfplay.policy import SelfPlayPolicy
from mlagents_selfplay.rollouts.member import hand_over, member_of
from mlagents_selfplay.roster import Roster
from mlagents_selfplay.selfplay.draws import Draws
from mlagents_selfplay.selfplay.matches import CURRENT, Role
from mlagents_selfplay.selfplay.matchmaking import Entrant
from mlagents_selfplay.selfplay.scorebook import INITIAL, MatchRow, Scorebook
from mlagents_selfplay.settings import TRAINER_TYPE, SelfPlaySettings
from mlagents_selfplay.statistics import report_history, report_matches
from mlagents_selfplay.store import RunFolder

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
                "`trainer_type: selfplay`. Delete the block and write under `hyperparameters:` instead: "
                "snapshot_interval for save_steps, opponent_change_interval (episodes) for swap_steps, "
                "history_capacity for window, latest_ratio for play_against_latest_model_ratio, "
                "team_change_interval (episodes) for team_change; initial_elo keeps its name."
            )
        super().__init__(behavior_name, trainer_settings, training, load, artifact_path, reward_buff_cap)
        self.settings: SelfPlaySettings = trainer_settings.hyperparameters
        self.learner = self._make_learner(behavior_name, reward_buff_cap, training, load, seed)
        self._saver = CrashSafeSaver(self.learner.trainer_settings, artifact_path, load, self._saving, self._do_on_disk)
        self.learner.model_saver = self._saver
        self._mirror = self.settings.learn_from_mirror_matches
        if self._mirror is None:
            self._mirror = isinstance(self.learner, OnPolicyTrainer)
        run, k, initial = Path(artifact_path).parent, float(self.settings.elo_k), float(self.settings.initial_elo)
        self._shared = coordinator(run, behavior_name, k, initial)
        self.book = Scorebook(behavior_name, self.settings.outcome_settings, self._shared.ratings)
        self._shared.books[behavior_name] = self.book
        self.folder = RunFolder(Path(artifact_path) / "selfplay")
        self._inbox = Inbox(Path(artifact_path) / INBOX)
        self._seed = np.random.SeedSequence([seed, crc32(behavior_name.encode())])
        self._roster: Roster | None = None
        self._next_snapshot = self.settings.snapshot_interval  # learner steps
        self._draws: dict[Role, Draws] = {}
        self._draws_from_before: dict[str, Any] = {}  # by team, after a resume
        self._measure_buffer: deque[float] = deque(maxlen=reward_buff_cap)
        self._stats_reporter.add_property(StatsPropertyType.SELF_PLAY, True)

    # What ML-Agents asks of a trainer

    @property
    def get_step(self) -> int:
        """Learner steps: agent steps of the trajectories that the learner was given."""
        return int(self.learner.get_step)

    @property
    def reward_buffer(self) -> deque[float]:
        """What a lesson's `measure: reward` averages: episode rewards, or what `curriculum_measure` names instead."""
        return self.learner.reward_buffer if self.settings.curriculum_measure == "reward" else self._measure_buffer

    @property
    def should_still_train(self) -> bool:
        """Whether the behavior learns and has learner steps left."""
        return bool(self.settings.learns and self.is_training and self.get_step <= self.get_max_steps)

    def create_policy(self, parsed_behavior_id: BehaviorIdentifiers, behavior_spec: BehaviorSpec) -> SelfPlayPolicy:
        """Makes the policy of one team; the first call makes the learner and loads what a resume finds."""
        if self._roster is None:
            self._make_roster(parsed_behavior_id, behavior_spec)
        role = Role(parsed_behavior_id.brain_name, parsed_behavior_id.team_id)
        # When only watched, the learner plays everybody.
        draw = self.roster.draw if self.is_training else lambda: CURRENT
        draws = Draws(self.settings.opponent_change_interval, draw, self.roster.is_playable)
        if str(role.team) in self._draws_from_before:
            draws.restore(self._draws_from_before[str(role.team)])
        self._draws[role] = draws
        if not self.settings.learns and len(self._draws) > 1:
            teams = sorted(role.team for role in self._draws)
            raise TrainerConfigError(
                f"Behavior {self.brain_name}: hyperparameters.learns: False is not allowed here; teams {teams} share "
                "this behavior, so nobody would learn."
            )
        turn = self.settings.team_change_interval
        self._shared.game.enter(role, Entrant(draws, lambda: self.should_still_train, lambda: self.get_step, turn))
        return SelfPlayPolicy(role, self._shared.game, self.roster.players, self._is_played_elsewhere)

    def add_policy(self, parsed_behavior_id: BehaviorIdentifiers, policy: Policy) -> None:
        """Keeps the policy that `create_policy` made."""
        self.policies[parsed_behavior_id.behavior_id] = policy

    def advance(self) -> None:
        """Hands finished trajectories to the learner, lets it learn, and takes a snapshot when one is due."""
        game, host = self._shared.game, self._shared.host
        for part in host.receive(self.brain_name):
            hand_over(part, self.learner, self._opponent_step)
        ended = game.take_ended(self.brain_name)
        for queue in self.trajectory_queues:
            for _ in range(queue.qsize()):
                self._take(queue.get_nowait())
        game.discard(ended)
        self.learner.advance()
        self._strike_out_the_lost()
        if self.is_training and self.get_step >= self._next_snapshot:
            self._take_snapshot()
        if self.is_training and not host.busy:
            self._inbox.read(self.learner, self._saver.modules, self.roster, self._save_at_once)
        host.plan()
        self._settle_matches()  # while the bridges, if any, already play on

    def end_episode(self) -> None:
        """All episodes were cut short by a reset of the environments."""
        self._shared.game.abandon(self.brain_name)
        self._shared.host.abandon()
        for policy in self.policies.values():
            policy.forget_everybody()
        self.learner.end_episode()

    def save_model(self) -> None:
        """Saves the learner's model, waits until all is on disk, and says what came out."""
        self.folder.disk.wait()
        self._strike_out_the_lost()
        self.learner.save_model()
        self.folder.disk.wait()
        live = len(self.roster.pool.history.steps)
        logger.info(
            f"{self.brain_name}: rating {self.rating:.0f} (the initial policy has {self.settings.initial_elo:.0f}) "
            f"after {self.book.games} rated matches; {live} snapshots of at most {self.settings.history_capacity} "
            f"in {self.folder.path}."
        )

    def publish_policy_queue(self, policy_queue: AgentManagerQueue[Policy]) -> None:
        """Nothing is ever published: the policies act with the learner's own weights."""

    @staticmethod
    def get_trainer_name() -> str:
        """The name in the YAML."""
        return TRAINER_TYPE

    # Matches

    @property
    def rating(self) -> float:
        """The learner's Elo rating."""
        return self._shared.ratings.rating(self.brain_name, CURRENT)

    def _take(self, trajectory: Trajectory) -> None:
        game, seat = self._shared.game, trajectory.agent_id
        if (self.should_still_train or not self.is_training) and game.learns(seat, self._mirror):
            if isinstance(self.learner, OffPolicyLearner):
                self.learner.note_opponent(seat, self._opponent_step(game.opponents_of(seat)))
            self._queue.put(trajectory._replace(behavior_id=self._learner_behavior_id))
        last = trajectory.steps[-1]
        reward = float(sum(step.reward + step.group_reward for step in trajectory.steps))
        game.observe(seat, reward, len(trajectory.steps))
        if trajectory.done_reached:
            game.finish(seat, float(last.reward + last.group_reward), bool(trajectory.interrupted))

    def _opponent_step(self, opponents: list[str]) -> int:
        """The learner step of the weights that sit opposite: now, of a snapshot, or none."""
        if not opponents:
            return NOBODY
        if opponents[0] == CURRENT:
            return self.get_step
        if opponents[0] == INITIAL:
            return 0
        return int(opponents[0]) if opponents[0].isdigit() else NO_SNAPSHOT

    def _settle_matches(self) -> None:
        finished = self._shared.game.take_finished(self.brain_name)
        rows: list[MatchRow] = []
        for role, match in finished if self.is_training else ():
            more, warning = self.book.record(role, match)
            rows.extend(more)
            if warning is not None:
                logger.warning(f"{self.brain_name}: {warning}")
        if not rows:
            return
        try:
            self.folder.append(rows)
        except OSError as error:
            why = f"the match log of step {self.get_step} could not be written: {error}"
            logger.error(f"{self.brain_name}: {why}. Training goes on.")
        by_rating = self.settings.curriculum_measure != "win_rate_against_initial"
        measure, games = (self.rating, self.book.games) if by_rating else self.book.win_rate(INITIAL)
        if games:
            self._measure_buffer.extend([measure] * len(rows))
        met = self._shared.pools[self._shared.opposite(self.brain_name)]
        report_matches(self.stats_reporter, rows, self.book, self.rating, self.get_step, met)

    def _is_played_elsewhere(self) -> bool:
        return self.is_training and self._shared.host.takes_over()

    # Making, saving and resuming

    @property
    def roster(self) -> Roster:
        """The players; there once the first policy has been created."""
        assert self._roster is not None
        return self._roster

    def _learner_policy(self) -> TorchPolicy:
        return self.learner.get_policy(self._learner_behavior_id)

    def _make_learner(self, name: str, reward_buff_cap: int, training: bool, load: bool, seed: int) -> Any:
        settings = attr.evolve(
            self.trainer_settings, trainer_type=self.settings.learner, hyperparameters=self.settings.learner_settings
        )
        if not training:
            settings.checkpoint_interval = np.iinfo(np.int64).max  # watching a model must not rotate its checkpoints
        faster = self.settings.fast_learner and self.settings.learner == PPOTrainer.get_trainer_name()
        learner_class = FastPPOTrainer if faster else all_trainer_types[self.settings.learner]
        learns = training and self.settings.learns
        return learner_class(name, reward_buff_cap, settings, learns, load, seed, self.artifact_path)

    def _make_roster(self, first: BehaviorIdentifiers, spec: BehaviorSpec) -> None:
        self.learner.add_policy(first, self.learner.create_policy(first, spec))
        self._learner_behavior_id = first.behavior_id
        self._queue: AgentManagerQueue[Trajectory] = AgentManagerQueue(first.behavior_id)
        self.learner.subscribe_trajectory_queue(self._queue)
        self._roster = Roster(
            self.brain_name,
            self.settings,
            self._learner_policy,
            lambda: self.get_step,
            self.folder,
            self._shared,
            self._seed,
        )
        self._shared.pools[self.brain_name] = self.roster.pool
        if not self.is_training:
            return  # whoever only watches draws nobody and writes nothing
        if self._saver.resumed:
            self._resume()
        else:
            self.folder.clear()
            self.roster.save_initial()
        self._shared.host.join(
            member_of(self.brain_name, self.trainer_settings, self.learner, self.roster, self._mirror)
        )

    def _take_snapshot(self) -> None:
        step, interval = self.get_step, self.settings.snapshot_interval
        self._next_snapshot = step - step % interval + interval
        self.roster.take_snapshot()
        self._inbox.note_snapshot()
        self._save()
        report_history(self.stats_reporter, self.roster.pool.history, step, self.folder)

    def _save(self) -> None:
        self._shared.forget_the_evicted()
        self._saver.write_checkpoint(self.get_step)

    def _save_at_once(self) -> None:
        self._save()
        self.folder.disk.wait()

    def _strike_out_the_lost(self) -> None:
        for step, error in self.folder.take_lost().items():
            self.roster.pool.forget(str(step))
            logger.error(
                f"{self.brain_name}: the snapshot of step {step} could not be written: {error}. Training goes on."
            )

    def _saving(self, step: int, write_checkpoint: Callable[[], None]) -> Callable[[], None]:
        self._settle_matches()  # so that what is saved counts all that are over
        if isinstance(self.learner, OffPolicyLearner):
            write_checkpoint = self.learner.saving(step, write_checkpoint)
        kept = [0, *self.roster.pool.history.steps]
        save, manifest = self.folder.saving(step, self._state(), kept, write_checkpoint), self.roster.manifest()

        def save_with_history() -> None:
            save()
            self.folder.write_history(manifest)

        return save_with_history

    def _do_on_disk(self, job: Callable[[], None]) -> None:
        if isinstance(self.learner, OffPolicyLearner):  # its replay, which is not copied, goes on changing
            self.folder.disk.wait()
            job()
        else:
            self.folder.disk.later(job)

    def _state(self) -> dict[str, Any]:
        return {
            "roster": self.roster.state(),
            "book": self.book.state(),
            "game": self._shared.game.state(),
            "next_snapshot": self._next_snapshot,
            "inbox": self._inbox.state(),
            "draws": {str(role.team): draws.state() for role, draws in self._draws.items()},
            "randomness": randomness.global_state(),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.roster.restore(state["roster"])
        self.book.restore(state["book"])
        self._shared.game.restore(state["game"])
        self._next_snapshot = state["next_snapshot"]
        self._inbox.restore(state["inbox"], self.learner)
        self._draws_from_before = state["draws"]
        randomness.restore_global_state(state["randomness"])

    def _resume(self) -> None:
        try:
            self._restore(self.folder.read_state(self.get_step))
            self.folder.rewind(self.get_step)
            self.folder.write_history(self.roster.manifest())
        except (DamagedFile, ValueError, LookupError, TypeError, AttributeError) as error:
            said = isinstance(error, (DamagedFile, ValueError))  # else the state does not hold what we once put there
            why = error if said else f"state.json is damaged ({error!r}); put back a copy, or start over with --force"
            raise TrainerConfigError(f"{self.brain_name} cannot be resumed from {self.folder.path}: {why}") from error
