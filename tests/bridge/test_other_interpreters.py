"""Does a build play with another interpreter than the trainer's: a newer Python, NumPy 2, today's protobuf?"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY
from mlagents_envs.environment import UnityEnvironment
from typer.testing import CliRunner

from gym_bridges.cli import app

NEEDED = ["gymnasium", "numpy>=2", "grpcio", "protobuf>=5"]
UV = shutil.which("uv", path=f"{REPOSITORY / '.uv' / 'bin'}:{Path.home() / '.local' / 'bin'}") or shutil.which("uv")


def interpreter(version: str) -> Path | None:
    """Returns a Python of that version which runs: on the search path, or one that pyenv keeps."""
    on_path = shutil.which(f"python{version}")
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    for candidate in [*([Path(on_path)] if on_path else []), *kept]:
        if subprocess.run([candidate, "-c", ""], capture_output=True).returncode == 0:
            return candidate
    return None


@pytest.fixture(scope="module", params=["3.11", "3.12", "3.13"])
def other_python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with the bridge's few libraries only; skips where none can be had at once."""
    base = interpreter(request.param)
    if UV is None or base is None:
        pytest.skip(f"needs uv and Python {request.param}")
    python = tmp_path_factory.mktemp("other") / "venv" / "bin" / "python"
    for words in (["venv", "-p", base, python.parents[1]], ["pip", "install", "-p", python, *NEEDED]):
        try:
            done = subprocess.run([UV, *words], capture_output=True, text=True, timeout=60, cwd=python.parents[2])
        except subprocess.TimeoutExpired:
            pytest.skip(f"uv {words[0]} takes too long here")
        if done.returncode != 0:
            pytest.skip(f"uv {words[0]} fails here: {done.stderr.strip().splitlines()[-1]}")
    return python


@pytest.mark.slow
@pytest.mark.parametrize("environment_id", ["CartPole-v1", "RockPaperScissors"])
def test_a_build_plays_with_an_interpreter_that_has_only_the_bridges_libraries(
    environment_id: str, other_python: Path, tmp_path: Path, start: Callable[..., UnityEnvironment]
) -> None:
    words = ["build", environment_id, str(tmp_path / "Game"), "--python", str(other_python)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    environment = start(tmp_path / "Game", num_areas=2)
    environment.reset()
    behavior_id = next(iter(environment.behavior_specs))
    endings = 0
    for _ in range(60):
        decisions, ended = environment.get_steps(behavior_id)
        endings += len(ended)
        environment.set_actions(
            behavior_id, environment.behavior_specs[behavior_id].action_spec.random_action(len(decisions))
        )
        environment.step()
    assert endings > 0


@pytest.mark.slow
def test_an_interpreter_that_lacks_what_an_environment_needs_is_refused(other_python: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["build", "Ant-v5", str(tmp_path / "Game"), "--python", str(other_python)])
    assert done.exit_code == 2
    assert "cannot play Ant-v5" in done.output
    assert "MuJoCo is not installed" in done.output
