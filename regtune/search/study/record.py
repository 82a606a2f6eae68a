"""What is known of a job, whichever process or machine did it: read from the study, shown in tables, ranked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from regtune.config.document import Plain
from regtune.evaluation.answers import Answered
from regtune.history import Evaluation, History
from regtune.search.study.job import Job

Status = Literal["waiting", "running", "done", "pruned", "failed"]


@dataclass(frozen=True, kw_only=True)
class Record:
    """One job and how far it is. A job that was tried several times (a killed worker) is one record: its last try."""

    number: int  # Optuna's, of the last try; what optuna-dashboard shows
    job: Job
    status: Status
    changes: dict[str, Plain] | None  # dotted key → value, the job's or those the sampler chose; None: not chosen yet
    params: dict[str, object]  # as Optuna knows them
    history: History  # evaluations so far
    attempts: int  # tries so far, 1 when nothing went wrong
    host: str | None  # machine of the last try; None: waiting
    pid: int | None
    seconds: float | None  # wall time of a finished job
    error: str | None  # why it failed, one line
    started_from_step: int = 0  # of the last try: the step of the checkpoint it went on from
    load_answers: Callable[[], Answered] | None = field(default=None, repr=False)  # of a done one; decoded on demand

    @property
    def best(self) -> Evaluation | None:
        return self.history.best

    def value(self, objective: str) -> float | None:
        """The objective at the best evaluation: "loss" (clean validation loss) or a metric; None before the first."""
        return None if self.best is None else self.best.value(objective)
