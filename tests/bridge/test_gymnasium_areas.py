"""Do copies of a gymnasium environment play as areas, take parameters and options, and fail in words?"""

import threading
from pathlib import Path
from typing import Any

import imageio.v2
import numpy as np
import pytest
import sample_envs
from driving import make, only, play, step

from gym_bridges import conformance, registry
from gym_bridges.areas import Statistic
from gym_bridges.arguments import parse
from gym_bridges.checks import check_steps


@pytest.mark.parametrize(
    "environment_id",
    ["CartPole-v1", "Acrobot-v1", "Blackjack-v1", "FrozenLake-v1", "Taxi-v4", "sample_envs:Counting"],
)
def test_environments_that_we_did_not_write_conform(environment_id: str) -> None:
    complaints = conformance.check(lambda: make(environment_id, 3), seed=0, rng=np.random.default_rng(0), num_steps=510)
    assert complaints == []


SLOW = ["MountainCarContinuous-v0", "Pendulum-v1", "Ant-v5", "HalfCheetah-v5", "FetchReach-v4", "FetchPickAndPlace-v4"]
NEED_PYGAME = ["LunarLander-v3", "BipedalWalker-v3", "CarRacing-v3"]


@pytest.mark.slow
@pytest.mark.parametrize("environment_id", SLOW + NEED_PYGAME)
def test_slower_environments_conform(environment_id: str) -> None:
    if environment_id in NEED_PYGAME:
        pytest.importorskip("pygame")
    complaints = conformance.check(
        lambda: make(environment_id, 2, "--max-episode-steps", "40"),
        seed=0,
        rng=np.random.default_rng(0),
        num_steps=60,
    )
    assert complaints == []


def test_the_next_episode_begins_in_the_message_that_ends_the_last_under_a_new_id() -> None:
    one, two, three, four = play(make("sample_envs:Counting"), 3)
    assert [len(each.endings.agent_ids) for each in (one, two, three, four)] == [0, 0, 0, 2]
    assert four.endings.agent_ids.tolist() == one.decisions.agent_ids.tolist()
    assert four.endings.observations[0][:, 0].tolist() == [3, 3]  # the last of the episode, and the first of the next
    assert four.decisions.observations[0][:, 0].tolist() == [0, 0]
    assert not set(four.decisions.agent_ids) & set(one.decisions.agent_ids)
    assert four.endings.rewards.tolist() == [1, 1]
    assert four.decisions.rewards.tolist() == [0, 0]


@pytest.mark.parametrize("cut", [True, False])
def test_terminated_and_truncated_arrive_as_what_they_are(cut: bool) -> None:
    last = play(make("sample_envs:Counting", 2, f"--cut={str(cut).lower()}"), 3)[-1]
    assert last.endings.truncated.tolist() == [cut, cut]


def test_an_episode_that_is_over_when_it_is_cut_off_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    original = sample_envs.Counting.step

    def both(self: sample_envs.Counting, action: np.ndarray) -> Any:
        observation, reward, is_over, _, info = original(self, action)
        return observation, reward, is_over, is_over, info

    monkeypatch.setattr(sample_envs.Counting, "step", both)
    last = play(make("sample_envs:Counting"), 3)[-1]
    assert last.endings.truncated.tolist() == [False, False]


def test_gymnasiums_time_limit_is_a_truncation() -> None:
    last = play(make("CartPole-v1", 1, "--max-episode-steps", "4"), 4)[-1]
    assert last.endings.truncated.tolist() == [True]


def test_every_area_has_its_own_luck_and_the_seed_decides_it() -> None:
    first, again, other = (play(make("sample_envs:Counting", 8), 3, seed) for seed in (1, 1, 2))
    luck = [[each.decisions.observations[0][:, 1].tolist() for each in one] for one in (first, again, other)]
    assert luck[0] == luck[1] != luck[2]
    assert len(set(luck[0][0])) > 4  # of 8 areas, each with a number below 100
    assert luck[0][0] != luck[0][3]  # the second episode is another one


@pytest.mark.parametrize("threads", ["1", "2", "3"])
def test_threads_change_nothing_but_the_time(threads: str) -> None:
    several = play(make("sample_envs:Counting", 5, "--threads", threads), 5)
    alone = play(make("sample_envs:Counting", 5), 5)
    for one, other in zip(several, alone, strict=True):
        assert one.decisions.observations[0].tolist() == other.decisions.observations[0].tolist()
        assert one.decisions.agent_ids.tolist() == other.decisions.agent_ids.tolist()


