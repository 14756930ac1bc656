"""What holds for every test: hypothesis takes its time, and no bridge of one test knocks at the door of another."""

import pytest
from hypothesis import settings
from mlagents_selfplay.rollouts.mailbox import DOOR

settings.register_profile("project", deadline=None)  # a busy machine is no defect
settings.load_profile("project")


@pytest.fixture(autouse=True)
def no_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever plays a build in the tests' own process would otherwise leave a letter for the next trainer there."""
    monkeypatch.delenv(DOOR, raising=False)
