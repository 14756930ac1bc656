"""Under which ids does the bridge play RoboSumo? One entry for each match-up; MuJoCo is loaded when one is made."""

from __future__ import annotations

from pathlib import Path

from gym_bridges.areas import Areas
from gym_bridges.envs.recorder import Recorder
from gym_bridges.envs.robosumo.settings import TrainingSettings
from gym_bridges.registry import Entry


def _entry(home: str, away: str) -> Entry:
    def make(settings: TrainingSettings, num_areas: int) -> Areas:
        recorder = Recorder(Path(settings.record)) if settings.record else None  # sees to it that MuJoCo can draw
        from gym_bridges.envs.robosumo.areas import RoboSumoAreas

        return RoboSumoAreas(home, away, settings, num_areas, recorder)

    summary = f"Sumo of two simulated robots, {home} against {away}, two teams; needs MuJoCo."
    return Entry(summary, TrainingSettings, make)


ANT_VS_ANT = _entry("ant", "ant")
ANT_VS_BUG = _entry("ant", "bug")
ANT_VS_SPIDER = _entry("ant", "spider")
BUG_VS_ANT = _entry("bug", "ant")
BUG_VS_BUG = _entry("bug", "bug")
BUG_VS_SPIDER = _entry("bug", "spider")
SPIDER_VS_ANT = _entry("spider", "ant")
SPIDER_VS_BUG = _entry("spider", "bug")
SPIDER_VS_SPIDER = _entry("spider", "spider")
