"""How good configs really are: each trained several times on the 200 rows, the best weights scored on the test set.

A training run here is what `regtune train` would do with the rows: a fifth of them picks the best evaluation. Which
fifth, and the seed, differ from one repetition to the next; the seeds are none that a sweep uses. All configs have the
same repetitions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sweep_parts import OneThreadEach
from tested_worker import read_answers, tested_work

from regtune.config.changes import value_at, with_changes
from regtune.config.document import Plain
from regtune.config.dump import dump_config
from regtune.config.schema import Config
from regtune.evaluation.answers import Answered
from regtune.evaluation.difference import Difference
from regtune.evaluation.paired import paired_difference
from regtune.search.settings import SweepSettings
from regtune.search.space.space import Space
from regtune.search.study.dead_workers import fail_orphans
from regtune.search.study.job import Job, Repetition
from regtune.search.study.plan import FixedPlan
from regtune.search.study.prepared import PreparedStudy
from regtune.search.study.queue import advance
from regtune.search.study.reading import read_records
from regtune.search.study.record import Record
from regtune.training.setup import prepare

FIRST_SEED = 1_000  # a sweep's seeds are below
FOLDS = 5

Values = Mapping[str, Plain]  # dotted key → value, of every key of the space


@dataclass(frozen=True)
class Truths:
    """answers: of each config, test rows once per repetition; validation: loss at its best evaluation, the same.

    epochs: that were trained for it, in all repetitions together.
    """

    answers: dict[str, list[Answered]]
    validation: dict[str, list[float]]
    epochs: dict[str, float]

    def losses(self, values: Values) -> list[float]:
        """Mean test loss, nats per row, of each repetition."""
        return [float(answered.losses.mean()) for answered in self.answers[identity(values)]]

    def loss(self, values: Values) -> float:
        return float(np.mean(self.losses(values)))

    def difference(self, values: Values, other: Values) -> Difference:
        """Test loss of the one minus the other's, paired by row and repetition, with its 95 % interval."""
        one, two = (self.answers[identity(each)] for each in (values, other))
        return paired_difference(one, two, measure="loss", folds=[0] * len(one))  # all on the same rows


def identity(values: Values) -> str:
    """Equal for equal configs, whatever the numbers' last digits."""
    return json.dumps({key: f"{value:.6g}" for key, value in sorted(values.items())})


def values_of(base: Config, changes: Values, space: Space) -> dict[str, Plain]:
    config = with_changes(base, changes)
    return {key: value_at(config, key) for key in space.keys}


def measure(
    base: Config, configs: Sequence[Values], folder: Path, *, repetitions: int, test: Path, workers: int
) -> Truths:
    """Train and test every config; equal ones once. base: without test rows, which are those of the file `test`."""
    distinct = {identity(values): dict(values) for values in configs}
    jobs = {
        (name, number): Job(
            key=f"{place}-r{number}",
            candidate=str(place),
            stage="ablation",
            repetition=Repetition(fold=1 + number % FOLDS, folds=FOLDS, seed=FIRST_SEED + number),
            changes=values,
        )
        for number in range(repetitions)
        for place, (name, values) in enumerate(distinct.items())
    }
    records = {record.job.key: record for record in _train(base, tuple(jobs.values()), folder, test, workers)}
    failed = [record.error for record in records.values() if record.status != "done"]
    if failed:
        raise SystemExit(f"{len(failed)} of {len(records)} runs failed; the first: {failed[0]}")
    of = {name: [jobs[name, number].key for number in range(repetitions)] for name in distinct}
    return Truths(
        answers={name: [read_answers(folder, key) for key in keys] for name, keys in of.items()},
        validation={name: [value_of(records[key]) for key in keys] for name, keys in of.items()},
        epochs={name: sum(records[key].history.last.epoch for key in keys) for name, keys in of.items()},
    )


def value_of(record: Record) -> float:
    value = record.value("loss")
    assert value is not None
    return value


def _train(base: Config, jobs: tuple[Job, ...], folder: Path, test: Path, workers: int) -> list[Record]:
    config = with_changes(base, {"data.test": str(test)})
    prepared = PreparedStudy(
        kind="sweep",
        setup=prepare(config, scores_test=False),
        settings=SweepSettings(),
        space=Space(()),  # every job's values are fixed
        folder=folder,
        study_name=None,
        asked=dump_config(config),
    )
    study, plan = prepared.open(), FixedPlan(jobs)
    advance(study, plan)

    def put_back(pid: int) -> bool:
        fail_orphans(study)
        return any(record.pid == pid and record.status == "done" for record in advance(study, plan))

    launch = OneThreadEach(workers, tested_work)
    launch(prepared.place, len(jobs), on_tick=lambda crew: None, on_death=put_back)
    return read_records(study)


def as_json(difference: Difference) -> dict[str, Any]:
    return {
        "value": difference.value,
        "low": difference.low,
        "high": difference.high,
        "outcome": difference.outcome,
        "rows": difference.rows,
    }
