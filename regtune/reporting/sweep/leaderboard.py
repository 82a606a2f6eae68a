"""The live leaderboard of a sweep. It watches, never steers: whatever happens to the screen, the sweep goes on."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from rich.console import Console

from regtune.reporting.console import can_redraw, make_console, shown, standard_output
from regtune.reporting.live import RENDERING_ERRORS
from regtune.reporting.pairs import print_lines, print_pairs
from regtune.reporting.sweep.board_events import best_text, progress_text
from regtune.reporting.sweep.board_table import board_table
from regtune.reporting.sweep.board_view import BoardView, PlainBoard, TerminalBoard, opening_pairs
from regtune.reporting.sweep.loss_errors import LossErrors
from regtune.search.board import Board


def print_board(board: Board, *, console: Console | None = None) -> None:
    """A sweep as it stands, once: for a look at one that others are working on. console: left out, standard output."""
    console = console if console is not None else standard_output()
    print_pairs(console, opening_pairs(board))
    console.print()
    console.print(board_table(console, board, LossErrors()), soft_wrap=not console.is_terminal)
    print_lines(console, ["", progress_text(board), best_text(board)])


class Leaderboard:
    """Redraws on a real terminal, prints a line per event elsewhere; falls silent once drawing fails.

    console, complaints: left out, standard output and standard error. clock: seconds, monotonic.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        complaints: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console if console is not None else standard_output()
        self._complaints = complaints if complaints is not None else make_console(sys.stderr, environment=os.environ)
        draws = can_redraw(self._console)
        self._view: BoardView = TerminalBoard(self._console, clock=clock) if draws else PlainBoard(self._console)

    def update(self, board: Board) -> None:
        """Show how the sweep stands; call it as often as the study is read."""
        self._guarded(lambda: self._view.update(board))

    def close(self, board: Board) -> None:
        """Leave the final table on the screen and give the cursor back; call it however the sweep ends."""
        self._guarded(lambda: self._view.close(board))

    def _guarded(self, draw: Callable[[], None]) -> None:
        try:
            draw()
        except RENDERING_ERRORS as error:
            self._view = BoardView()
            self._console.show_cursor(True)
            reason = shown(self._complaints, error)
            self._complaints.print(f"regtune: the leaderboard cannot be drawn ({reason}); the sweep goes on without it")
