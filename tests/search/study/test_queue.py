"""The queue keeps its promises whoever fills it and whoever dies: every job once, none lost."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from regtune.evaluation.answers import Answered
from regtune.evaluation.packed import pack
from regtune.history import Evaluation
from regtune.search.study import dead_workers, queue, reading
from regtune.search.study.job import Job, Repetition
from regtune.search.study.plan import is_finished
from regtune.search.study.record import Record

REPETITION = Repetition(fold=1, folds=2, seed=0)


def job(key: str) -> Job:
    return Job(key=key, candidate=key, stage="search", repetition=REPETITION, changes={"training.epochs": 2})


@dataclass
class FixedJobs:
    """A plan of some jobs, and of further ones once those are over."""

    first: Sequence[str]
    then: Sequence[str] = field(default=())

    def due(self, records: Sequence[Record]) -> list[Job]:
        over = {record.job.key for record in records if record.status in ("done", "failed")}
        keys = [*self.first, *(self.then if over >= set(self.first) else ())]
        return [job(key) for key in keys]

    def jobs_in_all(self) -> int:
        return len(self.first) + len(self.then)

    def params(self, job: Job) -> dict[str, object]:
        return {}


@pytest.fixture
def study() -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study()


def finish(study: optuna.Study, trial: optuna.Trial, value: float = 1.0) -> None:
    answered = Answered(answers=[None], labels=[None], losses=np.array([value]), units=np.array([1]))
    reading.store_answers(trial, pack(answered))
    study.tell(trial, value)


def take(study: optuna.Study) -> tuple[optuna.Trial, Job]:
    trial = study.ask()
    return trial, queue.claim(trial, study)


def work_off(study: optuna.Study) -> list[str]:
    """Keys in the order in which they are taken, until nothing waits."""
    keys = []
    while any(trial.state == TrialState.WAITING for trial in study.trials):
        trial = study.ask()
        try:
            keys.append(queue.claim(trial, study).key)
        except queue.Dropped:
            study.tell(trial, state=TrialState.FAIL)
            continue
        finish(study, trial)
    return keys


def test_jobs_are_taken_in_the_plans_order(study: optuna.Study) -> None:
    queue.advance(study, FixedJobs(["b", "a"]))

    assert work_off(study) == ["b", "a"]


def test_filling_twice_adds_nothing(study: optuna.Study) -> None:
    queue.advance(study, FixedJobs(["a", "b"]))
    queue.advance(study, FixedJobs(["a", "b"]))

    assert work_off(study) == ["a", "b"]


def test_a_further_stage_joins_when_the_first_is_over(study: optuna.Study) -> None:
    plan = FixedJobs(["a"], ["b"])
    queue.advance(study, plan)
    work_off(study)

    assert not is_finished(plan, reading.read_records(study))
    queue.advance(study, plan)
    work_off(study)
    assert is_finished(plan, reading.read_records(study))


def test_a_job_that_two_processes_added_is_done_once(study: optuna.Study) -> None:
    for _ in range(2):  # both looked before the other had added
        study.enqueue_trial({}, user_attrs={"job": job("a").to_attribute()})

    assert work_off(study) == ["a"]
    assert [record.status for record in reading.read_records(study)] == ["done"]


def test_a_trial_that_optuna_makes_up_is_dropped(study: optuna.Study) -> None:
    with pytest.raises(queue.Dropped):
        queue.claim(study.ask(), study)

    assert reading.read_records(study) == []


def test_a_job_whose_process_died_is_put_back_and_counts_as_one(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = FixedJobs(["a"])
    queue.advance(study, plan)
    take(study)
    monkeypatch.setattr(dead_workers, "is_alive", lambda worker: False)

    assert dead_workers.fail_orphans(study) == [0]
    queue.advance(study, plan)

    (record,) = reading.read_records(study)
    assert (record.status, record.attempts) == ("waiting", 1)
    assert work_off(study) == ["a"]
    (record,) = reading.read_records(study)
    assert (record.status, record.attempts) == ("done", 2)


def test_a_living_process_keeps_its_job(study: optuna.Study) -> None:
    queue.advance(study, FixedJobs(["a"]))
    take(study)

    assert dead_workers.fail_orphans(study) == []


def test_a_process_of_another_machine_is_left_to_the_heartbeat(study: optuna.Study) -> None:
    queue.advance(study, FixedJobs(["a"]))
    trial, _ = take(study)
    trial.set_user_attr("worker", {**trial.user_attrs["worker"], "machine": "elsewhere", "pid": 1, "started": 0.0})

    assert dead_workers.fail_orphans(study) == []


def test_another_process_with_the_same_number_is_not_the_worker() -> None:
    me = dead_workers.this_worker(0)

    assert dead_workers.is_alive(me)
    assert not dead_workers.is_alive({**me, "started": me["started"] - 100})


def test_a_job_that_kills_its_worker_again_and_again_fails_in_the_end(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = FixedJobs(["a"])
    monkeypatch.setattr(dead_workers, "is_alive", lambda worker: False)
    for _ in range(reading.MAX_ATTEMPTS):
        queue.advance(study, plan)
        take(study)
        dead_workers.fail_orphans(study)
    queue.advance(study, plan)

    (record,) = reading.read_records(study)
    assert record.status == "failed"
    assert record.error is not None
    assert record.error.startswith("its worker died 4 times")
    assert is_finished(plan, [record])


def test_being_interrupted_is_no_death(study: optuna.Study) -> None:
    plan = FixedJobs(["a"])
    for _ in range(reading.MAX_ATTEMPTS + 1):
        queue.advance(study, plan)
        trial, _ = take(study)
        trial.set_user_attr(reading.INTERRUPTED, True)
        study.tell(trial, state=TrialState.FAIL)
    queue.advance(study, plan)

    assert [record.status for record in reading.read_records(study)] == ["waiting"]


def test_a_trials_own_error_is_final(study: optuna.Study) -> None:
    plan = FixedJobs(["a"])
    queue.advance(study, plan)
    trial, _ = take(study)
    trial.set_user_attr(reading.ERROR, "diverged")
    study.tell(trial, state=TrialState.FAIL)
    queue.advance(study, plan)

    (record,) = reading.read_records(study)
    assert (record.status, record.error) == ("failed", "diverged")


def test_long_answers_come_back_in_one_piece(study: optuna.Study) -> None:
    queue.advance(study, FixedJobs(["a"]))
    trial, _ = take(study)
    losses = np.random.default_rng(0).random(20_000)
    answered = Answered(answers=[None] * 20_000, labels=[None] * 20_000, losses=losses, units=np.ones(20_000, int))
    reading.store_answers(trial, pack(answered))
    study.tell(trial, 1.0)

    (record,) = reading.read_records(study)
    assert record.load_answers is not None
    assert len([name for name in trial.user_attrs if name.startswith("answers.")]) > 1
    np.testing.assert_array_equal(record.load_answers().losses, losses)


def test_a_record_says_who_works_on_it(study: optuna.Study) -> None:
    queue.advance(study, FixedJobs(["a"]))
    take(study)

    (record,) = reading.read_records(study)
    assert (record.status, record.host, record.pid) == ("running", socket.gethostname(), os.getpid())


def test_a_retry_does_not_show_the_curve_of_the_one_that_died(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = FixedJobs(["a"])
    queue.advance(study, plan)
    trial, _ = take(study)
    evaluation = Evaluation(
        step=1,
        epoch=1.0,
        train_loss=1.0,
        validation_loss=1.0,
        objective=1.0,
        metrics={},
        learning_rate=0.1,
        patience_used=0,
        is_best=True,
        stops=False,
        elapsed_seconds=1.0,
    )
    trial.set_user_attr("history", evaluation.to_json() + "\n")
    assert len(reading.read_records(study)[0].history) == 1
    monkeypatch.setattr(dead_workers, "is_alive", lambda worker: False)
    dead_workers.fail_orphans(study)
    queue.advance(study, plan)

    (record,) = reading.read_records(study)
    assert (len(record.history), record.host) == (0, None)
