"""Does ML-Agents read from our messages the arrays that we put in, and do we read its actions?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mlagents_envs.base_env import DecisionSteps, TerminalSteps
from mlagents_envs.communicator_objects.unity_message_pb2 import UnityMessageProto
from mlagents_envs.communicator_objects.unity_rl_input_pb2 import UnityRLInputProto
from mlagents_envs.rpc_utils import behavior_spec_from_proto, steps_from_proto

from gym_bridges import wire
from gym_bridges.areas import ActionSpec, BehaviorSpec, Decisions, Endings, ObservationSpec, Step
from gym_bridges.codec import Codec

VECTOR = BehaviorSpec((ObservationSpec("joints", (3,)),), ActionSpec(continuous=2))


def no_endings(spec: BehaviorSpec) -> Endings:
    observations = tuple(np.zeros((0, *one.shape), np.float32) for one in spec.observations)
    return Endings(np.zeros(0, int), observations, np.zeros(0), np.zeros(0, bool))


def seen_by_ml_agents(spec: BehaviorSpec, step: Step) -> tuple[DecisionSteps, TerminalSteps]:
    message = UnityMessageProto.FromString(Codec({"It": spec}).encode({"It": step}).SerializeToString())
    output = message.unity_output
    infos = output.rl_output.agentInfos["It"].value
    (brain,) = output.rl_initialization_output.brain_parameters
    return steps_from_proto(infos, behavior_spec_from_proto(brain, infos[0]))


def test_decisions_and_endings_of_one_step_arrive_with_every_field() -> None:
    decisions = Decisions(
        agent_ids=np.array([4, 300]),
        observations=(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),),
        rewards=np.array([0.0, 0.5]),
        group_ids=np.array([1, 2]),
        group_rewards=np.array([0.0, -2.0]),
    )
    endings = Endings(
        agent_ids=np.array([2, 3]),
        observations=(np.array([[7.0, 8.0, 9.0], [0.0, 0.0, 0.0]], np.float32),),
        rewards=np.array([1.0, -1.0]),
        truncated=np.array([True, False]),
        group_ids=np.array([1, 2]),
    )
    decided, ended = seen_by_ml_agents(VECTOR, Step(decisions, endings))
    assert decided.agent_id.tolist() == [4, 300]
    assert decided.obs[0].tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    assert decided.reward.tolist() == [0.0, 0.5]
    assert list(decided.group_id) == [1, 2]
    assert decided.group_reward.tolist() == [0.0, -2.0]
    assert ended.agent_id.tolist() == [2, 3]
    assert ended.obs[0].tolist() == [[7.0, 8.0, 9.0], [0.0, 0.0, 0.0]]
    assert ended.reward.tolist() == [1.0, -1.0]
    assert ended.interrupted.tolist() == [True, False]
    assert list(ended.group_id) == [1, 2]


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.just(50)), elements=st.floats(-1e6, 1e6, width=32)))
def test_floats_arrive_bit_by_bit(values: np.ndarray) -> None:
    spec = BehaviorSpec((ObservationSpec("x", (50,)),), ActionSpec(continuous=1))
    decisions = Decisions(np.arange(len(values)), (values,), np.zeros(len(values)))
    decided, _ = seen_by_ml_agents(spec, Step(decisions, no_endings(spec)))
    assert decided.obs[0].tobytes() == values.tobytes()


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6, 9])
def test_images_arrive_with_every_pixel_divided_by_255(channels: int) -> None:
    shape = (channels, 5, 7)
    image = np.random.default_rng(0).integers(0, 256, (2, *shape)).astype(np.uint8)
    spec = BehaviorSpec((ObservationSpec("screen", shape, kind="image"),), ActionSpec(branches=(2,)))
    decided, _ = seen_by_ml_agents(spec, Step(Decisions(np.arange(2), (image,), np.zeros(2)), no_endings(spec)))
    np.testing.assert_allclose(decided.obs[0], image / 255, atol=1e-6)


def test_images_are_compressed_only_if_they_would_not_fit_into_a_message() -> None:
    shape = (4, 100, 100)
    spec = BehaviorSpec((ObservationSpec("screen", shape, kind="image"),), ActionSpec(branches=(2,)))

    def size(count: int) -> int:
        images = np.zeros((count, *shape), np.uint8)
        step = Step(Decisions(np.arange(count), (images,), np.zeros(count)), no_endings(spec))
        return int(Codec({"B": spec}).encode({"B": step}).ByteSize())

    assert size(50) > 50 * 40_000
    assert size(200) < 2**20  # 8 MB of pixels; the trainer accepts 4 MiB


def test_masks_mark_what_is_forbidden() -> None:
    spec = BehaviorSpec((ObservationSpec("x", (1,)),), ActionSpec(branches=(3, 2)))
    forbidden = (np.array([[True, False, False]]), np.array([[False, True]]))
    decisions = Decisions(np.array([0]), (np.zeros((1, 1)),), np.zeros(1), forbidden=forbidden)
    decided, _ = seen_by_ml_agents(spec, Step(decisions, no_endings(spec)))
    # ML-Agents documents its masks as "True if the action is not available".
    assert [mask.tolist() for mask in decided.action_mask] == [[[True, False, False]], [[False, True]]]


def test_a_goal_and_both_kinds_of_action_are_announced() -> None:
    observations = (ObservationSpec("where", (2,), goal=True), ObservationSpec("what", (3,)))
    spec = BehaviorSpec(observations, ActionSpec(continuous=2, branches=(4, 3)))
    decisions = Decisions(np.array([0]), (np.zeros((1, 2)), np.zeros((1, 3))), np.zeros(1))
    message = Codec({"It": spec}).encode({"It": Step(decisions, no_endings(spec))})
    output = UnityMessageProto.FromString(message.SerializeToString()).unity_output
    infos = output.rl_output.agentInfos["It"].value
    theirs = behavior_spec_from_proto(output.rl_initialization_output.brain_parameters[0], infos[0])
    assert [(one.name, one.shape, one.observation_type.name) for one in theirs.observation_specs] == [
        ("where", (2,), "GOAL_SIGNAL"),
        ("what", (3,), "DEFAULT"),
    ]
    assert (theirs.action_spec.continuous_size, theirs.action_spec.discrete_branches) == (2, (4, 3))


def test_a_behavior_is_announced_once_and_only_when_it_has_agents() -> None:
    codec = Codec({"Early": VECTOR, "Late": VECTOR})
    someone = Step(Decisions(np.array([1]), (np.zeros((1, 3)),), np.zeros(1)), no_endings(VECTOR))
    no_one = Step(Decisions(np.zeros(0, int), (np.zeros((0, 3)),), np.zeros(0)), no_endings(VECTOR))

    def announced(steps: dict[str, Step]) -> list[str]:
        brains = codec.encode(steps).unity_output.rl_initialization_output.brain_parameters
        return [brain.brain_name for brain in brains]

    assert announced({"Early": someone, "Late": no_one}) == ["Early"]
    assert announced({"Early": someone}) == []
    assert announced({"Early": someone, "Late": someone}) == ["Late"]


def asked(count: int) -> Step:
    return Step(Decisions(np.arange(count), (np.zeros((count, 3)),), np.zeros(count)), no_endings(VECTOR))


def rl_input(actions: dict[str, list[list[float]]]) -> object:
    theirs = UnityRLInputProto()
    for behavior_id, rows in actions.items():
        for row in rows:
            theirs.agent_actions[behavior_id].value.add().continuous_actions.extend(row)
    message = wire.Message()
    message.unity_input.rl_input.MergeFromString(theirs.SerializeToString())
    return message.unity_input.rl_input


def test_actions_come_back_in_the_order_of_the_decisions() -> None:
    codec = Codec({"It": VECTOR, "Idle": VECTOR})
    actions = codec.decode(rl_input({"It": [[0.5, -0.5], [1.0, 0.0]]}), {"It": asked(2)})
    assert actions["It"].continuous.tolist() == [[0.5, -0.5], [1.0, 0.0]]
    assert actions["It"].discrete.shape == (2, 0)
    assert actions["Idle"].continuous.shape == (0, 2)


@pytest.mark.parametrize("rows", [[[0.0, 0.0]], [[0.0], [0.0]], [[0.0, 0.0]] * 3])
def test_an_answer_that_does_not_fit_the_question_is_an_error(rows: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=f"It: the trainer answered 2 decisions with {len(rows)} actions"):
        Codec({"It": VECTOR}).decode(rl_input({"It": rows}), {"It": asked(2)})
