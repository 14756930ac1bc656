"""What do the learners of choices refuse, export, and say? And what did their originals get wrong?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attr
import numpy as np
import onnxruntime
import pytest
from mlagents.torch_utils import torch
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.settings import NetworkSettings, TrainerSettings
from mlagents_envs.base_env import ActionSpec, ActionTuple, BehaviorSpec
from mlagents_envs.base_env import DecisionSteps as Decisions
from mlagents_selfplay.algorithms.dqn import DQNLoss
from mlagents_selfplay.algorithms.replay import Piece
from mlagents_selfplay.algorithms.replay_optimizer import Batch
from mlagents_selfplay.algorithms.split_q import PRESETS, SplitQSettings
from mlagents_selfplay.algorithms.tabular_q import Table
from mlagents_selfplay.opponents import Decisions as Rows
from mlagents_selfplay.opponents import SnapshotActors

from tests.algorithms.toys import BitFlip, Identity, Play, vector

KINDS = ["dqn", "split_q", "tabular_q"]
SMALL = {"batch_size": 16, "buffer_size": 200, "buffer_init_steps": 1_000_000}
BEGINNER = {"dqn": SMALL, "split_q": SMALL, "tabular_q": {}}


def beginner(kind: str, folder: Path, toy: Any = lambda: BitFlip(3, masked=True), **keys: Any) -> Play:
    """A learner that has not learned anything, with values that are not all alike."""
    play = Play(kind, toy, folder, hyperparameters={**BEGINNER[kind], **keys.pop("hyperparameters", {})}, **keys)
    if kind == "tabular_q":
        play.until(200)
        table = play.policy.actor.network_body
        table.values[:] = torch.rand(table.values.shape)
    play.policy.epsilon = 0.0
    return play


def decisions(seen: np.ndarray, allowed: np.ndarray) -> Decisions:
    n = len(seen)
    nothing = np.zeros(n, np.float32)
    return Decisions([seen], nothing, np.arange(n), [~allowed], np.zeros(n, np.int32), nothing)


def some_rows(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    allowed = rng.random((n, 3)) < 0.5
    allowed[np.arange(n), rng.integers(3, size=n)] = True
    return rng.integers(0, 2, (n, 6)).astype(np.float32), allowed


@pytest.mark.parametrize("kind", KINDS)
def test_learner_exported_model_and_snapshots_decide_alike(kind: str, tmp_path: Path) -> None:
    play, (seen, allowed) = beginner(kind, tmp_path), some_rows(40)
    learner = play.policy.get_action(decisions(seen, allowed)).env_action.discrete
    assert allowed[np.arange(40), learner[:, 0]].all()
    play.trainer.save_model()
    session = onnxruntime.InferenceSession(str(tmp_path / "Toy.onnx"))
    names = ["deterministic_discrete_actions", "discrete_actions"]
    exported = session.run(names, {"obs_0": seen, "action_masks": allowed.astype(np.float32)})
    snapshots = SnapshotActors(play.policy.actor, 2)
    weights = {name: value.numpy().copy() for name, value in play.policy.actor.state_dict().items()}
    assert snapshots.put("100", weights, set())
    assert snapshots.put("200", weights, set())
    rows = Rows([seen], allowed.astype(np.float32), np.zeros((40, 0), np.float32), list(map(str, range(40))))
    frozen = snapshots.act(["100", "200"] * 20, rows).discrete
    if kind == "tabular_q":  # What it never saw is a draw, which learner and snapshot break by chance.
        known = np.array([row is not None for row in table_rows(play, seen)])
        assert known.sum() > 5
        learner, frozen, exported = learner[known], frozen[known], [one[known] for one in exported]
    assert np.array_equal(frozen, learner)
    assert np.array_equal(exported[0], learner)
    assert np.array_equal(exported[1], learner)  # No draw of chance, as Unity's own example exports.


def table_rows(play: Play, seen: np.ndarray) -> list[int | None]:
    table: Table = play.policy.actor.network_body
    keys, rows = table.places([torch.as_tensor(seen)])
    return [next((int(row) for row in at if table.keys[row] == key), None) for key, at in zip(keys, rows, strict=True)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_learner_that_is_only_watched_is_greedy_and_learns_nothing(kind: str, tmp_path: Path) -> None:
    eager = {"epsilon_start": 1.0, "epsilon_end": 1.0, **({} if kind == "tabular_q" else {"buffer_init_steps": 0})}
    play = Play(kind, Identity, tmp_path, training=False, hyperparameters={**BEGINNER[kind], **eager})
    before = {name: value.clone() for name, value in play.policy.actor.state_dict().items()}
    for _ in range(30):
        play.step()
    assert play.policy.epsilon == 0.0
    for name, value in play.policy.actor.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_epsilon_one_tries_everything_that_is_allowed(tmp_path: Path) -> None:
    play, seen = beginner("dqn", tmp_path), np.zeros((600, 6), np.float32)
    play.policy.epsilon = 1.0
    allowed = np.tile([True, False, True], (600, 1))
    tried = play.policy.get_action(decisions(seen, allowed)).env_action.discrete
    assert set(tried.ravel().tolist()) == {0, 2}
    assert np.mean(tried == 0) == pytest.approx(0.5, abs=0.1)  # Standard deviation 0.02.


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_cannot_be_chosen(kind: str, tmp_path: Path) -> None:
    class Continuous(Identity):
        def __init__(self) -> None:
            super().__init__()
            self.spec = BehaviorSpec([vector(4)], ActionSpec(2, (4,)))

    with pytest.raises(TrainerConfigError, match=f"{kind} needs discrete actions only"):
        Play(kind, Continuous, tmp_path, hyperparameters=BEGINNER[kind])


@pytest.mark.parametrize(
    ("kind", "key", "value", "allowed"),
    [
        ("dqn", "tau", 0, r"above 0|in \[0, 1\]"),
        ("dqn", "double", "yes", "true or false"),
        ("dqn", "n_step", 0, "at least 1"),
        ("dqn", "batch_size", "many", "whole number of transitions"),
        ("dqn", "epsilon_schedule", "linaer", "did you mean linear"),
        ("dqn", "learning_rate_schedule", "cosine", "one of constant, linear"),
        ("split_q", "preset", "cp", "one of SQL, PQL"),
        ("split_q", "streams", "two", "one of sign, group_reward"),
        ("split_q", "punishment_memory", -1, "at least 0"),
        ("tabular_q", "table_size", 1000, "power of two"),
        ("tabular_q", "table_size", 8, "at least 16"),
        ("tabular_q", "learning_rate", 2, r"in \[0, 1\]"),
    ],
)
def test_a_wrong_value_is_one_error_that_names_it(kind: str, key: str, value: object, allowed: str) -> None:
    with pytest.raises(TrainerConfigError, match=rf"hyperparameters\.{key}: {value!r} is not allowed.*({allowed})"):
        TrainerSettings.structure({"trainer_type": kind, "hyperparameters": {key: value}}, TrainerSettings)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"network_settings": {"memory": {"sequence_length": 4, "memory_size": 8}}}, "memory is not possible with dqn"),
        ({"reward_signals": {"curiosity": {"gamma": 0.9}}}, "reward_signals: extrinsic, not"),
        ({"time_horizon": 500}, "buffer_size: 200 is not allowed; it must be above time_horizon, 500"),
    ],
)
def test_what_a_learner_from_replay_lacks_is_said_at_once(keys: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(TrainerConfigError, match=message):
        Play("dqn", Identity, tmp_path, hyperparameters=SMALL, **keys)


# What others got wrong


class _Fixed(torch.nn.Module):
    """A network with the values that a test gives it: `now` for what was seen before, `then` for what came after."""

    action_spec = ActionSpec(0, (3,))

    def __init__(self, now: list[float], then: list[float]) -> None:
        super().__init__()
        self.now, self.then = torch.tensor([now]).float(), torch.tensor([then]).float()

    def q_values(self, seen: list[torch.Tensor]) -> list[torch.Tensor]:
        return [self.now if float(seen[0].sum()) == 0 else self.then]


def one_transition(allowed_t: list[bool]) -> Batch:
    nothing, every = torch.zeros(1, 0), torch.ones(1, 3, dtype=torch.bool)
    return Batch(
        [torch.zeros(1, 1)],
        nothing,
        torch.tensor([[1]]),
        every,
        torch.tensor([2.0]),
        torch.tensor([0.5]),
        [torch.ones(1, 1)],
        torch.tensor([allowed_t]),
        torch.ones(1),
    )


def test_double_q_selects_by_the_online_network_after_the_step_and_not_before() -> None:
    # Unity's example plug-in takes the choice that was best before the step: 0, whose value is 10 and not 30.
    online, target = _Fixed([9, 1, 0], [0, 5, 4]), _Fixed([0, 0, 0], [10, 30, 20])
    _, known = DQNLoss(online, target, double=True)(one_transition([True, True, True]))
    assert float(known["errors"]) == 2 + 0.5 * 30 - 1


def test_a_forbidden_choice_is_no_prospect() -> None:
    online, target = _Fixed([9, 1, 0], [0, 5, 4]), _Fixed([0, 0, 0], [10, 30, 20])
    _, double = DQNLoss(online, target, double=True)(one_transition([True, False, True]))
    _, single = DQNLoss(online, target, double=False)(one_transition([True, False, True]))
    assert float(double["errors"]) == 2 + 0.5 * 20 - 1
    assert float(single["errors"]) == 2 + 0.5 * 20 - 1


def test_split_q_without_any_key_is_ordinary_q_learning_in_two_streams() -> None:
    # The original's command line left all four None and died of it.
    settings = SplitQSettings()
    given = (settings.reward_memory, settings.reward_weight, settings.punishment_memory, settings.punishment_weight)
    assert given == (1, 1, 1, 1)


def test_a_preset_sets_what_is_not_set_beside_it() -> None:
    settings = SplitQSettings(preset="CP", punishment_weight=3)
    assert (settings.reward_weight, settings.reward_memory) == (0.5, 0.5)
    assert (settings.punishment_weight, settings.punishment_memory) == (3, 1)
    assert all(min(attr.asdict(preset).values()) >= 0 for preset in PRESETS.values())


@pytest.mark.parametrize(("streams", "expected"), [("sign", [[0, -3], [5, 0]]), ("group_reward", [[1, -4], [5, 0]])])
def test_gains_and_punishments_arrive_apart(streams: str, expected: list, tmp_path: Path) -> None:
    class Paid(Identity):
        """Pays 1 with a group reward of -4 for the first step, 5 for the second."""

    play = Play("split_q", Paid, tmp_path, hyperparameters={**SMALL, "streams": streams})
    assert play.trainer.rewards_of(np.array([1.0, 5.0]), np.array([-4.0, 0.0])).tolist() == expected


def test_the_last_step_of_an_episode_is_learned_from_in_full(tmp_path: Path) -> None:
    # The original's Ms. Pac-Man zeroed the reward of the last step, so that dying was free.
    play = Play("dqn", lambda: BitFlip(2), tmp_path, hyperparameters=SMALL).until(60)
    columns, held = play.trainer.replay.columns, slice(0, 60)
    ends = columns["terminal"][held]
    assert ends.any()
    assert (columns["reward"][held][ends] == 0).all()  # Reaching the goal pays 0,
    cut = (columns["tail"][held] - np.arange(60) == 1) & ~ends
    assert (columns["reward"][held][cut] == -1).all()  # being cut off is paid like any other step.


def test_a_cut_off_episode_is_not_taken_for_an_end(tmp_path: Path) -> None:
    play = Play("dqn", lambda: BitFlip(2), tmp_path, hyperparameters=SMALL).until(80)
    columns = play.trainer.replay.columns
    seen = columns["observation.0"][:80]
    for row in np.flatnonzero(columns["terminal"][:79]):
        assert (seen[row + 1, :2] == seen[row + 1, 2:]).all()  # Every end is a goal that was reached.


def test_a_table_tells_apart_as_many_states_as_repeated_rock_paper_scissors_has() -> None:
    # Up to 3 rounds of 9 joint actions are recalled: 1 + 9 + 81 + 729 = 820 states, each slot one-hot of 10.
    states = [[9] * (3 - n) + [code // 9**i % 9 for i in range(n)] for n in range(4) for code in range(9**n)]
    seen = torch.from_numpy(np.eye(10, dtype=np.float32)[np.array(states)].reshape(820, 30))
    table = Table(30, 3, 2048, 1000)
    rows = table.rows_of([seen])
    assert None not in rows
    assert len(set(rows)) == 820
    table.values[torch.tensor(rows), 0] = torch.arange(820.0)
    assert torch.equal(table([seen])[0][:, 0], torch.arange(820.0))


def test_what_a_table_has_no_room_for_is_worth_nothing_and_harms_nobody() -> None:
    table = Table(1, 1, 16, 1.0)
    seen = torch.arange(20.0).unsqueeze(1)
    rows = table.rows_of([seen])
    assert sorted(row for row in rows if row is not None) == list(range(16))
    table.values[:] = 7.0
    assert table([seen])[0].ravel().tolist() == [7.0 if row is not None else 0.0 for row in rows]


def test_a_table_moves_by_its_step_size_and_discounts_what_follows(tmp_path: Path) -> None:
    play = Play("tabular_q", Identity, tmp_path, hyperparameters={"learning_rate": 0.5})
    seen = (np.eye(4, dtype=np.float32)[[0, 1, 2]],)
    actions = np.array([[3], [2]], np.int32)
    whole = Piece(seen, np.zeros((2, 0)), actions, np.ones((2, 4), bool), np.array([1, 4], np.float32), True, 0, 0)
    play.trainer.optimizer.learn_piece(whole, 0.9)
    play.trainer.optimizer.learn_piece(whole, 0.9)
    values = play.policy.actor.network_body([torch.eye(4)])[0]
    assert float(values[1, 2]) == 3.0  # 0 -> 2 -> 3, towards 4
    assert float(values[0, 3]) == pytest.approx(0.5 * 0.5 + 0.5 * (1 + 0.9 * 2))  # 0 -> 1/2, then towards 1 + 0.9 x 2


@pytest.mark.parametrize("rule", ["q", "repeated_update"])
def test_rock_is_answered_with_paper_after_450_matches(rule: str, tmp_path: Path) -> None:
    """The acceptance test of the original: one round a match, 450 to learn, then 50 that are all won."""

    class AgainstRock(Identity):
        """One round of rock (0), paper (1), scissors (2) against an agent that always plays rock."""

        def __init__(self) -> None:
            super().__init__((3,))

        def begin(self, rng: np.random.Generator) -> None:
            self._wanted = [0]  # What is seen never changes.

        def act(self, action: np.ndarray, rng: np.random.Generator) -> tuple[float, bool, bool]:
            return (0.0, 1.0, -1.0)[int(action[0])], True, False

    hyperparameters = {"rule": rule, "epsilon_start": 0.3, "epsilon_end": 0.0, "epsilon_steps": 450}
    play = Play("tabular_q", AgainstRock, tmp_path, hyperparameters=hyperparameters).until(460)
    play.trainer.reward_buffer.clear()
    play.until(play.trainer.get_step + 50)
    assert play.mean_return == 1.0


def test_equally_good_choices_are_all_made() -> None:
    from mlagents_selfplay.algorithms.tabular_q import TabularActor

    actor = TabularActor([vector(2)], NetworkSettings(), ActionSpec(0, (3,)), 4, 1.0)
    torch.manual_seed(0)
    action, _, _ = actor.get_action_and_stats([torch.zeros(300, 2)], masks=torch.ones(300, 3))
    times = np.bincount(action.discrete_tensor.ravel().numpy(), minlength=3)
    assert times.min() > 75  # 100 each, standard deviation 8


def test_actions_are_whole_numbers_for_the_environment(tmp_path: Path) -> None:
    play = beginner("dqn", tmp_path)
    play.policy.epsilon = 0.5
    action: ActionTuple = play.policy.get_action(decisions(*some_rows(5))).env_action
    assert action.discrete.shape == (5, 1)
    assert action.discrete.dtype == np.int32
