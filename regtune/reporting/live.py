"""The live table of a run. It watches, never steers: whatever happens to the screen, training goes on."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.errors import ConsoleError, StyleError

from regtune.history import History
from regtune.reporting.console import can_redraw, make_console, shown, standard_output
from regtune.reporting.plain_view import PlainView
from regtune.reporting.terminal_view import TerminalView
from regtune.training.listener import Listener, Plan

# What drawing can raise: a broken stream, an encoding, rich. SafeStream already takes most of it.
RENDERING_ERRORS = (OSError, UnicodeError, ConsoleError, StyleError)


class LiveTable(Listener):
    """Redraws on a real terminal, prints plain lines elsewhere; falls silent once drawing fails.

    console, complaints: left out, standard output and standard error. clock: seconds, monotonic.
    """

    def __init__(
        self,
        *,
        console: Console | None = None,
        complaints: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console if console is not None else standard_output()
        self._complaints = complaints if complaints is not None else make_console(sys.stderr, environment=os.environ)
        draws = can_redraw(self._console)
        self._view: Listener = TerminalView(self._console, clock=clock) if draws else PlainView(self._console)

    def on_start(self, plan: Plan) -> None:
        self._guarded(lambda: self._view.on_start(plan))

    def on_resume(self, history: History) -> None:
        self._guarded(lambda: self._view.on_resume(history))

    def on_step(self, step: int, objective: float) -> None:
        self._guarded(lambda: self._view.on_step(step, objective))

    def on_evaluation(self, history: History) -> None:
        self._guarded(lambda: self._view.on_evaluation(history))

    def on_end(self) -> None:
        self._guarded(self._view.on_end)

    def _guarded(self, draw: Callable[[], None]) -> None:
        try:
            draw()
        except RENDERING_ERRORS as error:
            self._view = Listener()  # watches and shows nothing
            self._console.show_cursor(True)
            reason = shown(self._complaints, error)
            self._complaints.print(f"regtune: the table cannot be drawn ({reason}); training goes on without it")
