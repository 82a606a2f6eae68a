"""Figures of a sweep: the objective against each key of the space, and the curves of all search trials.

Points only: a line through a few noisy trials would claim a shape that nobody measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regtune.config.document import Plain
from regtune.reporting.figures import GAP, INK, TRAIN, VALIDATION, drawing, dress, inline_svg
from regtune.reporting.sweep.parameter_axis import ParameterAxis, axis_of
from regtune.reporting.sweep.space_text import short_names, values_of
from regtune.search.board import OWN
from regtune.search.judging.sweep_result import SweepResult
from regtune.search.study.record import Record
from regtune.wording import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_HEIGHT = 2.3  # inches
TWO_COLUMNS = 6.0  # inches of width from which two panels stand side by side
LEGEND: dict[str, Any] = {"frameon": False, "labelcolor": INK}
BEYOND = 3.0  # quartile distances above the third quartile: a trial worse than this is drawn on the axis' edge


@dataclass(frozen=True, kw_only=True)
class Point:
    """One candidate. std: between repetitions; None: it ran once, in the search."""

    candidate: str
    values: Mapping[str, Plain]
    objective: float
    std: float | None


def points_of(result: SweepResult, records: Sequence[Record]) -> list[Point]:
    """Candidates with several runs at their mean, the others at what the search measured; own first, best last."""
    confirmed = {standing.candidate: standing for standing in result.standings if standing.std is not None}
    searched: dict[str, Point] = {}
    for record in records:
        value = record.value(result.objective) if record.status == "done" else None
        if value is None or not math.isfinite(value) or record.job.candidate in searched:
            continue
        values = values_of(record.changes or {}, result.own_values)
        standing = confirmed.get(record.job.candidate)
        searched[record.job.candidate] = Point(
            candidate=record.job.candidate,
            values=values,
            objective=value if standing is None else standing.mean,
            std=None if standing is None else standing.std,
        )
    last = result.verdict.best
    return sorted(searched.values(), key=lambda p: (p.candidate != OWN, p.candidate == last))


def parameter_figure(result: SweepResult, points: Sequence[Point], *, width_inches: float) -> str:
    """The objective against every key of the space as `<svg>…</svg>`, a panel per key. At least one point."""
    from matplotlib.figure import Figure

    columns = 2 if width_inches >= TWO_COLUMNS else 1
    rows = math.ceil(len(result.space) / columns)
    names = short_names(result.own_values)
    ends = [point.objective + side * (point.std or 0.0) for point in points for side in (-1, 1)]  # of the error bars
    limits = axis_limits(ends, higher_is_better=result.higher_is_better)
    with drawing(salt=f"regtune-parameters-{width_inches}"):
        figure = Figure(figsize=(width_inches, PANEL_HEIGHT * rows + 0.5), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False, sharey=True).flatten()
        for number, (axes, entry) in enumerate(zip(panels, result.space, strict=False)):
            key = str(entry["key"])
            axis = axis_of(entry, [point.values[key] for point in points])
            _draw_panel(axes, axis, points, best=result.verdict.best, limits=limits)
            axes.set_xlabel(printable(names.get(key, key)), color=INK)
            if number % columns == 0:
                axes.set_ylabel(_objective_name(result), color=INK)
        for axes in panels[len(result.space) :]:
            axes.set_visible(False)
        handles: dict[str, Any] = {}
        for axes in panels:
            handles |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
        ncols = 5 if columns == 2 else 2
        figure.legend(list(handles.values()), list(handles), loc="outside upper left", ncols=ncols, **LEGEND)
        return inline_svg(figure)


def curve_figure(result: SweepResult, records: Sequence[Record], *, width_inches: float) -> str:
    """The objective after every epoch of the search's trials as `<svg>…</svg>`; own and best on top of the others."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    first: dict[str, Record] = {}
    for record in records:
        if len(record.history):
            first.setdefault(record.job.candidate, record)
    curves = {name: [e.value(result.objective) for e in record.history] for name, record in first.items()}
    finite = [value for curve in curves.values() for value in curve if math.isfinite(value)]
    styles = {OWN: (TRAIN, 2.0, "your own config"), result.verdict.best: (VALIDATION, 2.0, "best")}
    if result.verdict.best == OWN:
        styles = {OWN: (VALIDATION, 2.0, "your own config, the best")}
    with drawing(salt=f"regtune-curves-{width_inches}"):
        figure = Figure(figsize=(width_inches, 3.2), layout="constrained")
        axes = figure.subplots()
        labelled: set[str] = set()
        for name in sorted(curves, key=lambda candidate: candidate in styles):
            color, line_width, label = styles.get(name, (GAP, 1.0, "other trials"))
            epochs = [evaluation.epoch for evaluation in first[name].history]
            dot = "o" if len(epochs) == 1 else None
            shown_once = "_" if label in labelled else label  # "_": not in the legend
            axes.plot(epochs, curves[name], color=color, linewidth=line_width, marker=dot, label=shown_once)
            labelled.add(label)
        axes.set_xlabel("epoch", color=INK)
        axes.set_ylabel(_objective_name(result), color=INK)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if finite:
            axes.set_ylim(*axis_limits(finite, higher_is_better=result.higher_is_better))
        dress(axes)
        figure.legend(loc="outside upper left", ncols=3 if width_inches >= TWO_COLUMNS else 2, **LEGEND)
        return inline_svg(figure)


