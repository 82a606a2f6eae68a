"""A worker: one process that takes jobs from a study and trains them until nothing is left to do.

It does not matter where it runs or who started it: the pool of `regtune sweep`, `regtune sweep join` on another
machine, a Slurm array, a Ray task. All it needs is the storage's URL and the study's name.

    while the plan is not finished:
        put back what dead workers left; enqueue what became due
        study.optimize(one trial):  claim → config → train_trial → report every evaluation → value

Ctrl-C and SIGTERM are only noted, from the first look at the queue to the last (`StopSignals`): an exception out of a
handler would end in Optuna's or the database's code, with a trial that nobody works on and nobody puts back. They are
acted on between trials, before a trial begins, and by the training after the step it makes.
"""

from __future__ import annotations

import gc
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from regtune.config.changes import with_changes
from regtune.config.document import Plain
from regtune.config.schema import Config
from regtune.errors import DivergedError, EnvironmentFault, Interrupted, RegtuneError
from regtune.evaluation.packed import pack
from regtune.history import History
from regtune.run import Run
from regtune.search.sampler import pruner_for, sampler_for
from regtune.search.settings import SweepSettings
from regtune.search.space.space import Space
from regtune.search.storage.opening import PATIENCE_SECONDS, open_storage
from regtune.search.study.dead_workers import fail_orphans, fail_stale
from regtune.search.study.facts import StudyFacts, read_facts, refuse_other_rows
from regtune.search.study.fingerprint import fingerprint
from regtune.search.study.job import Job, job_config
from regtune.search.study.opening import find_study
from regtune.search.study.plan import Plan, is_finished
from regtune.search.study.plans import plan_of
from regtune.search.study.queue import Dropped, advance, claim, has_leftovers
from regtune.search.study.reading import ERROR, INTERRUPTED, store_answers
from regtune.training.setup import prepare
from regtune.training.signals import StopSignals
from regtune.training.trial import train_trial

if TYPE_CHECKING:
    import optuna
    from optuna.trial import Trial

    from regtune.search.storage.patient import PatientStorage

logger = logging.getLogger(__name__)

MOST_ERROR_TEXT = 200  # characters
IDLE_SECONDS = 0.5  # between two looks at a queue in which nothing waits, while others still work
STOP_PATIENCE_SECONDS = 10.0  # for a database that is away when the worker is told to stop
CHECKPOINT_SECONDS = 30.0  # a kill loses at most this and one evaluation; more often would cost more than it saves


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where and how one worker works. Plain values, so that it can be sent to another process or machine."""

    storage: str  # URL
    study: str
    folder: Path  # of the sweep on this machine: trials/ goes there
    slot: int = 0  # number of the worker on this machine
    threads: int = 1
    gpu: int | None = None  # index of the only GPU it may use; None: all that are visible
    overrides: tuple[tuple[str, Plain], ...] = ()  # where data and model lie on this machine: dotted key, value
    heartbeat_seconds: int = 30
    grace_seconds: int = 120
    checkpoint_seconds: float = CHECKPOINT_SECONDS


class TrialFailed(Exception):
    """The trial's own error is recorded; the sweep goes on."""


def work(place: Place) -> None:
    """Take jobs until the study is finished.

    Raises Interrupted after Ctrl-C or SIGTERM (the trial is saved and back in the queue), ConfigError or DataError when
    data or model are not those of the study, EnvironmentFault when the machine or the database is in the way.
    """
    Worker.at(place).run()


