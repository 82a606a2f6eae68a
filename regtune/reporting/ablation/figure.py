"""The figure of an ablation: every contribution with its interval, a panel per measure, nothing is at the line of 0."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from regtune.reporting.ablation.words import measure_name
from regtune.reporting.figures import INK, TRAIN, VALIDATION, drawing, dress, inline_svg
from regtune.search.ablation.result import AblationResult, Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDE_BY_SIDE = 6.0  # inches of width from which the panels stand beside one another
LINE_HEIGHT, MARGIN = 0.42, 1.1  # inches: of a technique, and of what is around them
APART = 0.14  # share of a line between its two marks and its middle


def contribution_figure(result: AblationResult, *, width_inches: float) -> str:
    """In the recipe (filled) and alone (hollow), with 95 % intervals, as `<svg>…</svg>`.

    Deterministic. An interval that is not finite is left out.
    """
    from matplotlib.figure import Figure

    beside = width_inches >= SIDE_BY_SIDE
    rows, columns = (1, len(result.measures)) if beside else (len(result.measures), 1)
    height = rows * (LINE_HEIGHT * len(result.contributions) + MARGIN)
    with drawing(salt=f"regtune-ablation-{width_inches}"):
        figure = Figure(figsize=(width_inches, height), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False, sharey=beside).flatten()
        for axes, measure in zip(panels, result.measures, strict=True):
            _draw(axes, result, measure)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=2, frameon=False, labelcolor=INK)
        return inline_svg(figure)


def _draw(axes: Axes, result: AblationResult, measure: str) -> None:
    from matplotlib.ticker import MaxNLocator

    _draw_side(axes, [one.in_recipe for one in result.contributions], measure, is_alone=False)
    alone = [one.alone for one in result.contributions if one.alone is not None]
    if alone:
        _draw_side(axes, alone, measure, is_alone=True)
    axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
    axes.xaxis.set_major_locator(MaxNLocator(4))  # more labels would touch
    axes.set_yticks(list(range(len(result.contributions))), [one.technique for one in result.contributions])
    axes.set_ylim(len(result.contributions) - 0.5, -0.5)  # the first on top
    way = "more" if result.higher_is_better[measure] else "less"
    axes.set_title(f"{measure_name(measure, result)}, {way} is better", color=INK, fontsize=10)
    dress(axes)


def _draw_side(axes: Axes, sides: list[Comparison], measure: str, *, is_alone: bool) -> None:
    """Marks and intervals of one question, slightly above or below the middle of each line."""
    found = [(line, side.differences[measure]) for line, side in enumerate(sides) if side.differences]
    shown = [(line, one) for line, one in found if math.isfinite(one.high - one.low)]
    values = [one.value for _, one in shown]
    color = TRAIN if is_alone else VALIDATION
    axes.errorbar(
        values,
        [line + (APART if is_alone else -APART) for line, _ in shown],
        xerr=[[one.value - one.low for _, one in shown], [one.high - one.value for _, one in shown]],
        fmt="o",
        color=color,
        markerfacecolor="none" if is_alone else color,
        markersize=5,
        linewidth=1.4,
        label="alone" if is_alone else "in the recipe",
    )
