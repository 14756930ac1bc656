"""Do we and ML-Agents mean the same bytes? Our descriptions of the messages against those in `mlagents_envs`."""

import importlib
import subprocess
import sys

import pytest
from google.protobuf.descriptor import FieldDescriptor
from mlagents_envs.communicator_objects.unity_message_pb2 import UnityMessageProto

from gym_bridges import wire

# Ours -> theirs: the module in mlagents_envs.communicator_objects, and the message in it.
THEIRS = {
    "Message": ("unity_message", "UnityMessageProto"),
    "Header": ("header", "HeaderProto"),
    "Output": ("unity_output", "UnityOutputProto"),
    "InitializationOutput": ("unity_rl_initialization_output", "UnityRLInitializationOutputProto"),
    "Capabilities": ("capabilities", "UnityRLCapabilitiesProto"),
    "BrainParameters": ("brain_parameters", "BrainParametersProto"),
    "ActionSpec": ("brain_parameters", "ActionSpecProto"),
    "RLOutput": ("unity_rl_output", "UnityRLOutputProto"),
    "AgentInfosEntry": ("unity_rl_output", "UnityRLOutputProto.AgentInfosEntry"),
    "AgentInfoList": ("unity_rl_output", "UnityRLOutputProto.ListAgentInfoProto"),
    "AgentInfo": ("agent_info", "AgentInfoProto"),
    "Observation": ("observation", "ObservationProto"),
    "FloatData": ("observation", "ObservationProto.FloatData"),
    "Input": ("unity_input", "UnityInputProto"),
    "InitializationInput": ("unity_rl_initialization_input", "UnityRLInitializationInputProto"),
    "RLInput": ("unity_rl_input", "UnityRLInputProto"),
    "AgentActionsEntry": ("unity_rl_input", "UnityRLInputProto.AgentActionsEntry"),
    "AgentActionList": ("unity_rl_input", "UnityRLInputProto.ListAgentActionProto"),
    "AgentAction": ("agent_action", "AgentActionProto"),
}


def their_class(name: str) -> type:
    module, path = THEIRS[name]
    found = importlib.import_module(f"mlagents_envs.communicator_objects.{module}_pb2")
    for part in path.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", THEIRS)
def test_every_field_has_the_number_and_the_type_that_ml_agents_gives_it(name: str) -> None:
    theirs = their_class(name).DESCRIPTOR.fields_by_name
    for field in wire.CLASSES[name].DESCRIPTOR.fields:
        other = theirs[field.name]
        assert field.number == other.number, field.name
        assert (field.label == FieldDescriptor.LABEL_REPEATED) == (other.label == FieldDescriptor.LABEL_REPEATED)
        if other.type == FieldDescriptor.TYPE_ENUM:  # an enum travels as an int32
            assert field.type == FieldDescriptor.TYPE_INT32, field.name
        else:
            assert field.type == other.type, field.name
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            assert their_class(field.message_type.name).DESCRIPTOR is other.message_type


def test_all_of_our_messages_are_compared() -> None:
    assert set(THEIRS) == set(wire.CLASSES)


def test_ml_agents_reads_what_we_write() -> None:
    ours = wire.Message(header={"status": 200})
    ours.unity_output.rl_initialization_output.name = "Sumo"
    entry = ours.unity_output.rl_output.agentInfos.add(key="Sumo?team=1")
    entry.value.value.add(id=7, reward=-0.5, done=True, max_step_reached=True, action_mask=[True, False])
    theirs = UnityMessageProto.FromString(ours.SerializeToString())
    (info,) = theirs.unity_output.rl_output.agentInfos["Sumo?team=1"].value
    assert (info.id, info.reward, info.done, info.max_step_reached) == (7, -0.5, True, True)
    assert list(info.action_mask) == [True, False]
    assert theirs.unity_output.rl_initialization_output.name == "Sumo"


def test_we_read_what_ml_agents_writes() -> None:
    theirs = UnityMessageProto()
    theirs.header.status = 400
    theirs.unity_input.rl_input.command = 1
    theirs.unity_input.rl_input.side_channel = b"abc"
    action = theirs.unity_input.rl_input.agent_actions["Sumo?team=0"].value.add()
    action.continuous_actions.extend([0.25, -1.0])
    action.vector_actions_deprecated.extend([0.25, -1.0])  # not in our description: skipped
    ours = wire.Message.FromString(theirs.SerializeToString())
    assert ours.header.status == wire.QUIT
    assert ours.unity_input.rl_input.command == wire.RESET
    assert ours.unity_input.rl_input.side_channel == b"abc"
    (entry,) = ours.unity_input.rl_input.agent_actions
    assert entry.key == "Sumo?team=0"
    assert list(entry.value.value[0].continuous_actions) == [0.25, -1.0]


@pytest.mark.parametrize("first", ["gym_bridges.wire", "mlagents_envs.environment"])
def test_both_descriptions_live_in_one_process_whichever_comes_first(first: str) -> None:
    code = f"import {first}, gym_bridges.wire, mlagents_envs.environment"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_bridge_imports_nothing_of_ml_agents() -> None:
    code = (
        "import sys, gym_bridges.launch, gym_bridges.cli, gym_bridges.envs.rock_paper_scissors\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('mlagents', 'mlagents_envs', 'torch')])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_port_where_no_one_listens_is_an_error_after_the_time_that_was_given(port: int) -> None:
    with wire.open_channel(port) as channel, pytest.raises(TimeoutError, match="no one listened within 0.2 s"):
        wire.await_server(channel, 0.2)
