"""report.html: a run for people, in one file that needs nothing else and loads nothing.

Everything comes from the run folder, so the report can be written again at any time. Text of the data and label names
are escaped by jinja2, and the page's content security policy allows neither scripts nor anything from elsewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from regtune.history import History
from regtune.reporting.effect_panel import effect_pairs
from regtune.reporting.figures import loss_figure
from regtune.reporting.number_text import bounds, count, duration, figure, signed
from regtune.reporting.page import render_page
from regtune.reporting.predictions import (
    ITEMS,
    class_figures,
    confusion_matrix,
    hardest,
    most_confused,
    read_predictions,
)
from regtune.reporting.summary import best_text, restored_text, stop_text
from regtune.reporting.table import TableFacts, caption, columns_of, rows_of
from regtune.run import Run, write_text
from regtune.training.effect import Effect
from regtune.wording import cut

MATRIX_CLASSES = 30  # more classes than this do not fit on a page: the most confused pairs are listed
CONFUSED_PAIRS = 20
HARDEST_ROWS = 15
TEXT_SHOWN = 300  # characters of a hard row

FIGURE_SPACE = "\u2007"  # as wide as a digit, which keeps decimal points aligned in a proportional font

WIDE_FIGURE, NARROW_FIGURE = 9.0, 4.2  # inches; the page shows the one that fits


def write_report(run: Run) -> Path:
    """Write report.html of a completed run from its folder; an older one is replaced. Returns its path."""
    from markupsafe import Markup

    page = render_page(
        "report.html",
        styles=["report.css"],
        wide_figure=Markup(loss_figure(run.history, width_inches=WIDE_FIGURE)),
        narrow_figure=Markup(loss_figure(run.history, width_inches=NARROW_FIGURE)),
        config=Markup.escape(run.config_path.read_text("utf-8")),  # escaped here: it alone keeps its line breaks
        **report_values(run),
    )
    write_text(run.report_path, page)
    return run.report_path


def report_values(run: Run) -> dict[str, Any]:
    """What the template shows, as plain values."""
    facts, history, table = run.facts, run.history, TableFacts.of_run(run.facts)
    return {
        "name": run.name,
        "facts": facts,
        "plan": facts["plan"],
        "parameters": count(facts["plan"]["parameters"]),
        "ended": stop_text(facts),
        "best": best_text(facts["best"]),
        "restored": restored_text(facts),
        "duration": duration(facts["duration_seconds"]),
        "result_split": "validation" if facts["test"] is None else "test",
        "gap": signed(facts["best"]["validation_loss"] - facts["best"]["train_loss"]),
        "columns": columns_of(table),
        "rows": rows_of(history, table),
        "restored_row": restored_row(history),
        "figure_space": FIGURE_SPACE,
        "figure": figure,
        "bounds": bounds,
        "caption": caption(table),
        "effect": effect_pairs(Effect.from_dict(facts["effect"])),
        "data": run.read_json("data.json"),
        "environment": run.read_json("environment.json"),
        **prediction_values(run, kind=facts["plan"]["answer_kind"], classes=facts["plan"]["classes"]),
    }


def prediction_values(run: Run, *, kind: str, classes: list[str]) -> dict[str, Any]:
    """Per-class figures, confusions and hardest rows of the validation split. kind: of the task's answers."""
    predictions = read_predictions(run.predictions_path, classes=classes)
    one_class = kind == "class"
    return {
        "classes": class_figures(predictions, kind=kind, classes=classes) if kind in ITEMS else [],
        "matrix": confusion_matrix(predictions, classes=classes)
        if one_class and len(classes) <= MATRIX_CLASSES
        else None,
        "one_class": one_class,
        "confused": most_confused(predictions, limit=CONFUSED_PAIRS) if one_class else [],
        "hardest": hardest(predictions, limit=HARDEST_ROWS),
        "shortened": shortened,
    }


def restored_row(history: History) -> int:
    """Index of the evaluation whose weights are in best/."""
    return max(number for number, evaluation in enumerate(history) if evaluation.is_best)


def shortened(text: str) -> str:
    """A row's text in one line of at most 300 characters."""
    return cut(" ".join(text.split()), length=TEXT_SHOWN)
