"""What does an experiment leave on disk? Parameters, state, matrices, win rates, rewards and pictures.

The files and their names follow the framework by Hernandez et al. that this experiment follows; docs/evaluation.md
lists them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mlagents_selfplay.evaluation import pictures
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.experiment_settings import ExperimentSettings, Job
from mlagents_selfplay.evaluation.pictures import Curve
from mlagents_selfplay.evaluation.records import plain
from mlagents_selfplay.files import FORMAT_VERSION, DamagedFile, read_json, write_bytes_atomically

KIND = "experiment"
POINTS = 100  # of a curve of rewards; each is the mean of as many episodes

Array = np.ndarray[Any, np.dtype[np.float64]]


class ExperimentFiles:
    """The folder of one experiment.

    Args:
      folder: made by `begin`.
      settings: what is compared.

    Attributes:
      payoffs: by run and iteration, `[N, N]` mean outcomes of row against column; players as in `players`.
    """

    def __init__(self, folder: Path, settings: ExperimentSettings) -> None:
        self.folder = folder
        self.settings = settings
        self.players = [*(job.name for job in settings.jobs), *settings.fixed_agents]
        self.payoffs: dict[tuple[int, int], Array] = {}
        self._status, self._message = "running", ""
        self._trainings: dict[tuple[int, Job], tuple[str, float | None]] = {
            (number, job): ("waiting", None) for number in range(settings.number_of_runs) for job in settings.jobs
        }
        self._benchmarks: dict[tuple[int, int], str] = {
            (number, iteration): "waiting"
            for number in range(settings.number_of_runs)
            for iteration in settings.checkpoint_at_iterations
        }

    # Where things are

    def run_folder(self, number: int) -> Path:
        """Of one run, counted from 0."""
        return self.folder / f"run-{number}"

    def training_folder(self, number: int, job: Job) -> Path:
        """What `mlagents-learn` leaves."""
        return self.run_folder(number) / "training" / job.name

    def benchmark_folder(self, number: int, iteration: int) -> Path:
        """A tournament."""
        return self.run_folder(number) / "benchmarks" / str(iteration)

    # What happens

    @property
    def parts(self) -> int:
        """Trainings and benchmarks, in all."""
        return len(self._trainings) + len(self._benchmarks)

    @property
    def parts_done(self) -> int:
        """Those that are finished."""
        states = [status for status, _ in self._trainings.values()] + list(self._benchmarks.values())
        return states.count("finished")

    def begin(self) -> None:
        """Takes up the folder, or makes it.

        Raises:
          EvaluationError: if something else is in it, or the experiment there is another one.
        """
        path = self.folder / "experiment.json"
        if not path.exists():
            if self.folder.exists() and any(self.folder.iterdir()):
                raise EvaluationError(
                    f"{self.folder} is not empty, and there is no experiment.json in it. Take another --experiment_id, "
                    "or --force, which deletes it."
                )
        else:
            self._check(path)
        text = yaml.safe_dump(self.settings.plain(), sort_keys=False)
        write_bytes_atomically(self.folder / "experiment_parameters.yml", text.encode())
        self._write()

    def note_training(self, number: int, job: Job, status: str, seconds: float | None = None) -> None:
        """Writes down where a training is; `seconds` that it took if that is known."""
        self._trainings[number, job] = (status, seconds if seconds is not None else self._trainings[number, job][1])
        self._write()

    def note_benchmark(self, number: int, iteration: int, status: str, payoff: Array | None = None) -> None:
        """Writes down where a benchmark is, and its matrix once it is finished."""
        self._benchmarks[number, iteration] = status
        if payoff is not None:
            self.payoffs[number, iteration] = payoff
        self._write()

    def finish_run(self, number: int) -> None:
        """Writes the files and pictures of a run whose trainings and benchmarks are done."""
        folder = self.run_folder(number)
        for iteration in self.settings.checkpoint_at_iterations:
            payoff = self.payoffs[number, iteration]
            rows = [", ".join(f"{value:.4f}" for value in row) for row in payoff]
            _write_lines(folder / "confusion_matrices" / f"confusion_matrix-{iteration}.txt", rows)
            title = f"Head to head winrates after training iteration {iteration}"
            self._draw(pictures.heat_map(self.players, payoff, title), folder, f"heatmap-confusion_matrix-{iteration}")
        legend = [f"{name}, {index}" for index, name in enumerate(self.players)]
        _write_lines(folder / "confusion_matrices" / "legend.txt", legend)
        rates = self._rates([number])[:, 0, :]
        for name, row in zip(self.players, rates, strict=True):
            steps = self.settings.checkpoint_at_iterations
            lines = [f"{step}, {rate:.4f}" for step, rate in zip(steps, row, strict=True)]
            _write_lines(folder / "winrates" / f"{_file_name(name)}.txt", lines)
        self._draw(self._rate_picture([number]), folder, "benchmark_winrates")
        for job in self.settings.jobs:
            rewards = episodic_rewards(self.training_folder(number, job))
            lines = [f"{episode}, {reward:.6g}" for episode, reward in enumerate(rewards, start=1)]
            _write_lines(folder / "episodic_rewards" / f"{job.name}.txt", lines)
            self._draw(_reward_picture(job.name, [rewards]), folder, f"episodic_reward-{job.name}")

    def finish(self) -> None:
        """Writes what all runs come to together."""
        runs = list(range(self.settings.number_of_runs))
        self._draw(self._rate_picture(runs), self.folder, "benchmark_winrates")
        for job in self.settings.jobs:
            rewards = [episodic_rewards(self.training_folder(number, job)) for number in runs]
            self._draw(_reward_picture(job.name, rewards), self.folder, f"episodic_reward-{job.name}")
        self._status, self._message = "finished", ""
        self._write()

    def stop(self, message: str) -> None:
        """Writes down why nothing happens any more."""
        self._status, self._message = "stopped", message
        self._write()

    # What comes out

    def results(self) -> dict[str, Any]:
        """Returns what `experiment.json` holds."""
        runs = [
            number
            for number in range(self.settings.number_of_runs)
            if all((number, step) in self.payoffs for step in self.settings.checkpoint_at_iterations)
        ]
        rates = self._rates(runs)
        return {
            "format": FORMAT_VERSION,
            "kind": KIND,
            "experiment_id": self.settings.experiment_id,
            "status": self._status,
            "message": self._message,
            "updated": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "parameters": self.settings.plain(),
            "jobs": [
                {"name": job.name, "scheme": job.scheme, "algorithm": job.algorithm} for job in self.settings.jobs
            ],
            "players": self.players,
            "trainings": [
                {
                    "run": number,
                    "job": job.name,
                    "status": status,
                    "seconds": seconds,
                    "folder": str(self.training_folder(number, job).relative_to(self.folder)),
                }
                for (number, job), (status, seconds) in self._trainings.items()
            ],
            "benchmarks": [
                {
                    "run": number,
                    "iteration": iteration,
                    "status": status,
                    "folder": str(self.benchmark_folder(number, iteration).relative_to(self.folder)),
                    "payoff": plain(self.payoffs[number, iteration]) if (number, iteration) in self.payoffs else None,
                }
                for (number, iteration), status in self._benchmarks.items()
            ],
            "win_rates": {
                name: [
                    {
                        "iteration": iteration,
                        "mean": float(rates[index, :, place].mean()),
                        "deviation": float(rates[index, :, place].std()),
                        "runs": rates[index, :, place].tolist(),
                    }
                    for place, iteration in enumerate(self.settings.checkpoint_at_iterations)
                ]
                for index, name in enumerate(self.players if runs else [])
            },
        }

    def _rates(self, runs: Sequence[int]) -> Array:
        """`[N, runs, iterations]`: mean of each player's row, the 1/2 on the diagonal included."""
        steps = self.settings.checkpoint_at_iterations
        rows = [[np.nanmean(self.payoffs[number, step], axis=1) for step in steps] for number in runs]
        return np.array(rows).reshape(len(runs), len(steps), len(self.players)).transpose(2, 0, 1)

    def _rate_picture(self, runs: Sequence[int]) -> Any:
        rates, steps = self._rates(runs), self.settings.checkpoint_at_iterations
        lines = [_band(name, steps, rates[index]) for index, name in enumerate(self.players)]
        title = "Mean outcome against all" + (f", mean and deviation of {len(runs)} runs" if len(runs) > 1 else "")
        return pictures.curves(lines, "learner steps", "mean outcome", shares=True, title=title)

    def _draw(self, figure: Any, folder: Path, name: str) -> None:
        pictures.save(figure, folder / "plots" / name)

    def _write(self) -> None:
        text = json.dumps(self.results(), indent=1)
        write_bytes_atomically(self.folder / "experiment.json", text.encode())

    def _check(self, path: Path) -> None:
        try:
            before = read_json(path)
            old = before["parameters"]
        except (DamagedFile, KeyError) as error:
            raise EvaluationError(
                f"{path} cannot be used: {error}. Take another --experiment_id, or --force."
            ) from error
        for key, value in self.settings.plain().items():
            free = key in ("number_of_runs", "base_port")  # more runs are more of the same
            if not free and json.loads(json.dumps(value)) != old.get(key):
                raise EvaluationError(
                    f"{self.folder} was begun with {key} {old.get(key)!r}, not {value!r}. Take another id, "
                    "or --force, which deletes it."
                )
        seconds = {(entry["run"], entry["job"]): entry["seconds"] for entry in before.get("trainings", [])}
        for (number, job), (status, _) in self._trainings.items():
            self._trainings[number, job] = (status, seconds.get((number, job.name)))


