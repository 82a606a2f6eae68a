"""A sweep's plan: which jobs there are, stage by stage, and that the user's own config is in all of them."""

from __future__ import annotations

from regtune.config.document import Plain
from regtune.history import Evaluation, History
from regtune.search.settings import SweepSettings
from regtune.search.space.space import Space
from regtune.search.study.job import Job
from regtune.search.study.plan import SweepPlan, is_finished
from regtune.search.study.record import Record

SPACE = Space.from_entries({"regularization.dropout": {"low": 0.0, "high": 0.5}})


def plan(**settings: object) -> SweepPlan:
    return SweepPlan(
        settings=SweepSettings.model_validate(settings),
        space=SPACE,
        own={"regularization.dropout": 0.1},
        off={"regularization.dropout": 0.0},
        seed=7,
    )


def done(job: Job, loss: float, changes: dict[str, Plain] | None = None) -> Record:
    evaluation = Evaluation(
        step=1,
        epoch=1.0,
        train_loss=0.0,
        validation_loss=loss,
        objective=0.0,
        metrics={},
        learning_rate=0.1,
        patience_used=0,
        is_best=True,
        stops=False,
        elapsed_seconds=1.0,
    )
    return Record(
        number=0,
        job=job,
        status="done",
        changes=job.changes if job.changes is not None else changes,
        params={},
        history=History([evaluation]),
        attempts=1,
        host="here",
        pid=1,
        seconds=1.0,
        error=None,
    )


def carried_out(asked: SweepPlan) -> list[Record]:
    """Every job done; the higher the trial's number, the better."""
    records: list[Record] = []
    while not is_finished(asked, records):
        known = {record.job.key for record in records}
        for job in asked.due(records):
            if job.key not in known:
                rank = float(job.candidate) if job.candidate.isdecimal() else 0.0
                changes: dict[str, Plain] = {"regularization.dropout": rank / 100}
                records.append(done(job, 1 - rank / 100, changes))
    return records


def test_the_search_begins_with_the_own_config_and_everything_off() -> None:
    jobs = plan(trials=4).due([])

    assert [job.candidate for job in jobs] == ["own", "off", "2", "3"]
    assert [job.changes for job in jobs] == [{}, {"regularization.dropout": 0.0}, None, None]


def test_the_default_budget_is_20_and_18_runs() -> None:
    records = carried_out(plan())

    assert [sum(record.job.stage == stage for record in records) for stage in ("search", "confirm")] == [20, 18]
    assert len(records) == plan().jobs_in_all()


def test_own_is_on_every_repetition() -> None:
    records = carried_out(plan())

    assert [r.job.repetition.fold for r in records if r.job.candidate == "own"] == [1, 2, 3, 4, 5]


def test_each_repetition_has_a_seed_of_its_own_and_all_candidates_share_it() -> None:
    records = carried_out(plan())

    seeds = {(r.job.repetition.fold, r.job.repetition.seed) for r in records}
    assert seeds == {(1, 7), (2, 8), (3, 9), (4, 10), (5, 11)}


def test_the_best_are_confirmed_with_the_values_they_were_searched_with() -> None:
    records = carried_out(plan(trials=6, confirm=3, folds=3))

    assert {r.job.candidate: r.job.changes for r in records if r.job.stage == "confirm"} == {
        "5": {"regularization.dropout": 0.05},
        "4": {"regularization.dropout": 0.04},
        "own": {},
    }


def test_no_confirm_stage_when_it_is_switched_off() -> None:
    assert len(carried_out(plan(trials=5, confirm=0))) == 5


def test_with_one_fold_the_seeds_are_what_differs() -> None:
    records = carried_out(plan(trials=4, confirm=2, folds=1, seeds=3))

    assert {(r.job.repetition.fold, r.job.repetition.folds, r.job.repetition.seed) for r in records} == {
        (1, 1, 7),
        (1, 1, 8),
        (1, 1, 9),
    }


def test_a_stage_waits_for_the_last_job_of_the_one_before() -> None:
    asked = plan(trials=3, confirm=2, folds=2)
    search = asked.due([])
    almost = [done(job, 1.0, {}) for job in search[:-1]]

    assert asked.due(almost) == search


def test_fixed_configs_are_told_to_the_sampler_as_parameters() -> None:
    asked = plan(trials=3)
    own, off, sampled = asked.due([])

    assert asked.params(own) == {"regularization.dropout": 0.1}
    assert asked.params(off) == {"regularization.dropout": 0.0}
    assert asked.params(sampled) == {}


def test_a_grid_is_tried_point_by_point() -> None:
    grid = Space.from_entries({"regularization.dropout": [0.0, 0.2, 0.4]})
    asked = SweepPlan(
        settings=SweepSettings(sampler="grid"), space=grid, own={"regularization.dropout": 0.1}, off={}, seed=0
    )

    assert [job.changes for job in asked.search_jobs()] == [
        {},
        {"regularization.dropout": 0.0},
        {"regularization.dropout": 0.2},
        {"regularization.dropout": 0.4},
    ]
