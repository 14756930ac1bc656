"""Would Unity find everything? Metas, GUIDs, assemblies, scenes and settings, checked without an Editor."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter_c_sharp
import yaml
from tree_sitter import Language, Node, Parser
from unityparser import UnityDocument

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "unity-project"
ASSETS = PROJECT / "Assets"
GUID = re.compile(r"guid: ([0-9a-f]{32})\b")
NO_ASSET = "0" * 32
SCENES = sorted(ASSETS.rglob("*.unity"))
SCRIPTS = sorted(ASSETS.rglob("*.cs"))
ALL_SCRIPTS = sorted(path for path in PROJECT.rglob("*.cs") if "build" not in path.parts)
ASMDEFS = sorted(ASSETS.rglob("*.asmdef"))
PROVIDED = {"Unity.ML-Agents", "UnityEngine.TestRunner", "UnityEditor.TestRunner"}  # by packages of manifest.json
C_SHARP = Parser(Language(tree_sitter_c_sharp.language()))
TYPES = {"class_declaration", "struct_declaration", "enum_declaration", "interface_declaration"}


def name_of(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def assets() -> list[Path]:
    return sorted(path for path in ASSETS.rglob("*") if path.suffix != ".meta")


def guid_of(path: Path) -> str:
    return GUID.search(path.with_name(f"{path.name}.meta").read_text())[1]


def tree(path: Path) -> Node:
    return C_SHARP.parse(path.read_bytes()).root_node


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def types_in(path: Path) -> dict[str, str]:
    """Returns the types that a script declares, each with the text of its base list."""
    found = {}
    for node in nodes(tree(path)):
        if node.type in TYPES:
            bases = [child.text.decode() for child in node.children if child.type == "base_list"]
            found[node.child_by_field_name("name").text.decode()] = "".join(bases)
    return found


def document(path: Path) -> UnityDocument:
    return UnityDocument.load_yaml(str(path))


def test_every_file_and_folder_has_a_meta_and_no_meta_is_left_over() -> None:
    metas = {path.with_name(path.name.removesuffix(".meta")) for path in ASSETS.rglob("*.meta")}
    assert metas == set(assets())


def test_guids_are_unique() -> None:
    guids = [guid_of(path) for path in assets()]
    assert len(set(guids)) == len(guids) > 20


@pytest.mark.parametrize("path", [*SCENES, *sorted((PROJECT / "ProjectSettings").glob("*.asset"))], ids=name_of)
def test_every_guid_that_is_named_belongs_to_an_asset(path: Path) -> None:
    known = {guid_of(asset) for asset in assets()} | {NO_ASSET}
    assert set(GUID.findall(path.read_text())) <= known


@pytest.mark.parametrize("path", ALL_SCRIPTS, ids=name_of)
def test_no_script_has_a_syntax_error(path: Path) -> None:
    assert [node.start_point for node in nodes(tree(path)) if node.type == "ERROR" or node.is_missing] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_a_script_declares_one_type_which_has_the_name_of_its_file(path: Path) -> None:
    assert list(types_in(path)) == [path.stem]


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_scripts_know_no_types_of_inference(path: Path) -> None:
    assert not re.search(r"Sentis|InferenceEngine|ModelAsset|Barracuda", path.read_text())


def test_assemblies_refer_to_assemblies_that_exist() -> None:
    definitions = [json.loads(path.read_text()) for path in ASMDEFS]
    names = {one["name"] for one in definitions}
    assert len(names) == len(ASMDEFS) == 5
    for path, one in zip(ASMDEFS, definitions, strict=True):
        assert path.stem == one["name"]
        assert set(one["references"]) <= names | PROVIDED


def test_the_rules_know_neither_unity_nor_ml_agents() -> None:
    core = json.loads((ASSETS / "SelfPlay" / "Core" / "SelfPlay.Core.asmdef").read_text())
    assert core["noEngineReferences"] is True
    assert core["references"] == []
    for path in (ASSETS / "SelfPlay" / "Core").glob("*.cs"):
        assert "UnityEngine" not in path.read_text()


def test_only_tests_are_left_out_of_a_build_by_the_test_frameworks_symbol() -> None:
    for path in ASMDEFS:
        one = json.loads(path.read_text())
        assert (one["defineConstraints"] == ["UNITY_INCLUDE_TESTS"]) == ("Tests" in path.parts)
        assert ("nunit.framework.dll" in one["precompiledReferences"]) == ("Tests" in path.parts)


def test_the_build_settings_are_the_scenes() -> None:
    settings = document(PROJECT / "ProjectSettings" / "EditorBuildSettings.asset").entry
    listed = {scene["path"]: scene["guid"] for scene in settings.m_Scenes}
    assert listed == {name_of(path): guid_of(path) for path in SCENES}
    assert all(int(scene["enabled"]) for scene in settings.m_Scenes)


@pytest.mark.parametrize("path", SCENES, ids=name_of)
def test_a_scene_is_whole_and_starts_its_game(path: Path) -> None:
    scene = document(path)
    by_id = {entry.anchor: entry for entry in scene.entries}
    for one in scene.filter(class_names=("GameObject",)):
        parts = [by_id[str(part["component"]["fileID"])] for part in one.m_Component]
        assert {str(part.m_GameObject["fileID"]) for part in parts} == {one.anchor}
    (script,) = scene.filter(class_names=("MonoBehaviour",))
    launcher = ASSETS / "SelfPlay" / "Runtime" / "ArenaLauncher.cs"
    assert script.m_Script["guid"] == guid_of(launcher)
    assert "MonoBehaviour" in types_in(launcher)["ArenaLauncher"]
    games = (ASSETS / "SelfPlay" / "Runtime" / "Game.cs").read_text()
    members = re.findall(r"^        (\w+),?$", games, flags=re.MULTILINE)
    assert members[int(script.m_Game)] == path.stem
    assert "m_Game" in launcher.read_text()


def test_every_field_that_a_scene_sets_is_one_of_the_script() -> None:
    launcher = (ASSETS / "SelfPlay" / "Runtime" / "ArenaLauncher.cs").read_text()
    serialized = set(re.findall(r"\[SerializeField\] \w+ (\w+);", launcher))
    for path in SCENES:
        (script,) = document(path).filter(class_names=("MonoBehaviour",))
        own = {name for name in vars(script) if name.startswith("m_")} - {
            "m_ObjectHideFlags", "m_CorrespondingSourceObject", "m_PrefabInstance", "m_PrefabAsset", "m_GameObject",
            "m_Enabled", "m_EditorHideFlags", "m_Script", "m_Name", "m_EditorClassIdentifier",
        }  # fmt: skip
        assert own == serialized


@pytest.mark.parametrize("path", SCENES, ids=name_of)
def test_every_game_has_settings_for_the_trainer_and_a_python_twin(path: Path) -> None:
    configured = yaml.safe_load((ROOT / "config" / "trainer_config.yaml").read_text())["behaviors"]
    assert path.stem in configured
    assert (ROOT / "gym_bridges" / "builds" / path.stem).is_file()


def test_versions_are_those_that_the_trainer_speaks_to() -> None:
    manifest = json.loads((PROJECT / "Packages" / "manifest.json").read_text())["dependencies"]
    assert manifest["com.unity.ml-agents"] == "4.0.3"  # goes with the Python package mlagents 1.1.0
    version = (PROJECT / "ProjectSettings" / "ProjectVersion.txt").read_text()
    assert version == "m_EditorVersion: 6000.0.58f2\n"


def test_a_step_of_the_scene_lasts_as_long_as_a_step_of_the_rules() -> None:
    settings = document(PROJECT / "ProjectSettings" / "TimeManager.asset").entry
    rules = (ASSETS / "SelfPlay" / "Core" / "SumoMatch.cs").read_text()
    assert float(getattr(settings, "Fixed Timestep")) == float(re.search(r"StepSeconds = ([0-9.]+)", rules)[1])


def test_the_stubs_say_of_every_type_where_its_signatures_come_from() -> None:
    listed = set(re.findall(r"`(\w+)`", (PROJECT / "Tools~" / "Stubs" / "References.md").read_text()))
    stubs = sorted((PROJECT / "Tools~" / "Stubs").rglob("*.cs"))
    assert {name for path in stubs for name in types_in(path)} - listed == set()
