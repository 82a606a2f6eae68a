"""Trials whose worker is gone: noticed at once on the same machine, by the heartbeat elsewhere, and put back."""

from __future__ import annotations

import os
import socket
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regtune.search.study.job import ATTRIBUTE
from regtune.search.study.reading import MAX_ATTEMPTS, by_key, deciding, is_lost, losses, trials_of

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


def this_worker(trial_number: int) -> dict[str, Any]:
    """Who works on a trial. started tells a process from a later one with the same number."""
    import psutil

    process = psutil.Process()
    return {
        "trial": trial_number,
        "host": socket.gethostname(),
        "machine": this_machine(),
        "pid": os.getpid(),
        "started": process.create_time(),
    }


@cache
def this_machine() -> str:
    """What process numbers mean: this boot of this machine, and the container. Host names may be shared, or change."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux
        return socket.gethostname()


def is_alive(worker: dict[str, Any]) -> bool:
    import psutil

    try:
        process = psutil.Process(worker["pid"])
        is_same = abs(process.create_time() - worker["started"]) < 1.0
        return bool(is_same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def fail_orphans(study: optuna.Study) -> list[int]:
    """Fail the running trials of this machine whose process is gone; `advance` puts them back. Their numbers."""
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    orphans = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        worker = trial.user_attrs.get("worker", {})
        if worker.get("trial") == trial.number and worker["machine"] == this_machine() and not is_alive(worker):
            try:
                study.tell(trial.number, state=TrialState.FAIL)
            except (UpdateFinishedTrialError, ValueError):  # another process saw it first
                continue
            orphans.append(trial.number)
    return orphans


def fail_stale(study: optuna.Study) -> None:
    """Optuna's heartbeat: fail the trials whose worker was not heard of for the grace period, and put them back."""
    from optuna.exceptions import ExperimentalWarning
    from optuna.storages import fail_stale_trials

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        fail_stale_trials(study)


def lost_trials(study: optuna.Study) -> list[FrozenTrial]:
    """The last trial of each job that failed without a reason of its own and was not put back: its worker died, and
    who should have put it back did so, too."""
    found = []
    for trials in by_key(study).values():
        last = deciding(trials)
        if is_lost(last):
            found.append(last)
    return found


def requeue(study: optuna.Study, trial: FrozenTrial) -> None:
    """Put the job of a failed trial back, to go on from its checkpoint, unless its worker died too often."""
    from optuna.exceptions import ExperimentalWarning
    from optuna.storages import RetryHeartbeatStaleTrialCallback

    if losses(trials_of(study, trial.user_attrs[ATTRIBUTE]["key"])) < MAX_ATTEMPTS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            RetryHeartbeatStaleTrialCallback(max_retry=None)(study, trial)