def test_a_parameter_that_is_a_constructor_argument_rebuilds_an_area_at_its_next_episode() -> None:
    areas = make("sample_envs:Counting", 2, "--length", "2")
    steps = areas.reset(0)
    areas.set_parameters({"length": 1.0, "bonus": 0.5})
    steps = step(areas, steps)
    assert len(only(steps).endings.agent_ids) == 0  # this episode goes on as it began
    steps = step(areas, steps)
    assert only(steps).endings.rewards.tolist() == [1.0, 1.0]
    steps = step(areas, steps)
    assert only(steps).endings.rewards.tolist() == [1.5, 1.5]
    areas.close()


def test_the_seed_decides_the_luck_of_a_copy_that_is_built_later_too() -> None:
    luck = []
    for _ in range(2):
        areas = make("sample_envs:Counting", 4, "--length", "1")
        steps = areas.reset(5)
        areas.set_parameters({"bonus": 1.0})
        luck.append(only(step(areas, steps)).decisions.observations[0][:, 1].tolist())
    assert luck[0] == luck[1]
    assert len(set(luck[0])) > 1


def test_a_parameter_that_is_an_attribute_is_set_on_the_unwrapped_environment() -> None:
    areas = make("sample_envs:Counting", 1)
    areas.set_parameters({"gravity": 1.5, "lives": 2.0})
    play(areas, 3)
    assert Statistic("Counting/gravity", 1.5) in areas.statistics()


def test_an_environment_may_take_its_parameters_itself() -> None:
    areas = make("sample_envs:Hooked", 1)
    areas.set_parameters({"wind": 1.0})
    assert len(play(areas, 1)[-1].endings.agent_ids) == 1
    with pytest.raises(ValueError, match=r"unknown parameters \['rain'\]; known is wind"):
        areas.set_parameters({"rain": 1.0})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lenght": 2.0}, "sample_envs:Counting: unknown environment parameter 'lenght'; did you mean 'length'?"),
        ({"length": 2.5}, "'length' is 2.5, but takes a whole number"),
        ({"lives": 0.5}, "'lives' is 0.5, but takes a whole number"),
        ({"cut": 2.0}, "'cut' is 2.0, but takes 0 or 1"),
        ({"_count": 2.0}, "unknown environment parameter '_count'"),
    ],
)
def test_a_parameter_that_does_not_fit_is_an_error(parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        make("sample_envs:Counting").set_parameters(parameters)


def test_numbers_in_the_info_of_an_episodes_end_become_statistics() -> None:
    areas = make("sample_envs:Counting", 1)
    play(areas, 2)
    assert areas.statistics() == []
    play(areas, 3)
    assert areas.statistics() == [
        Statistic("Counting/is_success", 1.0),
        Statistic("Counting/gravity", 9.8),
        Statistic("Counting/episode/r", 7.0),
    ]
    assert areas.statistics() == []


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("raise", r"sample_envs:broken: area 0: step\({'agent': array\(\[1.\].*raised RuntimeError: the arm fell off"),
        ("raise in reset", r"area 0: reset\(seed=\d+\) raised RuntimeError: no ground to stand on"),
        ("shape", r"sample_envs:broken: observation 'observation' is array\(\[0., 0., 0.\]\) of shape \(3,\)"),
        ("nan", "broken: observation 'observation' of a decision: nan at .0. for agent 0"),
        ("reward", "sample_envs:broken: the reward of 'agent' is 'much', which is not a number"),
        ("infinite reward", "broken: reward of a decision: inf"),
        ("hang", "sample_envs:broken: step hangs: area 0 did not come back within 0.2 s .--step-timeout."),
    ],
)
def test_a_broken_environment_is_told_with_its_name_and_what_it_did(how: str, message: str) -> None:
    areas = make("sample_envs:broken", 2, "--how", how, "--step-timeout", "0.2")

    def go() -> None:
        steps = areas.reset(0)
        for _ in range(3):
            check_steps(areas.behaviors, steps)
            steps = step(areas, steps)

    with pytest.raises((ValueError, RuntimeError, TimeoutError), match=message):
        go()
    areas.close()


