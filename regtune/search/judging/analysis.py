"""What the trials of a sweep say together, read from its study: nothing is trained, no model is needed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from regtune.config.changes import value_at
from regtune.errors import DivergedError
from regtune.evaluation.metrics import higher_is_better
from regtune.search.judging.importance import importances
from regtune.search.judging.patience_costs import patience_costs
from regtune.search.judging.ranking import rank
from regtune.search.judging.sweep_result import Failure, SweepResult
from regtune.search.judging.verdict import judge
from regtune.search.space.space import Space
from regtune.search.study.facts import read_facts
from regtune.search.study.plan import SweepPlan
from regtune.search.study.reading import read_records
from regtune.search.study.record import Record

if TYPE_CHECKING:
    import optuna


def analyse(study: optuna.Study, *, folder: Path, storage: str) -> SweepResult:
    """The result of a sweep. folder: as the user knows it; storage: for display.

    Raises DivergedError when no trial gave a value, naming the first reason.
    """
    facts, records = read_facts(study), read_records(study)
    plan = SweepPlan.of(facts)
    base, space, objective = facts.base, Space.from_plain(facts.space), plan.settings.objective
    own_values = {key: value_at(base, key) for key in space.keys}
    standings = rank(records, objective=objective, repetitions=plan.repetitions, base=base)
    if not standings:
        raise nothing_trained(records)
    verdict = judge(standings, records, objective=objective, unit=facts.unit, repetitions=plan.repetitions, base=base)
    stopping = base.regularization
    best = {**own_values, **standings[0].changes}
    hosts = Counter(record.host for record in records if record.host is not None)
    return SweepResult(
        name=study.study_name,
        folder=str(folder),
        storage=storage,
        model=base.model_settings.name,
        task=facts.task,
        objective=objective,
        unit=facts.unit,
        higher_is_better=higher_is_better(objective),
        headline=facts.headline,
        space=tuple(facts.space),
        own_values=own_values,
        verdict=verdict,
        standings=tuple(standings),
        patience=stopping.patience,
        patience_costs=tuple(
            patience_costs(
                records,
                objective=objective,
                patience=stopping.patience,
                min_delta=stopping.min_delta,
                monitor=stopping.monitor,
            )
        ),
        importances=importances(records, objective=objective, keys=space.keys, own_values=own_values),
        edges=tuple(space.edges({key: best[key] for key in space.keys})),
        failures=tuple(failure_of(record) for record in records if record.status == "failed"),
        counts=dict(Counter(record.status for record in records)),
        search_trials=sum(record.job.stage == "search" for record in records),
        seconds=wall_seconds(study),
        trial_epochs=sum(record.history.last.epoch for record in records if len(record.history)),
        hosts=dict(hosts),
        notes=(*facts.notes, *unfinished_curves(records)),
    )


def unfinished_curves(records: list[Record]) -> list[str]:
    """A note when most trials were still getting better when their epochs ended: then these decided as well."""
    done = [record for record in records if record.status == "done"]
    cut_off = [record for record in done if record.history.last.is_best]
    if 2 * len(cut_off) <= len(done):
        return []
    return [
        f"{len(cut_off)} of {len(done)} trials were best at their last evaluation: with more training.epochs other "
        "settings may be better"
    ]


def nothing_trained(records: list[Record]) -> DivergedError:
    """No trial gave a value: the first one's reason is most likely everybody's."""
    errors = [record.error for record in records if record.error is not None]
    reason = f"; the first: {errors[0]}" if errors else ""
    return DivergedError(
        f"none of {len(records)} trials gave a value{reason}", hint="`regtune train` with the base config shows more"
    )


def failure_of(record: Record) -> Failure:
    repetition = record.job.repetition
    return Failure(
        candidate=record.job.candidate,
        fold=repetition.fold,
        folds=repetition.folds,
        seed=repetition.seed,
        changes=record.changes or {},
        attempts=record.attempts,
        error=record.error or "",
    )


def wall_seconds(study: optuna.Study) -> float:
    """Time in which at least one trial ran; pauses between two starts of the sweep do not count."""
    spans = sorted(
        (trial.datetime_start, trial.datetime_complete)
        for trial in study.get_trials(deepcopy=False)
        if trial.datetime_start is not None and trial.datetime_complete is not None
    )
    seconds, covered_until = 0.0, None
    for start, end in spans:
        begin = start if covered_until is None else max(start, covered_until)
        seconds += max(0.0, (end - begin).total_seconds())
        covered_until = end if covered_until is None else max(end, covered_until)
    return seconds
