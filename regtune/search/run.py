"""Carry a study out: make or reopen it, start workers, watch until nothing is left to do.

The study in its database is all the state there is. Run again, after whatever happened, this goes on where the study
stands; run twice at the same time, both help.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from regtune.errors import ConfigError
from regtune.evaluation.metrics import higher_is_better
from regtune.search.board import Board, Stage
from regtune.search.default_space import own_values
from regtune.search.facts import StudyFacts, read_facts, refuse_changes, write_facts
from regtune.search.plan import Plan, is_finished
from regtune.search.plans import plan_of
from regtune.search.queue import advance, fail_orphans, read_records
from regtune.search.record import Record
from regtune.search.space import Space
from regtune.search.storage import load_study, open_storage, show_url

if TYPE_CHECKING:
    import optuna

    from regtune.search.worker import Place

Watch = Callable[[Board], None]


class Launcher(Protocol):
    """Starts a worker at each place and returns when all have ended; see `regtune.search.pool`, `ray_workers`."""

    def __call__(
        self, places: Sequence[Place], *, on_tick: Callable[[], None], on_death: Callable[[], None]
    ) -> None:
        """on_tick: called about twice a second. on_death: after a worker died."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a leaderboard shows beside the jobs. unit: of the loss."""

    name: str
    folder: Path
    unit: str
    headline: str
    notes: tuple[str, ...]


def carry_out(
    facts: StudyFacts,
    *,
    url: str,
    study_name: str,
    surroundings: Surroundings,
    places: Callable[[int], Sequence[Place]],
    launch: Launcher,
    watch: Watch,
) -> list[Record]:
    """All jobs of the study, done. places: the workers to start for a number of jobs left.

    Raises ConfigError when the study was begun with something else, Interrupted after Ctrl-C or SIGTERM (run it again
    to go on), EnvironmentFault when the database or all workers are gone.
    """
    storage = open_storage(url)
    study = open_study(storage, study_name, facts)
    plan = plan_of(facts)
    fail_orphans(study)
    records = advance(study, plan)
    board = BoardMaker(study, facts, plan, surroundings, storage_name=show_url(url))
    if not is_finished(plan, records):
        left = plan.jobs_in_all() - sum(record.seconds is not None for record in records)
        started = places(left)
        board = dataclasses.replace(board, workers_asked=len(started))
        launch(
            started,
            on_tick=lambda: watch(board.now()),
            on_death=lambda: _put_back(study, plan),
        )
    watch(board.now())
    return read_records(study)


def _put_back(study: optuna.Study, plan: Plan) -> None:
    """At once, rather than when the heartbeat is missed."""
    fail_orphans(study)
    advance(study, plan)


def open_study(storage: optuna.storages.BaseStorage, name: str, facts: StudyFacts) -> optuna.Study:
    """The study of this name, made if there is none. Raises ConfigError when it is about something else."""
    import optuna

    direction = "maximize" if higher_is_better(facts.settings["objective"]) else "minimize"
    try:
        study = optuna.create_study(storage=storage, study_name=name, direction=direction)
    except optuna.exceptions.DuplicatedStudyError:
        study = load_study(storage, name)
        stored = read_facts(study)
        refuse_changes(stored, facts, study=name)
        refuse_fewer_trials(study, stored, facts)
    write_facts(study, facts)
    return study


def refuse_fewer_trials(study: optuna.Study, stored: StudyFacts, now: StudyFacts) -> None:
    """The number of trials may be raised until the best were chosen from them; never lowered."""
    before, after = stored.settings["trials"], now.settings["trials"]
    if after < before:
        raise ConfigError(
            f"sweep.trials: the study {study.study_name} has {before} trials, cannot go on with {after}",
            hint=f"use {before} or more",
        )
    has_confirmed = any(record.job.stage == "confirm" for record in read_records(study))
    if after > before and has_confirmed:
        raise ConfigError(
            f"sweep.trials: the search of {study.study_name} is over, its best of {before} trials are being confirmed",
            hint="start another sweep with another output=…",
        )


@dataclass(frozen=True)
class BoardMaker:
    """Reads the study and lays it out for a leaderboard."""

    study: optuna.Study
    facts: StudyFacts
    plan: Plan
    surroundings: Surroundings
    storage_name: str
    workers_asked: int = 0
    started: float = dataclasses.field(default_factory=time.monotonic)

    def now(self) -> Board:
        records = read_records(self.study)
        objective = self.facts.settings["objective"]
        return Board(
            name=self.surroundings.name,
            folder=str(self.surroundings.folder),
            storage=self.storage_name,
            objective=objective,
            unit=self.surroundings.unit,
            higher_is_better=higher_is_better(objective),
            headline=self.surroundings.headline,
            own_values=own_values(self.facts.base, Space.from_plain(self.facts.space)),
            epochs=self.facts.base.training.epochs,
            planned_jobs=self.plan.jobs_in_all(),
            stage=self._stage(records),
            workers_alive=sum(record.status == "running" for record in records),
            workers_asked=self.workers_asked,
            elapsed_seconds=time.monotonic() - self.started,
            records=tuple(records),
            notes=self.surroundings.notes,
        )

    def _stage(self, records: Sequence[Record]) -> Stage:
        if is_finished(self.plan, records):
            return "done"
        if self.facts.kind == "ablation":
            return "ablation"
        return "confirm" if any(record.job.stage == "confirm" for record in records) else "search"