def episodic_rewards(run: Path) -> Array:
    """Returns the mean reward per step of each episode of the learner, `[episodes]`, in the order of the match log."""
    rewards: list[float] = []
    for log in sorted(run.glob("*/selfplay/matches.csv")):
        with log.open(encoding="utf-8", newline="") as file:
            rewards += [float(row["return"]) / max(int(row["length"]), 1) for row in csv.DictReader(file)]
    return np.array(rewards)


def _reward_picture(name: str, runs: Sequence[Array]) -> Any:
    """Rewards of one job over episodes, in bins that all runs fill."""
    shortest = min((len(rewards) for rewards in runs), default=0)
    width = max(1, -(-shortest // POINTS))
    bins = shortest // width
    means = np.array([rewards[: bins * width].reshape(bins, width).mean(axis=1) for rewards in runs])
    episodes = [width * (place + 0.5) for place in range(bins)]
    line = _band(f"mean of {width} episodes", episodes, means.reshape(len(runs), bins))
    title = f"{name}" + (f": mean and deviation of {len(runs)} runs" if len(runs) > 1 else "")
    return pictures.curves([line], "episodes", "mean reward per step", shares=False, title=title)


def _band(label: str, steps: Sequence[float], values: Array) -> Curve:
    """A curve through the mean of `[runs, points]`, with one standard deviation to either side."""
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    return Curve(label, list(steps), mean.tolist(), (mean - deviation).tolist(), (mean + deviation).tolist())


def _file_name(player: str) -> str:
    return player.replace("/", "_")


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    write_bytes_atomically(path, text.encode())
