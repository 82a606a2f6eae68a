"""What happened to a sweep between two looks at it, and each such event as one line for pipes and log files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from regtune.reporting.number_text import decimal, duration
from regtune.reporting.sweep.board_table import epochs_text, job_status, loss_text, metric_of
from regtune.reporting.sweep.loss_errors import LossErrors
from regtune.reporting.sweep.space_text import candidate_name, changes_text, repeat_number, repeated_by
from regtune.reporting.table import Column, cell_line
from regtune.search.board import ENDED, OWN, Board
from regtune.search.study.record import Record

Kind = Literal["ended", "retried", "stage", "note"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """ended: done, pruned or failed for good. retried: begun again after a failure. stage: another one began.

    note: something was noted, such as a worker's death.
    """

    kind: Kind
    record: Record | None = None  # of a job that ended or was retried
    note: str = ""


def events_between(before: Board | None, after: Board) -> list[Event]:
    """Jobs in their order, then notes and a change of stage. before None: the first look, where only jobs are news."""
    known = {} if before is None else {record.job.key: record for record in before.records}
    events: list[Event] = []
    for record in after.records:
        old = known.get(record.job.key)
        if record.attempts > (1 if old is None else old.attempts):
            events.append(Event(kind="retried", record=record))
        if record.status in ENDED and (old is None or old.status not in ENDED):
            events.append(Event(kind="ended", record=record))
    if before is not None:
        events += [Event(kind="note", note=note) for note in after.notes if note not in before.notes]
    if before is not None and before.stage != after.stage:
        events.append(Event(kind="stage"))
    return events


# ---- as lines --------------------------------------------------------------------------------------------------------


def event_columns(board: Board) -> tuple[Column, ...]:
    """Columns of `event_line`; the last one is as long as it must be."""
    return (
        Column(name="trial", header="trial", width=max(5, *(len(each.job.candidate) for each in board.records))),
        Column(name="fold", header=repeated_by(board.repetitions), width=4),
        Column(name="loss", header="  loss ±", width=13, is_text=True),
        Column(name="metric", header=metric_of(board), width=max(6, len(metric_of(board)))),
        Column(name="epochs", header="epochs", width=6),
        Column(name="time", header="time", width=10),
        Column(name="status", header="status", width=9, is_text=True),
        Column(name="changes", header="changes", width=7, is_text=True),
    )


def event_line(event: Event, board: Board, errors: LossErrors) -> str:
    """A row under `event_columns` for a job that ended with a value, a sentence for anything else."""
    record = event.record
    if event.kind == "note":
        return f"note: {event.note}"
    if record is None:
        stage = "done" if board.stage == "done" else f"{board.stage} stage"
        return f"{stage}: {progress_text(board)}; {best_text(board)}"
    if event.kind == "retried":
        start = f"goes on from step {record.started_from_step}" if record.started_from_step else "starts again"
        reason = f" ({record.error})" if record.error is not None and record.status != "failed" else ""
        return f"{job_name(record)}: try {record.attempts}{reason}, {start}"
    if record.status == "failed":
        return f"{job_name(record)} {job_status(record)}"
    best = record.best
    cells = {
        "trial": record.job.candidate,
        "fold": str(repeat_number(record.job.repetition)),
        "loss": "" if best is None else loss_text(best.validation_loss, errors.of(record)),
        "metric": "" if best is None else f"{best.metrics[metric_of(board)]:.4f}",
        "epochs": epochs_text(record),
        "time": "" if record.seconds is None else duration(record.seconds),
        "status": job_status(record),
        "changes": changes_text(record.changes or {}, board.own_values) + _host(record, board),
    }
    return cell_line(event_columns(board), cells)


def job_name(record: Record) -> str:
    """ "trial 7, fold 2"."""
    repetition = record.job.repetition
    return f"{candidate_name(record.job.candidate)}, {repeated_by([repetition])} {repeat_number(repetition)}"


def progress_text(board: Board) -> str:
    """ "17 of 38 jobs, about 12 min 05 s left, 2 failed, 2 of 2 workers"."""
    failed = board.counts["failed"]
    left = board.seconds_left
    parts = [
        f"{board.ended_jobs} of {board.planned_jobs} jobs",
        *([f"about {_rough(left)} left"] if left else []),
        *([f"{failed} failed"] if failed else []),
        *([workers_text(board)] if board.workers_asked else []),
    ]
    return ", ".join(parts)


def workers_text(board: Board) -> str:
    if board.workers_alive == 0 and board.ended_jobs == 0:
        return f"{board.workers_asked} workers are starting"
    return f"{board.workers_alive} of {board.workers_asked} workers"


def best_text(board: Board) -> str:
    """Best so far beside the user's own, in one line that claims no difference."""
    best, own = board.best, board.own
    if own is None:
        return "the arms of an ablation are compared when all are done"
    if best is None or best.value is None:
        return "no trial is done yet"
    value = f"{board.objective} {decimal(best.value).strip()}{_over(best.counted)}"
    if best.name == OWN:
        return f"best so far: your own config, {value}"
    text = f"best so far: {candidate_name(best.name)}, {value}"
    judged = {"search": "not judged before the confirm stage", "done": "judged in the summary"}
    when = judged.get(board.stage, "judged at the end")
    if board.difference is None or own.value is None:
        return f"{text}; yours is not measured there yet"
    return f"{text}, yours {decimal(own.value).strip()} (difference {when})"


def _rough(seconds: float) -> str:
    """An estimate has no tenths of a second."""
    return duration(seconds) if seconds >= 60 else f"{seconds:.0f} s"


def _over(counted: Sequence[Record]) -> str:
    return f" (mean of {len(counted)} runs)" if len(counted) > 1 else ""


def _host(record: Record, board: Board) -> str:
    return f" · on {record.host}" if len(board.hosts) > 1 else ""
