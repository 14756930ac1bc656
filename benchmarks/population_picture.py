"""How did a population go? One picture: ratings, who took over whose weights, one hyperparameter.

python -m benchmarks.population_picture results/<run-id> --svg FILE [--key learning_rate]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt


def events_of(population: Path) -> list[dict[str, Any]]:
    """Reads what happened, in order."""
    lines = (population / "league" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def draw(events: list[dict[str, Any]], key: str, file: Path) -> None:
    """Draws ratings and one hyperparameter over learner steps.

    Args:
      events: of a population.
      key: of the hyperparameter.
      file: of the picture.
    """
    plt.rcParams["svg.hashsalt"] = "population"
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 6), sharex=True, layout="constrained")
    members = [event["member"] for event in events if event["event"] == "entered"]
    last = max(event.get("step", 0) for event in events)
    ratings = {member: [(0, 0.0)] for member in members}
    for event in events:
        if event["event"] in ("snapshot", "changed", "finished"):
            ratings[event["member"]].append((event["step"], event["rating"]))
    for color, member in zip(plt.cm.tab10.colors, members, strict=False):  # type: ignore[attr-defined]
        own = [event for event in events if event["member"] == member]
        above.plot(*zip(*ratings[member], strict=True), color=color, label=member)
        values = [(0 if e["event"] == "entered" else e["step"], e["hyperparameters"][key]) for e in own if _sets(e)]
        values.append((last, values[-1][1]))
        below.step(*zip(*values, strict=True), where="post", color=color)
    for event in events:
        if event["event"] == "changed":
            before = [rating for step, rating in ratings[event["member"]] if step < event["step"]][-1]
            at, new = event["step"], event["rating"]
            arrow = {"arrowstyle": "->", "color": "0.3"}
            above.annotate(event["parent"], (at, new), (at, before), color="0.3", fontsize=7, arrowprops=arrow)
    above.set_ylabel("rating, Elo points")
    above.legend(ncols=len(members), frameon=False)
    below.set(ylabel=key, yscale="log", xlabel="learner steps of the member")
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def _sets(event: dict[str, Any]) -> bool:
    return event["event"] in ("entered", "changed")


def main() -> None:
    """Draws the picture of a population."""
    parser = argparse.ArgumentParser(description="A picture of a population.")
    parser.add_argument("population", type=Path, help="results/<run-id>")
    parser.add_argument("--svg", type=Path, required=True)
    parser.add_argument("--key", default="learning_rate", help="hyperparameter to draw")
    given = parser.parse_args()
    draw(events_of(given.population), given.key, given.svg)


if __name__ == "__main__":
    main()
