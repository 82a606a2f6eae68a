"""A run as plain lines, for pipes, log files and terminals that cannot draw over a line."""

from __future__ import annotations

from rich.console import Console

from regtune.history import History
from regtune.reporting.effect_panel import print_effect
from regtune.reporting.opening import opening_pairs
from regtune.reporting.pairs import print_lines, print_pairs
from regtune.reporting.table import TableFacts, caption, cell_line, columns_of, header_line, rows_of
from regtune.training.listener import Listener, Plan


class PlainView(Listener):
    """Header once, then one line per evaluation, each flushed as it comes. No column is dropped: nobody redraws."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def on_start(self, plan: Plan) -> None:
        self._facts = TableFacts.of_plan(plan)
        print_pairs(self._console, opening_pairs(plan))
        print_effect(self._console, plan.effect)
        print_lines(self._console, ["", header_line(columns_of(self._facts)), caption(self._facts)])

    def on_resume(self, history: History) -> None:
        for number in range(1, len(history) + 1):
            self.on_evaluation(History(history.evaluations[:number]))

    def on_evaluation(self, history: History) -> None:
        newest = rows_of(history, self._facts)[-1]
        print_lines(self._console, [cell_line(columns_of(self._facts), newest.cells)])
