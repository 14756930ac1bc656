"""Do observations of any gymnasium space arrive number by number, and do actions come back as elements of theirs?"""

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from gym_bridges.spaces import Effectors, Sensors, SpaceError

SHAPES = st.lists(st.integers(1, 4), min_size=0, max_size=3).map(tuple)
STARTS = st.integers(-3, 3)


def boxes(dtype: type, low: int, high: int) -> st.SearchStrategy[spaces.Space]:
    return SHAPES.map(lambda shape: spaces.Box(low, high, shape, dtype))


LEAVES = st.one_of(
    boxes(np.float32, -2, 5),
    boxes(np.float64, -2, 5),
    boxes(np.int8, -9, 3),
    boxes(np.uint8, 0, 255),
    boxes(np.int64, 0, 40),
    st.builds(lambda n, start: spaces.Discrete(n, start=start), st.integers(1, 5), STARTS),
    st.builds(
        lambda sizes, start: spaces.MultiDiscrete(sizes, start=[start] * len(sizes)),
        st.lists(st.integers(1, 4), min_size=1, max_size=3),
        STARTS,
    ),
    st.integers(1, 5).map(spaces.MultiBinary),
    st.just(spaces.MultiBinary([2, 3])),
    st.just(spaces.MultiDiscrete([[2, 3], [4, 1]])),
)
SPACES = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=3).map(spaces.Tuple),
        st.dictionaries(st.sampled_from("abc"), parts, min_size=1, max_size=3).map(spaces.Dict),
    ),
    max_leaves=6,
)


@given(SPACES, st.integers(0, 1000))
def test_all_sensors_together_are_gymnasiums_flat_observation(space: spaces.Space, seed: int) -> None:
    space.seed(seed)
    observations = [space.sample() for _ in range(3)]
    arrays = Sensors(space).read(observations)
    together = np.concatenate([array.reshape(3, -1) for array in arrays], axis=1)
    # `spaces.flatten` is gymnasium's own, and `spaces.unflatten` its inverse: nothing is lost.
    np.testing.assert_allclose(together, [spaces.flatten(space, one) for one in observations], rtol=1e-6)


@given(SPACES, st.integers(0, 1000))
def test_every_sensor_hands_over_what_it_announces(space: spaces.Space, seed: int) -> None:
    space.seed(seed)
    sensors = Sensors(space)
    for spec, array in zip(sensors.specs, sensors.read([space.sample(), space.sample()]), strict=True):
        assert array.shape == (2, *spec.shape)


@pytest.mark.parametrize(
    ("shape", "seen"),
    [
        ((84, 84, 4), (4, 84, 84)),  # four stacked gray pictures, channels last
        ((4, 84, 84), (4, 84, 84)),  # channels first
        ((210, 160, 3), (3, 210, 160)),
        ((96, 96), (1, 96, 96)),  # gray
    ],
)
def test_bytes_of_the_shape_of_a_picture_are_an_image_with_channels_first(
    shape: tuple[int, ...], seen: tuple[int, ...]
) -> None:
    space = spaces.Box(0, 255, shape, np.uint8)
    sensors = Sensors(space)
    assert (sensors.specs[0].kind, sensors.specs[0].shape) == ("image", seen)
    picture = np.zeros(shape, np.uint8)
    picture[(5, 7, *(2,) * (len(shape) - 2)) if shape[0] > 4 else (2, 5, 7)] = 200  # row 5, column 7, channel 2
    (array,) = sensors.read([picture])
    assert np.argwhere(array[0] == 200).tolist() == [[2 if seen[0] > 1 else 0, 5, 7]]
    assert array.dtype == np.uint8


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(0, 255, (7, 7, 3), np.uint8),  # smaller than ML-Agents' default visual encoder takes
        spaces.Box(0, 255, (128,), np.uint8),  # the memory of an Atari console
        spaces.Box(0, 1, (84, 84, 3), np.uint8),
        spaces.Box(0, 255, (84, 84, 3), np.float32),
        spaces.Box(0, 255, (2, 30, 30, 3), np.uint8),
    ],
)
def test_other_numbers_travel_as_a_vector(space: spaces.Box) -> None:
    (spec,) = Sensors(space).specs
    assert (spec.kind, spec.shape) == ("vector", (np.prod(space.shape),))


