"""Which scheme and which algorithm do better? Trains them all, and lets them play each other at every checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mlagents_selfplay.evaluation.environment import EnvironmentSettings, opened
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.experiment_files import ExperimentFiles
from mlagents_selfplay.evaluation.experiment_settings import ExperimentSettings, Job
from mlagents_selfplay.evaluation.matches import roles_of
from mlagents_selfplay.evaluation.parts import (
    Benchmark,
    Done,
    Hands,
    Here,
    Part,
    Work,
    do_all,
    do_benchmark,
    do_training,
)
from mlagents_selfplay.evaluation.players import Player, find
from mlagents_selfplay.training import Training

PORTS = 10  # that a part may try before it comes to those of the next


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
        finished = [part for part in plan.parts if plan.is_trained(part)]
        for part in finished:
            assert isinstance(part.of, Job)
            files.note_training(part.run, part.of, "finished")
        for found in do_all(plan.parts, finished, hands or Here(), plan.begin, show):
            _note(files, found)
    except (EvaluationError, KeyboardInterrupt) as error:
        files.stop(str(error) or "interrupted")
        raise
    files.finish()
    return files


def _note(files: ExperimentFiles, found: Done) -> None:
    """Writes down what a part came to, and all of a run whose last part it was."""
    number, of = found.part.run, found.part.of
    if found.error is not None:
        if isinstance(of, Job):
            files.note_training(number, of, "failed")
        raise found.error
    if isinstance(of, Job):
        files.note_training(number, of, "finished", found.result)
        return
    files.note_benchmark(number, of, "finished", found.result)
    if all((number, iteration) in files.payoffs for iteration in files.settings.checkpoint_at_iterations):
        files.finish_run(number)


class _Plan:
    """All parts of an experiment, and what there is to do in each."""

    def __init__(self, files: ExperimentFiles, settings: ExperimentSettings) -> None:
        self._files, self._settings = files, settings
        self._behaviors = _behaviors(settings)
        self._fixed: tuple[Player, ...] = tuple(find(settings.fixed_agents, 1))
        of_a_run: list[Job | int] = [*settings.jobs, *settings.checkpoint_at_iterations]
        self.parts = [Part(number, of) for number in range(settings.number_of_runs) for of in of_a_run]

    def is_trained(self, part: Part) -> bool:
        """Whether a part is a training that is finished."""
        return isinstance(part.of, Job) and self._training(part.run, part.of).is_finished

    def begin(self, part: Part) -> Work:
        """Writes down that a part begins, and returns what there is to do."""
        number, of = part.run, part.of
        if isinstance(of, Job):
            self._files.note_training(number, of, "running")
            return partial(do_training, part, self._training(number, of), self._settings.checkpoint_at_iterations[-1])
        self._files.note_benchmark(number, of, "running")
        benchmark = Benchmark(
            folder=self._files.benchmark_folder(number, of),
            trained={job.name: self._files.training_folder(number, job) for job in self._settings.jobs},
            fixed=self._fixed,
            environment=EnvironmentSettings(
                self._settings.environment,
                self._settings.environment_arguments,
                num_areas=self._settings.num_areas,
                seed=self._settings.seed + self.parts.index(part),  # every benchmark has games of its own
                base_port=self._port(number, of),
            ),
            games=self._settings.benchmarking_episodes,
        )
        return partial(do_benchmark, part, benchmark)

    def _training(self, number: int, job: Job) -> Training:
        return Training(
            folder=self._files.training_folder(number, job),
            config=self._settings.config(job, self._behaviors),
            environment=self._settings.environment,
            arguments=self._settings.environment_arguments,
            seed=self._settings.seed + number,
            num_areas=self._settings.num_areas,
            base_port=self._port(number, job),
        )

    def _port(self, number: int, of: Job | int) -> int:
        """Parts that begin at the same time look for a free port in different places."""
        return self._settings.base_port + PORTS * self.parts.index(Part(number, of))


def _behaviors(settings: ExperimentSettings) -> list[str]:
    environment = EnvironmentSettings(
        settings.environment, settings.environment_arguments, num_areas=1, base_port=settings.base_port
    )
    with opened(environment) as started:
        roles = list(roles_of(started).values())
    if len(roles) < 2:
        raise EvaluationError(f"{settings.environment} has one team only, so nobody meets anybody.")
    return sorted({role.behavior for role in roles})
