"""A sweep on a screen: redrawn in place on a terminal, one line per event elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from regtune.reporting.console import shown
from regtune.reporting.pairs import Pair, print_lines, print_pairs
from regtune.reporting.sweep.board_events import best_text, event_columns, event_line, events_between, progress_text
from regtune.reporting.sweep.board_table import board_table
from regtune.reporting.sweep.loss_errors import LossErrors
from regtune.reporting.sweep.space_text import changes_text
from regtune.reporting.table import header_line
from regtune.search.board import Board

REFRESH_SECONDS = 0.25  # drawing more often is not seen, only paid for
LINES_BELOW = 3  # blank line, progress, the cursor's line
BAR_WIDTH, NARROW_BAR_WIDTH = 20, 8  # characters
WIDE = 100  # characters from which the long bar fits


class BoardView:
    """Watches a sweep and shows nothing; the base of the views, and what is left when drawing fails."""

    def update(self, board: Board) -> None:
        """Called whenever the board was read again."""

    def close(self, board: Board) -> None:
        """Called once at the end, whether the sweep is done or interrupted."""


class PlainBoard(BoardView):
    """Header once, then a line per job that ended, per retry and per stage, each flushed as it comes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._errors = LossErrors()
        self._before: Board | None = None

    def update(self, board: Board) -> None:
        if self._before is None:
            print_pairs(self._console, opening_pairs(board))
            print_lines(self._console, ["", header_line(event_columns(board))])
        lines = [event_line(event, board, self._errors) for event in events_between(self._before, board)]
        print_lines(self._console, lines)
        self._before = board

    def close(self, board: Board) -> None:
        self.update(board)
        if board.stage != "done":
            print_lines(self._console, [f"stopped: {progress_text(board)}; {best_text(board)}"])


class TerminalBoard(BoardView):
    """What is redrawn disappears at the end; the whole table stays. clock: seconds, monotonic.

    Draws from the calling thread, never from one of its own.
    """

    def __init__(self, console: Console, *, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._errors = LossErrors()
        self._live: Live | None = None
        self._drawn_at = 0.0
        self._notes: tuple[str, ...] = ()  # already shown

    def update(self, board: Board) -> None:
        if self._live is None:
            self._notes = board.notes
            print_pairs(self._console, opening_pairs(board))
            self._console.print()
            self._live = Live(
                self._picture(board),
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=sys.stderr is not None and sys.stderr.isatty(),  # else 2> would land on the screen
            )
            self._live.start(refresh=True)
        elif board.notes != self._notes:
            new = [note for note in board.notes if note not in self._notes]
            print_lines(self._console, [f"note: {note}" for note in new])  # above the table
            self._notes = board.notes
        elif self._clock() - self._drawn_at < REFRESH_SECONDS:
            return
        self._drawn_at = self._clock()
        self._live.update(self._picture(board), refresh=True)

    def close(self, board: Board) -> None:
        if self._live is not None:
            self._live.stop()
        self._console.print(board_table(self._console, board, self._errors))
        if board.stage != "done":
            print_lines(self._console, ["", f"stopped: {progress_text(board)}", best_text(board)])

    def _picture(self, board: Board) -> RenderableType:
        best = Text(shown(self._console, best_text(board)))
        best_lines = len(best.wrap(self._console, self._console.width))
        limit = self._console.height - LINES_BELOW - best_lines
        table = board_table(self._console, board, self._errors, limit=limit)
        return Group(table, Text(), _progress(self._console, board), best)


def _progress(console: Console, board: Board) -> RenderableType:
    width = BAR_WIDTH if console.width >= WIDE else NARROW_BAR_WIDTH
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, min_width=len(board.stage))
    grid.add_column(width=width)
    grid.add_column(no_wrap=True, overflow="crop")
    bar = ProgressBar(total=board.planned_jobs, completed=board.ended_jobs, width=width)
    grid.add_row(Text(board.stage), bar, Text(shown(console, progress_text(board))))
    return grid


def opening_pairs(board: Board) -> list[Pair]:
    """Label and value of the first lines."""
    folds = max((record.job.repetition.folds for record in board.records), default=1)
    rows = f"{folds} folds, " if folds > 1 else ""
    pairs = [
        ("sweep", board.folder),
        ("study", f"{board.name} in {board.storage}"),
        ("jobs", f"{board.planned_jobs}, {rows}at most {board.epochs} epochs each"),
        *([("workers", str(board.workers_asked))] if board.workers_asked else []),
        ("objective", f"{board.objective}, {'higher' if board.higher_is_better else 'lower'} is better"),
        *([("yours", changes_text({}, board.own_values))] if board.own_values else []),
    ]
    return pairs + [("note" if number == 0 else "", note) for number, note in enumerate(board.notes)]