def test_one_area_that_is_slow_does_not_count_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_envs.Counting, "render", lambda self: None)
    areas = make("sample_envs:Counting", 6, "--step-timeout", "0.3")
    original = sample_envs.Counting.step

    def slow(self: sample_envs.Counting, action: np.ndarray) -> Any:
        sample_envs.time.sleep(0.1)  # 0.6 s in all
        return original(self, action)

    monkeypatch.setattr(sample_envs.Counting, "step", slow)
    play(areas, 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--kwargs", "{length: 3}"], "which is not JSON"),
        (["--kwargs", "[3]"], "takes a JSON object"),
        (["--kwargs", '{"render_mode": "human"}'], "to see the first area say --render"),
        (["--threads", "-1"], "--threads is -1"),
        (["--step-timeout", "0"], "--step-timeout is 0.0"),
        (["--render", "--record", "x.mp4"], "either into a window or into a file"),
        (["--lenght", "3"], "unknown option --lenght; did you mean --length?"),
        (["--length", "three"], "takes a value of type int"),
    ],
)
def test_an_option_that_does_not_fit_is_an_error(words: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?").replace("[", r"\[")):
        parse(words, registry.find("sample_envs:Counting").settings)


def test_constructor_arguments_come_by_name_or_as_json() -> None:
    settings = registry.find("sample_envs:Counting").settings
    words = ["--length", "7", "--cut", "--kwargs", '{"bonus": 2, "threads": 5}']
    assert parse(words, settings).settings.arguments() == {"bonus": 2, "threads": 5, "length": 7, "cut": True}
    ant = parse(["--reset_noise_scale", "0.5", "--healthy-z-range", "[0.1, 2]"], registry.find("Ant-v5").settings)
    assert ant.settings.arguments() == {"reset_noise_scale": 0.5, "healthy_z_range": [0.1, 2]}


def test_an_argument_that_the_constructor_does_not_know_is_told() -> None:
    with pytest.raises(RuntimeError, match=r"Counting: area 0: construction raised TypeError: .*'colour'"):
        make("sample_envs:Counting", 1, "--kwargs", '{"colour": 1}')


def test_a_window_opens_on_the_first_area_only_and_lives_in_the_main_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_envs, "MADE", [])
    play(make("sample_envs:watched", 3, "--render"), 1)
    assert [mode for mode, _ in sample_envs.MADE] == ["human", None, None]
    assert {thread for _, thread in sample_envs.MADE} == {threading.current_thread().name}
    sample_envs.MADE.clear()
    play(make("sample_envs:watched", 3), 1)
    assert [mode for mode, _ in sample_envs.MADE] == [None, None, None]


def test_a_video_has_a_frame_for_every_turn_of_the_first_area(tmp_path: Path) -> None:
    areas = make("sample_envs:Counting", 2, "--record", str(tmp_path / "film.mp4"))
    play(areas, 4)
    areas.close()
    frames = imageio.v2.mimread(tmp_path / "film.mp4")
    assert [frame.shape for frame in frames] == [(32, 48, 3)] * 6


def test_the_first_area_is_filmed(tmp_path: Path) -> None:
    areas = make("sample_envs:Counting", 2, "--record", str(tmp_path / "new" / "film.gif"))
    play(areas, 4)
    areas.close()
    frames = imageio.v2.mimread(tmp_path / "new" / "film.gif")
    # A reset, three steps, the next reset, one step; the height of 33 pixels is cut to an even one.
    assert [int(frame[0, 0, 0]) for frame in frames] == [0, 1, 2, 3, 0, 1]
    assert frames[0].shape[:2] == (32, 48)


def test_what_is_no_environment_is_refused() -> None:
    with pytest.raises(RuntimeError, match="TypeError: builtins.dict is neither a gymnasium environment nor"):
        make("sample_envs:something_else")


@pytest.mark.parametrize(
    ("environment_id", "message"),
    [
        ("CartPol-v1", "there is no environment 'CartPol-v1'; did you mean 'CartPole-v1'?"),
        ("RockPaperScisors", "did you mean 'RockPaperScissors'?"),
        ("pettingzoo/clasic/go_v5", "did you mean 'pettingzoo/classic/go_v5'?"),
        ("no_such_module:make", "there is no environment 'no_such_module:make': No module named"),
        ("sample_envs:missing", "'missing' does not exist in sample_envs"),
        ("sample_envs:__name__", "'__name__' is a str in sample_envs"),
        ("xyz", "`gym-bridge list --all` names all"),
    ],
)
def test_an_unknown_environment_is_an_error_that_helps(environment_id: str, message: str) -> None:
    with pytest.raises(KeyError) as raised:
        registry.find(environment_id)
    assert message in raised.value.args[0]
