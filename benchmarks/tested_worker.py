"""A worker that measures what no sweep may look at: the loss of a trial's best weights on the large test set.

The trial is `train_trial`, like any other. Its trained parameters at the best evaluation are put into a model prepared
once with the test rows, which `regtune.evaluation.results.score` measures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from remembered_features import remembering
from torch import Tensor

from regtune.config.schema import Config
from regtune.evaluation.answers import Answered
from regtune.evaluation.packed import pack, unpack
from regtune.evaluation.results import score
from regtune.history import History
from regtune.search.study.job import Job, job_config
from regtune.search.study.plan import FixedPlan
from regtune.search.study.reading import read_records
from regtune.search.workers import worker
from regtune.search.workers.worker import Place, Report, Worker
from regtune.training import trial as trial_module
from regtune.training.setup import Setup, prepare

if TYPE_CHECKING:
    from optuna.trial import Trial


def heads_work(place: Place) -> None:
    """`regtune.search.workers.worker.work`, where it remembers the trunk's features."""
    with remembering():
        worker.work(place)


def tested_work(place: Place) -> None:
    """Train and test every job that is in the queue of the place's study."""
    with remembering():
        found = TestedWorker.at(place)
        jobs = tuple(record.job for record in read_records(found.study))
        replace(found, plan=FixedPlan(jobs)).run()


@dataclass
class TestedWorker(Worker):
    """A worker whose base config names the test rows."""

    @cached_property
    def tested(self) -> Setup:
        return prepare(self.base)

    def train_job(self, trial: Trial, job: Job) -> float:
        assert job.changes is not None
        trial.set_user_attr("changes", job.changes)
        best, report = BestWeights(), Report(trial, self.objective)

        def told(history: History, started_from_step: int) -> None:
            best.told(history)
            report(history, started_from_step)

        with best.watching():
            result = trial_module.train_trial(
                job_config(self.base, job.changes, job.repetition),
                self.place.folder / "trials" / job.key,
                told=told,
                checkpoint_seconds=math.inf,  # begun again after a kill: a checkpoint lacks the best weights
                signals=self.signals,
            )
        answered = self.test(best)
        answers_path(self.place.folder, job.key).write_text(pack(answered), encoding="ascii")
        assert result.history.best is not None
        return result.history.best.value(self.objective)

    def test(self, best: BestWeights) -> Answered:
        setup = self.tested
        assert setup.test is not None
        parameters = dict(setup.loaded.model.named_parameters())
        for name, value in best.weights.items():
            parameters[name].data.copy_(value)
        return score(setup.scorer, setup.test, threshold=0.5).answered


@dataclass
class BestWeights:
    """What trains of a model, as it was at the best evaluation so far."""

    setups: list[Setup] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Learn of the model that the trial begun inside trains."""

        def prepare_and_tell(config: Config, *, scores_test: bool) -> Setup:
            self.setups.append(prepare(config, scores_test=scores_test))
            return self.setups[-1]

        with mock.patch.object(trial_module, "prepare", prepare_and_tell):
            yield

    def told(self, history: History) -> None:
        if len(history) and history.last.is_best:
            named = self.setups[0].loaded.model.named_parameters()
            self.weights = {name: value.detach().clone() for name, value in named if value.requires_grad}


def answers_path(folder: Path, key: str) -> Path:
    return Path(folder) / "trials" / f"{key}.answers"


def read_answers(folder: Path, key: str) -> Answered:
    return unpack(answers_path(folder, key).read_text(encoding="ascii"))
