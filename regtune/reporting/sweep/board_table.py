"""The leaderboard as a table: a row per candidate, best first, in whatever width there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from rich.console import Console
from rich.text import Text

from regtune.reporting.columns import (
    Cells,
    change_cells,
    change_columns,
    column,
    first_fitting,
    header_lines,
    row_line,
    widened,
)
from regtune.reporting.console import shown
from regtune.reporting.number_text import decimal
from regtune.reporting.sweep.loss_errors import LossErrors
from regtune.reporting.sweep.space_text import folds_text, repeat_number, repeated_by
from regtune.reporting.table import Column
from regtune.search.board import OWN, Board, Candidate
from regtune.search.study.record import Record
from regtune.wording import cut, printable

STATUS_WIDTH = 10  # characters, at least; what is left of the line is added
WIDE_STATUS_WIDTH = 20
ANY_WIDTH = 10_000  # characters: a pipe has no width
RUNNING = "running, "  # left out where room is short: the epoch says that it runs
STYLES = {"best": "bold green", OWN: "bold", "running": "cyan", "failed": "red", "unranked": "dim"}


@dataclass(frozen=True, kw_only=True)
class BoardRow:
    """cells: text by column name. kind: "best", "own", "ranked", "running", "failed" or "unranked"."""

    cells: dict[str, str]
    kind: str
    importance: int  # lower stays longer where the height does not do


# ---- rows ------------------------------------------------------------------------------------------------------------


def rows_of(board: Board, errors: LossErrors) -> list[BoardRow]:
    """One row per candidate that was begun, in the board's order."""
    begun = [candidate for candidate in board.candidates if not candidate.is_waiting]
    return [_row(candidate, board, errors, place=place) for place, candidate in enumerate(begun)]


def _row(candidate: Candidate, board: Board, errors: LossErrors, *, place: int) -> BoardRow:
    is_best = place == 0 and candidate.value is not None
    counted = candidate.counted
    measured = [record.best for record in counted if record.best is not None]
    losses = [evaluation.validation_loss for evaluation in measured]
    metrics = [evaluation.metrics[metric_of(board)] for evaluation in measured]
    latest = candidate.running[-1:] or counted[-1:] or candidate.records[-1:]
    cells = {
        "trial": f"{'★' if is_best else ' '} {candidate.name}",
        "fold": folds_text(record.job.repetition for record in counted or latest),
        **change_cells(candidate.changes, board.own_values),
        "loss": loss_text(fmean(losses), errors.of_mean(counted)) if losses else "",
        "metric": f"{fmean(metrics):.4f}" if metrics else "",
        "epochs": epochs_text(latest[0]),
        "host": latest[0].host or "",
        "status": status_text(candidate),
    }
    kind = "best" if is_best else OWN if candidate.name == OWN else _kind(candidate)
    rank = {"best": 0, OWN: 1, "running": 2, "ranked": 3, "failed": 4, "unranked": 4}[kind]
    return BoardRow(cells={name: printable(text) for name, text in cells.items()}, kind=kind, importance=rank)


def _kind(candidate: Candidate) -> str:
    if candidate.running:
        return "running"
    if candidate.value is not None:
        return "ranked"
    return "failed" if candidate.failed else "unranked"


def metric_of(board: Board) -> str:
    """The metric beside the loss: the objective where it is one, else the task's headline."""
    return board.headline if board.objective == "loss" else board.objective


def loss_text(loss: float, error: float | None) -> str:
    """ "0.5120 ±0.021"; without its standard error where none is known."""
    return f"{decimal(loss):>6}" + (f" ±{error:.3f}" if error is not None else "")


def epochs_text(record: Record) -> str:
    """ "5/8": the best one and the last one so far; "" before the first evaluation."""
    if not len(record.history):
        return ""
    best = "-" if record.best is None else f"{record.best.epoch:.3g}"
    return f"{best}/{record.history.last.epoch:.3g}"


def status_text(candidate: Candidate) -> str:
    """What its jobs do now; where several were begun, with the fold."""
    several = sum(record.status != "waiting" for record in candidate.records) > 1
    latest = candidate.running[-1:] or candidate.failed[-1:]
    record = latest[0] if latest else next(r for r in reversed(candidate.records) if r.status != "waiting")
    text = job_status(record)
    repetition = record.job.repetition
    where = f"{repeated_by([repetition])} {repeat_number(repetition)}"
    return f"{where}: {text.removeprefix(RUNNING)}" if several and latest else text


def job_status(record: Record) -> str:
    """ "running, epoch 3", "done", "■ stopped" (by patience), "failed: …"."""
    if record.status == "running":
        text = f"{RUNNING}epoch {record.history.last.epoch:.3g}" if len(record.history) else "starting"
        return text if record.attempts == 1 else f"{text}, try {record.attempts}"
    if record.status == "failed":
        return f"failed: {record.error or 'no reason known'}"
    if record.status == "pruned":
        return "pruned"
    return "■ stopped" if len(record.history) and record.history.last.stops else "done"


