"""The service figures, each computed from rows that a reader can open.

A figure is a sum over `FigureRow`s: a rate is the rows that hit over the rows that count, a spread
is taken over the seconds of the rows that count. `verdicts` says which rows count and why,
`summary` adds them up, `reading` and `pages` find them.
"""

from workorders.figures.pages import figure_page, is_figure_cursor
from workorders.figures.reading import Loaded, Period, load
from workorders.figures.rows import Figure, FigurePage, FigureRow
from workorders.figures.summary import Week, metrics_of, trend_of
from workorders.figures.totals import Metrics, Spread

__all__ = [
    "Figure",
    "FigurePage",
    "FigureRow",
    "Loaded",
    "Metrics",
    "Period",
    "Spread",
    "Week",
    "figure_page",
    "is_figure_cursor",
    "load",
    "metrics_of",
    "trend_of",
]
