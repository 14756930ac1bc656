"""Are the rules those of the sumo ring, and does every match reach the trainer whole?"""

from collections.abc import Mapping

import numpy as np
import pytest

from gym_bridges import conformance
from gym_bridges.areas import Actions, Step
from gym_bridges.envs import sumo_rules as rules
from gym_bridges.envs.sumo_ring import TEAMS, SumoRing
from gym_bridges.envs.sumo_rules import Bodies, Options, SumoRingSettings

REST = (0.0, 0.0)
RIGHT, LEFT = (1.0, 0.0), (-1.0, 0.0)


def bodies(*places: tuple[float, float], velocities: tuple[tuple[float, float], ...] = (REST, REST)) -> Bodies:
    """Returns the bodies of one match."""
    return Bodies(np.array([places], float), np.array([velocities], float))


def options(**settings: float) -> Options:
    return Options.alike(SumoRingSettings(**settings), 1)


def advance(before: Bodies, *thrusts: tuple[float, float]) -> Bodies:
    return rules.advance(before, np.array([thrusts]), options())


def play(areas: SumoRing, *thrusts: tuple[tuple[float, float], ...]) -> Mapping[str, Step]:
    """Makes one step; `thrusts` are those of both teams, area by area."""
    chosen = np.array(thrusts, np.float32)
    nothing = np.zeros((len(thrusts), 0), np.int32)
    return areas.step({team: Actions(chosen[:, seat], nothing) for seat, team in enumerate(TEAMS)})


def test_random_numbers_are_those_of_splitmix64() -> None:
    # The first outputs for seed 1234567, as published with the algorithm's reference implementations; 53 bits are kept.
    state, units = 1234567, []
    for _ in range(3):
        state, unit = rules._next_unit(state)
        units.append(unit)
    published = (6457827717110365317, 3203168211198807973, 9817491932198370423)
    assert units == [(number >> 11) * 2.0**-53 for number in published]


def test_bodies_begin_at_rest_opposite_each_other() -> None:
    start = rules.start(range(100))
    assert np.linalg.norm(start.places[:, 0], axis=1) == pytest.approx(1.25)
    assert (start.places[:, 1] == -start.places[:, 0]).all()
    assert not start.velocities.any()


def test_one_step_of_full_thrust_moves_a_body_by_hand() -> None:
    after = advance(bodies((0, 0), (2, 0)), RIGHT, REST)
    # 12 m/s^2 for 0.05 s, less a tenth by drag: 0.54 m/s, and 0.027 m in this step.
    assert after.velocities[0, 0].tolist() == pytest.approx([0.54, 0])
    assert after.places[0, 0].tolist() == pytest.approx([0.027, 0])


def test_thrust_is_cut_to_length_one() -> None:
    after = advance(bodies((0, 0), (2, 0)), (30.0, 40.0), REST)
    # Cut to (1, 1) first, hence along the diagonal: 0.54 / sqrt(2) each.
    assert after.velocities[0, 0].tolist() == pytest.approx([0.3818376618, 0.3818376618])


def test_the_second_seat_sees_and_pushes_with_the_ring_turned_by_half_a_circle() -> None:
    before = bodies((1, 0.5), (-1, -0.5))
    for now in (before, advance(before, RIGHT, RIGHT)):
        first, second = rules.observe(now, np.array([0]), options())[0]
        assert first.tolist() == second.tolist()


def test_the_observation_is_own_before_other_in_shares_of_the_full_ring() -> None:
    now = bodies((1.25, 0), (0, -2.5), velocities=((3, 0), (0, 6)))
    seen = rules.observe(now, np.array([70]), options())[0, 0]
    # After 70 of 100 steps, 30 of the 60 in which it shrinks, half of the ring is left.
    assert seen.tolist() == pytest.approx([0.5, 0, 0.5, 0, 0, -1, 0, 1, 0.5, 0.7])


def test_bodies_that_meet_are_separated_and_bounce() -> None:
    # Head on with 2 m/s each (1.8 after drag), overlapping by 0.2 + 2 * 0.09 m after the step.
    after = advance(bodies((-0.4, 0), (0.4, 0), velocities=((2, 0), (-2, 0))), REST, REST)
    assert after.places[0, :, 0].tolist() == pytest.approx([-0.5, 0.5])
    assert after.velocities[0, :, 0].tolist() == pytest.approx([-0.9, 0.9])  # half of 1.8 comes back


def test_bodies_in_one_place_are_separated_along_x() -> None:
    after = advance(bodies((0, 1), (0, 1)), REST, REST)
    assert after.places[0].tolist() == [[-0.5, 1], [0.5, 1]]


