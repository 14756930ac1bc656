"""What travels between a Unity build and `mlagents-learn`, and how is the connection opened?

This is our own description of the messages of communicator API 1.5.0: the names and field numbers are facts of the
protocol, and only the fields that we read or write are listed (others are skipped by protobuf). It differs from
ML-Agents' own description in three ways that do not show in the bytes: a map is the repeated key-value entry that it is
on the wire, an enum is the `int32` that it is on the wire, and nothing is declared as a `oneof`. The classes live in a
descriptor pool of their own, so that `mlagents_envs` can be imported beside them.
"""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

API_VERSION = "1.5.0"
"""Version of the communicator protocol; the trainer refuses another major version."""

OK, QUIT = 200, 400
"""Values of `Header.status`: go on, and leave."""

STEP, RESET = 0, 1
"""Values of `RLInput.command`."""

PNG = 1
"""Value of `Observation.compression_type` when `compressed_data` holds PNG images; 0 means `float_data`."""

GOAL_SIGNAL = 1
"""Value of `Observation.observation_type` for a goal; 0 is an ordinary observation."""

METHOD = "/communicator_objects.UnityToExternalProto/Exchange"

# message -> fields, each `name:type=number`; `*` marks a repeated field, a capital letter the name of another message.
_MESSAGES = {
    "Message": "header:Header=1 unity_output:Output=2 unity_input:Input=3",
    "Header": "status:int32=1 message:string=2",
    # From the environment to the trainer.
    "Output": "rl_output:RLOutput=1 rl_initialization_output:InitializationOutput=2",
    "InitializationOutput": "name:string=1 communication_version:string=2 log_path:string=3"
    " brain_parameters:*BrainParameters=5 package_version:string=7 capabilities:Capabilities=8",
    "Capabilities": "baseRLCapabilities:bool=1 concatenatedPngObservations:bool=2 compressedChannelMapping:bool=3"
    " hybridActions:bool=4 trainingAnalytics:bool=5 variableLengthObservation:bool=6 multiAgentGroups:bool=7",
    "BrainParameters": "brain_name:string=7 is_training:bool=8 action_spec:ActionSpec=9",
    "ActionSpec": "num_continuous_actions:int32=1 num_discrete_actions:int32=2 discrete_branch_sizes:*int32=3",
    "RLOutput": "agentInfos:*AgentInfosEntry=2 side_channel:bytes=3",
    "AgentInfosEntry": "key:string=1 value:AgentInfoList=2",
    "AgentInfoList": "value:*AgentInfo=1",
    "AgentInfo": "reward:float=7 done:bool=8 max_step_reached:bool=9 id:int32=10 action_mask:*bool=11"
    " observations:*Observation=13 group_id:int32=14 group_reward:float=15",
    "Observation": "shape:*int32=1 compression_type:int32=2 compressed_data:bytes=3 float_data:FloatData=4"
    " compressed_channel_mapping:*int32=5 dimension_properties:*int32=6 observation_type:int32=7 name:string=8",
    "FloatData": "data:*float=1",
    # From the trainer to the environment.
    "Input": "rl_input:RLInput=1 rl_initialization_input:InitializationInput=2",
    "InitializationInput": "seed:int32=1 communication_version:string=2 package_version:string=3"
    " capabilities:Capabilities=4 num_areas:int32=5",
    "RLInput": "agent_actions:*AgentActionsEntry=1 command:int32=4 side_channel:bytes=5",
    "AgentActionsEntry": "key:string=1 value:AgentActionList=2",
    "AgentActionList": "value:*AgentAction=1",
    "AgentAction": "continuous_actions:*float=6 discrete_actions:*int32=7",
}


def _file_description() -> descriptor_pb2.FileDescriptorProto:
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="gym_bridges/wire.proto", package="gym_bridges.wire")
    file.syntax = "proto3"
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for text in fields.split():
            name, rest = text.split(":")
            kind, number = rest.split("=")
            label = field.LABEL_REPEATED if kind.startswith("*") else field.LABEL_OPTIONAL
            entry = message.field.add(name=name, number=int(number), label=label)
            kind = kind.lstrip("*")
            if kind in _MESSAGES:
                entry.type = field.TYPE_MESSAGE
                entry.type_name = f".{file.package}.{kind}"
            else:
                entry.type = getattr(field, f"TYPE_{kind.upper()}")
    return file


def _message_classes() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    file = _file_description()
    pool.AddSerializedFile(file.SerializeToString())
    if hasattr(message_factory, "GetMessageClass"):
        get_class = message_factory.GetMessageClass
    else:  # protobuf before 4.22, which is what ML-Agents asks for
        get_class = getattr(message_factory.MessageFactory(pool), "GetPrototype")  # noqa: B009 (newer types lack it)
    return {name: get_class(pool.FindMessageTypeByName(f"{file.package}.{name}")) for name in _MESSAGES}


CLASSES = _message_classes()
"""The message classes by our names; those that the other modules use have names of their own below."""

Message = CLASSES["Message"]
Observation = CLASSES["Observation"]

Exchange = Any
"""`exchange(message, timeout=seconds) -> message`: one round trip; raises `grpc.RpcError`. `exchange.future(message)`
does not wait, and returns what has `done()` and `result()`."""


def open_channel(port: int) -> grpc.Channel:
    """Opens a channel to a trainer on this machine; nothing is sent until it is used.

    Messages may be of any size on this side (ML-Agents' server accepts 4 MiB, gRPC's default), and a proxy that the
    environment variables name is not used.
    """
    unlimited = -1
    return grpc.insecure_channel(
        f"127.0.0.1:{port}",
        options=[
            ("grpc.max_send_message_length", unlimited),
            ("grpc.max_receive_message_length", unlimited),
            ("grpc.enable_http_proxy", 0),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000),
        ],
    )


def await_server(channel: grpc.Channel, seconds: float | None) -> None:
    """Returns as soon as someone listens at the other end; None waits for ever.

    Raises:
      TimeoutError: if no one does within `seconds`.
    """
    try:
        grpc.channel_ready_future(channel).result(seconds)
    except grpc.FutureTimeoutError:
        raise TimeoutError(f"no one listened within {seconds:g} s") from None


def exchange_on(channel: grpc.Channel) -> Exchange:
    """Returns the protocol's one method, bound to `channel`."""
    return channel.unary_unary(
        METHOD, request_serializer=Message.SerializeToString, response_deserializer=Message.FromString
    )
