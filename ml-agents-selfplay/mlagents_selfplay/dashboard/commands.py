"""Which command does a filled-in form stand for, and what is wrong with what was filled in?"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlagents_selfplay.ports import free_ports

NEW, RESUME, FORCE = "new", "resume", "force"
TRAIN, TEST = "train", "test"
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

_NAME_RULE = "letters, digits, dot, dash and underscore, beginning with a letter or digit"


class WrongInput(Exception):
    """What was filled in makes no command.

    Attributes:
      problems: by field, what is wrong and what is allowed.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems.items()))
        self.problems = dict(problems)


def training(form: Mapping[str, Any], results: Path) -> list[str]:
    """Returns the command line of a training.

    Args:
      form: `config`, `env` (empty: wait for the Editor), `run_id`, `mode` (`new`, `resume`, `force`), `num_areas`,
        `num_envs` and `seed` (None: a random one).
      results: the results folder.

    Raises:
      WrongInput: naming each field that is wrong.
    """
    problems: dict[str, str] = {}
    config = _text(form, "config")
    if not config:
        problems["config"] = "Name a trainer configuration, such as config/trainer_config.yaml."
    elif not Path(config).is_file():
        problems["config"] = f"There is no file {config} (looked for in {Path.cwd()})."
    elif Path(config).suffix not in (".yaml", ".yml"):
        problems["config"] = f"{config} is no .yaml file."
    env = _text(form, "env")
    _check_build(env, problems, needed=False)
    run_id, mode = _text(form, "run_id"), form.get("mode")
    exists = (results / run_id).is_dir() if run_id else False
    if not RUN_ID.fullmatch(run_id):
        problems["run_id"] = f"Give the run a name: {_NAME_RULE}."
    elif mode == NEW and exists:
        problems["run_id"] = f"There is a run {run_id} already: choose another name, resume it, or start it over."
    elif mode in (RESUME, FORCE) and not exists:
        problems["run_id"] = f"There is no run {run_id} in {results}."
    elif mode not in (NEW, RESUME, FORCE):
        problems["mode"] = f"{mode!r} is not one of {NEW}, {RESUME}, {FORCE}."
    _check_number(form, "num_areas", 1, 4096, problems)
    _check_number(form, "num_envs", 1, 64, problems)
    if form.get("seed") not in (None, ""):
        _check_number(form, "seed", 0, 2**31 - 1, problems)
    if problems:
        raise WrongInput(problems)
    command = ["mlagents-learn", config, "--run-id", run_id, "--results-dir", str(results)]
    if env:
        command += ["--env", env, "--num-areas", str(form["num_areas"]), "--num-envs", str(form["num_envs"])]
        command += ["--base-port", str(free_ports(int(form["num_envs"]))), "--no-graphics"]
    if form.get("seed") not in (None, ""):
        command += ["--seed", str(form["seed"])]
    return [*command, *{NEW: [], RESUME: ["--resume"], FORCE: ["--force"]}[str(mode)]]


def test(form: Mapping[str, Any], results: Path) -> list[str]:
    """Returns the command line of a tournament between the snapshots of runs.

    Args:
      form: `runs` (ids), `env`, `games` (of each pair) and `name` (of the tournament).
      results: the results folder.

    Raises:
      WrongInput: naming each field that is wrong.
    """
    problems: dict[str, str] = {}
    runs = [str(run) for run in form.get("runs") or []]
    missing = [run for run in runs if run.startswith("-") or not (results / run).is_dir()]
    if not runs:
        problems["runs"] = "Choose at least one run whose players are to meet."
    elif missing:
        problems["runs"] = f"There is no run {missing[0]} in {results}."
    env, name = _text(form, "env"), _text(form, "name")
    _check_build(env, problems, needed=True)
    _check_number(form, "games", 1, 1_000_000, problems)
    if not RUN_ID.fullmatch(name):
        problems["name"] = f"Give the tournament a name: {_NAME_RULE}."
    if problems:
        raise WrongInput(problems)
    return [
        *("mlagents-selfplay", "evaluate", *(str(results / run) for run in runs)),
        *("--env", env, "--games", str(form["games"]), "--name", name, "--results-dir", str(results)),
    ]


def _check_build(env: str, problems: dict[str, str], *, needed: bool) -> None:
    if not env:
        if needed:
            problems["env"] = "Name a build, such as gym_bridges/builds/RockPaperScissors."
        return
    path = Path(env)
    if env.startswith("-") or not path.exists():
        problems["env"] = f"There is no build {env} (looked for in {Path.cwd()})."
    elif path.is_file() and not os.access(path, os.X_OK):
        problems["env"] = f"{env} cannot be executed."
    elif path.is_dir() and path.suffix != ".app":
        problems["env"] = f"{env} is a folder; name the executable in it."


def _check_number(form: Mapping[str, Any], field: str, low: int, high: int, problems: dict[str, str]) -> None:
    value = form.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        shown = "nothing" if value in (None, "") else repr(value)
        problems[field] = f"A whole number from {low:,} to {high:,} is needed, not {shown}."


def _text(form: Mapping[str, Any], field: str) -> str:
    return str(form.get(field) or "").strip()
