"""Figures for the report, as SVG to be put into its page: no file, no link, no script, colours from the page's CSS."""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING

from regtune.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Stand-ins that matplotlib draws with and the page's CSS variables replace, so that one figure suits light and dark.
_INK, _TRAIN, _VALIDATION, _GAP = "#010203", "#010204", "#010205", "#010206"
_VARIABLES = {_INK: "var(--ink)", _TRAIN: "var(--train)", _VALIDATION: "var(--validation)", _GAP: "var(--gap)"}
POINTS_WITH_DOTS = 60  # more evaluations than this are a line without dots


def loss_figure(history: History, *, width_inches: float) -> str:
    """Train and validation loss over epochs as `<svg>…</svg>`: gap shaded, best and stop marked.

    Deterministic: the same history gives the same bytes. Non-finite losses leave a hole in the line.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    salt = f"regtune-{width_inches}"  # ids are hashed with it, so that two figures on one page share none
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": salt, "font.family": "sans-serif", "font.size": 10}):
        figure = Figure(figsize=(width_inches, 3.2), layout="constrained")
        _draw(figure.add_subplot(), history)
        columns = 5 if width_inches > 6 else 3
        figure.legend(loc="outside upper left", ncols=columns, frameon=False, labelcolor=_INK)
        return _as_inline_svg(figure)


def _draw(axes: Axes, history: History) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = [evaluation.epoch for evaluation in history]
    train = [evaluation.train_loss for evaluation in history]
    validation = [evaluation.validation_loss for evaluation in history]
    dot = "o" if len(history) <= POINTS_WITH_DOTS else None
    axes.fill_between(epochs, train, validation, color=_GAP, alpha=0.35, linewidth=0, label="gap")
    axes.plot(epochs, train, color=_TRAIN, marker=dot, markersize=3.5, linestyle="--", label="train")
    axes.plot(epochs, validation, color=_VALIDATION, marker=dot, markersize=3.5, label="validation")
    _mark(axes, history)
    axes.set_xlabel("epoch", color=_INK)
    axes.set_ylabel("clean loss", color=_INK)
    axes.set_xlim(0, 1.02 * epochs[-1])  # a little room for the marks, and an axis where there is one evaluation only
    axes.set_ylim(0, 1.08 * max(*train, *validation))
    axes.tick_params(colors=_INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_INK)


def _mark(axes: Axes, history: History) -> None:
    best = history.best
    if best is not None and math.isfinite(best.validation_loss):
        axes.plot(
            [best.epoch], [best.validation_loss], "*", color=_INK, markersize=13, label=f"best, epoch {best.epoch:g}"
        )
    if history.last.stops and math.isfinite(history.last.validation_loss):
        stop = history.last
        axes.plot(
            [stop.epoch], [stop.validation_loss], "s", color=_INK, markersize=7, label=f"stop, epoch {stop.epoch:g}"
        )


def _as_inline_svg(figure: Figure) -> str:
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    # Inside HTML the parser knows both name spaces; a page without any address is easier to trust.
    svg = re.sub(r'\s+xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r'<svg ([^>]*?)width="[^"]*"', r"<svg \1", svg, count=1)
    svg = re.sub(r'<svg ([^>]*?)height="[^"]*"', r"<svg \1", svg, count=1)
    for stand_in, variable in _VARIABLES.items():
        svg = svg.replace(stand_in, variable)
    return svg
