"""Who is how strong? Everybody plays everybody; what is done is on disk, and a tournament that was killed goes on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from mlagents_selfplay.evaluation.environment import EnvironmentSettings
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.exploitability import exact_exploitability
from mlagents_selfplay.evaluation.matches import GameResult
from mlagents_selfplay.evaluation.players import Player
from mlagents_selfplay.evaluation.records import TournamentFolder, plain
from mlagents_selfplay.evaluation.schedule import SCHEDULES, Table, fixtures
from mlagents_selfplay.evaluation.standings import standings, structure
from mlagents_selfplay.evaluation.workers import Spread, Task, Worker, play_in_processes
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings

SECONDS_BETWEEN_WRITES = 5.0
SHARE_OF_WRITING = 0.05  # of the time, at most, goes into figures while games are played


@dataclass(frozen=True)
class TournamentSettings:
    """How a tournament is played.

    Attributes:
      games: of each pair, at least 1; with `schedule: widest`, on average.
      schedule: `all` or `widest`, see `schedule.fixtures`.
      outcome: what counts as a win.
      deterministic: whether networks take their likeliest action and do not sample.
      seed: of everything that is drawn.
      workers: with an environment each, in this process or beside it.
      exploitability: environment of `gym-bridge` that computes it exactly; None leaves it out.
      apart: groups of names; players of one group do not meet each other.

    Raises:
      EvaluationError: if a value is not allowed.
    """

    games: int = 100
    schedule: str = "all"
    outcome: OutcomeSettings = OutcomeSettings()
    deterministic: bool = False
    seed: int = 0
    workers: int = 1
    exploitability: str | None = None
    apart: tuple[frozenset[str], ...] = ()

    def __post_init__(self) -> None:
        for key in ("games", "workers"):
            if getattr(self, key) < 1:
                raise EvaluationError(f"{key}: {getattr(self, key)!r} is not at least 1.")
        if self.schedule not in SCHEDULES:
            raise EvaluationError(f"schedule: {self.schedule!r} is not one of {', '.join(SCHEDULES)}.")


Watch = Callable[[int, int], None]
"""Is called with the games that are done and those that are planned, whenever the former change."""


def run(
    folder: Path,
    players: Sequence[Player],
    environment: EnvironmentSettings,
    settings: TournamentSettings,
    watch: Watch = lambda done, planned: None,
    spread: Spread | None = None,
) -> dict[str, Any]:
    """Plays a tournament, or what is left of one.

    Args:
      folder: where it is kept; games that are there count.
      players: at least two. Games of others that are there are kept, but do not count.
      environment: where it is played.
      settings: how.
      watch: is told of progress.
      spread: lets the workers play elsewhere; None lets one play in this process, and several in processes beside it.

    Returns:
      What `tournament.json` holds, see docs/evaluation.md.

    Raises:
      EvaluationError: if players, environment or folder cannot be used, or the environment stops. What is done is kept.
    """
    if len(players) < 2:
        raise EvaluationError(f"A tournament needs at least two players, not {len(players)}.")
    records = TournamentFolder(folder)
    described = _described(environment, settings, players)
    before = records.compatible(described)
    seconds = float(before["seconds"]) if before else 0.0
    began = time.monotonic()
    table, roles = None, before["environment"]["behaviors"] if before else []
    if before:
        table = _table(players, int(before["environment"]["teams"]), records, settings)
    exact = {row["player"]: row["exploitability"] for row in before["ratings"]} if before else {}
    task = Task(environment, tuple(players), settings.outcome, settings.deterministic, settings.seed)
    if table is not None:  # games after a break must not repeat those before it
        done = int(table.played.sum())
        task = replace(task, environment=replace(environment, seed=environment.seed + done), seed=settings.seed + done)

    def content(status: str, message: str = "") -> dict[str, Any]:
        assert table is not None
        described["environment"] |= {"behaviors": roles, "teams": table.roles}
        figures = _figures(table, players, settings, exact)
        return {
            **described,
            **figures,
            "status": status,
            "message": message,
            "updated": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "seconds": seconds + time.monotonic() - began,
        }

    try:
        unsolved = settings.exploitability is not None and all(value is None for value in exact.values())
        if table is None or unsolved or next(fixtures(table, settings.games, settings.schedule), None) is not None:
            with contextlib.ExitStack() as stack:
                worker = stack.enter_context(Worker(task))
                roles = sorted({role.behavior for role in worker.roles})
                if len(worker.roles) < 2:
                    raise EvaluationError(
                        f"{environment.path} has one team only, so nobody meets anybody. `mlagents-selfplay play` "
                        "says what each player earns there."
                    )
                table = table or _table(players, len(worker.roles), records, settings)
                if settings.exploitability is not None:
                    exact = exact_exploitability(
                        settings.exploitability, environment.arguments, worker.lineups, table.players
                    )
                records.write(content("running"))
                dealt = fixtures(table, settings.games, settings.schedule)
                if spread is None and settings.workers == 1:
                    played = worker.play(dealt)
                else:
                    stack.close()  # it was needed to know the teams, and that everybody fits
                    played = (spread or play_in_processes)(task, dealt, settings.workers)
                _record(played, table, records, lambda: records.write(content("running")), watch, settings.games)
    except (EvaluationError, KeyboardInterrupt) as error:
        if table is not None:
            records.write(content("stopped", str(error) or "interrupted"))
        raise
    finally:
        records.close()
    result = records.write(content("finished"))
    records.write_tables(result)
    watch(result["games_done"], result["games_planned"])
    return result


def _record(
    played: Iterator[GameResult],
    table: Table,
    records: TournamentFolder,
    write: Callable[[], object],
    watch: Watch,
    games: int,
) -> None:
    """Takes in games as they end: into the table, into the file, and now and then into the figures."""
    planned = games * len(table.pairs)
    done = int(table.played.sum())
    watch(done, planned)
    next_write = time.monotonic() + SECONDS_BETWEEN_WRITES
    for result in played:
        table.add(result)
        records.append(result)
        done += 1
        watch(done, planned)
        if time.monotonic() > next_write:
            began = time.monotonic()
            write()
            took = time.monotonic() - began
            next_write = began + max(SECONDS_BETWEEN_WRITES, took / SHARE_OF_WRITING)


def _table(players: Sequence[Player], roles: int, records: TournamentFolder, settings: TournamentSettings) -> Table:
    table = Table([player.name for player in players], roles, settings.apart)
    for result in records.games():
        table.add(result)
    return table


def _described(
    environment: EnvironmentSettings, settings: TournamentSettings, players: Sequence[Player]
) -> dict[str, Any]:
    return {
        "environment": {
            "path": environment.path,
            "arguments": list(environment.arguments),
            "parameters": dict(environment.parameters),
        },
        "settings": {
            "games": settings.games,
            "schedule": settings.schedule,
            "actions": "deterministic" if settings.deterministic else "sampled",
            "outcome": asdict(settings.outcome),
            "seed": settings.seed,
        },
        "players": [
            {
                "name": player.name,
                "source": ", ".join(player.sources.values()),
                "run": None if player.run is None else player.run.resolve().name,
                "step": player.step,
                "kind": player.kind,
                "fingerprint": player.fingerprint,
            }
            for player in players
        ],
    }


def _figures(
    table: Table, players: Sequence[Player], settings: TournamentSettings, exact: dict[str, float]
) -> dict[str, Any]:
    anchor = next((number for number, player in enumerate(players) if player.step == 0), 0)
    low, high = table.bounds()
    ratings = standings(table, anchor, np.random.default_rng(settings.seed), exact)
    return {
        "games_done": int(table.played.sum()),
        "games_planned": settings.games * len(table.pairs),
        "games": table.games.tolist(),
        "payoff": plain(table.payoff()),
        "low": plain(low),
        "high": plain(high),
        "draws": table.draws.tolist(),
        "anchor": table.players[anchor],
        "ratings": [asdict(standing) for standing in ratings],
        "structure": asdict(structure(table)),
    }