# ---- columns ---------------------------------------------------------------------------------------------------------


def columns_of(board: Board, rows: Sequence[BoardRow], *, width: int) -> list[Column]:
    """The columns that fit into `width` characters.

    Least telling ones go first: host, epochs, fold while it is the same for all, metric. Then the values of a candidate
    share one column, and at last only trial, loss and status are left.
    """
    cells = [row.cells for row in rows]
    one_line, two_lines, together, squeezed = change_columns(board.own_values, cells)
    always = {"host"} if len(board.hosts) < 2 else set()
    dull = {"fold"} if len({row["fold"] for row in cells}) == 1 else set()
    attempts: list[tuple[list[Column], set[str]]] = [
        *((changes, always | dropped) for dropped in (set(), {"host"}) for changes in (one_line, two_lines)),
        *((two_lines, {"host", "epochs"} | more) for more in (set(), dull, {"metric"}, dull | {"metric"})),
        *((together, {"host", *dropped}) for dropped in ((), ("epochs",), ("epochs", *dull), ("epochs", "metric"))),
        (together, {"host", "epochs", "metric", *dull}),
        *((changes, {"host", "epochs", "metric", "fold"}) for changes in (squeezed, [])),
    ]
    # Other statuses than a failure's are short, and worth their room while metric and values have columns of their own.
    longest = max((len(row.cells["status"]) for row in rows if row.kind != "failed"), default=0)
    roomy = max(STATUS_WIDTH, min(longest, WIDE_STATUS_WIDTH))
    layouts = []
    for changes, dropped in attempts:
        status_width = roomy if len(changes) > 1 and "metric" not in dropped else STATUS_WIDTH
        columns = _all_columns(board, cells, changes, status_width=status_width)
        layouts.append([column for column in columns if column.name not in dropped])
    return widened(first_fitting(layouts, width=width), cells, names=("changes", "status"), width=width)


def _all_columns(board: Board, cells: Sequence[Cells], changes: Sequence[Column], *, status_width: int) -> list[Column]:
    return [
        column("trial", "  trial", cells, is_text=True),
        column("fold", repeated_by(board.repetitions), cells),
        *changes,
        column("loss", "  loss ±", cells, is_text=True),
        column("metric", metric_of(board), cells),
        column("epochs", "epochs", cells),
        column("host", "host", cells, is_text=True),
        Column(name="status", header="status", width=status_width, is_text=True),
    ]


# ---- lines -----------------------------------------------------------------------------------------------------------


def caption(board: Board, *, width: int) -> str:
    """What the loss column is, in a line of at most `width` characters."""
    texts = (
        f"loss: clean validation loss at the best epoch, {board.unit}, ± standard error over its rows",
        f"loss: clean validation loss, {board.unit}, ± standard error",
        f"loss: clean, {board.unit}",
    )
    return next((text for text in texts if len(text) <= width), cut(texts[-1], length=width))


def board_table(console: Console, board: Board, errors: LossErrors, *, limit: int | None = None) -> Text:
    """The table in a terminal's width, all columns elsewhere. limit: lines it may take, head included; None: any."""
    rows = rows_of(board, errors)
    width = console.width if console.is_terminal else ANY_WIDTH
    columns = columns_of(board, rows, width=width)
    lines = [Text(shown(console, head), style="bold") for head in header_lines(columns)]
    lines.append(Text(shown(console, caption(board, width=width)), style="dim"))
    kept = rows if limit is None else fitting_rows(rows, limit=limit - len(lines))
    lines += [Text(shown(console, _line(columns, row)), style=STYLES.get(row.kind, "")) for row in kept]
    if len(kept) < len(rows):
        lines.append(Text(shown(console, f"  … and {len(rows) - len(kept)} more"), style="dim"))
    return Text("\n", no_wrap=True, overflow="crop").join(lines)


def _line(columns: Sequence[Column], row: BoardRow) -> str:
    status, room = row.cells["status"], columns[-1].width
    if len(status) > room:
        status = status.removeprefix(RUNNING)
    return row_line(columns, {**row.cells, "status": status})


def fitting_rows(rows: Sequence[BoardRow], *, limit: int) -> list[BoardRow]:
    """The rows that fit into `limit` lines, in their order; the last line says how many are missing.

    The best, the user's own and the running ones stay, then the next best.
    """
    if len(rows) <= limit:
        return list(rows)
    room = max(1, limit - 1)
    kept = sorted(range(len(rows)), key=lambda number: (rows[number].importance, number))[:room]
    return [rows[number] for number in sorted(kept)]
