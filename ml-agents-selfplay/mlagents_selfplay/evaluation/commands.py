"""What do `evaluate`, `play` and `experiment` do? They turn words into settings, and results into tables."""

from __future__ import annotations

import contextlib
import math
import shlex
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mlagents_selfplay.clusters import connected
from mlagents_selfplay.evaluation import experiment, tournament
from mlagents_selfplay.evaluation.environment import EnvironmentSettings
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.experiment_settings import ExperimentSettings
from mlagents_selfplay.evaluation.matches import Fixture, GameResult, num_seatings
from mlagents_selfplay.evaluation.networks import outcome_rule
from mlagents_selfplay.evaluation.on_ray import RayHands, spread_on
from mlagents_selfplay.evaluation.parts import Hands
from mlagents_selfplay.evaluation.pictures import draw_tournament
from mlagents_selfplay.evaluation.players import Player
from mlagents_selfplay.evaluation.study import Study, Watch
from mlagents_selfplay.evaluation.study_settings import StudySettings
from mlagents_selfplay.evaluation.tournament import TournamentSettings
from mlagents_selfplay.evaluation.workers import Task, Worker
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings
from mlagents_selfplay.selfplay.ratings import Z_95, win_rate_interval


@dataclass(frozen=True)
class Rule:
    """What the command line says of outcomes; None leaves it to the run of the first player that has one."""

    outcome: str | None = None
    win_above: float | None = None
    loss_below: float | None = None

    def settle(self, players: Sequence[Player]) -> OutcomeSettings:
        """Fills in what was not said.

        Raises:
          EvaluationError: if a value is not allowed.
        """
        runs = dict.fromkeys(player.run for player in players if player.run is not None)
        rule = next((found for found in map(outcome_rule, runs) if found is not None), OutcomeSettings())
        said: dict[str, Any] = {"rule": self.outcome, "win_above": self.win_above, "loss_below": self.loss_below}
        try:
            return replace(rule, **{key: value for key, value in said.items() if value is not None})
        except ValueError as error:
            raise EvaluationError(f"--outcome, --win-above and --loss-below do not go together: {error}.") from error


def environment_of(players: Sequence[Player]) -> tuple[str, str]:
    """Returns path and words of the environment in which the first player that has a run was trained.

    Raises:
      EvaluationError: if no player has, or if that was the Editor.
    """
    for player in players:
        if player.run is not None:
            settings = yaml.safe_load((player.run / "configuration.yaml").read_text(encoding="utf-8"))["env_settings"]
            if settings["env_path"]:
                return settings["env_path"], shlex.join(settings["env_args"] or ())
    raise EvaluationError("--env is missing, and no player comes from a run that says where it was trained.")


def environment_settings(
    path: str, words: str, parameters: Sequence[str], num_areas: int, seed: int, base_port: int
) -> EnvironmentSettings:
    """Reads what the command line says of the environment.

    Raises:
      EvaluationError: if a parameter is not NAME=NUMBER.
    """
    constants: dict[str, float] = {}
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        try:
            constants[name] = float(value)
        except ValueError as error:
            raise EvaluationError(f"--parameter {parameter}: NAME=NUMBER is needed.") from error
    return EnvironmentSettings(path, tuple(shlex.split(words)), constants, num_areas, seed, base_port=base_port)


def evaluate(
    folder: Path,
    players: Sequence[Player],
    environment: EnvironmentSettings,
    settings: TournamentSettings,
    force: bool = False,
    address: str | None = None,
) -> dict[str, Any]:
    """Plays a tournament under a progress bar and draws its pictures.

    Args:
      folder: see `tournament.run`, as for all that follow.
      players: who plays.
      environment: where.
      settings: how.
      force: whether to delete what is there.
      address: of the Ray on which the workers play, see `clusters.connected`; None plays on this machine without one.

    Returns:
      The content of `tournament.json`.
    """
    with contextlib.ExitStack() as stack:
        spread = None
        if address is not None:
            wanted = f"num_envs: {settings.workers}, a core for each,"
            spread = spread_on(stack.enter_context(connected(address, settings.workers, wanted)))
        if force:
            shutil.rmtree(folder, ignore_errors=True)
        watch = stack.enter_context(progress_bar(f"games in {folder.name}"))
        content = tournament.run(folder, players, environment, settings, watch, spread)
    draw_tournament(folder, content)
    return content


@dataclass(frozen=True)
class Score:
    """What one player has earned, or two have in games against each other.

    Attributes:
      player: who.
      opponent: whom the outcomes are against; None where nobody plays against it.
      games: with an outcome; all, where nobody plays against it.
      cut_off: games that were cut off, in all.
      win_rate, low, high: mean outcome with Wilson's 95 % interval; None without an opponent.
      draws: games that were drawn.
      mean_return: sum of rewards of an episode, mean over all games; `margin` is half its 95 % interval.
      mean_length: decisions of an episode.
    """

    player: str
    opponent: str | None
    games: int
    cut_off: int
    win_rate: float | None
    low: float | None
    high: float | None
    draws: int
    mean_return: float
    margin: float
    mean_length: float


@dataclass(frozen=True)
class Played:
    """The scores of a few players, and how fast they were played.

    Attributes:
      told: means of what the environment tells at the ends of episodes, such as `is_success`, if it has one area: with
        more, episodes that nobody asked for are among them.
    """

    scores: list[Score]
    games_per_second: float
    environment: str | None
    players: dict[str, str] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)


