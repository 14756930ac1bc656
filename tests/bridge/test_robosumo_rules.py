"""Do the pure rules of RoboSumo pay what the game says?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gym_bridges.envs.robosumo import rules
from gym_bridges.envs.robosumo.settings import RoboSumoSettings, TrainingSettings

CENTRE, EAST, OUT = (0.0, 0.0, 1.0), (1.0, 0.0, 1.0), (3.0, 0.0, 1.0)
COORDINATES = st.floats(-5, 5)
PLACES = st.tuples(COORDINATES, COORDINATES, COORDINATES)


def judge(after: tuple, before: tuple = (CENTRE, EAST), is_late: bool = False) -> rules.Verdict:
    return rules.judge(before, after, (0.0, 0.0), seconds=0.05, tatami_size=2.0, is_late=is_late)


def test_the_push_reward_falls_with_the_opponents_distance_from_the_centre() -> None:
    assert rules.push_reward(CENTRE) == -10.0
    assert rules.push_reward((0.6, -0.8, 1.0)) == pytest.approx(-3.6788, abs=1e-4)  # -10 exp(-1)


def test_each_seat_is_paid_for_where_the_other_is() -> None:
    first, second = judge(after=(CENTRE, EAST)).seats
    assert (first.push, second.push) == (pytest.approx(-3.6788, abs=1e-4), -10.0)


@pytest.mark.parametrize(
    ("after", "reward"),
    [
        ((0.05, 0.0, 1.0), 0.1),  # 0.05 m in 0.05 s straight at the opponent: 0.1 x 1 m/s
        ((0.03, 0.04, 1.0), 0.06),  # 0.6 m/s of 1 m/s lead towards it
        ((-0.05, 0.0, 1.0), 0.0),  # away from it
        ((0.0, 0.0, 2.0), 0.0),  # heights do not count
    ],
)
def test_the_move_reward_is_the_speed_towards_the_opponent(after: rules.Place, reward: float) -> None:
    assert rules.move_reward(CENTRE, after, EAST, seconds=0.05) == pytest.approx(reward)


def test_moving_is_measured_towards_where_the_opponent_is_after_the_step() -> None:
    north = (0.0, 1.0, 1.0)
    verdict = judge(before=(CENTRE, EAST), after=((0.05, 0.0, 1.0), north))
    assert verdict.seats[0].move == 0.0  # eastwards, but the opponent is in the north now


def test_on_top_of_the_opponent_no_direction_leads_towards_it() -> None:
    assert rules.move_reward(CENTRE, EAST, CENTRE, seconds=0.05) == 0.0


@pytest.mark.parametrize(
    ("place", "out"),
    [
        ((2.099, 0.0, 1.0), False),
        ((2.1, 0.0, 1.0), True),  # tatami_size + 0.1
        ((0.0, -2.1, 1.0), True),
        ((2.0, 2.0, 1.0), False),  # the ring is a square
        ((0.0, 0.0, 0.29), False),
        ((0.0, 0.0, 0.289), True),
    ],
)
def test_out_is_beyond_the_line_or_fallen(place: rules.Place, out: bool) -> None:
    assert rules.is_out(place, tatami_size=2.0) is out


@pytest.mark.parametrize(
    ("after", "is_late", "main", "winner"),
    [
        ((CENTRE, EAST), False, (0, 0), None),
        ((CENTRE, OUT), False, (2000, -2000), 0),
        ((OUT, CENTRE), False, (-2000, 2000), 1),
        ((OUT, OUT), False, (0, 0), None),
        ((CENTRE, EAST), True, (-1000, -1000), None),
        ((CENTRE, OUT), True, (1000, -3000), 0),  # in the step beyond the limit: both are charged for the draw as well
    ],
)
def test_the_result_pays_both_seats(after: tuple, is_late: bool, main: tuple[float, float], winner: int | None) -> None:
    verdict = judge(after, is_late=is_late)
    assert tuple(parts.main for parts in verdict.seats) == main
    assert verdict.winner == winner
    assert verdict.over == (is_late or OUT in after)


@given(PLACES, PLACES, PLACES, PLACES, st.booleans())
def test_with_the_seats_swapped_everything_is_swapped(
    b0: rules.Place, b1: rules.Place, a0: rules.Place, a1: rules.Place, is_late: bool
) -> None:
    one, other = judge((a0, a1), (b0, b1), is_late), judge((a1, a0), (b1, b0), is_late)
    assert one.seats == other.seats[::-1]
    assert one.winner == (None if other.winner is None else 1 - other.winner)


@given(PLACES, PLACES, PLACES, PLACES, st.booleans(), st.floats(0, 32), st.floats(0, 32))
def test_the_documented_thresholds_tell_every_result_from_the_last_reward(
    b0: rules.Place, b1: rules.Place, a0: rules.Place, a1: rules.Place, is_late: bool, e0: float, e1: float
) -> None:
    verdict = rules.judge((b0, b1), (a0, a1), (e0, e1), seconds=0.05, tatami_size=2.0, is_late=is_late)
    if not verdict.over or max(parts.move for parts in verdict.seats) > 100:  # 1,000 m/s
        return
    settings = TrainingSettings()
    for seat, parts in enumerate(verdict.seats):
        reward = settings.paid(parts)
        outcome = 1 if reward > 0.5 else 0 if reward < -1.5 else 0.5  # win_above, loss_below
        assert outcome == (0.5 if verdict.winner is None else float(verdict.winner == seat))


def test_rewards_are_scaled_as_a_whole_and_shaping_beside_the_result() -> None:
    parts = rules.Parts(win=2000, lose=0, draw=0, control=-1, push=-3, move=0.5)
    assert RoboSumoSettings().paid(parts) == 1996.5
    assert RoboSumoSettings(reward_scale=0.01).paid(parts) == pytest.approx(19.965)
    assert RoboSumoSettings(shaping_scale=0.0).paid(parts) == 2000
    assert RoboSumoSettings(reward_scale=0.01, shaping_scale=2.0).paid(parts) == pytest.approx(19.93)
