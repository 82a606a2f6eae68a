"""A run on a real terminal: the table grows, a progress bar with the time left stands under it."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from regtune.history import History
from regtune.reporting.effect_panel import print_effect
from regtune.reporting.opening import opening_pairs
from regtune.reporting.pairs import print_pairs
from regtune.reporting.table import HEAD_LINES, TableFacts, evaluation_table
from regtune.training.listener import Listener, Plan

REFRESH_SECONDS = 0.25  # drawing more often is not seen, only paid for
WIDE = 80  # characters from which the progress line has words


class TerminalView(Listener):
    """What is redrawn disappears at the end; the whole table stays. clock: seconds, monotonic.

    Draws from the training thread, never from one of its own: nothing runs when nobody steps.
    """

    def __init__(self, console: Console, *, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._drawn_at = clock()
        self._history = History()

    def on_start(self, plan: Plan) -> None:
        self._facts = TableFacts.of_plan(plan)
        print_pairs(self._console, opening_pairs(plan))
        print_effect(self._console, plan.effect)
        self._console.print()
        self._progress = Progress(
            *_progress_columns(self._console), console=self._console, auto_refresh=False, get_time=self._clock
        )
        self._task = self._progress.add_task("", total=plan.steps, completed=plan.resumed_at_step or 0, objective="")
        self._live = Live(
            self._picture(),
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=sys.stderr is not None and sys.stderr.isatty(),  # else 2> would land on the screen
        )
        self._live.start(refresh=True)

    def on_resume(self, history: History) -> None:
        self._history = history
        self._draw()

    def on_step(self, step: int, objective: float) -> None:
        if self._clock() - self._drawn_at >= REFRESH_SECONDS:
            self._progress.update(self._task, completed=step, objective=f"objective {objective:.4g}")
            self._draw()

    def on_evaluation(self, history: History) -> None:
        self._history = history
        self._progress.update(self._task, completed=history.last.step)
        self._draw()

    def on_end(self) -> None:
        self._live.stop()
        self._console.print(evaluation_table(self._console, self._history, self._facts))

    def _draw(self) -> None:
        self._drawn_at = self._clock()
        self._live.update(self._picture(), refresh=True)

    def _picture(self) -> RenderableType:
        rows_that_fit = self._console.height - HEAD_LINES - 3  # blank line, progress, the cursor's line
        table = evaluation_table(self._console, self._history, self._facts, limit=rows_that_fit)
        return Group(table, Text(), self._progress)


def _progress_columns(console: Console) -> list[ProgressColumn]:
    steps = TextColumn("{task.completed}/{task.total}", markup=False)
    left = TimeRemainingColumn(compact=True)
    if console.width < WIDE:
        return [steps, BarColumn(bar_width=16), left]
    words = TextColumn("left at most", style="dim", markup=False)
    objective = TextColumn("{task.fields[objective]}", style="dim", markup=False)
    return [TextColumn("step", markup=False), steps, BarColumn(bar_width=24), left, words, objective]