def play(players: Sequence[Player], task: Task, games: int) -> Played:
    """Lets two players meet, or one or more play alone in an environment with one team.

    Args:
      players: who plays.
      task: where and how, with these players.
      games: of the pair, or of each player.

    Raises:
      EvaluationError: if players or environment cannot be used.
    """
    with Worker(task) as worker, progress_bar("games") as watch:
        roles = len(worker.roles)
        if roles > 1 and len(players) != 2:
            raise EvaluationError(f"{task.environment.path} has {roles} teams: give two players, not {len(players)}.")
        names = [player.name for player in players]
        pairs = [(names[0], names[1])] if roles > 1 else [(name, name) for name in names]
        dealt = [Fixture(*pair, game % num_seatings(roles)) for pair in pairs for game in range(games)]
        began = time.monotonic()
        results: list[GameResult] = []
        for result in worker.play(dealt):
            results.append(result)
            watch(len(results), len(dealt))
        rate = len(results) / (time.monotonic() - began)
        told = worker.means.take() if task.environment.num_areas == 1 else {}
    scores = [_score(pair, [r for r in results if r.fixture[:2] == pair], alone=roles == 1) for pair in pairs]
    if roles > 1:
        scores.append(_score(pairs[0][::-1], [_told_by_the_other(result) for result in results], alone=False))
    return Played(scores, rate, task.environment.path, {p.name: ", ".join(p.sources.values()) for p in players}, told)


def _told_by_the_other(result: GameResult) -> GameResult:
    fixture = Fixture(result.fixture.second, result.fixture.first, result.fixture.seating)
    outcome = None if result.outcome is None else 1.0 - result.outcome
    return GameResult(fixture, outcome, result.second_return, result.first_return, result.length)


def _score(pair: tuple[str, str], results: Sequence[GameResult], *, alone: bool) -> Score:
    outcomes = [result.outcome for result in results if result.outcome is not None]
    returns = np.array([result.first_return for result in results])
    low, high = win_rate_interval(sum(outcomes), len(outcomes))
    deviation = float(returns.std(ddof=1)) if len(returns) > 1 else math.nan
    return Score(
        player=pair[0],
        opponent=None if alone else pair[1],
        games=len(results) if alone else len(outcomes),
        cut_off=0 if alone else len(results) - len(outcomes),
        win_rate=None if alone or not outcomes else sum(outcomes) / len(outcomes),
        low=None if alone else low,
        high=None if alone else high,
        draws=outcomes.count(0.5),
        mean_return=float(returns.mean()),
        margin=Z_95 * deviation / math.sqrt(len(returns)),
        mean_length=float(np.mean([result.length for result in results])),
    )


@contextlib.contextmanager
def progress_bar(label: str, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Shows a bar on standard error; yields what is to be called with the games done and planned."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, planned: progress.update(task, completed=done, total=planned)


def whole_numbers(words: Sequence[str] | None) -> list[int] | None:
    """Reads the learner steps of an experiment.

    Raises:
      EvaluationError: if one of the words is no whole number.
    """
    try:
        return None if words is None else [int(word) for word in words]
    except ValueError as error:
        raise EvaluationError(f"checkpoint_at_iterations: {','.join(words or [])!r} are not whole numbers.") from error


def run_experiment(
    folder: Path, settings: ExperimentSettings, force: bool = False, address: str | None = None
) -> dict[str, Any]:
    """Runs an experiment under two progress bars; returns what `experiment.json` holds.

    Args:
      folder: see `experiment.run`.
      settings: what is compared.
      force: whether to delete what is there.
      address: of the Ray that trains and plays, a core for each part; None does one after another without one.
    """
    with _ready(folder, force, address) as hands, _two_bars("trainings and benchmarks") as show:

        def watch(at: experiment.Progress) -> None:
            show(at.doing, at.done, at.planned, at.parts_done, at.parts)

        return experiment.run(folder, settings, watch, hands).results()


def run_study(folder: Path, settings: StudySettings, force: bool = False, address: str | None = None) -> dict[str, Any]:
    """Runs a study under two progress bars; returns what `study.json` holds. Arguments as for `run_experiment`."""
    with _ready(folder, force, address) as hands, _two_bars("trainings and tournaments") as show:
        return Study(folder, settings).run(show, hands)


@contextlib.contextmanager
def _ready(folder: Path, force: bool, address: str | None) -> Iterator[Hands | None]:
    """Yields who does the parts, once Ray has been reached, and then deletes what is there if it is to go."""
    with contextlib.ExitStack() as stack:
        hands = None if address is None else RayHands(stack.enter_context(connected(address, 1, "A core")))
        if force:
            shutil.rmtree(folder, ignore_errors=True)
        yield hands


@contextlib.contextmanager
def _two_bars(label: str) -> Iterator[Watch]:
    """Shows how far the whole is, and the part that is under way; yields what is to be told."""
    columns = (TextColumn("{task.description:<48}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        whole, part = progress.add_task(label), progress.add_task("")

        def show(doing: str, done: int, planned: int, parts_done: int, parts: int) -> None:
            progress.update(whole, completed=parts_done, total=parts)
            progress.update(part, description=doing, completed=done, total=planned)

        yield show