def axis_limits(values: Sequence[float], *, higher_is_better: bool) -> tuple[float, float]:
    """Ends of the objective's axis: a trial that went far astray must not press the others flat."""
    from statistics import quantiles

    lowest, highest = min(values), max(values)
    if len(values) >= 4:
        first, _, third = quantiles(values, n=4, method="inclusive")
        reach = BEYOND * (third - first)
        if higher_is_better:
            lowest = max(lowest, first - reach)
        else:
            highest = min(highest, third + reach)
    room = 0.08 * (highest - lowest) or 0.05 * abs(highest) or 0.05
    return lowest - room, highest + room


@dataclass(frozen=True, kw_only=True)
class _Look:
    """How a kind of point is drawn, and its name in the legend."""

    label: str
    color: str = VALIDATION
    marker: str = "o"
    size: float = 5  # points
    is_filled: bool = True


_ONE_RUN = _Look(label="search, one run", is_filled=False)
_SEVERAL_RUNS = _Look(label="confirmed, mean ± std")
_OWN = _Look(label="your own config", color=TRAIN, marker="D", size=6)
_BEST = _Look(label="best", color=INK, marker="*", size=12)
_OWN_IS_BEST = _Look(label="your own config, the best", color=INK, marker="*", size=12)
_ABOVE = _Look(label="beyond the axis", marker="^", size=6, is_filled=False)
_BELOW = _Look(label="beyond the axis", marker="v", size=6, is_filled=False)


def _look(point: Point, *, best: str, limits: tuple[float, float]) -> _Look:
    if point.objective > limits[1]:
        return _ABOVE
    if point.objective < limits[0]:
        return _BELOW
    if point.candidate == best:
        return _OWN_IS_BEST if best == OWN else _BEST
    if point.candidate == OWN:
        return _OWN
    return _ONE_RUN if point.std is None else _SEVERAL_RUNS


def _draw_panel(
    axes: Axes, axis: ParameterAxis, points: Sequence[Point], *, best: str, limits: tuple[float, float]
) -> None:
    groups: dict[_Look, list[Point]] = {}
    for point in points:
        groups.setdefault(_look(point, best=best, limits=limits), []).append(point)
    for look, alike in groups.items():
        x = [axis.position(point.values[axis.key]) for point in alike]
        y = [min(max(point.objective, limits[0]), limits[1]) for point in alike]
        bars = [0.0 if point.std is None or look in (_ABOVE, _BELOW) else point.std for point in alike]
        if any(bars):
            axes.errorbar(x, y, yerr=bars, color=look.color, linestyle="none", linewidth=1, capsize=2)
        face = look.color if look.is_filled else "none"
        style: dict[str, Any] = {"color": look.color, "markerfacecolor": face, "markersize": look.size}
        axes.plot(x, y, look.marker, label=look.label, clip_on=False, zorder=3, **style)
    axes.set_ylim(*limits)
    axis.dress(axes)
    dress(axes)


def _objective_name(result: SweepResult) -> str:
    return "validation loss" if result.objective == "loss" else f"validation {result.objective}"
