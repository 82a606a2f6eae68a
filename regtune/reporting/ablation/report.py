"""report.html of an ablation: one file that needs nothing else and loads nothing; the words of the terminal's text."""

from __future__ import annotations

from pathlib import Path

from regtune.reporting.ablation.figure import contribution_figure
from regtune.reporting.ablation.table import (
    LEGEND,
    arm_rows,
    contribution_rows,
    direction_text,
    heading,
    stopping_rows,
)
from regtune.reporting.ablation.words import ablation_caveats, ablation_sentences
from regtune.reporting.page import render_page
from regtune.run import write_text
from regtune.search.ablation.result import AblationResult

WIDE_FIGURE, NARROW_FIGURE = 9.0, 4.2  # inches; the page shows the one that fits


def write_ablation_report(result: AblationResult, path: Path, *, name: str, config: str) -> Path:
    """Write the page; an older one is replaced. name: of the config. config: its YAML. Returns the path."""
    write_text(path, ablation_page(result, name=name, config=config))
    return path


def ablation_page(result: AblationResult, *, name: str, config: str) -> str:
    """The whole page; every text is escaped."""
    from markupsafe import Markup

    return render_page(
        "ablation.html",
        styles=["report.css"],
        name=name,
        heading=heading(result, name=name),
        sentences=ablation_sentences(result),
        wide_figure=Markup(contribution_figure(result, width_inches=WIDE_FIGURE)),
        narrow_figure=Markup(contribution_figure(result, width_inches=NARROW_FIGURE)),
        contributions=contribution_rows(result),
        legend=f"{LEGEND}; {direction_text(result)}",
        arms=arm_rows(result),
        by=result.repeated_by,
        stopping=stopping_rows(result),
        caveats=ablation_caveats(result),
        failures=result.failures,
        off=result.off,
        config=Markup.escape(config),  # escaped here: it alone keeps its line breaks
    )
