"""What became of the jobs of a study: every attempt at a job, read as one record."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from regtune.errors import RegtuneError
from regtune.evaluation.answers import Answered
from regtune.evaluation.packed import unpack
from regtune.history import History
from regtune.search.study.job import ATTRIBUTE, Job
from regtune.search.study.record import Record, Status

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial, Trial

MAX_ATTEMPTS = 4  # of a job whose worker dies again and again, such as for lack of memory
# User attributes of a trial, beside its job, worker, changes, history and answers.
DUPLICATE = "duplicate"
INTERRUPTED = "interrupted"
ERROR = "error"
PIECE = 60_000  # characters of one attribute; MySQL's TEXT ends at 65,535 bytes


def read_records(study: optuna.Study) -> list[Record]:
    """One record per job, in the order in which the jobs came into the queue."""
    return [make_record(trials) for trials in by_key(study).values()]


def by_key(study: optuna.Study) -> dict[str, list[FrozenTrial]]:
    """The trials of each job, by number; duplicates left out."""
    found: dict[str, list[FrozenTrial]] = {}
    for trial in study.get_trials(deepcopy=False):
        if ATTRIBUTE in trial.user_attrs and not trial.user_attrs.get(DUPLICATE):
            found.setdefault(trial.user_attrs[ATTRIBUTE]["key"], []).append(trial)
    return found


def trials_of(study: optuna.Study, key: str) -> list[FrozenTrial]:
    return by_key(study).get(key, [])


def deciding(trials: Sequence[FrozenTrial]) -> FrozenTrial:
    """Of the trials of one job, the one that says how it stands: a finished one, else the one furthest on its way."""
    from optuna.trial import TrialState

    order = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING, TrialState.WAITING)
    for state in order:
        chosen = next((trial for trial in trials if trial.state == state), None)
        if chosen is not None:
            return chosen
    return trials[-1]


def make_record(trials: Sequence[FrozenTrial]) -> Record:
    from optuna.trial import TrialState

    trial = deciding(trials)
    attributes = trial.user_attrs
    status = status_of(trial, losses=losses(trials))
    is_own = attributes.get("worker", {}).get("trial") == trial.number  # a retry inherits its predecessor's attributes
    worker = attributes["worker"] if is_own else {}
    job = Job.from_attribute(attributes[ATTRIBUTE])
    error = attributes.get(ERROR)
    if status == "failed" and error is None:
        error = f"its worker died {losses(trials)} times; often the system's doing, for lack of memory"
    seconds = None
    if status in ("done", "pruned", "failed") and trial.duration is not None:
        seconds = trial.duration.total_seconds()
    return Record(
        number=trial.number,
        job=job,
        status=status,
        changes=attributes.get("changes", job.changes),
        params=dict(trial.params),
        history=History.from_jsonl(attributes.get("history", "")) if is_own else History(),
        attempts=max(1, sum(trial.state != TrialState.WAITING for trial in trials)),
        host=worker.get("host"),
        pid=worker.get("pid"),
        seconds=seconds,
        error=error,
        started_from_step=attributes.get("started_from_step", 0) if is_own else 0,
        load_answers=partial(load_answers, attributes) if status == "done" else None,
    )


def status_of(trial: FrozenTrial, *, losses: int) -> Status:
    from optuna.trial import TrialState

    if is_lost(trial):
        return "failed" if losses >= MAX_ATTEMPTS else "waiting"
    names: dict[TrialState, Status] = {
        TrialState.COMPLETE: "done",
        TrialState.PRUNED: "pruned",
        TrialState.RUNNING: "running",
        TrialState.WAITING: "waiting",
        TrialState.FAIL: "failed",
    }
    return names[trial.state]


def is_lost(trial: FrozenTrial) -> bool:
    from optuna.trial import TrialState

    return trial.state == TrialState.FAIL and ERROR not in trial.user_attrs


def losses(trials: Sequence[FrozenTrial]) -> int:
    """How often the worker of a job died; being stopped by the user does not count."""
    return sum(is_lost(trial) and not trial.user_attrs.get(INTERRUPTED) for trial in trials)


def store_answers(trial: Trial, packed: str) -> None:
    pieces = [packed[start : start + PIECE] for start in range(0, len(packed), PIECE)]
    for number, piece in enumerate(pieces):
        trial.set_user_attr(f"answers.{number}", piece)


def load_answers(attributes: dict[str, Any]) -> Answered:
    """The validation answers of a finished trial."""
    pieces: list[str] = []
    while f"answers.{len(pieces)}" in attributes:
        pieces.append(attributes[f"answers.{len(pieces)}"])
    if not pieces:
        raise RegtuneError("a finished trial has no answers in its study: please report this")
    return unpack("".join(pieces))
