"""Does a real build behave towards ML-Agents' own UnityEnvironment as a Unity build does?"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mlagents_envs.base_env import ActionTuple
from mlagents_envs.environment import UnityEnvironment
from mlagents_envs.exception import UnityEnvironmentException
from mlagents_envs.side_channel.environment_parameters_channel import EnvironmentParametersChannel
from mlagents_envs.side_channel.stats_side_channel import StatsAggregationMethod, StatsSideChannel

Start = Callable[..., UnityEnvironment]
BuildOf = Callable[[str], Path]
TEAMS = ["RockPaperScissors?team=0", "RockPaperScissors?team=1"]


def choose(environment: UnityEnvironment, behavior: str, *moves: int) -> None:
    environment.set_actions(behavior, ActionTuple(discrete=np.array(moves, np.int32)[:, None]))


def test_two_teams_play_matches_that_follow_each_other_without_a_pause(start: Start, rock_paper_scissors: Path) -> None:
    environment = start(rock_paper_scissors, num_areas=2, additional_args=["--rounds", "2"])
    environment.reset()
    assert list(environment.behavior_specs) == TEAMS
    spec = environment.behavior_specs[TEAMS[0]]
    assert [one.shape for one in spec.observation_specs] == [(30,)]
    assert (spec.action_spec.continuous_size, spec.action_spec.discrete_branches) == (0, (3,))
    first_ids = [environment.get_steps(team)[0].agent_id.tolist() for team in TEAMS]
    assert first_ids == [[0, 2], [1, 3]]  # area by area, team by team

    for _ in range(2):
        choose(environment, TEAMS[0], 0, 1)  # rock in the first area, paper in the second
        choose(environment, TEAMS[1], 2, 2)  # scissors
        environment.step()
    decisions, endings = environment.get_steps(TEAMS[0])
    assert endings.agent_id.tolist() == [0, 2]
    assert endings.reward.tolist() == [1.0, -1.0]
    assert endings.interrupted.tolist() == [False, False]
    # In both rounds: rock against scissors is joint move 2, paper against scissors 5.
    assert endings.obs[0].reshape(2, 3, 10).argmax(axis=2).tolist() == [[9, 2, 2], [9, 5, 5]]
    assert decisions.agent_id.tolist() == [4, 6]
    assert decisions.obs[0].reshape(2, 3, 10).argmax(axis=2).tolist() == [[9, 9, 9], [9, 9, 9]]

    environment.reset()
    assert environment.get_steps(TEAMS[0])[0].agent_id.tolist() == [8, 10]
    assert len(environment.get_steps(TEAMS[0])[1]) == 0
    process = environment._process
    environment.close()
    assert process.returncode == 0


def test_the_seed_of_the_handshake_decides_the_random_numbers(start: Start, build_of: BuildOf) -> None:
    def first_observations(seed: int) -> list[float]:
        environment = start(build_of("COUNTER"), seed=seed, num_areas=3)
        environment.reset()
        return environment.get_steps("Count")[0].obs[0][:, 1].tolist()

    assert first_observations(7) == first_observations(7)
    assert first_observations(7) != first_observations(8)


def test_parameters_arrive_and_statistics_leave(start: Start, build_of: BuildOf) -> None:
    parameters, statistics = EnvironmentParametersChannel(), StatsSideChannel()
    environment = start(build_of("COUNTER"), side_channels=[parameters, statistics])
    environment.reset()
    parameters.set_float_parameter("bonus", 4.0)
    environment.step()
    assert environment.get_steps("Count")[0].reward.tolist() == [5.0]  # 1 for the step and the bonus
    assert statistics.get_and_reset_stats()["Count/Steps"][-1] == (1.0, StatsAggregationMethod.AVERAGE)


def test_an_episode_that_is_cut_off_says_so(start: Start, build_of: BuildOf) -> None:
    environment = start(build_of("COUNTER"), additional_args=["--length", "1"])
    environment.reset()
    environment.step()
    assert environment.get_steps("Count")[1].interrupted.tolist() == [True]


def test_only_some_agents_may_decide_and_a_behavior_may_appear_later(start: Start, build_of: BuildOf) -> None:
    environment = start(build_of("TURN_TAKING"), num_areas=2)
    environment.reset()
    assert list(environment.behavior_specs) == ["Turn?team=0"]
    environment.step()
    assert list(environment.behavior_specs) == ["Turn?team=0", "Turn?team=1"]
    assert [len(environment.get_steps(f"Turn?team={team}")[0]) for team in (0, 1)] == [0, 2]
    environment.step()
    assert [len(environment.get_steps(f"Turn?team={team}")[0]) for team in (0, 1)] == [2, 0]


def test_a_crash_ends_the_process_and_leaves_the_traceback_in_the_log(
    start: Start, build_of: BuildOf, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = start(build_of("CRASHING"))
    environment.reset()
    environment.step()
    environment.step()
    with pytest.raises(UnityEnvironmentException, match="return code 1"):
        environment.step()
    log = tmp_path / "Player-0.log"
    assert "in step\n    raise RuntimeError(" in log.read_text()
    console = capfd.readouterr().err
    assert f"sample_areas:CRASHING: RuntimeError: the arm fell off; the traceback is in {log}" in console


def test_a_number_that_is_none_is_named_with_its_place(start: Start, build_of: BuildOf, tmp_path: Path) -> None:
    environment = start(build_of("NOT_A_NUMBER"), num_areas=2)
    environment.reset()
    with pytest.raises(UnityEnvironmentException, match="return code 1"):
        environment.step()
    expected = "ValueError: Count: observation 'count' of a decision: nan at [0] for agent 0"
    assert expected in (tmp_path / "Player-0.log").read_text()


def test_a_message_that_ml_agents_cannot_take_is_explained(start: Start, build_of: BuildOf, tmp_path: Path) -> None:
    # 2 areas x 600,000 floats x 4 bytes are more than the 4 MiB that a gRPC server accepts unless told otherwise.
    environment = start(build_of("COUNTER"), num_areas=2, additional_args=["--size", "600000"])
    with pytest.raises(UnityEnvironmentException, match="return code 1"):
        environment.reset()
    assert "use fewer areas in more processes" in (tmp_path / "Player-0.log").read_text()


def test_a_misspelt_option_is_told_with_the_nearest_one(
    start: Start, rock_paper_scissors: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UnityEnvironmentException, match="return code 2"):
        start(rock_paper_scissors, additional_args=["--ronds", "5"])
    assert "unknown option --ronds; did you mean --rounds?" in capfd.readouterr().err


def test_without_a_trainer_a_build_gives_up(port: int) -> None:
    code = (
        "import sys; from gym_bridges import launch\n"
        f"sys.exit(launch.launch('RockPaperScissors', ['--mlagents-port', '{port}'], listen_seconds=0.2))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert f"port {port}: no one listened within 0.2 s" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows a process the outputs of its parent")
def test_a_build_whose_outputs_are_closed_off_speaks_through_its_parent(rock_paper_scissors: Path) -> None:
    # As `mlagents-learn` starts it.
    code = (
        "import subprocess; subprocess.run("
        f"['{rock_paper_scissors}', '--ronds'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "gym-bridge RockPaperScissors: unknown option --ronds" in done.stderr


def test_a_proxy_is_not_asked_for_the_way_to_this_machine(
    start: Start, rock_paper_scissors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # the port of the discard service: nobody listens
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    environment = start(rock_paper_scissors)
    environment.reset()
    assert len(environment.get_steps(TEAMS[0])[0]) == 1
