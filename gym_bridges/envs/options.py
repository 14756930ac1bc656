"""Which options does an environment take that was not written for us? Ours, and the arguments of its constructor."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

STEP_TIMEOUT = 50.0
"""Seconds; a little less than the 60 after which `mlagents-learn` itself gives up, and can only say that it did."""


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of every wrapped environment; `options_for` adds those of one.

    Attributes:
      kwargs: a JSON object of constructor arguments, for those that cannot be given by name.
      threads: how many threads step the areas; 0 chooses: one for each core if the environment is known to gain by it
        (MuJoCo), else one.
      step_timeout: how long one step, reset or construction of one area may take, in seconds.
      render: opens a window on the first area; areas are then stepped in the main thread, and nothing is timed.
      record: file for a video of the first area (.mp4, .gif); empty for none.
      teams: see `seats`; who plays with whom.
      behaviors: see `seats`; which agents share a behavior.
    """

    kwargs: str = "{}"
    threads: int = 0
    step_timeout: float = STEP_TIMEOUT
    render: bool = False
    record: str = ""
    teams: str = ""
    behaviors: str = ""

    def __post_init__(self) -> None:
        try:
            parsed = json.loads(self.kwargs)
        except json.JSONDecodeError as error:
            raise ValueError(f"--kwargs is {self.kwargs!r}, which is not JSON: {error}") from error
        if not isinstance(parsed, dict):
            raise ValueError(f"--kwargs is {self.kwargs!r}, but takes a JSON object such as '{{\"gravity\": -5}}'")
        if "render_mode" in parsed:
            raise ValueError("--kwargs names render_mode; to see the first area say --render, to film it --record FILE")
        if self.threads < 0:
            raise ValueError(
                f"--threads is {self.threads}, but takes a number of at least 1, or 0 for an automatic choice"
            )
        if not self.step_timeout > 0:
            raise ValueError(f"--step-timeout is {self.step_timeout}, but takes a number of seconds above 0")
        if self.render and self.record:
            raise ValueError("--render and --record: an environment draws either into a window or into a file")

    def arguments(self) -> dict[str, Any]:
        """Returns the constructor arguments that were given."""
        ours = {field.name for field in dataclasses.fields(Options)}
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name not in ours}
        return {**json.loads(self.kwargs), **{name: value for name, value in named.items() if value is not None}}


def options_for(arguments: Mapping[str, Any]) -> type[Options]:
    """Returns `Options` with a field for each constructor argument that has not the name of one of ours.

    Args:
      arguments: names and defaults. The default's type is that of the option; without one it is Any: JSON, or a text.
    """
    ours = {field.name for field in dataclasses.fields(Options)} | {"render_mode"}
    fields = [
        (name, type(default) if isinstance(default, (bool, int, float, str)) else Any, None)
        for name, default in arguments.items()
        if name not in ours
    ]
    return dataclasses.make_dataclass("OptionsOfEnvironment", fields, bases=(Options,), frozen=True)
