"""Do the parts of the project import each other only in the directions that were decided?"""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "ml-agents-selfplay" / "mlagents_selfplay"
BRIDGES = ROOT / "gym_bridges"
STANDARD_LIBRARY = set(sys.stdlib_module_names)
BRIDGES_MAY_IMPORT = STANDARD_LIBRARY | {"gym_bridges", "gymnasium", "numpy", "grpc", "google", "typer"}
KNOW_ML_AGENTS_PRIVATE_NAMES = {"trainer.py", "policy.py"}


def imports(source: str, package: str = "", *, at_load_only: bool = False) -> set[str]:
    """Returns the full dotted names that a module imports; of `from a import b`, `a.b`.

    Args:
      source: the module's text.
      package: dotted name of the package it lies in, against which relative imports are resolved.
      at_load_only: leave out what is imported inside functions only.
    """
    found: set[str] = set()
    pending: list[ast.AST] = [ast.parse(source)]
    while pending:
        node = pending.pop()
        if at_load_only and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        pending.extend(ast.iter_child_nodes(node))
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
    """Returns the attributes with a leading underscore that a module reads from anything but `self` and `cls`."""
    return {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"})
    }


def imports_of(path: Path, *, at_load_only: bool = False) -> set[str]:
    top = PLUGIN.parent if path.is_relative_to(PLUGIN) else ROOT
    package = ".".join(path.relative_to(top).parent.parts)
    return imports(path.read_text(encoding="utf-8"), package, at_load_only=at_load_only)


def top_level(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


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


@pytest.mark.parametrize("path", modules(BRIDGES))
def test_a_bridge_starts_with_few_libraries_and_an_environment_brings_its_own_when_it_is_made(path: Path) -> None:
    is_environment = path.is_relative_to(BRIDGES / "envs")
    assert top_level(imports_of(path, at_load_only=is_environment)) <= BRIDGES_MAY_IMPORT


@pytest.mark.parametrize("path", [*modules(PLUGIN), *modules(BRIDGES)])
def test_nothing_builds_on_what_only_users_and_ml_agents_call(path: Path) -> None:
    ends = ("mlagents_selfplay.plugin", "mlagents_selfplay.cli", "mlagents_selfplay.dashboard", "gym_bridges.cli")
    assert not {name for name in imports_of(path) if f"{name}.".startswith(tuple(f"{end}." for end in ends))}


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


def test_an_import_inside_a_function_is_told_from_one_at_load() -> None:
    source = "import numpy\nclass A:\n    import grpc\n    def make(self):\n        import mujoco"
    assert imports(source, at_load_only=True) == {"numpy", "grpc"}


def test_only_other_peoples_private_names_count() -> None:
    assert private_names_of_others("self._mine = trainer._theirs + cls._mine + a.b._far.__name__") == {
        "_theirs",
        "_far",
    }
