"""Does a game tell what the environment tells, and in which environment a run's player was trained?"""

from pathlib import Path

import pytest
from mlagents_envs.side_channel import IncomingMessage, OutgoingMessage
from mlagents_selfplay.evaluation.commands import environment_of
from mlagents_selfplay.evaluation.environment import Means
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.players import Player


def told(means: Means, name: str, value: float) -> None:
    message = OutgoingMessage()
    message.write_string(name)
    message.write_float32(value)
    message.write_int32(0)
    means.on_message_received(IncomingMessage(message.buffer))


def test_what_the_environment_tells_is_averaged_by_name_until_it_is_taken() -> None:
    means = Means()
    for success in (1.0, 0.0, 0.0, 1.0):
        told(means, "Fetch/is_success", success)
    told(means, "Fetch/distance", 0.25)
    assert means.take() == {"Fetch/is_success": 0.5, "Fetch/distance": 0.25}
    assert means.take() == {}


def test_a_run_says_where_its_players_were_trained(tmp_path: Path) -> None:
    configuration = "env_settings: {env_path: builds/Ring, env_args: [--size, '2 m']}"
    (tmp_path / "configuration.yaml").write_text(configuration)
    script = Player("still", "script", {}, "still")
    trained = Player("ring", "snapshot", {}, "0", run=tmp_path)
    assert environment_of([script, trained]) == ("builds/Ring", "--size '2 m'")
    with pytest.raises(EvaluationError, match="--env is missing"):
        environment_of([script])
