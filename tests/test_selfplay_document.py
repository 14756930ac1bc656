"""Does docs/selfplay.md describe exactly the keys that there are, with their defaults?"""

import re
from pathlib import Path

import attr
import pytest
from mlagents.plugins.trainer_type import register_trainer_plugins
from mlagents.trainers.settings import SelfPlaySettings as StockSettings
from mlagents_selfplay.selfplay.outcomes import RULES
from mlagents_selfplay.selfplay.samplers import KINDS, PFSP_WEIGHTINGS, PRESETS
from mlagents_selfplay.settings import SelfPlaySettings

DOCUMENT = (Path(__file__).parents[1] / "docs" / "selfplay.md").read_text(encoding="utf-8")
FIELDS = attr.fields_dict(SelfPlaySettings)


def rows(heading: str) -> dict[str, list[str]]:
    """Returns the cells of the tables below a heading of the second level, by the code in the first cell."""
    section = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return {name[1]: row for row in cells if (name := re.match(r"`([^`]+)`", row[0]))}


KEYS = rows("Keys")


def test_every_setting_is_documented_and_every_documented_key_exists() -> None:
    assert set(KEYS) == set(FIELDS)


@pytest.mark.parametrize("key", FIELDS)
def test_the_documented_default_is_the_default(key: str) -> None:
    default = FIELDS[key].default
    if isinstance(default, attr.Factory):  # type: ignore[arg-type]
        default = default.factory()
    names = {None: "unset", True: "true", False: "false"}
    written = names[default] if default is None or isinstance(default, bool) else str(default)
    assert KEYS[key][2].strip("`") == written


@pytest.mark.parametrize(
    ("key", "allowed"),
    [("scheme", PRESETS), ("sampler", KINDS), ("pfsp_weighting", PFSP_WEIGHTINGS), ("outcome", RULES)],
)
def test_every_allowed_word_is_documented(key: str, allowed: tuple[str, ...]) -> None:
    assert re.findall(r"`(\w+)`", KEYS[key][3]) == list(allowed)


def test_what_the_document_says_of_unset_keys_is_what_happens() -> None:
    register_trainer_plugins()
    plain, scheme = SelfPlaySettings().sampler_settings, SelfPlaySettings(scheme="full_history").sampler_settings
    assert (plain.kind, plain.delta, plain.latest_ratio) == ("uniform", 0.0, 0.5)
    assert (scheme.kind, scheme.delta, scheme.latest_ratio) == ("uniform", 0.0, 0.0)


def test_every_key_of_the_stock_self_play_has_a_way_over() -> None:
    moved = rows("From `self_play:` to these keys")
    assert set(attr.fields_dict(StockSettings)) <= set(moved)
    assert {row[1].strip("`:").split(":")[0] for row in moved.values()} <= set(FIELDS)
