"""How did ratings and hyperparameters of the members of a population go, and who took over from whom?"""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from mlagents_selfplay.dashboard.populations import Change, Member
from mlagents_selfplay.dashboard.theme import FAINT, STEPS, figure, line

DECADES = 10.0  # values that are further apart are shown on a logarithmic axis


def lineage(members: Mapping[str, Member]) -> go.Figure:
    """Ratings over learner steps; an arrow where a member took over the weights of the one that it names."""
    traces = [
        go.Scatter(
            x=[step for step, _ in member.ratings],
            y=[rating for _, rating in member.ratings],
            name=name,
            mode="lines",
            line=line(place),
        )
        for place, (name, member) in enumerate(members.items())
    ]
    result = figure(STEPS, "rating (Elo points)", traces, height=320, showlegend=True)
    for member in members.values():
        for change in member.changes:
            if change.parent is not None:
                result.add_annotation(_arrow(change))
    return result


def schedule(members: Mapping[str, Member], key: str) -> go.Figure:
    """The values of one hyperparameter over learner steps, by member."""
    traces = [_steps_of(place, name, member, key) for place, (name, member) in enumerate(members.items())]
    result = figure(STEPS, key, traces, height=320, showlegend=True)
    result.update_yaxes(exponentformat="power")
    values = [value for trace in traces for value in trace.y]
    if values and min(values) > 0.0 and max(values) > DECADES * min(values):
        result.update_yaxes(type="log")
    return result


def _arrow(change: Change) -> dict[str, object]:
    return {
        "x": change.step,
        "y": change.after,
        "ax": change.step,
        "ay": change.before,
        "axref": "x",
        "ayref": "y",
        "text": change.parent,
        "font": {"size": 10, "color": FAINT},
        "arrowcolor": FAINT,
        "arrowhead": 2,
        "arrowwidth": 1,
    }


def _steps_of(place: int, name: str, member: Member, key: str) -> go.Scatter:
    changes = [change for change in member.changes if key in change.hyperparameters]
    said = [f"from {change.parent}" if change.parent else "" for change in changes]
    at, values = [change.step for change in changes], [change.hyperparameters[key] for change in changes]
    if values:  # which hold until now
        at, values, said = [*at, member.last_step], [*values, values[-1]], [*said, ""]
    return go.Scatter(
        x=at,
        y=values,
        text=said,
        name=name,
        mode="lines+markers",
        line=line(place, shape="hv"),
        hovertemplate="%{x:,} learner steps: %{y:.3g} %{text}",
    )
