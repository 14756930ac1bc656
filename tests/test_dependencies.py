"""Do the parts of the project import each other only in the directions that were decided?"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "ml-agents-selfplay" / "mlagents_selfplay"
BRIDGES = ROOT / "gym_bridges"
COMMAND_LINES = {PLUGIN / "cli.py", PLUGIN / "cli_games.py"}
DASHBOARD = PLUGIN / "dashboard"
READ_RESULT_FILES = {"dashboard", "selfplay", "files", "matchlog", "ports", "report", "results", "store"}
STANDARD_LIBRARY = set(sys.stdlib_module_names)
BRIDGES_MAY_IMPORT = STANDARD_LIBRARY | {"gym_bridges", "gymnasium", "numpy", "grpc", "google", "typer"}
KNOW_ML_AGENTS_PRIVATE_NAMES = {"trainer.py", "policy.py"}
OF_NAMED_TUPLES = {"_asdict", "_fields", "_make", "_replace"}  # public: they begin so that no field can be named alike


def imports(source: str, package: str = "") -> set[str]:
    """Returns the full dotted names that a module imports; of `from a import b`, `a.b`.

    Args:
      source: the module's text.
      package: dotted name of the package it lies in, against which relative imports are resolved.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*parents, *([node.module] if node.module else [])])
            found.update(f"{origin}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in {"import_module", "__import__"} and node.args and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
    return found


def private_names_of_others(source: str) -> set[str]:
    """Returns the attributes with a leading underscore that a module reads from anything but `self`, `cls`, `super()`.

    Whoever extends one of ML-Agents' classes overrides methods with such names, and may call what it overrides.
    """
    return {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and node.attr not in OF_NAMED_TUPLES
        and ast.unparse(node.value) not in {"self", "cls", "super()"}
    }


def imports_of(path: Path) -> set[str]:
    top = PLUGIN.parent if path.is_relative_to(PLUGIN) else ROOT
    package = ".".join(path.relative_to(top).parent.parts)
    return imports(path.read_text(encoding="utf-8"), package)


def top_level(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def name_of(package: Path) -> str:
    return ".".join(package.relative_to(PLUGIN.parent).parts)


def modules(folder: Path) -> list[pytest.param]:
    found = sorted(folder.rglob("*.py"))
    assert found, f"no module under {folder}: has it moved?"
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in found]


@pytest.mark.parametrize("path", modules(PLUGIN / "selfplay"))
def test_who_meets_whom_needs_numpy_and_the_standard_library_only(path: Path) -> None:
    others = {name for name in imports_of(path) if not name.startswith("mlagents_selfplay.selfplay")}
    assert top_level(others) <= STANDARD_LIBRARY | {"numpy"}


@pytest.mark.parametrize("path", modules(PLUGIN))
def test_the_trainer_does_not_know_the_bridges(path: Path) -> None:
    assert "gym_bridges" not in top_level(imports_of(path))


@pytest.mark.parametrize("path", modules(BRIDGES))
def test_the_bridges_know_neither_the_trainer_nor_torch(path: Path) -> None:
    assert not top_level(imports_of(path)) & {"mlagents_selfplay", "mlagents", "mlagents_envs", "torch"}


@pytest.mark.parametrize("path", [param for param in modules(BRIDGES) if "/envs/" not in str(param.id)])
def test_a_bridge_itself_needs_few_libraries(path: Path) -> None:
    assert top_level(imports_of(path)) <= BRIDGES_MAY_IMPORT


def test_to_list_the_environments_loads_none_of_the_libraries_that_they_bring() -> None:
    brought = (
        set().union(*(top_level(imports_of(path)) for path in (BRIDGES / "envs").rglob("*.py"))) - BRIDGES_MAY_IMPORT
    )
    script = (
        "import sys; from gym_bridges import registry; [registry.find(i) for i in registry.ids()]; print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    assert top_level(set(loaded.split())) & brought == set()


@pytest.mark.parametrize("path", [*modules(PLUGIN), *modules(BRIDGES)])
def test_nothing_builds_on_what_only_users_and_ml_agents_call(path: Path) -> None:
    ends = ["mlagents_selfplay.plugin", "mlagents_selfplay.cli", "gym_bridges.cli"]
    if path not in COMMAND_LINES:
        ends.append("mlagents_selfplay.cli_games")
    if path not in COMMAND_LINES and not path.is_relative_to(DASHBOARD):
        ends.append("mlagents_selfplay.dashboard")
    assert not {name for name in imports_of(path) if f"{name}.".startswith(tuple(f"{end}." for end in ends))}


@pytest.mark.parametrize("path", modules(PLUGIN))
def test_the_trainer_does_not_know_who_evaluates_or_breeds_it(path: Path) -> None:
    parts = [PLUGIN / "evaluation", PLUGIN / "population"]
    if path not in COMMAND_LINES and not any(path.is_relative_to(part) for part in parts):
        assert not {name for name in imports_of(path) if name.startswith(tuple(map(name_of, parts)))}


@pytest.mark.parametrize("path", modules(DASHBOARD))
def test_the_dashboard_knows_result_files_only(path: Path) -> None:
    ours = {name for name in imports_of(path) if name.startswith("mlagents_selfplay.")}
    assert {name.split(".")[1] for name in ours} <= READ_RESULT_FILES
    assert not top_level(imports_of(path)) & {"mlagents", "mlagents_envs", "torch", "gym_bridges"}


@pytest.mark.parametrize("path", modules(PLUGIN))
def test_private_names_of_ml_agents_are_known_to_the_adapter_only(path: Path) -> None:
    if path.name not in KNOW_ML_AGENTS_PRIVATE_NAMES and "mlagents" in top_level(imports_of(path)):
        assert private_names_of_others(path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch.nn as nn", {"torch.nn"}),
        ("from mlagents_selfplay import cli", {"mlagents_selfplay.cli"}),
        ("from . import cli", {"a.b.cli"}),
        ("from .cli import main", {"a.b.cli.main"}),
        ("from ..plugin import table", {"a.plugin.table"}),
        ("def late():\n    import mujoco", {"mujoco"}),
        ("importlib.import_module('torch')", {"torch"}),
    ],
)
def test_every_way_to_import_is_seen(source: str, expected: set[str]) -> None:
    assert imports(source, "a.b") == expected


def test_only_other_peoples_private_names_count() -> None:
    assert private_names_of_others(
        "self._mine = trainer._theirs + cls._mine + super()._mine() + a.b._far.__name__ + pair._replace(a=1)"
    ) == {
        "_theirs",
        "_far",
    }
