"""How does an environment behave like a Unity build? Handshake, then one exchange for every step, until told to leave.

The trainer is the server and we are the client: each exchange hands over the state and brings the next command.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from gym_bridges import wire
from gym_bridges.areas import Areas, Step
from gym_bridges.checks import check_steps
from gym_bridges.codec import Codec
from gym_bridges.rollouts.mailbox import Mailbox
from gym_bridges.rollouts.session import Session
from gym_bridges.side_channels import Parameter, pack_statistics, read_parameters

_log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 60.0
"""How long a trainer that listens may take to answer the first message."""

_IDLE_SECONDS = 0.0005  # between two looks for something to do

_PACKAGE_VERSION = "gym-bridge"  # the trainer logs it where a Unity build names its package

_CAPABILITIES = (
    "baseRLCapabilities",
    "concatenatedPngObservations",
    "compressedChannelMapping",
    "hybridActions",
    "trainingAnalytics",
    "variableLengthObservation",
    "multiAgentGroups",
)


class HandshakeError(ConnectionError):
    """No trainer answered, or what answered is not one that we can talk to."""


@dataclass(frozen=True)
class Invitation:
    """What the trainer asks for in the handshake: a random seed and a number of areas, at least 1."""

    seed: int
    num_areas: int


def play(
    exchange: wire.Exchange, name: str, make_areas: Callable[[int], Areas], mailbox: Mailbox | None = None
) -> None:
    """Plays one environment with the trainer at the other end; returns when the trainer leaves.

    Args:
      exchange: the connection, see `wire.exchange_on`.
      name: of the environment, for the trainer's log.
      make_areas: builds the environment for a number of areas. It is called when the trainer asks for the first
        reset, because only from then on does the trainer notice if this process dies.
      mailbox: for whole rollouts, if the trainer may want them.

    Raises:
      HandshakeError: if there is no one to play with.
      ValueError: if the environment hands over, or the trainer answers, what the protocol does not allow.
    """
    invitation = shake_hands(exchange, name)
    _log.info("%s: seed %d, %d areas", name, invitation.seed, invitation.num_areas)
    rl_input = _next_input(exchange, wire.Message(header={"status": wire.OK}))
    if rl_input is None:
        return
    areas = make_areas(invitation.num_areas)
    try:
        _Play(exchange, areas, invitation, mailbox).go_on(rl_input)
    finally:
        areas.close()


class _Play:
    """Obeys one input after the other."""

    def __init__(self, exchange: wire.Exchange, areas: Areas, invitation: Invitation, mailbox: Mailbox | None) -> None:
        self._exchange = exchange
        self._areas = areas
        self._codec = Codec(areas.behaviors)
        self._seed: int | None = invitation.seed  # for the first reset
        self._parameters: dict[str, Parameter] = {}
        self._steps: Mapping[str, Step] = {}
        self._session: Session | None = None
        if mailbox is not None:
            self._session = Session(mailbox, areas, invitation.num_areas, self._draw_parameters)

    def go_on(self, rl_input: Any | None) -> None:
        """Plays until the trainer leaves."""
        while rl_input is not None:
            self._take_parameters(rl_input)
            if rl_input.command == wire.RESET:
                self._reset()
            elif self._session is None or not self._session.takes_over():
                self._steps = self._areas.step(self._codec.decode(rl_input, self._steps))
                check_steps(self._areas.behaviors, self._steps)
                if any(len(step.endings.agent_ids) for step in self._steps.values()):
                    self._draw_parameters()
            else:
                self._steps = {}
            message = self._codec.encode(self._steps, pack_statistics(self._areas.statistics()))
            rl_input = _next_input(self._exchange, message, self._work_meanwhile())
        _log.info("the trainer has left")

    def _reset(self) -> None:
        self._steps, self._seed = self._areas.reset(self._seed), None
        check_steps(self._areas.behaviors, self._steps)
        if self._session is not None:
            self._session.clear(self._steps)
            if self._session.on:
                self._steps = {}  # the session has them; the trainer need not know

    def _work_meanwhile(self) -> Callable[[], bool] | None:
        return self._session.work if self._session is not None and self._session.on is not False else None

    def _take_parameters(self, rl_input: Any) -> None:
        arrived = read_parameters(rl_input.side_channel)
        if arrived:
            self._parameters.update(arrived)
            self._draw_parameters()
            _log.info("environment parameters: %s", ", ".join(arrived))

    def _draw_parameters(self) -> None:
        """Whenever an episode has ended, so that every next one finds fresh values of the samplers."""
        if self._parameters:
            self._areas.set_parameters({name: draw() for name, draw in self._parameters.items()})


def shake_hands(exchange: wire.Exchange, name: str) -> Invitation:
    """Introduces this process to the trainer and returns what the trainer asks for.

    Raises:
      HandshakeError: if no answer comes, or not one of a trainer of our protocol version.
    """
    greeting = wire.Message(header={"status": wire.OK})
    introduction = greeting.unity_output.rl_initialization_output
    introduction.name = name
    introduction.communication_version = wire.API_VERSION
    introduction.package_version = _PACKAGE_VERSION
    for capability in _CAPABILITIES:
        setattr(introduction.capabilities, capability, True)
    try:
        reply = exchange(greeting, timeout=HANDSHAKE_SECONDS)
    except grpc.RpcError as error:
        raise HandshakeError(f"the handshake failed: {error.details()} ({error.code().name})") from error
    asked = reply.unity_input.rl_initialization_input
    if reply.header.status != wire.OK or asked.communication_version.split(".")[0] != wire.API_VERSION.split(".")[0]:
        raise HandshakeError(
            f"the handshake failed: status {reply.header.status}, communicator API {asked.communication_version!r}; "
            f"expected status {wire.OK} and an API compatible with {wire.API_VERSION}"
        )
    return Invitation(asked.seed, max(1, asked.num_areas))


def _next_input(exchange: wire.Exchange, message: Any, work: Callable[[], bool] | None = None) -> Any | None:
    """Sends `message` and returns the trainer's next `wire.RLInput`, or None if it is time to leave.

    The trainer may think for as long as it likes; a trainer that is gone ends the call. Meanwhile `work`, if any, is
    called again and again; it returns whether there was something to do.
    """
    try:
        if work is None:
            reply = exchange(message)
        else:
            coming = exchange.future(message)
            while not coming.done():
                if not work():
                    time.sleep(_IDLE_SECONDS)
            reply = coming.result()
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
            raise ValueError(
                f"the state of all areas takes {message.ByteSize():,} bytes, more than the trainer accepts in one "
                f"message: use fewer areas in more processes (--num-areas, --num-envs). {error.details()}"
            ) from error
        return None
    return reply.unity_input.rl_input if reply.header.status == wire.OK else None
