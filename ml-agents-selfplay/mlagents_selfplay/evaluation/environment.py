"""How is an environment reached? Over the wire, as ML-Agents does it: a Unity build or a bridge, all the same."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlagents_envs.environment import UnityEnvironment
from mlagents_envs.exception import UnityException
from mlagents_envs.side_channel.engine_configuration_channel import EngineConfigurationChannel
from mlagents_envs.side_channel.environment_parameters_channel import EnvironmentParametersChannel
from mlagents_envs.side_channel.stats_side_channel import StatsSideChannel

from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.ports import NoFreePort, free_ports

FASTEST = 20.0  # Unity's time scale, as in training


@dataclass(frozen=True)
class EnvironmentSettings:
    """A build and how it is started.

    Attributes:
      path: the executable; None waits for the Play button of the Editor.
      arguments: for the environment itself, what follows `--env-args` in training.
      parameters: environment parameters, constants by name.
      num_areas: copies in the process, at least 1.
      seed: of the environment.
      timeout: seconds that it may take to start and to answer.
      base_port: first port to try.
    """

    path: str | None
    arguments: tuple[str, ...] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)
    num_areas: int = 32
    seed: int = 0
    timeout: int = 60
    base_port: int = UnityEnvironment.BASE_ENVIRONMENT_PORT


class Means(StatsSideChannel):
    """Means of the numbers that an environment tells of itself; ML-Agents' own channel keeps every single one."""

    def __init__(self) -> None:
        super().__init__()
        self._sums: dict[str, tuple[float, int]] = {}

    def on_message_received(self, msg: Any) -> None:
        """Takes in one number."""
        name, value = msg.read_string(), msg.read_float32()
        total, count = self._sums.get(name, (0.0, 0))
        self._sums[name] = (total + value, count + 1)

    def take(self) -> dict[str, float]:
        """Returns the means by name since the last call."""
        sums, self._sums = self._sums, {}
        return {name: total / count for name, (total, count) in sums.items()}


@contextlib.contextmanager
def opened(settings: EnvironmentSettings, means: Means | None = None) -> Iterator[Any]:
    """Starts an environment, resets it so that its behaviors are known, and closes it in the end.

    Args:
      settings: what to start.
      means: takes in what it tells of itself.

    Yields:
      The `UnityEnvironment`.

    Raises:
      EvaluationError: if it does not start, and later if it stops or does not answer.
    """
    name = settings.path or "the Editor"
    parameters, engine = EnvironmentParametersChannel(), EngineConfigurationChannel()
    environment = None
    try:
        environment = UnityEnvironment(
            settings.path,
            base_port=free_ports(first=settings.base_port) if settings.path else None,
            seed=settings.seed,
            no_graphics=True,
            timeout_wait=settings.timeout,
            additional_args=list(settings.arguments),
            side_channels=[parameters, engine, means or Means()],
            num_areas=settings.num_areas,
        )
        engine.set_configuration_parameters(width=84, height=84, quality_level=1, time_scale=FASTEST)
        for key, value in settings.parameters.items():
            parameters.set_float_parameter(key, value)
        environment.reset()
        yield environment
    except NoFreePort as error:
        raise EvaluationError(f"--base-port {settings.base_port}: {error}.") from error
    except UnityException as error:
        said = " ".join(str(error).split())
        raise EvaluationError(f"{name} cannot be played: {type(error).__name__}: {said}") from error
    finally:
        if environment is not None:
            with contextlib.suppress(UnityException):  # it has been closed by its own end
                environment.close()
