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

from regtune.config.changes import value_at
from regtune.evaluation.metrics import higher_is_better
from regtune.search.board import Board, Stage
from regtune.search.space.space import Space
from regtune.search.storage.opening import show_url
from regtune.search.study.dead_workers import fail_orphans
from regtune.search.study.facts import StudyFacts, read_facts
from regtune.search.study.plan import OVER, Plan, is_finished
from regtune.search.study.plans import plan_of
from regtune.search.study.queue import advance
from regtune.search.study.reading import read_records
from regtune.search.study.record import Record

if TYPE_CHECKING:
    import optuna

    from regtune.search.workers.worker import Place

Watch = Callable[[Board], None]


@dataclass(frozen=True)
class Crew:
    """The workers of this command. notes: what happened to them, a line each."""

    asked: int = 0
    notes: tuple[str, ...] = ()


class Launcher(Protocol):
    """Starts workers and returns when all have ended; see `regtune.search.workers.local`, `ray_tasks`."""

    def __call__(
        self,
        place: Place,
        jobs: int,
        *,
        on_tick: Callable[[Crew], None],
        on_death: Callable[[int], bool],
    ) -> None:
        """place: of the first worker; the others are like it. jobs: that are left, at most as many workers make sense.

        on_tick: called about twice a second. on_death: called with the process
        id of a worker of this machine that died; says whether it had finished a job.
        """


def carry_out(study: optuna.Study, place: Place, *, shown_folder: Path, launch: Launcher, watch: Watch) -> None:
    """Start workers at this place and others like it; return when nothing of the study is left to do.

    shown_folder: as the user knows it.

    Raises Interrupted after Ctrl-C or SIGTERM (the same command goes on), EnvironmentFault when the database or all
    workers are gone.
    """
    facts = read_facts(study)
    plan = plan_of(facts)
    fail_orphans(study)
    records = advance(study, plan)
    board = BoardMaker(study, facts, plan, folder=shown_folder, storage=show_url(place.storage))
    if not is_finished(plan, records):
        left = plan.jobs_in_all() - sum(record.seconds is not None for record in records)
        launch(
            place,
            left,
            on_tick=lambda crew: watch(board.now(crew)),
            on_death=lambda pid: _put_back(study, plan, pid),
        )
    watch(board.now())


def _put_back(study: optuna.Study, plan: Plan, pid: int) -> bool:
    """What a dead worker had, at once rather than when its heartbeat is missed."""
    fail_orphans(study)
    return any(record.pid == pid and record.status in OVER for record in advance(study, plan))


@dataclass(frozen=True)
class BoardMaker:
    """Reads the study and lays it out for a leaderboard."""

    study: optuna.Study
    facts: StudyFacts
    plan: Plan
    folder: Path
    storage: str  # for display
    started: float = dataclasses.field(default_factory=time.monotonic)

    def now(self, crew: Crew = Crew()) -> Board:  # frozen
        records = read_records(self.study)
        objective = self.facts.settings["objective"]
        return Board(
            name=self.study.study_name,
            folder=str(self.folder),
            storage=self.storage,
            objective=objective,
            unit=self.facts.unit,
            higher_is_better=higher_is_better(objective),
            headline=self.facts.headline,
            own_values={key: value_at(self.facts.base, key) for key in Space.from_plain(self.facts.space).keys},
            epochs=self.facts.base.training.epochs,
            planned_jobs=self.plan.jobs_in_all(),
            stage=self._stage(records),
            workers_alive=sum(record.status == "running" for record in records),
            workers_asked=crew.asked,
            elapsed_seconds=time.monotonic() - self.started,
            records=tuple(records),
            notes=(*self.facts.notes, *crew.notes),
        )

    def _stage(self, records: Sequence[Record]) -> Stage:
        if is_finished(self.plan, records):
            return "done"
        if self.facts.kind == "ablation":
            return "ablation"
        return "confirm" if any(record.job.stage == "confirm" for record in records) else "search"
