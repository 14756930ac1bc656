"""Which values did the members of a population have?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from mlagents_selfplay.dashboard.theme import figure, line


def lineage(agents: Mapping[str, Sequence[float]], x: str, label: str, *, logarithmic: bool = False) -> go.Figure:
    """One stepped line for each member of a population: the values it had, one `x` after another."""
    traces = [
        go.Scatter(y=list(values), name=name, mode="lines+markers", line=line(place, shape="hv"))
        for place, (name, values) in enumerate(agents.items())
    ]
    result = figure(x, label, traces, height=320, showlegend=True)
    if logarithmic:
        result.update_yaxes(type="log", exponentformat="power")
    return result
