"""Are TensorBoard's figures read as they were written, also while more come?"""

from pathlib import Path

import numpy as np
import pytest
from mlagents_selfplay.dashboard import curves
from mlagents_selfplay.dashboard.curves import Curve, EventFolder, Events, smoothed
from mlagents_selfplay.dashboard.theme import line

from tests.dashboard.results import write_events

TAG = "Self-play/ELO"


def test_points_are_read_in_the_order_of_learner_steps(tmp_path: Path) -> None:
    write_events(tmp_path, {TAG: [(100, 1200.0), (200, 1250.0)], "Policy/Entropy": [(100, 1.0)]})
    found = Events().read(tmp_path).curves
    assert set(found) == {TAG, "Policy/Entropy"}
    assert found[TAG].steps.tolist() == [100, 200]
    assert found[TAG].values.tolist() == [1200.0, 1250.0]


def test_a_later_look_reads_what_is_new(tmp_path: Path) -> None:
    write_events(tmp_path, {TAG: [(100, 1.0)]})
    folder = EventFolder(tmp_path)
    folder.update()
    write_events(tmp_path, {TAG: [(200, 2.0)]})
    assert folder.update().curves[TAG].steps.tolist() == [100, 200]
    assert folder.update().curves[TAG].steps.tolist() == [100, 200]


def test_a_run_that_was_started_over_is_read_anew(tmp_path: Path) -> None:
    write_events(tmp_path, {TAG: [(100, 1.0), (200, 2.0)]})
    folder = EventFolder(tmp_path)
    folder.update()
    for file in tmp_path.iterdir():
        file.unlink()
    assert folder.update().curves == {}


def test_points_that_a_resume_threw_away_are_gone() -> None:
    curve = Curve()
    for step, value in [(100, 1.0), (200, 2.0), (300, 3.0), (200, 5.0)]:
        curve.add(step, value)
    assert curve.steps.tolist() == [100, 200]
    assert curve.values.tolist() == [1.0, 5.0]


def test_a_long_curve_is_thinned_and_keeps_its_last_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "MOST_POINTS", 10)
    curve = Curve()
    for step in range(1, 1001):
        curve.add(step, float(step))
    # Every 128th, because 1000 / 64 is more than 10: 1, 129, ..., 897 and the last.
    assert curve.steps.tolist() == [*range(1, 1000, 128), 1000]


def test_smoothing_weighs_what_came_before() -> None:
    # By hand, weight 1/2: 1; (1/2 x 1/2 x 1 + 1/2 x 4) / (3/4) = 3.
    assert smoothed(np.array([1.0, 4.0]), 0.5).tolist() == pytest.approx([1.0, 3.0])
    assert smoothed(np.array([1.0, 4.0]), 0.0).tolist() == [1.0, 4.0]


def test_where_colours_repeat_lines_are_dashed() -> None:
    lines = [line(place) for place in range(21)]
    assert lines[7]["color"] == lines[0]["color"]
    assert len({(one["color"], one["dash"]) for one in lines}) == 21
