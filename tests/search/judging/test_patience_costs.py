import math

import pytest

import regtune
from regtune.history import History
from regtune.search.judging.patience_costs import cut_short, patience_costs
from tests.search.made_records import folds, record

QUICK = {"training.epochs": 10, "training.learning_rate": 0.03, "training.batch_size": 32, "data.test": "null"}
FIRST, SECOND = folds(2)
BUMPY = [
    1.0,
    0.9,
    0.95,
    0.8,
    0.85,
    0.86,
    0.7,
    0.75,
    0.76,
    0.77,
    0.78,
    0.79,
]  # misses before a gain: 1, then 2; stops at 5


def costs(*records, objective="loss", patience=5, monitor="loss"):
    found = patience_costs(records, objective=objective, patience=patience, min_delta=0.0, monitor=monitor)
    return {cost.patience: cost for cost in found}


def test_a_smaller_patience_stops_at_its_own_miss_and_loses_what_came_later():
    found = costs(record("2", FIRST, BUMPY))

    assert {patience: cost.evaluations for patience, cost in found.items()} == {1: 3, 2: 6, 3: 10}
    assert found[1].lost == pytest.approx(0.9 - 0.7)
    assert found[2].lost == pytest.approx(0.8 - 0.7)
    assert found[3].lost == 0
    assert found[2].saved == pytest.approx(0.5)


def test_the_loss_is_that_of_the_searchs_best_not_of_each_trial():
    found = costs(record("own", FIRST, [0.5, 0.6, 0.6, 0.6, 0.6, 0.6]), record("2", FIRST, BUMPY))

    assert found[1].lost == 0  # the best trial is as good
    assert found[1].evaluations == 2 + 3


def test_only_patience_below_the_configs_own_is_shown():
    assert costs(record("2", FIRST, BUMPY), patience=2).keys() == {1}


def test_without_early_stopping_every_patience_that_would_have_stopped_is_shown():
    assert costs(record("2", FIRST, BUMPY), patience=None).keys() == {1, 2, 3}  # 5: where the curve ends


def test_a_patience_that_would_have_changed_nothing_is_not_shown():
    assert costs(record("2", FIRST, [1.0, 0.9, 0.8])) == {}


@pytest.mark.parametrize("status", ["failed", "pruned"])
def test_curves_that_ended_for_another_reason_do_not_count(status):
    assert costs(record("2", FIRST, BUMPY, status=status)) == {}


def test_confirming_jobs_do_not_count():
    confirmed = record("2", SECOND, BUMPY)
    object.__setattr__(confirmed.job, "stage", "confirm")

    assert costs(confirmed) == {}


def test_a_patience_that_ends_every_trial_before_its_first_finite_loss_loses_all():
    found = costs(record("2", FIRST, [math.inf, math.inf, 0.5, 0.4]))

    assert found[1].lost == math.inf


def test_no_trials_cost_nothing():
    assert costs() == {}


def test_a_metric_is_lost_downwards():
    one = record("2", FIRST, BUMPY, accuracy=0.0)
    for evaluation in one.history:
        evaluation.metrics["accuracy"] = 1 - evaluation.validation_loss

    assert costs(one, objective="accuracy")[1].lost == pytest.approx(0.2)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """trained(patience): the history of a tiny model's run that soon overfits; the same run but for its patience."""
    folder = tmp_path_factory.mktemp("runs")

    def train(patience):
        output = folder / str(patience)
        changes = [f"{key}={value}" for key, value in {**QUICK, "regularization.patience": patience}.items()]
        regtune.train(regtune.load_config("configs/smoke.yaml", overrides=[*changes, f"output={output}"]))
        return History.from_jsonl((output / "history.jsonl").read_text("utf-8"))

    return train


@pytest.mark.slow
def test_a_run_with_a_smaller_patience_is_the_prefix_that_is_read_off(trained):
    long, short = trained(4), trained(1)

    replayed = cut_short(long, patience=1, min_delta=0.0, monitor="loss")

    assert len(replayed) == len(short) < len(long)
    assert [one.validation_loss for one in replayed] == [one.validation_loss for one in short]
    assert replayed.best.step == short.best.step
