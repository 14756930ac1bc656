"""Do copies of one member wait for each other and go on from the mean of their weights?"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from mlagents.torch_utils import torch
from mlagents_selfplay.population.averaging import AveragingLeague, mean_of
from mlagents_selfplay.population.folder import LeagueFolder

from tests.population.stories import checkpoint, report, settings


def weight_in(blob: bytes) -> float:
    return float(torch.load(io.BytesIO(blob), weights_only=True)["Policy"]["weight"])


def test_the_mean_is_that_of_all_networks_and_leaves_the_optimizers_out() -> None:
    mean = torch.load(io.BytesIO(mean_of([checkpoint(1.0), checkpoint(2.0), checkpoint(6.0)])), weights_only=True)
    assert set(mean) == {"Policy"}
    assert mean["Policy"]["weight"].tolist() == [3.0]  # (1 + 2 + 6) / 3


def test_networks_of_different_shapes_are_refused() -> None:
    file = io.BytesIO()
    torch.save({"Policy": {"weight": torch.zeros(2)}}, file)
    with pytest.raises(ValueError, match="different architectures"):
        mean_of([checkpoint(1.0), file.getvalue()])


def test_every_copy_waits_and_then_goes_on_from_the_same_mean(tmp_path: Path) -> None:
    league = AveragingLeague(LeagueFolder(tmp_path), settings(mode="averaging", hyperparameters={}, members=3))
    for member in ("agt_0", "agt_1", "agt_2"):
        assert league.pending(member).waits is True
        assert league.report(report(member, 0, opened=1, snapshot=None)) is None
    assert league.report(report("agt_0", 100, opened=1, awaiting=True)) is None
    assert league.report(report("agt_1", 110, opened=1, awaiting=True)) is None
    league = AveragingLeague(LeagueFolder(tmp_path), league.settings)  # killed in between
    last = league.report(report("agt_2", 120, opened=1, awaiting=True))
    assert weight_in(last.checkpoint) == 110.0  # (100 + 110 + 120) / 3
    for member in ("agt_0", "agt_1"):
        assert league.pending(member).checkpoint == last.checkpoint
    for member in ("agt_0", "agt_1", "agt_2"):
        assert league.report(report(member, 100 if member == "agt_0" else 120, opened=2, snapshot=None)) is None


def test_who_has_finished_is_not_waited_for(tmp_path: Path) -> None:
    league = AveragingLeague(LeagueFolder(tmp_path), settings(mode="averaging", hyperparameters={}))
    league.report(report("agt_0", 100, opened=1, final=True))
    assert weight_in(league.report(report("agt_1", 100, opened=1, awaiting=True)).checkpoint) == 100.0
