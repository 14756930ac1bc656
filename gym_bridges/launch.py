"""What does a build run? `python -m gym_bridges.launch ID ...`: one environment, from start to exit status.

Exit status: 0 when the trainer has left, 1 when the environment failed, 2 for arguments that make no sense, 3 when no
trainer was found.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO

from gym_bridges import arguments, output, player, registry, watch, wire


def launch(environment_id: str, words: Sequence[str]) -> int:
    """Plays an environment as a build does and returns the exit status; failures are logged, not raised."""
    console = output.redirect(None)
    try:
        entry = registry.find(environment_id)
        started = arguments.parse(words, entry.settings)
    except (KeyError, arguments.ArgumentError) as error:
        _tell(console, environment_id, error.args[0])
        return 2
    console = output.redirect(started.log_file)
    watch.end_with_trainer()
    try:
        with wire.open_channel(started.port) as channel:
            player.play(
                wire.exchange_on(channel), environment_id, lambda num_areas: entry.make(started.settings, num_areas)
            )
    except player.HandshakeError as error:
        _tell(console, environment_id, f"port {started.port}: {error}")
        return 3
    except Exception as error:
        traceback.print_exc()
        _tell(console, environment_id, f"{type(error).__name__}: {error}\n  Traceback: {started.log_file or 'above'}")
        return 1
    return 0


def _tell(console: TextIO, environment_id: str, text: str) -> None:
    print(f"gym-bridge {environment_id}: {text}", file=console, flush=True)


if __name__ == "__main__":
    status = launch(sys.argv[1], sys.argv[2:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # a thread that an environment left behind must not keep the process, and the trainer, waiting
