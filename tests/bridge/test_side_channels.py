"""Do parameters arrive from ML-Agents' own side channels, and statistics in them?"""

import struct

import numpy as np
import pytest
from mlagents_envs.side_channel.engine_configuration_channel import EngineConfig, EngineConfigurationChannel
from mlagents_envs.side_channel.environment_parameters_channel import EnvironmentParametersChannel
from mlagents_envs.side_channel.side_channel_manager import SideChannelManager
from mlagents_envs.side_channel.stats_side_channel import StatsAggregationMethod, StatsSideChannel

from gym_bridges.areas import Aggregation, Statistic
from gym_bridges.side_channels import messages, pack_statistics, read_parameters


@pytest.fixture
def parameters() -> EnvironmentParametersChannel:
    return EnvironmentParametersChannel()


def sent(*channels: object) -> bytes:
    return bytes(SideChannelManager(list(channels)).generate_side_channel_messages())


def test_a_constant_arrives_beside_messages_that_do_not_concern_us(parameters: EnvironmentParametersChannel) -> None:
    engine = EngineConfigurationChannel()
    engine.set_configuration(EngineConfig.default_config())
    parameters.set_float_parameter("gravity", -9.5)
    parameters.set_float_parameter("rounds", 5)
    arrived = read_parameters(sent(engine, parameters))
    assert {name: draw() for name, draw in arrived.items()} == {"gravity": -9.5, "rounds": 5.0}


def test_a_uniform_sampler_stays_in_its_range_and_varies(parameters: EnvironmentParametersChannel) -> None:
    parameters.set_uniform_sampler_parameters("mass", 2.0, 3.0, seed=1)
    draw = read_parameters(sent(parameters))["mass"]
    values = [draw() for _ in range(200)]
    assert 2.0 <= min(values) < 2.1
    assert 2.9 < max(values) < 3.0


def test_a_gaussian_sampler_has_its_mean_and_deviation(parameters: EnvironmentParametersChannel) -> None:
    parameters.set_gaussian_sampler_parameters("mass", 10.0, 2.0, seed=1)
    draw = read_parameters(sent(parameters))["mass"]
    values = [draw() for _ in range(4000)]
    assert abs(np.mean(values) - 10.0) < 0.15  # over four standard errors, 2 / sqrt(4000) = 0.032
    assert abs(np.std(values) - 2.0) < 0.15


def test_of_several_ranges_each_is_as_likely_as_it_is_wide(parameters: EnvironmentParametersChannel) -> None:
    parameters.set_multirangeuniform_sampler_parameters("mass", [(0.0, 1.0), (10.0, 13.0)], seed=1)
    draw = read_parameters(sent(parameters))["mass"]
    values = np.array([draw() for _ in range(4000)])
    low = values < 5.0
    assert ((values[low] >= 0) & (values[low] <= 1)).all()
    assert ((values[~low] >= 10) & (values[~low] <= 13)).all()
    assert abs(low.mean() - 0.25) < 0.03  # widths 1 and 3


def test_samplers_with_the_same_seed_draw_the_same(parameters: EnvironmentParametersChannel) -> None:
    parameters.set_uniform_sampler_parameters("mass", 0.0, 1.0, seed=-7)
    data = sent(parameters)
    first, second = read_parameters(data)["mass"], read_parameters(data)["mass"]
    assert [first() for _ in range(5)] == [second() for _ in range(5)]


def test_statistics_arrive_with_their_aggregation() -> None:
    channel = StatsSideChannel()
    packed = pack_statistics([Statistic("Goals", 2.5), Statistic("Goals", 3.0), Statistic("Level", 4, Aggregation.SUM)])
    SideChannelManager([channel]).process_side_channel_message(packed)
    assert dict(channel.get_and_reset_stats()) == {
        "Goals": [(2.5, StatsAggregationMethod.AVERAGE), (3.0, StatsAggregationMethod.AVERAGE)],
        "Level": [(4.0, StatsAggregationMethod.SUM)],
    }


@pytest.mark.parametrize("cut", [1, 17, 21])
def test_bytes_that_end_inside_a_message_are_an_error(parameters: EnvironmentParametersChannel, cut: int) -> None:
    parameters.set_float_parameter("gravity", 1.0)
    with pytest.raises(ValueError, match="end inside the message that begins at 0"):
        list(messages(sent(parameters)[:cut]))


def test_an_unknown_sampler_is_an_error_that_names_the_parameter(parameters: EnvironmentParametersChannel) -> None:
    parameters.set_uniform_sampler_parameters("mass", 0.0, 1.0, seed=1)
    data = bytearray(sent(parameters))
    struct.pack_into("<i", data, 20 + 4 + len("mass") + 8, 9)  # after channel, length, name, kind and seed
    with pytest.raises(ValueError, match="'mass': sampler type 9"):
        read_parameters(bytes(data))
