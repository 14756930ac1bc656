"""Which result files does a run leave? Written by hand, with figures that can be followed on paper."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HEADER = "step,team,opponent,outcome,return,length\n"


def write_behavior(
    run: Path,
    name: str = "Game",
    *,
    steps: Sequence[int] = (100,),
    rows: Sequence[str] = (),
    pinned: Sequence[dict[str, Any]] = ({"name": "initial", "file": "snapshots/0.safetensors", "rating": 1200.0},),
    **changes: object,
) -> Path:
    """Writes history.json and matches.csv of a behavior, and returns its folder.

    Args:
      run: folder of the run.
      name: of the behavior.
      steps: of the snapshots; the rating of each is 1200 + step, its size 1000 bytes.
      rows: of the match log: step, team, opponent and outcome.
      pinned: entries as in history.json.
      changes: other keys of history.json.
    """
    folder = run / name
    (folder / "selfplay").mkdir(parents=True)
    history: dict[str, object] = {
        "format": 1,
        "behavior": name,
        "step": max(steps, default=0),
        "rating": 1300.0,
        "capacity": 4,
        "delta": 0.5,
        "discrepancy": 1.5,
        "snapshots": [
            {"step": step, "file": f"snapshots/{step}.safetensors", "bytes": 1000, "rating": 1200.0 + step}
            for step in steps
        ],
        "pinned": list(pinned),
    }
    (folder / "selfplay" / "history.json").write_text(json.dumps({**history, **changes}))
    (folder / "selfplay" / "matches.csv").write_text(HEADER + "".join(f"{row},0,10\n" for row in rows))
    return folder


NINE_WINS_AND_A_DRAW = ["50,0,initial,1"] * 9 + ["50,0,initial,0.5"]
"""Of the learner against the initial policy, begun at step 50, on the way to the snapshot of step 100."""
