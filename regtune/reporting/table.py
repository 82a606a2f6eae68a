"""The table of evaluations: what a row says, which columns fit, and both as text for a terminal or a pipe.

The report shows the same rows and columns as HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console
from rich.text import Text

from regtune.diagnosis.curves import turns_up
from regtune.history import Evaluation, History
from regtune.reporting.console import shown
from regtune.reporting.number_text import decimal, signed
from regtune.training.listener import Plan

GUTTER = "  "  # between two columns
HEAD_LINES = 2  # header and caption
CAPTION = "train/val: clean loss, dropout off, no smoothing, {unit}"
SHORT_CAPTION = "train/val: clean loss, {unit}"


@dataclass(frozen=True, kw_only=True)
class TableFacts:
    """What the table needs to know of a run besides its history."""

    headline: str  # metric
    patience: int | None  # evaluations
    steps: int  # planned
    epochs: int  # planned
    validation_rows: int
    chance_loss: float
    loss_unit: str

    @classmethod
    def of_plan(cls, plan: Plan) -> TableFacts:
        return cls(
            headline=plan.headline,
            patience=plan.patience,
            steps=plan.steps,
            epochs=plan.epochs,
            validation_rows=plan.rows["validation"],
            chance_loss=plan.chance_loss,
            loss_unit=plan.loss_unit,
        )

    @classmethod
    def of_run(cls, run_facts: Mapping[str, Any]) -> TableFacts:
        """run_facts: run.json, whose "plan" holds the Plan's fields."""
        plan = run_facts["plan"]
        return cls(
            **{name: plan[name] for name in ("headline", "patience", "steps", "epochs", "chance_loss", "loss_unit")},
            validation_rows=plan["rows"]["validation"],
        )


# ---- rows ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Row:
    """cells: text by column name. is_overfitting: neither best nor last, and worse than any noise explains."""

    cells: dict[str, str]
    is_best: bool
    stops: bool
    is_overfitting: bool


def rows_of(history: History, facts: TableFacts) -> list[Row]:
    """One row per evaluation."""
    rows: list[Row] = []
    lowest: Evaluation | None = None
    for evaluation in history:
        if lowest is None or evaluation.validation_loss < lowest.validation_loss:
            lowest = evaluation
        rows.append(_row(evaluation, facts, lowest=lowest))
    return rows


def _row(evaluation: Evaluation, facts: TableFacts, *, lowest: Evaluation) -> Row:
    """lowest: the evaluation with the lowest validation loss so far, possibly this one."""
    rises = turns_up(lowest, evaluation, validation_rows=facts.validation_rows, chance_loss=facts.chance_loss)
    is_overfitting = rises and not evaluation.is_best and not evaluation.stops
    cells = {
        "epoch": f"{evaluation.epoch:.2f}",
        "step": str(evaluation.step),
        "train": decimal(evaluation.train_loss),
        "val": decimal(evaluation.validation_loss),
        "gap": signed(evaluation.gap),
        "metric": f"{evaluation.metrics[facts.headline]:.4f}",
        "lr": f"{evaluation.learning_rate:.1e}",
        "patience": "-" if facts.patience is None else f"{evaluation.patience_used}/{facts.patience}",
        "note": _note(evaluation, is_overfitting=is_overfitting),
    }
    return Row(cells=cells, is_best=evaluation.is_best, stops=evaluation.stops, is_overfitting=is_overfitting)


def _note(evaluation: Evaluation, *, is_overfitting: bool) -> str:
    if evaluation.is_best:
        return "★ best"
    if evaluation.stops:
        return "■ stop"
    return "⚠ overfitting" if is_overfitting else ""


# ---- columns ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Column:
    """name: the key of a Row's cells. width: characters, at least the header's."""

    name: str
    header: str
    width: int
    is_text: bool = False  # text is left-aligned, a number right-aligned

    def aligned(self, text: str) -> str:
        return text.ljust(self.width) if self.is_text else text.rjust(self.width)


def columns_of(facts: TableFacts) -> tuple[Column, ...]:
    """All columns. They fill 80 characters exactly for a run below 10,000 steps with a headline of 8 letters."""
    return (
        Column(name="epoch", header="epoch", width=max(5, len(f"{facts.epochs:.2f}"))),
        Column(name="step", header="step", width=max(4, len(str(facts.steps)))),
        Column(name="train", header="train", width=6),
        Column(name="val", header="val", width=6),
        Column(name="gap", header="gap", width=7),
        Column(name="metric", header=facts.headline, width=max(6, len(facts.headline))),
        Column(name="lr", header="lr", width=7),
        Column(name="patience", header="patience", width=8),
        Column(name="note", header="note", width=13, is_text=True),
    )


def fit_columns(columns: Sequence[Column], *, width: int) -> tuple[Column, ...]:
    """The columns that fit into `width` characters, least telling ones dropped first; losses and notes always stay."""
    fitting = tuple(columns)
    for name in ("lr", "step", "note", "metric", "patience", "epoch"):
        if table_width(fitting) <= width:
            break
        fitting = _note_as_sign(fitting) if name == "note" else tuple(c for c in fitting if c.name != name)
    return fitting


def table_width(columns: Sequence[Column]) -> int:
    """Characters of one line."""
    return sum(column.width for column in columns) + len(GUTTER) * (len(columns) - 1)


def _note_as_sign(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The sign says enough: ★ best, ■ stop, ⚠ overfitting."""
    return tuple(replace(column, header="", width=1) if column.name == "note" else column for column in columns)


# ---- lines -----------------------------------------------------------------------------------------------------------


def header_line(columns: Sequence[Column]) -> str:
    """The line of headers, aligned like the cells below it."""
    return GUTTER.join(column.aligned(column.header) for column in columns).rstrip()


def cell_line(columns: Sequence[Column], cells: Mapping[str, str]) -> str:
    """One row. A note that was cut to its sign keeps only the sign."""
    texts = (column.aligned(cells[column.name][: 1 if column.width == 1 else None]) for column in columns)
    return GUTTER.join(texts).rstrip()


def caption(facts: TableFacts, *, width: int = 1000) -> str:
    """What the loss columns are, in a line of at most `width` characters."""
    long, short = (text.format(unit=facts.loss_unit) for text in (CAPTION, SHORT_CAPTION))
    return long if len(long) <= width else short


def evaluation_table(console: Console, history: History, facts: TableFacts, *, limit: int | None = None) -> Text:
    """The table in the console's width. limit: show only the last rows, at least one; None: all of them."""
    fitting = fit_columns(columns_of(facts), width=console.width)
    rows = rows_of(history, facts)
    last_best = max((number for number, row in enumerate(rows) if row.is_best), default=-1)
    first = 0 if limit is None else max(0, len(rows) - max(1, limit))
    head, explained = header_line(fitting), caption(facts, width=console.width)
    lines = [Text(shown(console, head), style="bold"), Text(explained, style="dim")]
    for number, row in enumerate(rows[first:], start=first):
        text = shown(console, cell_line(fitting, row.cells))
        lines.append(Text(text, style=_style(row, is_restored=number == last_best)))
    return Text("\n").join(lines)


def _style(row: Row, *, is_restored: bool) -> str:
    if is_restored:
        return "bold green"
    if row.is_overfitting:
        return "yellow"
    return "bold" if row.stops else ""
