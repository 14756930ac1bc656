"""What does a build run? `python -m gym_bridges.launch ID ...`: one environment, from start to exit status."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from enum import IntEnum

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is loaded; small products only get slower by more

from gym_bridges import arguments, output, player, registry, watch, wire  # noqa: E402
from gym_bridges.rollouts import mailbox  # noqa: E402

_log = logging.getLogger(__name__)

SWITCH_SECONDS = 0.0005
"""How long a thread of the bridge may keep the others waiting: gRPC's must be heard while a rollout is played."""

LISTEN_SECONDS = 10.0
"""How long a build looks for the trainer that started it; the trainer listens before it starts a build."""


class ExitStatus(IntEnum):
    """How a build ended, for the process that started it."""

    TRAINER_LEFT = 0
    ENVIRONMENT_FAILED = 1
    BAD_ARGUMENTS = 2
    NO_TRAINER = 3


def launch(environment_id: str, words: Sequence[str], listen_seconds: float | None = LISTEN_SECONDS) -> ExitStatus:
    """Plays an environment until the trainer leaves; failures are logged and told on the console, not raised.

    Args:
      environment_id: see `registry`.
      words: the command line, see `arguments`.
      listen_seconds: how long to look for a trainer; None looks for ever.
    """
    console = output.console()

    log_file = arguments.log_file(words)
    output.redirect(log_file)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)

    def fail(status: ExitStatus, text: str) -> ExitStatus:
        if log_file:
            _log.error(text)
        print(f"gym-bridge {environment_id}: {text}", file=console, flush=True)
        return status

    try:
        entry = registry.find(environment_id)
        started = arguments.parse(words, entry.settings)
    except (KeyError, arguments.ArgumentError) as error:
        return fail(ExitStatus.BAD_ARGUMENTS, error.args[0])
    try:
        with wire.open_channel(started.port) as channel:
            wire.await_server(channel, listen_seconds)
            player.play(
                wire.exchange_on(channel),
                environment_id,
                lambda num_areas: entry.make(started.settings, num_areas),
                mailbox.knock(started.port),
            )
    except (player.HandshakeError, TimeoutError) as error:
        return fail(ExitStatus.NO_TRAINER, f"port {started.port}: {error}")
    except Exception as error:
        _log.exception("the environment failed")
        where = f"the traceback is in {log_file}" if log_file else "the traceback is above"
        return fail(ExitStatus.ENVIRONMENT_FAILED, f"{type(error).__name__}: {error}; {where}")
    return ExitStatus.TRAINER_LEFT


if __name__ == "__main__":
    watch.end_with_trainer()
    sys.setswitchinterval(SWITCH_SECONDS)
    status = launch(sys.argv[1], sys.argv[2:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # a thread that an environment left behind must not keep the process, and the trainer, waiting