def test_a_nested_space_has_a_sensor_for_each_leaf_named_by_its_path() -> None:
    space = spaces.Dict(
        {"arm": spaces.Tuple([spaces.Discrete(3, start=1), spaces.Box(-1, 1, (2,))]), "eye": spaces.MultiBinary(2)}
    )
    sensors = Sensors(space)
    assert [spec.name for spec in sensors.specs] == ["arm/0", "arm/1", "eye"]
    arrays = sensors.read([{"arm": (2, np.array([0.5, -0.5])), "eye": np.array([1, 0])}])
    assert [array.tolist() for array in arrays] == [[[0, 1, 0]], [[0.5, -0.5]], [[1, 0]]]


def test_a_goal_environment_has_three_sensors_and_the_desired_goal_is_the_goal() -> None:
    box = spaces.Box(-1, 1, (3,))
    specs = Sensors(spaces.Dict({"observation": box, "achieved_goal": box, "desired_goal": box})).specs
    assert {spec.name: spec.goal for spec in specs} == {
        "observation": False,
        "achieved_goal": False,
        "desired_goal": True,
    }


def test_a_key_named_like_a_goal_is_none_without_the_other_two() -> None:
    assert not any(spec.goal for spec in Sensors(spaces.Dict({"desired_goal": spaces.Discrete(2)})).specs)


def test_the_action_mask_is_not_observed() -> None:
    space = spaces.Dict({"observation": spaces.Discrete(2), "action_mask": spaces.MultiBinary(4)})
    assert [spec.name for spec in Sensors(space).specs] == ["observation"]


