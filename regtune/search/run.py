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

from regtune.evaluation.metrics import higher_is_better
from regtune.search.board import Board, Stage
from regtune.search.default_space import own_values
from regtune.search.facts import StudyFacts
from regtune.search.plan import Plan, is_finished
from regtune.search.plans import plan_of
from regtune.search.queue import advance, fail_orphans, read_records
from regtune.search.record import Record
from regtune.search.space import Space
from regtune.search.storage import open_storage, show_url
from regtune.search.study import open_study

if TYPE_CHECKING:
    import optuna

    from regtune.search.worker import Place

Watch = Callable[[Board], None]


@dataclass(frozen=True)
class Crew:
    """The workers of this command. notes: what happened to them, a line each."""

    asked: int = 0
    notes: tuple[str, ...] = ()


class Launcher(Protocol):
    """Starts workers and returns when all have ended; see `regtune.search.local_workers`, `ray_workers`."""

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
    place: Place,
    launch: Launcher,
    watch: Watch,
) -> optuna.Study:
    """The study, with nothing left to do. place: of the first worker.

    Raises ConfigError when the study was begun with something else, Interrupted after Ctrl-C or SIGTERM (run it again
    to go on), EnvironmentFault when the database or all workers are gone.
    """
    storage = open_storage(url)
    study = open_study(storage, study_name, facts, url=url)
    plan = plan_of(facts)
    fail_orphans(study)
    records = advance(study, plan)
    board = BoardMaker(study, facts, plan, surroundings, storage_name=show_url(url))
    if not is_finished(plan, records):
        left = plan.jobs_in_all() - sum(record.seconds is not None for record in records)
        launch(
            place,
            left,
            on_tick=lambda crew: watch(board.now(crew)),
            on_death=lambda pid: _put_back(study, plan, pid),
        )
    watch(board.now())
    return study


def _put_back(study: optuna.Study, plan: Plan, pid: int) -> bool:
    """What a dead worker had, at once rather than when its heartbeat is missed."""
    fail_orphans(study)
    return any(record.pid == pid and record.status == "done" for record in advance(study, plan))


@dataclass(frozen=True)
class BoardMaker:
    """Reads the study and lays it out for a leaderboard."""

    study: optuna.Study
    facts: StudyFacts
    plan: Plan
    surroundings: Surroundings
    storage_name: str
    started: float = dataclasses.field(default_factory=time.monotonic)

    def now(self, crew: Crew = Crew()) -> Board:  # noqa: B008  # frozen
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
            workers_asked=crew.asked,
            elapsed_seconds=time.monotonic() - self.started,
            records=tuple(records),
            notes=(*self.surroundings.notes, *crew.notes),
        )

    def _stage(self, records: Sequence[Record]) -> Stage:
        if is_finished(self.plan, records):
            return "done"
        if self.facts.kind == "ablation":
            return "ablation"
        return "confirm" if any(record.job.stage == "confirm" for record in records) else "search"
