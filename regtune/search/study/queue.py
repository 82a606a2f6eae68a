"""The queue of jobs inside an Optuna study: fill it, take from it, drop what is there twice.

Every process may do all of this at any time, on any machine; there is no leader. What makes that safe:

- a worker takes only trials that wait; Optuna hands each to one worker, so the budget is exact
- a job's key is unique; if two processes add it at the same time, the trial with the lowest number counts and the
  other is dropped when it is taken
- a trial whose worker died is failed and its job put back by Optuna's retry callback: at once by anyone on the same
  machine, who can see that the process is gone, or after the grace period of Optuna's heartbeat (`dead_workers`)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from regtune.search.study.dead_workers import lost_trials, requeue, this_worker
from regtune.search.study.job import ATTRIBUTE, Job
from regtune.search.study.plan import Plan
from regtune.search.study.reading import DUPLICATE, INTERRUPTED, read_records, trials_of
from regtune.search.study.record import Record

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial, Trial


class Dropped(Exception):
    """The trial that was taken is nobody's job; the next one may be."""


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


def retry_history(trial: FrozenTrial) -> list[int]:
    """Numbers of the earlier trials of the same job that this one goes on from."""
    history: list[int] = trial.system_attrs.get("retry_history", [])
    return history


def has_leftovers(study: optuna.Study) -> bool:
    """Whether a trial waits although every job is over: two processes that put a lost job back at the same time."""
    from optuna.trial import TrialState

    return bool(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))
