"""Are a build's words read as ML-Agents, Unity and the user mean them?"""

from dataclasses import dataclass
from typing import Literal

import pytest

from gym_bridges.arguments import ArgumentError, log_file, parse


@dataclass(frozen=True)
class Settings:
    rounds: int = 10
    win_bonus: float = 0.0
    render: bool = False
    rewards: Literal["round", "match"] = "round"

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ValueError(f"rounds is {self.rounds}, but takes at least 1")


def test_the_words_of_mlagents_learn_are_understood() -> None:
    # In the order of UnityEnvironment: graphics, port, log, and then the words after --env-args.
    unity = ["-nographics", "-batchmode", "--mlagents-port", "5007", "-logFile", "/tmp/Player-0.log"]
    words = [*unity, "--rounds", "5", "--win-bonus", "-2.5"]
    launch = parse(words, Settings)
    assert (launch.port, launch.settings) == (5007, Settings(rounds=5, win_bonus=-2.5))
    assert log_file(words) == "/tmp/Player-0.log"


def test_without_words_the_port_is_the_editors_and_the_settings_their_defaults() -> None:
    launch = parse([], Settings)
    assert (launch.port, launch.settings) == (5004, Settings())
    assert log_file([]) is None


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        ("--render", Settings(render=True)),
        ("--render --rounds 3", Settings(render=True, rounds=3)),
        ("--render=false", Settings(render=False)),
        ("--rounds=3", Settings(rounds=3)),
        ("--win_bonus 1", Settings(win_bonus=1.0)),
        ("--rewards match", Settings(rewards="match")),
        ("-screen-width 640 -quit --rounds 3", Settings(rounds=3)),
    ],
)
def test_options_are_fields_of_the_settings(words: str, settings: Settings) -> None:
    assert parse(words.split(), Settings).settings == settings


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--ronds 5", "unknown option --ronds; did you mean --rounds?"),
        ("--zzz 5", "unknown option --zzz; known are --rounds, --win-bonus, --render, --rewards"),
        ("rounds 5", "unexpected word 'rounds'; did you mean --rounds?"),
        ("--rounds", "--rounds needs a value"),
        ("--rounds many", "--rounds is 'many', but takes a value of type int"),
        ("--rounds 0", "rounds is 0, but takes at least 1"),
        ("--rewards never", "--rewards is 'never', but takes one of round, match"),
        ("--render=maybe", "--render is 'maybe', but takes true or false"),
        ("--mlagents-port x", "--mlagents-port is 'x', but takes a value of type int"),
    ],
)
def test_what_cannot_be_understood_is_an_error_that_says_what_can(words: str, message: str) -> None:
    with pytest.raises(ArgumentError) as error:
        parse(words.split(), Settings)
    assert str(error.value) == message


@pytest.mark.parametrize("words", ["-logFile -", "-logfile"])
def test_a_dash_or_nothing_means_no_log_file(words: str) -> None:
    assert log_file(words.split()) is None
    assert parse(words.split(), Settings).settings == Settings()
