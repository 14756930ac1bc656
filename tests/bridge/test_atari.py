"""Are Atari games played as they are, and is Ms. Pac-Man paid as her six reward functions say?"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mlagents_envs.environment import UnityEnvironment
from mlagents_envs.side_channel.environment_parameters_channel import EnvironmentParametersChannel

from gym_bridges import conformance
from gym_bridges.areas import Actions, Endings, Statistic
from gym_bridges.envs.atari import any_game, games
from gym_bridges.envs.atari.any_game import AnyGame, AtariSettings
from gym_bridges.envs.atari.ms_pacman import BEHAVIOR, MsPacman, MsPacmanSettings, joystick, shrink
from gym_bridges.envs.atari.ms_pacman_rewards import REWARD_FUNCTIONS, Prices
from gym_bridges.envs.atari.scores import Scoreboard

LEARN = str(Path(sys.executable).with_name("mlagents-learn"))
UP, RIGHT, LEFT, DOWN, UP_RIGHT, UP_LEFT, DOWN_RIGHT, DOWN_LEFT = range(1, 9)  # the emulator's order
POINTS = st.integers(0, 20_000)
PRICES = st.builds(Prices, st.floats(0, 1e6), st.floats(0, 100))


def press(areas: AnyGame | MsPacman, *choices: int) -> tuple:
    """Takes one step with a choice for each area; returns (decisions, endings)."""
    (behavior,) = areas.behaviors
    chosen = Actions(np.zeros((len(choices), 0), np.float32), np.array(choices, np.int32)[:, None])
    return areas.step({behavior: chosen})[behavior]


def play_to_the_end(areas: AnyGame | MsPacman, choice: int = 0) -> tuple[list[float], Endings]:
    """Plays one area until its episode ends; returns the rewards, that of the ending last, and the ending."""
    rewards = []
    while True:
        decisions, endings = press(areas, choice)
        if len(endings.agent_ids):
            return [*rewards, endings.rewards[0]], endings
        rewards.append(decisions.rewards[0])


# The rewards: hand-worked numbers.


@pytest.mark.parametrize(
    ("name", "points", "lives_lost", "positive", "negative"),
    [
        ("vanilla", 60, 0, 60, 0),
        ("vanilla", 60, 1, 60, 0),
        ("life_penalty", 60, 0, 59, 0),  # 60 - 1
        ("life_penalty", 0, 1, -1, 0),
        ("death_tax", 60, 0, 60, 0),  # nothing lost: not None
        ("death_tax", 60, 2, -140, 0),  # 60 - 2 * 100
        ("ghostbusters", 190, 0, 190, 0),  # no ghost
        ("ghostbusters", 200, 0, 600, 0),  # the first ghost alone: 200 * 3
        ("ghostbusters", 1610, 1, 4830, 0),  # the fourth ghost and a pellet: 1610 * 3, deaths are free
        ("split_q", 10, 0, 11, -1),  # 10 + 1
        ("split_q", 200, 0, 601, -1),  # 200 * 3 + 1
        ("split_q", 0, 1, 1, -101),  # -1 - 100
        ("parameterized", 10, 0, 10, 0),
        ("parameterized", 410, 1, 1130, 0),  # 410 * 3 - 100
    ],
)
def test_a_step_is_paid_by_its_reward_function(
    name: str, points: int, lives_lost: int, positive: float, negative: float
) -> None:
    prices = Prices(death_penalty=100, ghost_multiplier=3)
    assert REWARD_FUNCTIONS[name](points, lives_lost, prices) == (positive, negative)


def test_without_a_choice_a_death_costs_500_and_ghosts_are_worth_their_points() -> None:
    assert REWARD_FUNCTIONS["parameterized"](200, 1, Prices()) == (-300, 0)  # 200 * 1 - 500


@given(POINTS, st.integers(0, 3), PRICES)
def test_both_streams_of_split_q_sum_to_the_parameterized_reward(points: int, lost: int, prices: Prices) -> None:
    split = sum(REWARD_FUNCTIONS["split_q"](points, lost, prices))
    assert split == pytest.approx(sum(REWARD_FUNCTIONS["parameterized"](points, lost, prices)), abs=1e-6)


def test_reward_functions_are_numbered_in_the_documented_order() -> None:
    expected = ["vanilla", "life_penalty", "death_tax", "ghostbusters", "split_q", "parameterized"]
    assert list(REWARD_FUNCTIONS) == expected


# Ms. Pac-Man.


@pytest.mark.parametrize(
    ("x", "y", "direction"),
    [
        (0.0, 0.0, 0),
        (0.5, -0.5, 0),  # the threshold itself is still the middle
        (0.0, 0.6, UP),
        (0.6, 0.0, RIGHT),
        (-0.6, 0.0, LEFT),
        (0.0, -0.6, DOWN),
        (0.6, 0.6, UP_RIGHT),
        (-0.6, 0.6, UP_LEFT),
        (0.6, -0.6, DOWN_RIGHT),
        (-3.0, -1.0, DOWN_LEFT),
    ],
)
def test_the_stick_points_where_it_is_held(x: float, y: float, direction: int) -> None:
    assert joystick(np.array([[x, y]]), 0.5).tolist() == [direction]


def test_a_smaller_dead_zone_makes_small_moves_count() -> None:
    areas = {zone: MsPacman(MsPacmanSettings(controls="joystick", dead_zone=zone), 1) for zone in (0.2, 0.5)}
    seen = {}
    for zone, game in areas.items():
        game.reset(1)
        for _ in range(30):  # past the jingle, while nobody moves
            step = game.step({BEHAVIOR: Actions(np.array([[0.3, 0.0]]), np.zeros((1, 0), int))})
        seen[zone] = step[BEHAVIOR].decisions.observations[0]
        game.close()
    assert (seen[0.2] != seen[0.5]).any()


def test_the_directions_are_the_emulators() -> None:
    import ale_py
    from ale_py import roms

    emulator = ale_py.ALEInterface()
    emulator.loadROM(roms.get_rom_path("ms_pacman"))
    names = [action.name for action in emulator.getMinimalActionSet()]
    assert names == ["NOOP", "UP", "RIGHT", "LEFT", "DOWN", "UPRIGHT", "UPLEFT", "DOWNRIGHT", "DOWNLEFT"]


def test_a_picture_has_every_second_pixel_as_the_mean_of_its_colors_rounded_down() -> None:
    screen = np.zeros((1, 4, 4, 3), np.uint8)
    screen[0, 0, 0] = (255, 255, 255)
    screen[0, 0, 2] = (1, 1, 3)  # 5 / 3 = 1.67
    screen[0, 1:, 1:] = 200  # skipped, but for the corner below
    screen[0, 2, 2] = (30, 0, 0)
    assert shrink(screen).tolist() == [[[255, 1], [0, 10]]]


def test_a_step_holds_its_action_for_16_frames_and_shows_the_last_of_every_four() -> None:
    import ale_py
    from ale_py import roms

    emulator = ale_py.ALEInterface()  # the emulator itself, frame by frame
    emulator.setFloat("repeat_action_probability", 0.0)
    emulator.loadROM(roms.get_rom_path("ms_pacman"))
    emulator.reset_game()
    areas = MsPacman(MsPacmanSettings(), 1)
    try:
        first = areas.reset(seed=0)[BEHAVIOR].decisions.observations[0][0]
        expected = emulator.getScreenRGB()[::2, ::2].mean(axis=2).astype(np.uint8)
        assert (first == expected).all()  # four times the first picture
        for direction in [LEFT] * 22 + [UP, RIGHT, DOWN] * 5:  # the tune at the beginning takes about 17 steps
            decisions, _ = press(areas, direction)
            points = 0
            for picture in decisions.observations[0][0]:
                points += sum(emulator.act(emulator.getMinimalActionSet()[direction]) for _ in range(4))
                assert (picture == emulator.getScreenRGB()[::2, ::2].mean(axis=2).astype(np.uint8)).all()
            assert decisions.rewards.tolist() == [points]
    finally:
        areas.close()
    assert emulator.getEpisodeFrameNumber() == 37 * 16


def test_a_game_loses_three_lives_and_its_last_step_is_paid() -> None:
    areas = MsPacman(MsPacmanSettings(reward_function="death_tax", death_penalty=1000), 1)
    try:
        areas.reset(seed=0)
        rewards, endings = play_to_the_end(areas)
        assert [round(reward, -3) for reward in rewards if reward < 0] == [-1000, -1000, -1000]
        assert rewards[-1] < 0  # the last life is lost in the last step
        assert endings.truncated.tolist() == [False]
        statistics = {name: value for name, value, _ in areas.statistics()}
        assert statistics["MsPacman/Score"] == sum(rewards) + 3000
        assert 1 < statistics["MsPacman/Lives"] < 3
        assert areas.statistics() == []
        begun = areas.step({BEHAVIOR: Actions(np.zeros((1, 0)), np.zeros((1, 1), int))})[BEHAVIOR].decisions
        assert begun.agent_ids.tolist() == [1]
    finally:
        areas.close()


def test_a_game_that_is_too_long_is_cut_off() -> None:
    areas = MsPacman(
        MsPacmanSettings(max_frames=40), 1
    )  # in the third step of 16 frames, after two of its four pictures
    try:
        areas.reset(seed=0)
        rewards, endings = play_to_the_end(areas)
        assert len(rewards) == 3
        assert endings.truncated.tolist() == [True]
        pictures = endings.observations[0][0]
        assert (pictures[1] == pictures[2]).all()
        assert (pictures[1] == pictures[3]).all()
    finally:
        areas.close()


@pytest.fixture(scope="module")
def ms_pacman_build() -> Path:
    return Path(__file__).parents[2] / "gym_bridges" / "builds" / "MsPacman"


def test_the_streams_of_split_q_travel_as_reward_and_group_reward(
    start: Callable[..., UnityEnvironment], ms_pacman_build: Path
) -> None:
    build = start(ms_pacman_build, additional_args=["--reward-function", "split_q", "--max-frames", "48"])
    build.reset()
    decisions, _ = build.get_steps(BEHAVIOR)
    assert decisions.obs[0].shape == (1, 4, 105, 80)
    assert (decisions.reward.tolist(), decisions.group_reward.tolist()) == ([0], [0])
    build.step()
    decisions, _ = build.get_steps(BEHAVIOR)
    assert (decisions.reward.tolist(), decisions.group_reward.tolist()) == ([1], [-1])  # no points: 0 + 1 and -1
    build.step()
    build.step()
    _, endings = build.get_steps(BEHAVIOR)
    assert (endings.reward.tolist(), endings.group_reward.tolist()) == ([1], [-1])
    assert endings.interrupted.tolist() == [True]


def test_parameters_reach_the_games_that_begin_next(
    start: Callable[..., UnityEnvironment], ms_pacman_build: Path
) -> None:
    parameters = EnvironmentParametersChannel()
    parameters.set_float_parameter("reward_function", 1)  # life_penalty
    build = start(ms_pacman_build, additional_args=["--max-frames", "32"], side_channels=[parameters])
    build.reset()
    build.step()
    assert build.get_steps(BEHAVIOR)[0].reward.tolist() == [-1]
    parameters.set_float_parameter("reward_function", 4)  # split_q
    build.step()
    assert build.get_steps(BEHAVIOR)[1].reward.tolist() == [-1]  # the running game as it began
    build.step()
    assert build.get_steps(BEHAVIOR)[0].reward.tolist() == [1]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"death_pen": 1.0}, "unknown environment parameter 'death_pen'; known are reward_function, death_penalty, "),
        ({"reward_function": 6.0}, "reward_function is 6, but takes a whole number: 0 vanilla, 1 life_penalty, "),
        ({"reward_function": 0.5}, "reward_function is 0.5, but takes a whole number"),
        ({"death_penalty": -1.0}, "death_penalty is -1.0, but takes a number of at least 0"),
        ({"ghost_multiplier": float("nan")}, "ghost_multiplier is nan, but takes a number of at least 0"),
    ],
)
def test_a_parameter_out_of_range_is_an_error_that_says_what_is_allowed(parameters: dict, message: str) -> None:
    areas = MsPacman(MsPacmanSettings(), 1)
    with pytest.raises(ValueError, match=message):
        areas.set_parameters(parameters)
    areas.close()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"reward_function": "vanila"}, "reward_function is 'vanila', but takes one of vanilla, life_penalty, "),
        ({"controls": "paddle"}, "controls is 'paddle', but takes one of discrete, joystick"),
        ({"dead_zone": -0.1}, "dead_zone is -0.1, but takes a number from 0 to 1"),
        ({"sticky_actions": 1.5}, "sticky_actions is 1.5, but takes a number from 0 to 1"),
        ({"no_op_starts": 0}, "no_op_starts is 0, but takes a whole number of at least 1"),
    ],
)
def test_an_option_out_of_range_is_an_error_that_says_what_is_allowed(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MsPacmanSettings(**settings)


@pytest.mark.parametrize("launcher", ["MsPacman", "MsPacman.app/Contents/MacOS/MsPacman"])
def test_the_ready_made_builds_start_from_any_folder(launcher: str, ms_pacman_build: Path, tmp_path: Path) -> None:
    build = ms_pacman_build.parent / launcher
    done = subprocess.run([build, "--death-pen"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("did you mean --death-penalty?")) == (2, 1)


@pytest.mark.slow
def test_an_unmodified_trainer_learns_from_pictures(ms_pacman_build: Path, tmp_path: Path, port: int) -> None:
    configuration = tmp_path / "configuration.yaml"
    trainer = {
        "trainer_type": "ppo",
        "hyperparameters": {"batch_size": 32, "buffer_size": 64, "num_epoch": 1},
        "network_settings": {"vis_encode_type": "nature_cnn", "hidden_units": 64, "num_layers": 1},
        "time_horizon": 32,
        "max_steps": 150,
        "summary_freq": 50,
    }
    parameters = {"reward_function": 5, "death_penalty": 100, "ghost_multiplier": 2}
    configuration.write_text(yaml.safe_dump({"behaviors": {BEHAVIOR: trainer}, "environment_parameters": parameters}))
    places = ["--results-dir", str(tmp_path / "r"), "--run-id", "x", "--base-port", str(port)]
    done = subprocess.run(
        [LEARN, str(configuration), "--env", str(ms_pacman_build), *places, "--num-areas", "4"],
        capture_output=True,
        text=True,
        timeout=110,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "r" / "x" / "MsPacman.onnx").is_file()
    log = (tmp_path / "r" / "x" / "run_logs" / "Player-0.log").read_text()
    assert "environment parameters: death_penalty, ghost_multiplier, reward_function" in log
    assert log.endswith("the trainer has left\n")


# Any game.


def test_the_scoreboard_tells_the_score_of_each_game_and_the_lives_of_an_average_step() -> None:
    board = Scoreboard("Game", 2)
    going, first_ends = np.array([False, False]), np.array([True, False])
    board.add(np.array([10, 1]), np.array([3, 3]), going)
    assert board.statistics() == []
    board.add(np.array([20, 1]), np.array([0, 2]), first_ends)
    lives = Statistic("Game/Lives", 2.0)  # (3 + 3 + 0 + 2) / 4
    assert board.statistics() == [Statistic("Game/Score", 30.0), lives]
    board.add(np.array([5, 1]), np.array([1, 1]), first_ends)
    assert board.statistics() == [Statistic("Game/Score", 5.0), Statistic("Game/Lives", 1.0)]
    board.begin()
    board.add(np.array([0, 7]), np.array([1, 1]), ~first_ends)
    assert board.statistics()[0] == Statistic("Game/Score", 7.0)  # not 10: the running game was dropped


def test_points_are_clipped_to_their_sign_but_scored_in_full() -> None:
    areas = AnyGame("Pong", AtariSettings(no_op_starts=1), 1)
    try:
        areas.reset(seed=0)
        rewards, endings = play_to_the_end(areas)
        assert sum(rewards) == -21  # who does nothing loses Pong by 21 points
        assert endings.truncated.tolist() == [False]
        assert [statistic[:2] for statistic in areas.statistics()] == [("Atari-Pong/Score", -21.0)]  # no lives in Pong
    finally:
        areas.close()


@pytest.mark.parametrize("clip", [True, False])
def test_a_reward_is_the_points_or_their_sign(clip: bool) -> None:
    areas = AnyGame("SpaceInvaders", AtariSettings(no_op_starts=1, clip_rewards=clip), 1)
    try:
        areas.reset(seed=0)
        rewards, _ = play_to_the_end(areas, choice=1)  # fire where we stand
        (score,) = [statistic.value for statistic in areas.statistics() if statistic.name.endswith("Score")]
        assert set(rewards) == {0, 1} if clip else sum(rewards) == score
        assert score >= 5 * rewards.count(1)  # an invader is worth at least 5 points
    finally:
        areas.close()


def test_the_next_game_begins_with_its_first_picture() -> None:
    areas = AnyGame("Pong", AtariSettings(no_op_starts=1, max_frames=80), 1)
    try:
        first = areas.reset(seed=0)["Atari-Pong"].decisions.observations[0]
        for _ in range(19):
            press(areas, 2)
        decisions, endings = press(areas, 2)  # 20 * 4 = 80 frames
        assert (endings.agent_ids.tolist(), endings.truncated.tolist()) == ([0], [True])
        assert (decisions.agent_ids.tolist(), decisions.rewards.tolist()) == ([1], [0])
        assert (decisions.observations[0] == first).all()
        assert not (endings.observations[0] == first).all()
    finally:
        areas.close()


def test_the_seed_decides_all_chance_and_areas_have_their_own() -> None:
    def play(seed: int) -> np.ndarray:
        areas = AnyGame("Breakout", AtariSettings(sticky_actions=0.5), 2)
        try:
            areas.reset(seed)
            for choice in [1, 2, 3] * 8:
                decisions, _ = press(areas, choice, choice)
            return decisions.observations[0]
        finally:
            areas.close()

    seen = play(0)
    assert (seen == play(0)).all()
    assert not (seen == play(1)).all()
    assert not (seen[0] == seen[1]).all()


def test_with_episodic_life_the_same_game_goes_on_after_a_life() -> None:
    areas = AnyGame("Breakout", AtariSettings(no_op_starts=1, episodic_life=True), 1)
    try:
        areas.reset(seed=0)
        endings = [play_to_the_end(areas, choice=1)[1] for _ in range(4)]  # fire serves the ball
        assert [ending.agent_ids.tolist() for ending in endings] == [[0], [1], [2], [3]]
        assert areas.statistics() == []  # Breakout has 5 lives: still the first game
        play_to_the_end(areas, choice=1)
        assert [statistic.name for statistic in areas.statistics()] == ["Atari-Breakout/Score", "Atari-Breakout/Lives"]
    finally:
        areas.close()


@pytest.mark.parametrize(
    ("settings", "shape", "num_actions"),
    [
        ({}, (4, 84, 84), 4),
        ({"grayscale": False, "frame_stack": 2, "size": 64}, (6, 64, 64), 4),
        ({"full_action_set": True, "frame_stack": 1}, (1, 84, 84), 18),
    ],
)
def test_options_decide_what_is_seen_and_done(settings: dict, shape: tuple[int, ...], num_actions: int) -> None:
    areas = AnyGame("Breakout", AtariSettings(**settings), 1)
    try:
        spec = areas.behaviors["Atari-Breakout"]
        assert (spec.observations[0].shape, spec.actions.branches) == (shape, (num_actions,))
        assert areas.reset(seed=0)["Atari-Breakout"].decisions.observations[0].shape == (1, *shape)
    finally:
        areas.close()


def test_colors_are_channels_of_their_own() -> None:
    # Two pictures of two pixels: (0, 1, 2) and (3, 4, 5), then (6, 7, 8) and (9, 10, 11).
    screens = np.arange(2 * 2 * 3).reshape(1, 2, 1, 2, 3)
    expected = [[[0, 3]], [[1, 4]], [[2, 5]], [[6, 9]], [[7, 10]], [[8, 11]]]
    assert any_game._channels_first(screens).tolist() == [expected]


@pytest.mark.parametrize(
    ("wrong", "right"), [("Pongg", "Pong"), ("mspacman", "MsPacman"), ("space_invaders", "SpaceInvaders")]
)
def test_an_unknown_game_is_an_error_that_names_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(KeyError, match=f"there is no Atari game '{wrong}'; did you mean '{right}'?"):
        any_game.entry(wrong)


def test_without_the_emulator_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(KeyError, match="the Atari games need the package ale-py"):
        any_game.entry("Pong")


def test_every_game_but_those_for_two_can_be_played() -> None:
    import ale_py
    from ale_py import roms

    supported = {rom for rom in roms.get_all_rom_ids() if ale_py.ALEInterface.isSupportedROM(roms.get_rom_path(rom))}
    assert {games.rom_id(name) for name in games.names()} == supported
    assert {"Pong", "MsPacman", "SpaceInvaders", "TicTacToe3D"} <= set(games.names())


@pytest.mark.parametrize(
    ("make", "num_steps"),
    [
        (lambda: MsPacman(MsPacmanSettings(sticky_actions=0.25, no_op_starts=30, max_frames=320), 2), 45),
        (lambda: MsPacman(MsPacmanSettings(controls="joystick", reward_function="split_q", max_frames=160), 2), 25),
        (lambda: AnyGame("Breakout", AtariSettings(sticky_actions=0.25, episodic_life=True), 2), 100),
        (lambda: AnyGame("Pong", AtariSettings(grayscale=False, max_frames=100), 2), 60),
    ],
)
def test_the_games_keep_the_contract(make: Callable, num_steps: int) -> None:
    assert conformance.check(make, seed=0, rng=np.random.default_rng(0), num_steps=num_steps) == []
