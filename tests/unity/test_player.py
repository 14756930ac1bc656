"""Do the project's own agents train over the real wire, and does nothing hang when the input is bad? Mono, no Unity."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml
from mlagents_envs.base_env import ActionTuple
from mlagents_envs.environment import UnityEnvironment
from mlagents_envs.side_channel.environment_parameters_channel import EnvironmentParametersChannel
from mlagents_envs.side_channel.stats_side_channel import StatsSideChannel

from gym_bridges import registry
from gym_bridges.areas import BehaviorSpec
from tests.trainer.runs import behavior

pytestmark = pytest.mark.unity

ROOT = Path(__file__).parents[2]
BUILDS = ROOT / "unity-project" / "Tools~" / "builds"
LEARN = str(Path(sys.executable).with_name("mlagents-learn"))
TIMEOUT_SECONDS = 60


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def start(compiled: Path, port: int, tmp_path: Path) -> Iterator[Callable[..., UnityEnvironment]]:
    """Returns a function that starts a game as `mlagents-learn` would."""
    running: list[UnityEnvironment] = []

    def start_one(game: str, **options: object) -> UnityEnvironment:
        options = {"side_channels": [StatsSideChannel()], "timeout_wait": TIMEOUT_SECONDS, **options}
        running.append(UnityEnvironment(str(BUILDS / game), base_port=port, log_folder=str(tmp_path), **options))
        running[-1].reset()
        return running[-1]

    yield start_one
    for environment in running:
        environment._close(timeout=5)


def choose(environment: UnityEnvironment, *moves: list[int]) -> None:
    """Sets the moves of both teams, area by area."""
    for team, chosen in enumerate(moves):
        action = ActionTuple(discrete=np.array(chosen, np.int32)[:, None])
        environment.set_actions(f"RockPaperScissors?team={team}", action)


@pytest.mark.parametrize("game", ["RockPaperScissors", "SumoRing"])
def test_what_agents_see_and_do_is_what_the_python_twin_says(game: str, start: Callable[..., UnityEnvironment]) -> None:
    entry = registry.find(game)
    ours: dict[str, BehaviorSpec] = dict(entry.make(entry.settings(), 1).behaviors)
    theirs = start(game).behavior_specs
    assert list(theirs) == list(ours) == [f"{game}?team=0", f"{game}?team=1"]
    for name, spec in ours.items():
        assert [seen.shape for seen in theirs[name].observation_specs] == [seen.shape for seen in spec.observations]
        assert theirs[name].action_spec.continuous_size == spec.actions.continuous
        assert theirs[name].action_spec.discrete_branches == spec.actions.branches


def test_matches_follow_each_other_under_new_ids_with_the_last_observation(
    start: Callable[..., UnityEnvironment],
) -> None:
    parameters = EnvironmentParametersChannel()
    parameters.set_float_parameter("rounds", 2.0)
    environment = start("RockPaperScissors", num_areas=2, side_channels=[parameters, StatsSideChannel()])
    assert [environment.get_steps(name)[0].agent_id.tolist() for name in environment.behavior_specs] == [[0, 2], [1, 3]]
    for _ in range(2):
        choose(environment, [0, 1], [2, 2])  # rock and paper against scissors
        environment.step()
    decisions, endings = environment.get_steps("RockPaperScissors?team=0")
    assert endings.agent_id.tolist() == [0, 2]
    assert endings.reward.tolist() == [1.0, -1.0]
    assert endings.interrupted.tolist() == [False, False]
    # In both rounds: rock against scissors is joint move 2, paper against scissors 5.
    assert endings.obs[0].reshape(2, 3, 10).argmax(axis=2).tolist() == [[9, 2, 2], [9, 5, 5]]
    assert decisions.agent_id.tolist() == [4, 6]
    assert decisions.obs[0].reshape(2, 3, 10).argmax(axis=2).tolist() == [[9, 9, 9], [9, 9, 9]]


def test_a_reset_begins_every_match_anew_and_makes_no_step(start: Callable[..., UnityEnvironment]) -> None:
    environment = start("RockPaperScissors")
    choose(environment, [0], [2])
    environment.step()
    environment.reset()
    decisions, endings = environment.get_steps("RockPaperScissors?team=0")
    assert len(endings) == 0
    assert decisions.agent_id.tolist() == [2]
    assert decisions.obs[0].reshape(3, 10).argmax(axis=1).tolist() == [9, 9, 9]
    assert decisions.reward.tolist() == [0.0]


def test_statistics_leave(start: Callable[..., UnityEnvironment]) -> None:
    statistics = StatsSideChannel()
    environment = start("RockPaperScissors", side_channels=[statistics])
    for _ in range(10):
        choose(environment, [0], [1])
        environment.step()
    shares = {name: values[0][0] for name, values in statistics.get_and_reset_stats().items()}
    assert shares["RockPaperScissors/Share of rock"] == 0.5
    assert shares["RockPaperScissors/Share of scissors"] == 0.0


def test_the_seed_decides_where_sumo_matches_begin(compiled: Path, tmp_path: Path) -> None:
    def first_seen(seed: int) -> list[float]:
        with_seed = UnityEnvironment(
            str(BUILDS / "SumoRing"), base_port=free_port(), seed=seed, log_folder=str(tmp_path)
        )
        try:
            with_seed.reset()
            return with_seed.get_steps("SumoRing?team=0")[0].obs[0][0].tolist()
        finally:
            with_seed.close()

    assert first_seen(7) == first_seen(7) != first_seen(8)


def test_large_messages_pass_in_parts(start: Callable[..., UnityEnvironment]) -> None:
    # 600 areas x 2 seats x more than 120 bytes exceed the window of 65,535 bytes that HTTP/2 begins with.
    environment = start("RockPaperScissors", num_areas=600)
    for _ in range(12):
        choose(environment, [0] * 600, [1] * 600)
        environment.step()
    assert len(environment.get_steps("RockPaperScissors?team=1")[0]) == 600


def test_without_a_trainer_the_player_says_so_and_ends(compiled: Path, port: int) -> None:
    done = run_player("SumoRing", "--mlagents-port", str(port))
    assert done.returncode == 3
    assert f"port {port}: Connection refused" in done.stdout
    assert "no trainer of this version answers there" in done.stdout


def test_a_parameter_out_of_range_ends_the_player_with_its_name(
    start: Callable[..., UnityEnvironment], tmp_path: Path
) -> None:
    parameters = EnvironmentParametersChannel()
    parameters.set_float_parameter("rounds", 2.5)
    with pytest.raises(Exception, match="return code 1"):
        start("RockPaperScissors", side_channels=[parameters])
    assert "rounds is 2.5, but takes a whole number of at least 1" in (tmp_path / "Player-0.log").read_text()


def test_a_scene_that_does_not_exist_is_named(compiled: Path) -> None:
    done = subprocess.run(
        ["mono", compiled / "HeadlessPlayer.exe", "Nowhere.unity"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "Nowhere.unity" in done.stderr


@pytest.mark.slow
def test_a_port_in_use_ends_the_trainer_with_a_message(compiled: Path, port: int, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = learn(tmp_path, port, "SumoRing", {"SumoRing": {"trainer_type": "ppo"}})
    assert done.returncode != 0
    assert "worker number 0 is still in use" in done.stderr + done.stdout
    assert_nobody_plays_on(port)


@pytest.mark.slow
def test_a_wrong_behavior_name_ends_the_trainer_and_the_player(compiled: Path, port: int, tmp_path: Path) -> None:
    done = learn(tmp_path, port, "SumoRing", {"SumoRings": {"trainer_type": "ppo"}})
    assert done.returncode != 0
    assert "The behavior name SumoRing has not been specified" in done.stderr + done.stdout
    assert_nobody_plays_on(port)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux is the trainer's worker a fork that stays behind")
def test_a_trainer_that_is_killed_leaves_no_process_behind(compiled: Path, port: int, tmp_path: Path) -> None:
    configuration = tmp_path / "configuration.yaml"
    configuration.write_text(yaml.safe_dump({"behaviors": {"SumoRing": behavior(max_steps=10_000_000)}}))
    command = [LEARN, configuration, "--env", BUILDS / "SumoRing", "--results-dir", tmp_path, "--base-port", str(port)]
    trainer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    descendants: list[psutil.Process] = []
    try:
        deadline = time.monotonic() + 100
        while not any(one.name().startswith("mono") for one in descendants) and time.monotonic() < deadline:
            time.sleep(0.5)
            descendants = psutil.Process(trainer.pid).children(recursive=True)
        time.sleep(3)  # it plays
        assert any(one.name().startswith("mono") for one in descendants)
    finally:
        trainer.kill()
        trainer.wait()
    _, alive = psutil.wait_procs(descendants, timeout=20)
    assert alive == []


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_no_opponent_changes_inside_an_episode(compiled: Path, port: int, tmp_path: Path) -> None:
    """As tests/trainer/test_seats_end_to_end.py: scripts that answer with numbers of their own show who played."""
    values = [-0.8, -0.4, 0.0, 0.4, 0.8]
    self_play = {
        "pinned_opponents": [f"python:tests.environments.players:constant({value})" for value in values],
        "pinned_ratio": 1.0,
        "opponent_change_interval": 1,
        "team_change_interval": 5,
        "snapshot_interval": 500,
    }
    behaviors = {"SumoRing": behavior(max_steps=2500, **self_play)}
    log = tmp_path / "actions"
    done = learn(tmp_path, port, "SumoRing", behaviors, "--num-areas", "16", "--env-args", "--action-log", str(log))
    assert done.returncode == 0, done.stderr

    players = {float(np.float32(value)) for value in values}
    seats: dict[str, set[float | None]] = {}
    for line in log.read_text().splitlines():
        name, episode, first, second = line.split()
        answer = float(np.float32(first))
        by_script = first == second and answer in players
        seats.setdefault(f"{name} {episode}", set()).add(answer if by_script else None)
    assert [seat for seat, who in seats.items() if len(who) != 1] == []
    assert {player for who in seats.values() for player in who} == {None, *players}


def assert_nobody_plays_on(port: int) -> None:
    players = [one for one in psutil.process_iter() if one.name().startswith("mono") and str(port) in one.cmdline()]
    _, alive = psutil.wait_procs(players, timeout=20)
    assert alive == []


def run_player(game: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BUILDS / game, *words], capture_output=True, text=True, timeout=60)


def learn(folder: Path, port: int, game: str, behaviors: dict, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs `mlagents-learn` with these behaviors and further words on the C# arena; results go to `folder`."""
    configuration = folder / "configuration.yaml"
    configuration.write_text(yaml.safe_dump({"behaviors": behaviors}))
    places = ["--results-dir", str(folder / "r"), "--run-id", "x", "--base-port", str(port), "--timeout-wait", "60"]
    command = [LEARN, str(configuration), "--env", str(BUILDS / game), *places, *words]
    found = {**os.environ, "PYTHONPATH": str(ROOT)}  # the scripted opponents
    return subprocess.run(command, capture_output=True, text=True, timeout=390, cwd=folder, env=found)
