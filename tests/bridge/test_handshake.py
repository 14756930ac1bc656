"""Does the player leave, rather than wait or guess, when the other end is no trainer of our protocol?"""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from sample_areas import Counter, Settings

from gym_bridges import player, wire


class Refusal(grpc.RpcError):
    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "for the test"


def answer(status: int = 200, version: str = "1.5.0", **rl_input: Any) -> Any:
    message = wire.Message(header={"status": status})
    message.unity_input.rl_initialization_input.communication_version = version
    message.unity_input.rl_input.command = rl_input.get("command", wire.RESET)
    return message


def trainer(*answers: Any) -> tuple[Callable[..., Any], list[Any]]:
    """Returns an exchange that gives these answers, one after the other, and the list of what it was sent."""
    received: list[Any] = []
    remaining = list(answers)

    def exchange(message: Any, timeout: float | None = None) -> Any:
        received.append(message)
        reply = remaining.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    return exchange, received


def play(exchange: Callable[..., Any]) -> None:
    player.play(exchange, "Count", lambda num_areas: Counter(Settings(), num_areas))


def test_the_first_message_introduces_us_and_the_second_is_empty() -> None:
    exchange, received = trainer(answer(), answer(status=400))
    play(exchange)
    introduction = received[0].unity_output.rl_initialization_output
    assert (introduction.name, introduction.communication_version) == ("Count", "1.5.0")
    assert introduction.capabilities.multiAgentGroups
    assert received[1] == wire.Message(header={"status": 200})


@pytest.mark.parametrize(
    "end", [answer(status=400), Refusal(grpc.StatusCode.UNAVAILABLE), Refusal(grpc.StatusCode.CANCELLED)]
)
def test_a_trainer_that_leaves_in_the_middle_ends_the_game(end: Any) -> None:
    exchange, received = trainer(answer(), answer(), end)
    play(exchange)
    assert len(received) == 3


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (answer(version="2.0.0"), "communicator API '2.0.0'; expected status 200 and an API compatible with 1.5.0"),
        (answer(version=""), "communicator API ''"),
        (answer(status=400), "status 400"),
        (Refusal(grpc.StatusCode.DEADLINE_EXCEEDED), r"for the test \(DEADLINE_EXCEEDED\)"),
    ],
)
def test_a_handshake_that_fails_is_an_error_with_its_reason(reply: Any, reason: str) -> None:
    exchange, _ = trainer(reply)
    with pytest.raises(player.HandshakeError, match=reason):
        play(exchange)


def test_the_environment_is_closed_even_if_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr(Counter, "close", lambda self: closed.append(self))
    exchange, _ = trainer(answer(), answer(command=wire.STEP))  # no actions, though nothing was reset: no agents to ask
    with pytest.raises(AttributeError):  # the sample has no state before its first reset
        play(exchange)
    assert len(closed) == 1