@pytest.mark.parametrize(
    ("first", "second", "step", "result"),
    [
        ((2.49, 0), (0, 0), 10, None),  # inside
        ((2.51, 0), (0, 0), 10, -1.0),
        ((0, 0), (0, -2.51), 10, 1.0),
        ((2.6, 0), (2.7, 1), 10, 1.0),  # both out: the nearer one wins
        ((2, 0), (0, 1), 70, -1.0),  # the ring has 1.25 m left
        ((0.6, 0), (-0.5, 0), 100, -1.0),  # the ring is gone
        ((0.5, 0), (-0.5, 0), 100, 0.0),  # alike
    ],
)
def test_whoever_is_out_loses(
    first: tuple[float, float], second: tuple[float, float], step: int, result: float | None
) -> None:
    over, paid = rules.judge(bodies(first, second), np.array([step]), options())
    assert (over.tolist(), paid.tolist()) == ([result is not None], [result or 0.0])


def test_the_result_is_paid_with_the_last_step_and_the_next_match_begins_in_it() -> None:
    areas = SumoRing(SumoRingSettings(steps=2, calm_steps=1), 2)
    steps = areas.reset(seed=0)
    assert [steps[team].decisions.agent_ids.tolist() for team in TEAMS] == [[0, 2], [1, 3]]
    steps = play(areas, (REST, REST), (REST, REST))
    assert len(steps[TEAMS[0]].endings.agent_ids) == 0
    first = areas.reset(seed=0)[TEAMS[0]].decisions.observations[0]
    inwards = [tuple(-row[:2]) for row in first]
    play(areas, *((inward, REST) for inward in inwards))
    steps = play(areas, *((inward, REST) for inward in inwards))
    assert [steps[team].endings.agent_ids.tolist() for team in TEAMS] == [[4, 6], [5, 7]]
    assert [steps[team].endings.rewards.tolist() for team in TEAMS] == [[1.0, 1.0], [-1.0, -1.0]]
    assert steps[TEAMS[0]].endings.truncated.tolist() == [False, False]
    assert steps[TEAMS[0]].endings.observations[0][:, 8].tolist() == [0.0, 0.0]  # the ring of the match that ended
    assert [steps[team].decisions.agent_ids.tolist() for team in TEAMS] == [[8, 10], [9, 11]]
    assert steps[TEAMS[0]].decisions.rewards.tolist() == [0.0, 0.0]
    assert steps[TEAMS[0]].decisions.observations[0][:, 8].tolist() == [1.0, 1.0]


def test_a_match_that_ends_early_leaves_the_other_areas_alone() -> None:
    areas = SumoRing(SumoRingSettings(), 2)
    seen = areas.reset(seed=0)[TEAMS[0]].decisions.observations[0]
    outwards = tuple(seen[0, :2])
    steps = play(areas, (outwards, REST), (REST, REST))
    while not len(steps[TEAMS[0]].endings.agent_ids):
        steps = play(areas, (outwards, REST), (REST, REST))
    assert steps[TEAMS[0]].endings.agent_ids.tolist() == [0]
    assert steps[TEAMS[0]].endings.rewards.tolist() == [-1.0]
    assert steps[TEAMS[0]].decisions.agent_ids.tolist() == [4, 2]
    assert steps[TEAMS[0]].decisions.observations[0][1].tolist()[:8] == pytest.approx(seen[1].tolist()[:8])


def test_parameters_hold_from_each_areas_next_match_on() -> None:
    areas = SumoRing(SumoRingSettings(steps=2, calm_steps=1), 1)
    areas.reset(seed=0)
    areas.set_parameters({"steps": 1.0, "calm_steps": 0.0})
    lengths = []
    for _ in range(3):
        length = 1
        while not len(play(areas, (REST, REST))[TEAMS[0]].endings.agent_ids):
            length += 1
        lengths.append(length)
    assert lengths == [2, 1, 1]


def test_statistics_are_the_mean_length_of_the_matches_that_ended() -> None:
    areas = SumoRing(SumoRingSettings(steps=3, calm_steps=0), 2)
    areas.reset(seed=0)
    for _ in range(2):
        play(areas, (REST, REST), (REST, REST))
    # At rest, 1.25 m from the middle: half of the ring, 2.5 m * (1 - 2/3) = 0.83 m, is out of reach after two steps.
    assert [(name, value) for name, value, _ in areas.statistics()] == [("SumoRing/Length", 2.0)]
    assert areas.statistics() == []


def test_the_ring_keeps_the_contract_of_areas() -> None:
    rng = np.random.default_rng(0)
    assert conformance.check(lambda: SumoRing(SumoRingSettings(), 3), seed=0, rng=rng, num_steps=300) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps is 0, but takes a whole number of at least 1"),
        ({"calm_steps": 100}, "calm_steps is 100, but takes a whole number from 0 to below steps, 100"),
        ({"thrust": float("inf")}, "thrust is inf, but takes a finite number above 0"),
        ({"bounce": 1.5}, "bounce is 1.5, but takes a number from 0 to 1"),
    ],
)
def test_a_setting_out_of_range_is_an_error_that_says_what_is_allowed(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SumoRingSettings(**settings)


def test_only_settings_are_environment_parameters() -> None:
    with pytest.raises(ValueError, match="unknown environment parameter 'speed'; known are steps, calm_steps"):
        SumoRing(SumoRingSettings(), 1).set_parameters({"speed": 1.0})
