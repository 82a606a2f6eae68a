"""The table of evaluations as text for a terminal: header, caption, rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from regtune.history import History
from regtune.reporting.columns import CAPTION, Column, caption, cell_line, fit_columns, header_line, make_columns
from regtune.reporting.console import shown
from regtune.reporting.rows import Row, rows_of
from regtune.training.listener import Plan

HEAD_LINES = 2  # header and caption


@dataclass(frozen=True, kw_only=True)
class TableFacts:
    """What the table needs to know of a run besides its history."""

    headline: str  # metric
    patience: int | None  # evaluations
    steps: int  # planned
    epochs: int  # planned

    @classmethod
    def of_plan(cls, plan: Plan) -> TableFacts:
        return cls(headline=plan.headline, patience=plan.patience, steps=plan.steps, epochs=plan.epochs)

    @classmethod
    def of_run(cls, run_facts: Mapping[str, Any]) -> TableFacts:
        """run_facts: run.json, whose "plan" holds the Plan's fields."""
        return cls(**{name: run_facts["plan"][name] for name in ("headline", "patience", "steps", "epochs")})

    @property
    def columns(self) -> tuple[Column, ...]:
        return make_columns(headline=self.headline, steps=self.steps, epochs=self.epochs)

    def rows(self, history: History) -> list[Row]:
        return rows_of(history, headline=self.headline, patience=self.patience)


def evaluation_table(console: Console, history: History, facts: TableFacts, *, limit: int | None = None) -> Text:
    """The table in the console's width. limit: show only the last rows, at least one; None: all of them."""
    fitting = fit_columns(facts.columns, width=console.width)
    rows = facts.rows(history)
    last_best = max((number for number, row in enumerate(rows) if row.is_best), default=-1)
    first = 0 if limit is None else max(0, len(rows) - max(1, limit))
    lines = [Text(shown(console, header_line(fitting)), style="bold"), Text(caption(console.width), style="dim")]
    for number, row in enumerate(rows[first:], start=first):
        text = shown(console, cell_line(fitting, row.cells))
        lines.append(Text(text, style=_style(row, is_restored=number == last_best)))
    return Text("\n").join(lines)


def plain_head(facts: TableFacts) -> Sequence[str]:
    """Header and caption where lines cannot be drawn over; no column is dropped there."""
    return header_line(facts.columns), CAPTION


def plain_row(history: History, facts: TableFacts) -> str:
    """The line of the newest evaluation."""
    return cell_line(facts.columns, facts.rows(history)[-1].cells)


def _style(row: Row, *, is_restored: bool) -> str:
    if is_restored:
        return "bold green"
    if row.is_overfitting:
        return "yellow"
    return "bold" if row.stops else ""
