"""The queue of jobs inside an Optuna study: fill it, take from it, read what became of it, put lost work back.

Every process may do all of this at any time, on any machine; there is no leader. What makes that safe:

- a worker takes only trials that wait; Optuna hands each to one worker, so the budget is exact
- a job's key is unique; if two processes add it at the same time, the trial with the lowest number counts and the
  other is dropped when it is taken
- a trial whose worker died is failed and its job put back by Optuna's retry callback: at once by anyone on the same
  machine, who can see that the process is gone, or after the grace period of Optuna's heartbeat
"""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from regtune.errors import RegtuneError
from regtune.evaluation.answers import Answered
from regtune.evaluation.packed import unpack
from regtune.history import History
from regtune.search.study.job import ATTRIBUTE, Job
from regtune.search.study.plan import Plan
from regtune.search.study.record import Record, Status

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial, Trial

MAX_ATTEMPTS = 4  # of a job whose worker dies again and again, such as for lack of memory
DUPLICATE = "duplicate"
INTERRUPTED = "interrupted"
ERROR = "error"
PIECE = 60_000  # characters of one attribute; MySQL's TEXT ends at 65,535 bytes


class Dropped(Exception):
    """The trial that was taken is nobody's job; the next one may be."""


# ---- filling and taking ----------------------------------------------------------------------------------------------


def advance(study: optuna.Study, plan: Plan) -> list[Record]:
    """Put jobs that became due into the queue; the records as they are then."""
    records = read_records(study)
    known = {record.job.key for record in records}
    missing = [job for job in plan.due(records) if job.key not in known]
    for job in missing:
        study.enqueue_trial(plan.params(job), user_attrs={ATTRIBUTE: job.to_attribute()})
    for trial in lost_trials(study):
        requeue(study, trial)
    return read_records(study) if missing else records


def fail_stale(study: optuna.Study) -> None:
    """Optuna's heartbeat: fail the trials whose worker was not heard of for the grace period, and put them back."""
    from optuna.exceptions import ExperimentalWarning
    from optuna.storages import fail_stale_trials

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        fail_stale_trials(study)


def claim(trial: Trial, study: optuna.Study) -> Job:
    """The job of a trial just taken. Raises Dropped for one that Optuna made up or whose job another trial has."""
    from optuna.trial import TrialState

    attributes = trial.user_attrs
    if ATTRIBUTE not in attributes:  # the queue was empty when it came to it
        trial.set_user_attr(DUPLICATE, True)
        raise Dropped
    job = Job.from_attribute(attributes[ATTRIBUTE])
    history = retry_history(study.get_trials(deepcopy=False)[trial.number])
    for other in trials_of(study, job.key):
        is_earlier = other.number < trial.number and other.number not in history
        if is_earlier or other.state in (TrialState.COMPLETE, TrialState.PRUNED):
            trial.set_user_attr(DUPLICATE, True)
            raise Dropped
    trial.set_user_attr("worker", this_worker(trial.number))
    trial.set_user_attr(INTERRUPTED, False)  # a retry inherits the attributes of the trial it goes on from
    return job


def this_worker(trial_number: int) -> dict[str, Any]:
    """Who works on a trial. started tells a process from a later one with the same number."""
    import psutil

    process = psutil.Process()
    return {
        "trial": trial_number,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started": process.create_time(),
    }


def has_leftovers(study: optuna.Study) -> bool:
    """Whether a trial waits although every job is over: two processes that put a lost job back at the same time."""
    from optuna.trial import TrialState

    return bool(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))


# ---- what was lost ---------------------------------------------------------------------------------------------------


def fail_orphans(study: optuna.Study) -> list[int]:
    """Fail the running trials of this machine whose process is gone; `advance` puts them back. Their numbers."""
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    orphans = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        worker = trial.user_attrs.get("worker", {})
        if worker.get("trial") == trial.number and worker["host"] == socket.gethostname() and not is_alive(worker):
            try:
                study.tell(trial.number, state=TrialState.FAIL)
            except (UpdateFinishedTrialError, ValueError):  # another process saw it first
                continue
            orphans.append(trial.number)
    return orphans


def is_alive(worker: dict[str, Any]) -> bool:
    import psutil

    try:
        process = psutil.Process(worker["pid"])
        is_same = abs(process.create_time() - worker["started"]) < 1.0
        return bool(is_same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def requeue(study: optuna.Study, trial: FrozenTrial) -> None:
    """Put the job of a failed trial back, to go on from its checkpoint, unless its worker died too often."""
    from optuna.exceptions import ExperimentalWarning
    from optuna.storages import RetryHeartbeatStaleTrialCallback

    if losses(trials_of(study, trial.user_attrs[ATTRIBUTE]["key"])) < MAX_ATTEMPTS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            RetryHeartbeatStaleTrialCallback(max_retry=None)(study, trial)


def losses(trials: Sequence[FrozenTrial]) -> int:
    """How often the worker of a job died; being stopped by the user does not count."""
    return sum(is_lost(trial) and not trial.user_attrs.get(INTERRUPTED) for trial in trials)


def lost_trials(study: optuna.Study) -> list[FrozenTrial]:
    """The last trial of each job that failed without a reason of its own and was not put back: its worker died, and
    who should have put it back did so, too."""
    found = []
    for trials in by_key(study).values():
        last = deciding(trials)
        if is_lost(last):
            found.append(last)
    return found


def is_lost(trial: FrozenTrial) -> bool:
    from optuna.trial import TrialState

    return trial.state == TrialState.FAIL and ERROR not in trial.user_attrs


def retry_history(trial: FrozenTrial) -> list[int]:
    """Numbers of the earlier trials of the same job that this one goes on from."""
    history: list[int] = trial.system_attrs.get("retry_history", [])
    return history


# ---- reading ---------------------------------------------------------------------------------------------------------


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
        attempts=max(1, len(trials) - (status == "waiting")),
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


# ---- answers as attributes -------------------------------------------------------------------------------------------


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