@pytest.mark.parametrize(
    "space",
    [
        spaces.Text(5),
        spaces.Graph(spaces.Discrete(2), None),
        spaces.Sequence(spaces.Discrete(2)),
    ],
)
def test_a_space_without_a_fixed_size_is_refused_by_name(space: spaces.Space) -> None:
    nested = spaces.Dict({"chat": spaces.Tuple([space])})
    with pytest.raises(SpaceError, match=f"observation 'chat/0': a {type(space).__name__} space cannot travel"):
        Sensors(nested)
    with pytest.raises(SpaceError, match=f"action/chat/0: a {type(space).__name__} space cannot travel"):
        Effectors(nested)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        # A float takes 4 bytes, a message 4,194,304: 1,048,577 floats are one too many.
        (spaces.Box(-1, 1, (1_048_577,)), "'observation' has the shape .1048577,.: 4,194,308 bytes in all"),
        (spaces.Discrete(2**40), "4,398,046,511,104 bytes"),
        (spaces.Box(0, 255, (2000, 2000, 3), np.uint8), "12,000,000 bytes"),
        (spaces.Dict({}), "nothing to observe"),
        (spaces.Box(-1, 1, (0,)), "nothing to observe"),
    ],
)
def test_what_the_wire_cannot_carry_is_refused(space: spaces.Space, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        Sensors(space)


@pytest.mark.parametrize(
    ("space", "value", "message"),
    [
        (spaces.Box(-1, 1, (3,)), np.zeros(2), r"shape \(2,\), but its space is Box"),
        (spaces.Box(-1, 1, (3,)), None, "is None of shape"),
        (spaces.Box(-1, 1, (1,)), ["x"], "is \\['x'\\] of shape"),
        (spaces.Discrete(3), 3, r"is not in Discrete\(3\): \[3\]"),
        (spaces.Discrete(3, start=1), 0, "is not in Discrete"),
        (spaces.Discrete(3), 0.5, "is not in Discrete"),
        (spaces.Discrete(3), None, "is not in Discrete"),
        (spaces.MultiDiscrete([2, 2]), [0, 2], "is not in MultiDiscrete"),
        (spaces.MultiDiscrete([2, 2]), [0], "is not in MultiDiscrete"),
        (spaces.Dict({"a": spaces.Discrete(2)}), {"b": 1}, "'a' is missing from {'b': 1}"),
        (spaces.Tuple([spaces.Discrete(2)]), 1, "'0' is missing from 1"),
    ],
)
def test_an_observation_outside_its_space_is_told_with_its_name_and_value(
    space: spaces.Space, value: Any, message: str
) -> None:
    with pytest.raises(SpaceError, match=message):
        Sensors(space).read([value])


@given(SPACES, st.integers(0, 1000))
def test_whatever_the_trainer_answers_is_an_element_of_the_action_space(space: spaces.Space, seed: int) -> None:
    effectors, rng = Effectors(space), np.random.default_rng(seed)
    continuous = rng.uniform(-1.5, 1.5, effectors.spec.continuous).astype(np.float32)
    discrete = np.array([rng.integers(size) for size in effectors.spec.branches], np.int32)
    assert space.contains(effectors.act(continuous, discrete))


@pytest.mark.parametrize(
    ("space", "number", "value"),
    [
        (spaces.Box(-2, 6, (1,)), -1.0, -2.0),
        (spaces.Box(-2, 6, (1,)), 0.0, 2.0),  # the middle
        (spaces.Box(-2, 6, (1,)), 1.0, 6.0),
        (spaces.Box(-2, 6, (1,)), 7.0, 6.0),  # clipped
        (spaces.Box(0, 10, (1,), np.int64), 0.13, 6),  # 5.65, rounded
        (spaces.Box(-np.inf, np.inf, (1,)), 3.5, 3.5),  # passed through
        (spaces.Box(0, np.inf, (1,)), 3.5, 3.5),
        (spaces.Box(0, np.inf, (1,)), -3.5, 0.0),
        (spaces.Box(-3e38, 3e38, (1,)), 3.5, 3.5),  # bounds that only mean "any float"
    ],
)
def test_a_continuous_number_is_scaled_to_its_bounds(space: spaces.Box, number: float, value: float) -> None:
    assert Effectors(space).act(np.array([number]), np.zeros(0, int)) == pytest.approx(value)


def test_a_mixed_action_takes_its_numbers_and_its_choices_in_order() -> None:
    space = spaces.Tuple(
        [
            spaces.Discrete(3, start=-1),
            spaces.Dict({"go": spaces.Box(0, 4, (2,)), "jump": spaces.MultiBinary(2)}),
            spaces.MultiDiscrete([2, 5], start=[10, 20]),
        ]
    )
    effectors = Effectors(space)
    assert effectors.spec.continuous == 2
    assert effectors.spec.branches == (3, 2, 2, 2, 5)
    first, second, third = effectors.act(np.array([-1.0, 0.0]), np.array([2, 0, 1, 1, 4]))
    assert first == 1
    assert second["go"].tolist() == [0.0, 2.0]
    assert second["jump"].tolist() == [0, 1]
    assert third.tolist() == [11, 24]


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (spaces.Discrete(2**31), "2,147,483,648 choices, but a branch has at most 2,147,483,647"),
        (spaces.Box(-1, 1, (1_048_577,)), "1,048,577 numbers are more than fit into a message"),
        (spaces.Box(-1, 1, (0,)), "nothing to decide"),
    ],
)
def test_an_action_that_cannot_travel_is_refused(space: spaces.Space, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        Effectors(space)


def test_a_mask_says_what_is_allowed_and_becomes_what_is_forbidden() -> None:
    effectors = Effectors(spaces.MultiDiscrete([3, 2]))
    for mask in (np.array([1, 0, 1, 0, 1]), (np.array([1, 0, 1]), np.array([0, 1]))):
        assert [part.tolist() for part in effectors.forbidden(mask)] == [[False, True, False], [True, False]]


@pytest.mark.parametrize(
    ("mask", "message"), [([1, 1], "has 2 entries for branches of .3,. choices"), ([0, 0, 0], "forbids every choice")]
)
def test_a_mask_that_cannot_be_is_refused(mask: list[int], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        Effectors(spaces.Discrete(3)).forbidden(np.array(mask))
