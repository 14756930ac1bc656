"""Are ports that somebody uses passed over?"""

import socket
from collections.abc import Iterator

import pytest
from mlagents_selfplay.ports import HIGHEST, NoFreePort, free_ports, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield int(one.getsockname()[1])


def test_ports_that_somebody_listens_on_are_passed_over(taken: int) -> None:
    assert not is_free(taken)
    assert free_ports(1, taken) > taken
    assert free_ports(2, taken - 1) > taken
    assert (free_ports(1, taken, stride=7) - taken) % 7 == 0


def test_the_system_proposes_free_ones() -> None:
    first = free_ports(3)
    assert all(is_free(first + offset) for offset in range(3))


def test_too_many_are_refused() -> None:
    with pytest.raises(NoFreePort, match=f"no 2 free ports in a row from {HIGHEST} on"):
        free_ports(2, HIGHEST)
