"""A sweep at one moment, and what follows from it: ranking, best so far, time left. Plain values; nothing is shown.

How candidates are ranked while jobs are missing: the search compares them on its one repetition as they come. Further
repetitions count only once every job on them has ended, so that a candidate does not lead because its hard fold is
still to come. More repetitions rank above fewer (the confirm stage is a halving: the better ones get more), then the
mean of the objective over them decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from regtune.config.document import Plain
    from regtune.search.study.job import Repetition
    from regtune.search.study.record import Record

Stage = Literal["search", "confirm", "ablation", "done"]
OWN = "own"  # the candidate that is the user's own config
ENDED = ("done", "pruned", "failed")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One config and its jobs so far."""

    name: str  # "own", "off", the number of a search trial, or an arm of an ablation
    changes: dict[str, Plain] | None  # against the base config; None: the sampler has not chosen yet
    records: tuple[Record, ...]  # in job order
    counted: tuple[Record, ...]  # done, on the repetitions that are compared
    value: float | None  # mean objective over `counted`; None: nothing to rank

    @property
    def running(self) -> tuple[Record, ...]:
        return tuple(record for record in self.records if record.status == "running")

    @property
    def failed(self) -> tuple[Record, ...]:
        return tuple(record for record in self.records if record.status == "failed")

    @property
    def is_waiting(self) -> bool:
        """True while no job of it was begun."""
        return all(record.status == "waiting" for record in self.records)


@dataclass(frozen=True, kw_only=True)
class Board:
    """What a leaderboard needs to know of a sweep (or an ablation) at one moment."""

    name: str
    folder: str  # as the user named it
    storage: str  # for display: no password in it
    objective: str  # "loss" (clean validation loss) or a metric
    unit: str  # of the loss
    higher_is_better: bool  # of the objective
    headline: str  # metric
    own_values: Mapping[str, Plain]  # the base config's value of every key of the space
    epochs: int  # per trial, at most
    planned_jobs: int  # in all stages, retries not counted
    stage: Stage
    workers_alive: int
    workers_asked: int
    elapsed_seconds: float  # since this command began
    records: tuple[Record, ...]  # in job order
    notes: tuple[str, ...] = ()

    # ---- counting ----------------------------------------------------------------------------------------------------

    @property
    def counts(self) -> dict[str, int]:
        """{status: jobs}; "waiting" includes jobs of later stages that are not in the queue yet."""
        found = dict.fromkeys(("waiting", "running", *ENDED), 0)
        for record in self.records:
            found[record.status] += 1
        found["waiting"] += max(0, self.planned_jobs - len(self.records))
        return found

    @property
    def ended_jobs(self) -> int:
        return sum(record.status in ENDED for record in self.records)

    @property
    def seconds_left(self) -> float | None:
        """From the mean time of the jobs that ended and the workers alive; None: before the first, or without workers.

        A worker's last job may start when the others' end, so the real time is rather longer.
        """
        times = [r.seconds for r in self.records if r.status in ("done", "pruned") and r.seconds is not None]
        jobs = self.planned_jobs - self.ended_jobs
        if jobs <= 0:
            return 0.0
        if not times or self.workers_alive == 0:
            return None
        mean = fmean(times)
        spent = sum(min(mean, r.history.last.elapsed_seconds) for r in self.records if _is_under_way(r))
        return (mean * jobs - spent) / min(self.workers_alive, jobs)

    @property
    def hosts(self) -> dict[str, int]:
        """{machine: jobs it took}, in order of appearance."""
        found: dict[str, int] = {}
        for record in self.records:
            if record.host is not None:
                found[record.host] = found.get(record.host, 0) + 1
        return found

    # ---- ranking -----------------------------------------------------------------------------------------------------

    @cached_property
    def repetitions(self) -> tuple[Repetition, ...]:
        """Those that jobs are known for, the search's first."""
        return tuple(dict.fromkeys(record.job.repetition for record in self.records))

    @cached_property
    def compared(self) -> tuple[Repetition, ...]:
        """The search's repetition, and every further one on which all jobs have ended."""
        return self.repetitions[:1] + tuple(
            repetition
            for repetition in self.repetitions[1:]
            if all(record.status in ENDED for record in self.records if record.job.repetition == repetition)
        )

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """Ranked ones best first, then those without a value: running, pruned, failed, waiting; else in job order."""
        jobs: dict[str, list[Record]] = {}
        for record in self.records:
            jobs.setdefault(record.job.candidate, []).append(record)
        found = [self._candidate(name, tuple(records)) for name, records in jobs.items()]
        return tuple(sorted(found, key=self._rank))

    @property
    def best(self) -> Candidate | None:
        """The first of the ranking; None before the first job is done."""
        return self.candidates[0] if self.candidates and self.candidates[0].value is not None else None

    @property
    def own(self) -> Candidate | None:
        return next((candidate for candidate in self.candidates if candidate.name == OWN), None)

    @property
    def difference(self) -> float | None:
        """Best minus own on the same repetitions; None when they were not counted on the same ones."""
        best, own = self.best, self.own
        if best is None or own is None or best.value is None or own.value is None:
            return None
        same = [r.job.repetition for r in best.counted] == [r.job.repetition for r in own.counted]
        return best.value - own.value if same else None

    def value_of(self, record: Record) -> float | None:
        """The objective of a done job; None for any other, and where it is no finite number."""
        value = record.value(self.objective) if record.status == "done" else None
        return value if value is not None and math.isfinite(value) else None

    def _candidate(self, name: str, records: tuple[Record, ...]) -> Candidate:
        compared = [record for record in records if record.job.repetition in self.compared]
        values = {record.job.key: self.value_of(record) for record in compared}
        counted = [record for record in compared if values[record.job.key] is not None]
        found = [value for value in values.values() if value is not None]
        return Candidate(
            name=name,
            changes=next((record.changes for record in records if record.changes is not None), None),
            records=records,
            counted=tuple(counted),
            value=fmean(found) if found else None,
        )

    def _rank(self, candidate: Candidate) -> tuple[int, int, float]:
        if candidate.value is not None:
            return 0, -len(candidate.counted), -candidate.value if self.higher_is_better else candidate.value
        statuses = {record.status for record in candidate.records}
        order = ("running", "done", "pruned", "failed", "waiting")
        return 1 + min(order.index(status) for status in statuses), 0, 0.0


def _is_under_way(record: Record) -> bool:
    return record.status == "running" and len(record.history) > 0
