"""How are results shown on the console? As one JSON object, or as tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from mlagents_selfplay.evaluation.commands import Played


def show(content: Any, as_json: bool, tables: Callable[[Any], Iterator[Table | str]]) -> None:
    """Prints a result as one JSON object, or as tables and lines."""
    if as_json:
        print(json.dumps(content if isinstance(content, dict) else asdict(content), indent=2))
        return
    console = Console()
    for part in tables(content):
        console.print(part)


def played_tables(played: Played) -> Iterator[Table | str]:
    """Yields a table of the scores, and how fast they were played."""
    alone = played.scores[0].opponent is None
    table = Table(
        "player", *([] if alone else ["against", "mean outcome (95 %)", "draws"]), "games", "return", "decisions"
    )
    for score in played.scores:
        against = []
        if score.opponent is not None:
            against = [score.opponent, f"{_number(score.win_rate, '.3f')} [{score.low:.3f}, {score.high:.3f}]"]
            against.append(str(score.draws))
        table.add_row(
            score.player,
            *against,
            str(score.games),
            f"{score.mean_return:.2f} ± {score.margin:.2f}",
            f"{score.mean_length:.1f}",
        )
    yield table
    if played.scores[0].cut_off:
        yield f"{played.scores[0].cut_off} more games were cut off and have no outcome."
    for name, mean in played.told.items():
        yield f"{name}: {mean:.3f} on the average"
    yield f"{played.games_per_second:.1f} games/s"


def tournament_tables(content: Mapping[str, Any]) -> Iterator[Table | str]:
    """Yields a table of all players, the strongest first, and a line on how the matrix is structured."""
    table = Table("player", "games", "score", "Bradley-Terry", "Elo", "Nash", "alpha-rank", "beaten by")
    exact = any(row["exploitability"] is not None for row in content["ratings"])
    if exact:
        table.add_column("exploitability")
    for row in sorted(content["ratings"], key=lambda row: -row["bradley_terry"]):
        cells = [
            row["player"],
            str(row["games"]),
            _number(row["score"], ".3f"),
            _rating(row, "bradley_terry"),
            _rating(row, "elo"),
            f"{row['nash']:.3f}",
            f"{row['alpha_rank']:.3f}",
            f"{row['beaten_by']} {row['best_response']:.2f}" if row["best_response"] > 0.5 else "nobody",
        ]
        table.add_row(*cells, *([_number(row["exploitability"], ".3f")] if exact else []))
    yield table
    found = content["structure"]
    if found["transitive"] is not None:
        circles = ", ".join(" > ".join([*circle, circle[0]]) for circle in found["cycles"][:3]) or "none for certain"
        yield f"Ratings explain {found['transitive']:.0%} of who beats whom; circles: {circles}."


def experiment_tables(results: Mapping[str, Any]) -> Iterator[Table | str]:
    """Yields a table of mean outcomes against all, by player and iteration."""
    iterations = results["parameters"]["checkpoint_at_iterations"]
    runs = results["parameters"]["number_of_runs"]
    table = Table("mean outcome against all", *(f"at {iteration}" for iteration in iterations))
    for name, points in results["win_rates"].items():
        cells = [f"{point['mean']:.3f}" + (f" ± {point['deviation']:.3f}" if runs > 1 else "") for point in points]
        table.add_row(name, *cells)
    yield table
    if runs > 1:
        yield f"± is the standard deviation over {runs} runs."


def _rating(row: Mapping[str, Any], key: str) -> str:
    if row[key] is None:
        return ""
    return f"{row[key]:.0f} [{row[f'{key}_low']:.0f}, {row[f'{key}_high']:.0f}]"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def study_tables(results: Mapping[str, Any]) -> Iterator[Table | str]:
    """Yields a table of the arms for each game, the best first, and one for their means over the games."""
    for game, content in results["games"].items():
        yield _table_of_arms(content["arms"], game)
    if len(results["games"]) > 1:
        yield _table_of_arms(results["together"], "means over the games in which an arm took part")


def _table_of_arms(arms: Mapping[str, Any], title: str) -> Table:
    heads = ("against all", "against stock", "... at the same time", "against the pool", "... less stock's")
    table = Table("arm", *heads, title=title)
    for arm in sorted(arms, key=lambda arm: -arms[arm]["against_all"]["mean"]):
        kinds = ("all", "stock", "stock_at_the_same_time", "pool", "pool_less_stock")
        table.add_row(arm, *(_estimate(arms[arm].get(f"against_{kind}")) for kind in kinds))
    return table


def _estimate(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return ""
    interval = "" if value["low"] is None else f" [{value['low']:.2f}, {value['high']:.2f}]"
    return f"{value['mean']:.3f}{interval}"
