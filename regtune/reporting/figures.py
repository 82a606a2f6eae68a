"""Figures for the report, as SVG to be put into its page: no file, no link, no script, colours from the page's CSS."""

from __future__ import annotations

import io
import math
import re
import warnings
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from regtune.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Stand-ins that matplotlib draws with and the page's CSS variables replace, so that one figure suits light and dark.
INK, TRAIN, VALIDATION, GAP = "#010203", "#010204", "#010205", "#010206"
_VARIABLES = {INK: "var(--ink)", TRAIN: "var(--train)", VALIDATION: "var(--validation)", GAP: "var(--gap)"}
POINTS_WITH_DOTS = 60  # more evaluations than this are a line without dots


def loss_figure(history: History, *, width_inches: float) -> str:
    """Train and validation loss over epochs as `<svg>…</svg>`: gap shaded, best and stop marked.

    Deterministic: the same history gives the same bytes. Non-finite losses leave a hole in the line.
    """
    from matplotlib.figure import Figure

    with drawing(salt=f"regtune-{width_inches}"):
        figure = Figure(figsize=(width_inches, 3.2), layout="constrained")
        _draw(figure.add_subplot(), history)
        columns = 5 if width_inches > 6 else 3
        figure.legend(loc="outside upper left", ncols=columns, frameon=False, labelcolor=INK)
        return inline_svg(figure)


def _draw(axes: Axes, history: History) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = [evaluation.epoch for evaluation in history]
    train = [evaluation.train_loss for evaluation in history]
    validation = [evaluation.validation_loss for evaluation in history]
    dot = "o" if len(history) <= POINTS_WITH_DOTS else None
    axes.fill_between(epochs, train, validation, color=GAP, alpha=0.35, linewidth=0, label="gap")
    axes.plot(epochs, train, color=TRAIN, marker=dot, markersize=3.5, linestyle="--", label="train")
    axes.plot(epochs, validation, color=VALIDATION, marker=dot, markersize=3.5, label="validation")
    _mark(axes, history)
    axes.set_xlabel("epoch", color=INK)
    axes.set_ylabel("clean loss", color=INK)
    axes.set_xlim(0, 1.02 * epochs[-1])  # a little room for the marks, and an axis where there is one evaluation only
    axes.set_ylim(0, 1.08 * max(*train, *validation))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    dress(axes)


def _mark(axes: Axes, history: History) -> None:
    best = history.best
    if best is not None and math.isfinite(best.validation_loss):
        axes.plot(
            [best.epoch], [best.validation_loss], "*", color=INK, markersize=13, label=f"best, epoch {best.epoch:g}"
        )
    if history.last.stops and math.isfinite(history.last.validation_loss):
        stop = history.last
        axes.plot(
            [stop.epoch], [stop.validation_loss], "s", color=INK, markersize=7, label=f"stop, epoch {stop.epoch:g}"
        )


def drawing(*, salt: str) -> AbstractContextManager[None]:
    """Fonts and ids of a figure for a page. salt: another one for each figure of the page, or their ids clash.

    A "$" in a name is a dollar sign, not the start of a formula.
    """
    from matplotlib import rc_context

    return rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": salt,
            "font.family": "sans-serif",
            "font.size": 10,
            "text.parse_math": False,
        }
    )


def dress(axes: Axes) -> None:
    """Two spines and ticks, in the page's ink."""
    axes.tick_params(which="both", colors=INK)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(INK)


def inline_svg(figure: Figure) -> str:
    """The figure as `<svg>…</svg>` without sizes, addresses or metadata, in the page's colours."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with warnings.catch_warnings():
        # A name in another script is measured with matplotlib's font; the page shows it with the reader's.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
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
