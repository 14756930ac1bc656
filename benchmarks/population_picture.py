"""How did a population go? One picture: ratings, who took over whose weights, one hyperparameter.

python -m benchmarks.population_picture results/<run-id> --svg FILE [--key learning_rate]
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
from mlagents_selfplay.dashboard.populations import Member, read


def draw(members: Mapping[str, Member], key: str, file: Path) -> None:
    """Draws ratings and one hyperparameter over learner steps.

    Args:
      members: of a population, by name.
      key: of the hyperparameter.
      file: of the picture.
    """
    plt.rcParams["svg.hashsalt"] = "population"
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 6), sharex=True, layout="constrained")
    arrow = {"arrowstyle": "->", "color": "0.3"}
    last = max(member.last_step for member in members.values())
    for color, (name, member) in zip(plt.cm.tab10.colors, members.items(), strict=False):  # type: ignore[attr-defined]
        above.plot(*zip(*member.ratings, strict=True), color=color, label=name)
        values = [(change.step, change.hyperparameters[key]) for change in member.changes]
        values.append((last, values[-1][1]))
        below.step(*zip(*values, strict=True), where="post", color=color)
        for change in member.changes:
            if change.parent is not None:
                end, begin = (change.step, change.after), (change.step, change.before)
                above.annotate(change.parent, end, begin, color="0.3", fontsize=7, arrowprops=arrow)
    above.set_ylabel("rating, Elo points")
    above.legend(ncols=len(members), frameon=False)
    below.set(ylabel=key, yscale="log", xlabel="learner steps of the member")
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Draws the picture of a population."""
    parser = argparse.ArgumentParser(description="A picture of a population.")
    parser.add_argument("population", type=Path, help="results/<run-id>")
    parser.add_argument("--svg", type=Path, required=True)
    parser.add_argument("--key", default="learning_rate", help="hyperparameter to draw")
    given = parser.parse_args()
    draw(read(given.population / "league" / "events.jsonl"), given.key, given.svg)


if __name__ == "__main__":
    main()
