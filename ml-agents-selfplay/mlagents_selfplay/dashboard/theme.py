"""Which colours and which axes do all pictures share?"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

# Okabe and Ito's colours, told apart with every kind of colour blindness; black and yellow left out.
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#6C757D")
DASHES = ("solid", "dash", "dot")
MAIN, ACCENT, GOOD = SERIES[0], SERIES[1], SERIES[2]
QUIET = "#ADB5BD"
FAINT = "#6C757D"
INK = "#212529"
GRID = "#EEF1F4"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

# Loss, draw, win: orange over white to blue, the same distance from white for the same distance from 1/2.
OUTCOMES = [[0.0, "#B45309"], [0.25, "#F0B27A"], [0.5, "#F8F9FA"], [0.75, "#7FB3DE"], [1.0, "#0B5394"]]

STEPS = "learner steps"

GRAPH_CONFIG: Any = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg"},
}

_AXIS = {
    "gridcolor": GRID,
    "zeroline": False,
    "linecolor": "#CED4DA",
    "automargin": True,
    "title": {"standoff": 10, "font": {"size": 12, "color": "#495057"}},
}
_TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 12, "color": INK},
        "colorway": SERIES,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 12, "t": 36, "b": 8},
        "xaxis": {**_AXIS, "showline": True, "ticks": "outside", "tickcolor": "#CED4DA", "ticklen": 4},
        "yaxis": _AXIS,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
        "hoverlabel": {"font": {"family": FONT, "size": 12}, "bgcolor": "white", "bordercolor": "#CED4DA"},
        "hovermode": "closest",
        "bargap": 0.15,
    }
)


def figure(x: str, y: str, traces: list[Any], *, height: int = 340, **layout: object) -> go.Figure:
    """Returns a picture with named axes.

    Args:
      x: what the horizontal axis shows, with its unit.
      y: the same for the vertical one.
      traces: of Plotly.
      height: pixels.
      layout: anything else that Plotly's layout takes.
    """
    result = go.Figure(traces)
    result.update_layout(template=_TEMPLATE, height=height, **layout)
    if (
        not any(trace.name and trace.showlegend is not False for trace in result.data)
        or layout.get("showlegend") is False
    ):
        result.update_layout(margin_t=12)
    result.update_xaxes(title_text=x)
    result.update_yaxes(title_text=y)
    if x == STEPS:
        result.update_xaxes(tickformat="~s", rangemode="tozero")
    return result


def colour(place: int) -> str:
    """Returns the colour of the series at `place`; they repeat after seven."""
    return SERIES[place % len(SERIES)]


def line(place: int, **more: Any) -> dict[str, Any]:
    """Returns the line of the series at `place`: where the colours repeat, it is dashed, then dotted."""
    return {"color": colour(place), "dash": DASHES[place // len(SERIES) % len(DASHES)], **more}


def faded(hex_colour: str, alpha: float) -> str:
    """Returns a colour `#rrggbb` with an opacity in [0, 1]."""
    red, green, blue = (int(hex_colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"
