"""Which scheme and which algorithm do better? Trains them all, and lets them play each other at every checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mlagents_selfplay.evaluation import tournament
from mlagents_selfplay.evaluation.environment import EnvironmentSettings, opened
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.experiment_files import ExperimentFiles
from mlagents_selfplay.evaluation.experiment_settings import ExperimentSettings, Job
from mlagents_selfplay.evaluation.matches import roles_of
from mlagents_selfplay.evaluation.networks import outcome_rule
from mlagents_selfplay.evaluation.pictures import draw_tournament
from mlagents_selfplay.evaluation.players import Player, everybody_of, find
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings
from mlagents_selfplay.training import Training, TrainingError, train


@dataclass
class Progress:
    """Where an experiment is: what it does, how far that is, and how many trainings and benchmarks are done of all."""

    doing: str
    done: int
    planned: int
    parts_done: int
    parts: int


def run(
    folder: Path, settings: ExperimentSettings, watch: Callable[[Progress], None] = lambda progress: None
) -> ExperimentFiles:
    """Runs an experiment, or what is left of one.

    Args:
      folder: where it is kept; trainings and games that are there count.
      settings: what is compared.
      watch: is told of progress.

    Returns:
      Its files, complete; `results` has the figures.

    Raises:
      EvaluationError: if settings, environment or folder cannot be used, or a training fails. What is done is kept.
    """
    files = ExperimentFiles(folder, settings)
    files.begin()
    progress = Progress("starting the environment", 0, 1, 0, files.parts)

    def show(doing: str, done: int, planned: int) -> None:
        progress.doing, progress.done, progress.planned = doing, done, planned
        progress.parts_done = files.parts_done
        watch(progress)

    try:
        behaviors = _behaviors(settings)
        fixed = find(settings.fixed_agents, 1)
        for number in range(settings.number_of_runs):
            for job in settings.jobs:
                _train(files, settings, number, job, behaviors, show)
            for iteration in settings.checkpoint_at_iterations:
                _benchmark(files, settings, number, iteration, fixed, show)
            files.finish_run(number)
    except (EvaluationError, KeyboardInterrupt) as error:
        files.stop(str(error) or "interrupted")
        raise
    files.finish()
    return files


def _behaviors(settings: ExperimentSettings) -> list[str]:
    environment = EnvironmentSettings(
        settings.environment, settings.environment_arguments, num_areas=1, base_port=settings.base_port
    )
    with opened(environment) as started:
        roles = list(roles_of(started).values())
    if len(roles) < 2:
        raise EvaluationError(f"{settings.environment} has one team only, so nobody meets anybody.")
    return sorted({role.behavior for role in roles})


def _train(
    files: ExperimentFiles,
    settings: ExperimentSettings,
    number: int,
    job: Job,
    behaviors: list[str],
    show: Callable[[str, int, int], None],
) -> None:
    training = Training(
        folder=files.training_folder(number, job),
        config=settings.config(job, behaviors),
        environment=settings.environment,
        arguments=settings.environment_arguments,
        seed=settings.seed + number,
        num_areas=settings.num_areas,
        base_port=settings.base_port,
    )
    if training.is_finished:
        files.note_training(number, job, "finished")
        return
    label, last = f"run {number}: {job.name} learns", settings.checkpoint_at_iterations[-1]
    show(label, 0, last)
    files.note_training(number, job, "running")
    began = time.monotonic()
    try:
        train(training, lambda summary: show(label, min(summary.step, last), last))
    except TrainingError as error:
        files.note_training(number, job, "failed")
        raise EvaluationError(str(error)) from error
    files.note_training(number, job, "finished", time.monotonic() - began)


def _benchmark(
    files: ExperimentFiles,
    settings: ExperimentSettings,
    number: int,
    iteration: int,
    fixed: list[Player],
    show: Callable[[str, int, int], None],
) -> None:
    folders = {job.name: files.training_folder(number, job) for job in settings.jobs}
    trained = [replace(_nearest(folder, iteration), name=name) for name, folder in folders.items()]
    rule = outcome_rule(next(iter(folders.values()))) or OutcomeSettings()
    folder = files.benchmark_folder(number, iteration)
    label = f"run {number}: benchmark at {iteration}"
    files.note_benchmark(number, iteration, "running")
    content = tournament.run(
        folder,
        [*trained, *fixed],
        EnvironmentSettings(
            settings.environment,
            settings.environment_arguments,
            num_areas=settings.num_areas,
            seed=settings.seed + number,
            base_port=settings.base_port,
        ),
        tournament.TournamentSettings(settings.benchmarking_episodes, outcome=rule, seed=settings.seed + number),
        lambda done, planned: show(label, done, planned),
    )
    draw_tournament(folder, content)
    files.note_benchmark(number, iteration, "finished", np.array(content["payoff"], dtype=float))


def _nearest(run: Path, iteration: int) -> Player:
    """Returns the policy that a run kept nearest to a learner step."""
    return min(everybody_of(run), key=lambda player: abs((player.step or 0) - iteration))
