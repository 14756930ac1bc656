"""Which scheme and which algorithm do better? Trains them all, and lets them play each other at every checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from mlagents_selfplay.evaluation.environment import EnvironmentSettings, opened
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.experiment_files import ExperimentFiles
from mlagents_selfplay.evaluation.experiment_settings import ExperimentSettings, Job
from mlagents_selfplay.evaluation.matches import roles_of
from mlagents_selfplay.evaluation.networks import outcome_rule
from mlagents_selfplay.evaluation.parts import (
    PORTS,
    Done,
    Games,
    Hands,
    Here,
    Part,
    Work,
    do_all,
    do_games,
    do_training,
)
from mlagents_selfplay.evaluation.players import Player, find, nearest
from mlagents_selfplay.evaluation.tournament import TournamentSettings
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings
from mlagents_selfplay.training import Training


@dataclass
class Progress:
    """Where an experiment is: what it does, how far that is, and how many trainings and benchmarks are done of all."""

    doing: str
    done: int
    planned: int
    parts_done: int
    parts: int


def run(
    folder: Path,
    settings: ExperimentSettings,
    watch: Callable[[Progress], None] = lambda progress: None,
    hands: Hands | None = None,
) -> ExperimentFiles:
    """Runs an experiment, or what is left of one.

    Args:
      folder: where it is kept; trainings and games that are there count.
      settings: what is compared.
      watch: is told of progress.
      hands: who trains and benchmarks; None does one after another in this process.

    Returns:
      Its files, complete; `results` has the figures.

    Raises:
      EvaluationError: if settings, environment or folder cannot be used, or a training fails. What is done is kept.
    """
    files = ExperimentFiles(folder, settings)
    files.begin()

    def show(doing: str, done: int, planned: int) -> None:
        watch(Progress(doing, done, planned, files.parts_done, files.parts))

    try:
        show("starting the environment", 0, 1)
        plan = _Plan(files, settings)
        finished = plan.note_finished_trainings()
        for found in do_all(plan.parts, finished, hands or Here(), plan.begin, show):
            plan.note(found)
    except (EvaluationError, KeyboardInterrupt) as error:
        files.stop(str(error) or "interrupted")
        raise
    files.finish()
    return files


class _Plan:
    """All parts of an experiment, and what there is to do in each."""

    def __init__(self, files: ExperimentFiles, settings: ExperimentSettings) -> None:
        self._files, self._settings = files, settings
        self._behaviors = _behaviors(settings)
        self._fixed: tuple[Player, ...] = tuple(find(settings.fixed_agents, 1))
        self._of: dict[str, tuple[int, Job | int]] = {}  # by name of the part: run, and job or learner steps
        self.parts: list[Part] = []
        for number in range(settings.number_of_runs):
            trainings = {f"run {number}: {job.name} learns": (number, job) for job in settings.jobs}
            benchmarks = {
                f"run {number}: benchmark at {steps}": (number, steps) for steps in settings.checkpoint_at_iterations
            }
            self._of |= {**trainings, **benchmarks}
            self.parts += [Part(name) for name in trainings]
            self.parts += [Part(name, frozenset(trainings)) for name in benchmarks]

    def note_finished_trainings(self) -> list[str]:
        """Writes down the trainings that are finished already, and returns the names of their parts."""
        found = []
        for name, (number, of) in self._of.items():
            if isinstance(of, Job) and self._training(number, of).is_finished:
                self._files.note_training(number, of, "finished")
                found.append(name)
        return found

    def begin(self, part: Part) -> Work:
        """Writes down that a part begins, and returns what there is to do."""
        number, of = self._of[part.name]
        settings, place = self._settings, self.parts.index(part)
        if isinstance(of, Job):
            self._files.note_training(number, of, "running")
            return partial(do_training, part, self._training(number, of), settings.checkpoint_at_iterations[-1])
        self._files.note_benchmark(number, of, "running")
        runs = {job.name: self._files.training_folder(number, job) for job in settings.jobs}
        trained = [replace(nearest(run, of), name=name) for name, run in runs.items()]
        seed = settings.seed + place  # every benchmark has games of its own
        games = Games(
            folder=self._files.benchmark_folder(number, of),
            players=(*trained, *self._fixed),
            environment=EnvironmentSettings(
                settings.environment,
                settings.environment_arguments,
                num_areas=settings.num_areas,
                seed=seed,
                base_port=settings.base_port + PORTS * place,
            ),
            settings=TournamentSettings(
                settings.benchmarking_episodes,
                outcome=outcome_rule(next(iter(runs.values()))) or OutcomeSettings(),
                seed=seed,
            ),
        )
        return partial(do_games, part, games)

    def note(self, found: Done) -> None:
        """Writes down what a part came to, and all of a run whose last part it was."""
        files, (number, of) = self._files, self._of[found.part.name]
        if found.error is not None:
            if isinstance(of, Job):
                files.note_training(number, of, "failed")
            raise found.error
        if isinstance(of, Job):
            files.note_training(number, of, "finished", found.result)
            return
        files.note_benchmark(number, of, "finished", np.array(found.result["payoff"], dtype=float))
        if all((number, steps) in files.payoffs for steps in self._settings.checkpoint_at_iterations):
            files.finish_run(number)

    def _training(self, number: int, job: Job) -> Training:
        return Training(
            folder=self._files.training_folder(number, job),
            config=self._settings.config(job, self._behaviors),
            environment=self._settings.environment,
            arguments=self._settings.environment_arguments,
            seed=self._settings.seed + number,
            num_areas=self._settings.num_areas,
            base_port=self._settings.base_port + PORTS * list(self._of.values()).index((number, job)),
        )


def _behaviors(settings: ExperimentSettings) -> list[str]:
    environment = EnvironmentSettings(
        settings.environment, settings.environment_arguments, num_areas=1, base_port=settings.base_port
    )
    with opened(environment) as started:
        roles = list(roles_of(started).values())
    if len(roles) < 2:
        raise EvaluationError(f"{settings.environment} has one team only, so nobody meets anybody.")
    return sorted({role.behavior for role in roles})
