"""Do the files that describe the project (README, Makefile, packaging) agree with each other and with the code?"""

import ast
import importlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli
import typer
import yaml

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# In two halves, so that this file does not hold what it looks for.
REGISTRY_HOST = re.compile("|".join(["pypi" r"\.org", "python" r"hosted\.", "download" r"\.pytorch", "npm" r"js\."]))
LOCK_FILES = {"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "package-lock.json", "yarn.lock"}
PACKAGES = {"gym-bridge": "gym_bridges", "mlagents-selfplay": "mlagents_selfplay"}
EXACT_VERSION = re.compile(r"[a-z0-9-]+==[0-9][0-9a-z.]*")
CONFIGURATIONS = sorted((ROOT / "config").rglob("*.yaml"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def words_of_make() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))


def code_in(markdown: str) -> str:
    """Returns what a document sets as code: blocks, indented or fenced, and `words` in backticks, a line each."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```|^    (.*?)$", markdown, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*("".join(block) for block in blocks), *re.findall(r"`([^`\n]+)`", markdown)])


def tracked_files() -> list[Path]:
    # The folder may belong to another user, as it often does in continuous integration; listing it does no harm.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def setup_arguments() -> dict[str, ast.expr]:
    """Returns the keyword arguments of the call of `setup` in setup.py, as written there."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setup"]
    assert len(calls) == 1
    return {keyword.arg: keyword.value for keyword in calls[0].keywords if keyword.arg}


def required_names() -> Iterator[str]:
    """Yields the name of every package that setup.py asks for, extras included."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    arguments = setup_arguments()
    bridges = [node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "BRIDGES"]
    for part in [arguments["install_requires"], *getattr(arguments["extras_require"], "values", []), *bridges]:
        for node in ast.walk(part):
            if isinstance(node, ast.Constant):
                yield re.split(r"[<>=!~; \[]", node.value)[0].lower().replace("_", "-")


def test_the_two_commands_of_the_readme_exist() -> None:
    assert {"train", "test"} <= set(re.findall(r"make ([a-z-]+)", code_in(README))) <= words_of_make()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_word_in_the_documents_exists(document: Path) -> None:
    assert set(re.findall(r"make ([a-z-]+)", code_in(document.read_text(encoding="utf-8")))) <= words_of_make()


@pytest.mark.parametrize("program", PACKAGES)
def test_every_command_in_the_documents_exists(program: str) -> None:
    texts = [code_in(document.read_text(encoding="utf-8")) for document in DOCUMENTS]
    documented = {word for text in texts for word in re.findall(rf"\b{program} ([a-z]+)", text)}
    app = importlib.import_module(f"{PACKAGES[program]}.cli").app
    assert documented
    assert documented <= set(typer.main.get_command(app).commands)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_local_link_in_the_documents_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (document.parent / target).exists()] == []


def test_code_in_a_document_is_found_however_it_is_set() -> None:
    text = "Say `make one` or\n\n    make two\n\nor\n\n```sh\nmake three\n```\nbut make up your mind."
    assert sorted(re.findall(r"make ([a-z-]+)", code_in(text))) == ["one", "three", "two"]


def test_no_tracked_file_names_a_package_registry() -> None:
    texts = {path: path.read_bytes().decode("utf-8", errors="ignore") for path in tracked_files()}
    assert [path for path, text in texts.items() if REGISTRY_HOST.search(text)] == []


def test_no_lock_file_is_tracked() -> None:
    assert [path for path in tracked_files() if path.name in LOCK_FILES] == []


def test_constraints_are_names_with_one_exact_version() -> None:
    constraints = PROJECT["tool"]["uv"]["constraint-dependencies"]
    assert [line for line in constraints if not EXACT_VERSION.fullmatch(line)] == []


def test_every_package_that_we_ask_for_is_held_to_one_version() -> None:
    held = {line.split("==")[0] for line in PROJECT["tool"]["uv"]["constraint-dependencies"]}
    assert set(required_names()) - held == set()


def test_entry_points_are_literals_because_setup_must_run_without_ml_agents() -> None:
    entry_points = ast.literal_eval(setup_arguments()["entry_points"])
    assert set(entry_points) == {"mlagents.trainer_type", "console_scripts"}


def test_every_entry_point_leads_to_a_function() -> None:
    for lines in ast.literal_eval(setup_arguments()["entry_points"]).values():
        for line in lines:
            module, function = line.split(" = ")[1].split(":")
            assert callable(getattr(importlib.import_module(module), function)), line


def test_both_files_of_the_packaging_ask_for_the_same_python() -> None:
    declared = ast.literal_eval(setup_arguments()["python_requires"])
    assert declared == PROJECT["project"]["requires-python"] == ">=3.10.1,<3.11"


def nodes_below(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    """Yields all mappings in a YAML document."""
    parts = node.value if isinstance(node, yaml.SequenceNode | yaml.MappingNode) else []
    for part in parts:
        for below in part if isinstance(part, tuple) else (part,):
            yield from nodes_below(below)
    if isinstance(node, yaml.MappingNode):
        yield node


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.name)
def test_no_key_stands_twice_in_a_configuration(file: Path) -> None:
    # YAML readers take the last one and say nothing.
    for node in nodes_below(yaml.compose(file.read_text(encoding="utf-8"))):
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"{file.name}, line {node.start_mark.line + 1}: {keys}"