@dataclass
class Worker:
    """One worker with its study."""

    place: Place
    signals: StopSignals
    study: optuna.Study
    facts: StudyFacts
    plan: Plan
    space: Space

    @classmethod
    def at(cls, place: Place) -> Worker:
        import optuna

        storage = open_storage(
            place.storage,
            must_exist=True,
            start_patience_seconds=PATIENCE_SECONDS,  # begun again during an outage
            heartbeat_seconds=place.heartbeat_seconds,
            grace_seconds=place.grace_seconds,
        )
        study = find_study(storage, place.study)
        facts = read_facts(study)
        space = Space.from_plain(facts.space)
        settings = SweepSettings.model_validate(facts.settings)
        training = facts.base.training
        study.sampler = sampler_for(settings, space, seed=training.seed)
        study.pruner = pruner_for(settings, evaluations=training.epochs * training.evaluations_per_epoch)
        optuna.logging.set_verbosity(optuna.logging.ERROR)  # failed trials are shown by the leaderboard
        return cls(
            place=place, signals=ImpatientSignals(storage), study=study, facts=facts, plan=plan_of(facts), space=space
        )

    @property
    def base(self) -> Config:
        return with_changes(self.facts.base, dict(self.place.overrides))

    @property
    def objective(self) -> str:
        return str(self.facts.settings["objective"])

    def run(self) -> None:
        refuse_other_rows(self.facts, fingerprint(prepare(self.base, scores_test=False)))
        gc.freeze()  # what is imported stays; the Trainer collects garbage at the start of each trial, 0.3 s without
        with self.signals:
            try:
                self.take_all()
            except EnvironmentFault:
                self.stop_if_told()  # it did not wait for the database
                raise

    def take_all(self) -> None:
        while True:
            fail_orphans(self.study)
            records = advance(self.study, self.plan)
            if is_finished(self.plan, records):
                while has_leftovers(self.study):
                    self.take_one()
                return
            self.stop_if_told()
            if any(record.status == "waiting" for record in records):
                self.take_one()
            else:
                self.wait()

    def stop_if_told(self) -> None:
        if self.signals.number is not None:
            raise Interrupted("stopped", signal_number=self.signals.number)

    def wait(self) -> None:
        """Others are working on what is left; one of them may die."""
        time.sleep(IDLE_SECONDS)
        fail_stale(self.study)

    def take_one(self) -> None:
        try:
            self.study.optimize(self.train, n_trials=1, catch=(TrialFailed, Dropped))
        except ValueError as error:
            if "Cannot tell" not in str(error):
                raise
            # Asleep for longer than the grace period: the trial was given to another worker, whose result counts.
            logger.warning("a trial was taken over by another worker: %s", error)

    # ---- one trial ---------------------------------------------------------------------------------------------------

    def train(self, trial: Trial) -> float:
        """The objective function of `study.optimize`."""
        import optuna

        job = claim(trial, self.study)
        try:
            self.stop_if_told()
            return self.train_job(trial, job)
        except Interrupted:
            trial.set_user_attr(INTERRUPTED, True)
            raise
        except EnvironmentFault:
            raise  # the machine's fault, not the trial's: this worker ends, the job goes back
        except (optuna.TrialPruned, optuna.exceptions.UpdateFinishedTrialError):
            raise  # no failure: pruned, or taken over by another worker
        except RegtuneError as error:
            trial.set_user_attr(ERROR, str(error).splitlines()[0])
            raise TrialFailed from error
        except Exception as error:  # a trial fails alone, whatever a library makes of its settings
            logger.exception("trial %s", job.key)  # the traceback goes to workers.log
            trial.set_user_attr(ERROR, f"{type(error).__name__}: {' '.join(str(error).split())[:MOST_ERROR_TEXT]}")
            raise TrialFailed from error

    def train_job(self, trial: Trial, job: Job) -> float:
        suggested = self.space.suggest(trial)
        changes = suggested if job.changes is None else job.changes
        trial.set_user_attr("changes", changes)
        config = job_config(self.base, changes, job.repetition)
        folder = free_folder(self.place.folder / "trials" / job.key, trial.number)
        may_be_pruned = job.stage == "search" and job.changes is None  # fixed configs are there to be compared
        report = Report(trial, self.objective, may_be_pruned=may_be_pruned)
        result = train_trial(
            config, folder, told=report, checkpoint_seconds=self.place.checkpoint_seconds, signals=self.signals
        )
        store_answers(trial, pack(result.answered))
        best = result.history.best
        assert best is not None
        value = best.value(self.objective)
        if not math.isfinite(value):  # Optuna would call it failed and not say why
            raise DivergedError(f"{self.objective} is {value} at the best evaluation, step {best.step}")
        return value


class ImpatientSignals(StopSignals):
    """A stop also ends the long waiting for a database that is away."""

    def __init__(self, storage: PatientStorage) -> None:
        super().__init__()
        self._storage = storage

    def _note(self, number: int, frame: FrameType | None) -> None:
        super()._note(number, frame)
        self._storage.patience_seconds = STOP_PATIENCE_SECONDS


@dataclass
class Report:
    """Tells the study what is measured; a pruner, if one was asked for, may end a trial of the search here."""

    trial: Trial
    objective: str
    may_be_pruned: bool
    reported: int = 0  # evaluations

    def __call__(self, history: History, started_from_step: int) -> None:
        import optuna

        if self.reported == 0:
            self.trial.set_user_attr("started_from_step", started_from_step)
        self.trial.set_user_attr("history", history.to_jsonl())
        for number in range(self.reported, len(history)):
            self.trial.report(history.evaluations[number].value(self.objective), step=number)
        self.reported = len(history)
        if self.may_be_pruned and self.reported and self.trial.should_prune():
            raise optuna.TrialPruned


def free_folder(folder: Path, trial_number: int) -> Path:
    """The job's folder, or another one where a worker that is asleep (and lost the job) still holds it."""
    if not folder.exists():
        return folder
    try:
        with Run(folder).locked():
            return folder
    except EnvironmentFault:
        return folder.with_name(f"{folder.name}-try-{trial_number}")
