"""How do runs learn, side by side? Curves over learner steps, and boxes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from mlagents_selfplay.dashboard.curves import Curve, smoothed
from mlagents_selfplay.dashboard.theme import STEPS, colour, faded, figure, line


def learning_curves(curves: Mapping[str, Curve], label: str, smoothing: float) -> go.Figure:
    """One line for each run; where smoothed, the raw values faintly behind.

    Args:
      curves: by run.
      label: what is shown, with its unit.
      smoothing: in [0, 1), as in `smoothed`.
    """
    traces = []
    for place, (name, curve) in enumerate(curves.items()):
        if smoothing:
            traces.append(
                go.Scatter(
                    x=curve.steps,
                    y=curve.values,
                    line={"color": faded(colour(place), 0.25), "width": 1},
                    hoverinfo="skip",
                    showlegend=False,
                    legendgroup=name,
                )
            )
        traces.append(
            go.Scatter(
                x=curve.steps,
                y=smoothed(curve.values, smoothing),
                name=name,
                legendgroup=name,
                line=line(place, width=2),
                mode="lines+markers" if len(curve.steps) < 3 else "lines",
                hovertemplate="%{y:.4~g} at step %{x:,}<extra>" + name + "</extra>",
            )
        )
    return figure(STEPS, label, traces, height=380, showlegend=True)


def boxes(samples: Mapping[str, npt.NDArray[np.float64]], label: str) -> go.Figure:
    """A box for each run: median and quartiles, whiskers to the furthest value within 1.5 times their distance.

    Args:
      samples: by run, one value an episode.
      label: what is shown, with its unit.
    """
    traces = []
    for place, (name, values) in enumerate(samples.items()):
        quarters = np.quantile(values, (0.25, 0.5, 0.75))
        reach = 1.5 * (quarters[2] - quarters[0])
        within = values[(values >= quarters[0] - reach) & (values <= quarters[2] + reach)]
        traces.append(
            go.Box(
                x=[name],
                name=name,
                q1=[quarters[0]],
                median=[quarters[1]],
                q3=[quarters[2]],
                lowerfence=[within.min()],
                upperfence=[within.max()],
                mean=[values.mean()],
                boxmean=True,
                line={"color": colour(place)},
                fillcolor=faded(colour(place), 0.2),
                showlegend=False,
                width=0.4,
            )
        )
    result = figure("", label, traces, height=340)
    result.update_xaxes(range=[-0.5, max(len(samples), 3) - 0.5])  # a single box is no wider than one of three
    return result
