"""Which jobs a study has: a pure function of its facts and of what is done so far, the same on every machine.

`due` gives all jobs that should be in the queue by now; a stage's jobs join once the stage before is over. A study is
finished when everything due is over and nothing new became due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from regtune.config.changes import differences, value_at, with_changes
from regtune.config.document import Plain
from regtune.search.settings import SweepSettings, repetitions
from regtune.search.space.default import everything_off
from regtune.search.space.space import Space
from regtune.search.study.facts import StudyFacts
from regtune.search.study.halving import confirm_candidates, rungs
from regtune.search.study.job import Job, Repetition
from regtune.search.study.record import Record

OVER = ("done", "pruned", "failed")


class Plan(Protocol):
    def due(self, records: Sequence[Record]) -> list[Job]:
        """All jobs that should exist, in the order in which they are to be done."""

    def jobs_in_all(self) -> int:
        """How many jobs there will be, if none fails."""

    def params(self, job: Job) -> dict[str, object]:
        """The Optuna parameters that stand for a job whose config is fixed; {}: the sampler chooses."""


def is_finished(plan: Plan, records: Sequence[Record]) -> bool:
    """Whether nothing is left to do, now or later."""
    over = {record.job.key for record in records if record.status in OVER}
    return all(job.key in over for job in plan.due(records))


@dataclass(frozen=True)
class SweepPlan:
    """Search on one repetition, then confirm the best on further ones; the user's own config always among them."""

    settings: SweepSettings
    space: Space
    own: Mapping[str, Plain]  # the base config's values of the space's keys
    off: Mapping[str, Plain]  # changes that switch every technique off; empty: they all are
    seed: int

    @classmethod
    def of(cls, facts: StudyFacts) -> SweepPlan:
        base, space = facts.base, Space.from_plain(facts.space)
        off = everything_off(base)
        return cls(
            settings=SweepSettings.model_validate(facts.settings),
            space=space,
            own={key: value_at(base, key) for key in space.keys},
            off=off if differences(base, with_changes(base, off)) else {},
            seed=base.training.seed,
        )

    @property
    def repetitions(self) -> list[Repetition]:
        return repetitions(self.settings, seed=self.seed)

    def due(self, records: Sequence[Record]) -> list[Job]:
        jobs = self.search_jobs()
        over = {record.job.key for record in records if record.status in OVER}
        changes = {record.job.candidate: record.changes for record in records if record.job.stage == "search"}
        for rung in rungs(self.repetitions, confirm=self.settings.confirm):
            if not all(job.key in over for job in jobs):
                break
            chosen = confirm_candidates(
                records, objective=self.settings.objective, count=rung.count, repetitions=rung.judged_on
            )
            jobs += [
                Job(
                    key=job_key(candidate, self.repetitions.index(repetition)),
                    candidate=candidate,
                    stage="confirm",
                    repetition=repetition,
                    changes=changes[candidate],
                )
                for repetition in rung.runs_on
                for candidate in chosen
            ]
        return jobs

    def jobs_in_all(self) -> int:
        search = len(self.search_jobs())
        stages = rungs(self.repetitions, confirm=self.settings.confirm)
        return search + sum(min(rung.count, search) * len(rung.runs_on) for rung in stages)

    def search_jobs(self) -> list[Job]:
        """own, off, then as many as there is budget for; on a grid, its points."""
        fixed: dict[str, dict[str, Plain]] = {"own": {}}
        if self.off:
            fixed["off"] = dict(self.off)
        if self.settings.sampler == "grid":
            fixed |= {str(number): values for number, values in enumerate(self.space.grid(), start=len(fixed))}
            budget = len(fixed)
        else:
            budget = self.settings.trials
        names = [*fixed, *(str(number) for number in range(len(fixed), budget))][:budget]
        return [
            Job(
                key=job_key(name, 0),
                candidate=name,
                stage="search",
                repetition=self.repetitions[0],
                changes=fixed.get(name),
            )
            for name in names
        ]

    def params(self, job: Job) -> dict[str, object]:
        return {} if job.changes is None else self.space.params_of({**self.own, **job.changes})


@dataclass(frozen=True)
class FixedPlan:
    """All jobs at once: an ablation."""

    jobs: tuple[Job, ...]

    def due(self, records: Sequence[Record]) -> list[Job]:
        return list(self.jobs)

    def jobs_in_all(self) -> int:
        return len(self.jobs)

    def params(self, job: Job) -> dict[str, object]:
        return {}


def job_key(candidate: str, repetition: int) -> str:
    """ "own-r0", "007-r2": the name of the job's folder; repetition: 0-based place in the plan."""
    return f"{candidate:0>3}-r{repetition}" if candidate.isdecimal() else f"{candidate}-r{repetition}"
