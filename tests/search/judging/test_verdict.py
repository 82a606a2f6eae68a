import math
from dataclasses import replace

import pytest

from regtune.config import load_config
from regtune.search.judging.result import Difference, Standing
from regtune.search.judging.verdict import judge, number_text
from regtune.search.settings import SweepSettings, repetitions
from tests.search.made_records import folds, record

BASE = load_config("configs/small.yaml")
CHANGES = {"regularization.dropout": 0.3, "regularization.weight_decay": 0.1}
OWN = Standing(
    candidate="own",
    changes={},
    values=dict.fromkeys(range(5), 0.65),
    metrics={},
    mean=0.6531,
    std=0.02,
    against_own=None,
    is_tied=False,
)


def difference(low, high, outcome, *, times=5, measure="loss"):
    return Difference(
        measure=measure, value=(low + high) / 2, low=low, high=high, rows=200, repetitions=times, outcome=outcome
    )


def trial(against_own, *, changes=CHANGES, candidate="7"):
    return replace(OWN, candidate=candidate, changes=changes, mean=0.612, against_own=against_own, is_tied=True)


def judged(*standings, records=(), objective="loss", on=None):
    return judge(standings, records, objective=objective, unit="nats per row", repetitions=on or folds(5), base=BASE)


def test_a_better_trial_is_recommended_with_its_numbers():
    verdict = judged(trial(difference(-0.070, -0.012, "better")), OWN)

    assert verdict.sentence == (
        "trial 7 (dropout 0.3, weight decay 0.1) has 0.041 nats per row less validation loss than your config "
        "(95 % CI 0.012 to 0.070, 5 folds, widened for the best of 2): better"
    )
    assert (verdict.outcome, verdict.best, verdict.recommended) == ("better", "7", "7")


def test_what_cannot_be_told_apart_keeps_the_users_config_and_says_what_could_be_told():
    verdict = judged(trial(difference(-0.050, 0.030, "not distinguishable")), OWN)

    assert "(95 % CI −0.030 to 0.050, 5 folds, widened for the best of 2)" in verdict.sentence
    assert verdict.sentence.endswith("not distinguishable, keep yours")
    assert (verdict.outcome, verdict.best, verdict.recommended) == ("not distinguishable", "7", "own")
    assert verdict.caveats == (
        "with these rows and repetitions, less than about 0.040 nats per row cannot be told from luck",
    )


def test_a_worse_first_of_the_table_keeps_the_users_config():
    verdict = judged(trial(difference(0.1, 0.3, "worse")), OWN)

    assert "has 0.200 nats per row more validation loss" in verdict.sentence
    assert (verdict.outcome, verdict.recommended) == ("worse", "own")


def test_a_metric_has_no_unit_and_improves_upwards():
    verdict = judged(trial(difference(0.02, 0.08, "better", measure="macro_f1")), OWN, objective="macro_f1")

    assert "has 0.050 more macro f1 than your config (95 % CI 0.020 to 0.080" in verdict.sentence
    assert verdict.recommended == "7"


def test_own_on_top_is_kept():
    verdict = judged(OWN, trial(difference(0.0, 0.1, "not distinguishable")))

    assert verdict.sentence == (
        "your config has the lowest validation loss, 0.653 nats per row (mean of 5 folds), of 2 candidates: keep it"
    )
    assert (verdict.outcome, verdict.best, verdict.recommended) == ("not distinguishable", "own", "own")


def test_everything_off_has_its_name():
    verdict = judged(trial(difference(-0.07, -0.01, "better"), candidate="off"), OWN)

    assert verdict.sentence.startswith("everything off has 0.040 nats per row less")


def test_only_values_that_are_not_the_users_are_named():
    dropout = BASE.regularization.dropout
    changes = {"regularization.dropout": dropout, "training.learning_rate": 0.0003}

    verdict = judged(trial(difference(-0.07, -0.01, "better"), changes=changes), OWN)

    assert verdict.sentence.startswith("trial 7 (learning rate 0.0003) has")


def test_a_config_that_failed_loses_to_one_that_trains():
    failed = record("own", folds(5)[0], 0.5, status="failed")

    verdict = judged(trial(None), records=[failed])

    assert verdict.sentence == (
        "your config did not finish (broken); trial 7 (dropout 0.3, weight decay 0.1) has the lowest validation loss, "
        "0.612 nats per row (mean of 5 folds), of the 1 that ran as often, of 2 candidates: better"
    )
    assert (verdict.outcome, verdict.recommended, verdict.difference) == ("better", "7", None)


def test_own_that_failed_on_some_folds_is_a_caveat():
    failed = record("own", folds(5)[3], 0.5, status="failed")

    verdict = judged(trial(difference(-0.07, -0.01, "better", times=4)), OWN, records=[failed])

    assert verdict.caveats == ("your config failed on some repetitions; it is compared on the others",)


def test_other_failures_are_counted_by_candidate():
    failed = [record(name, repetition, 0.5, status="failed") for name in "23" for repetition in folds(5)[:2]]

    assert judged(OWN, records=failed).caveats == ("2 other candidates failed at least once",)


def test_one_repetition_says_what_it_cannot_hold():
    verdict = judged(trial(difference(-0.07, -0.01, "better", times=1)), OWN)

    assert ", 1 fold, " in verdict.sentence
    assert verdict.caveats[0].startswith("one training run of each on the rows that chose the winner")


def test_an_endless_interval_names_no_smallest_difference():
    assert judged(trial(difference(-math.inf, math.inf, "not distinguishable", times=2)), OWN).caveats == ()


@pytest.mark.parametrize(
    ("settings", "times", "text"), [({"folds": 1, "seeds": 3}, 3, "3 seeds"), ({"seeds": 2}, 10, "10 repetitions")]
)
def test_seeds_are_called_seeds(settings, times, text):
    on = repetitions(SweepSettings(**settings), seed=0)

    assert f", {text}, " in judged(trial(difference(-0.07, -0.01, "better", times=times)), OWN, on=on).sentence


@pytest.mark.parametrize(
    ("value", "text"), [(0.041, "0.041"), (-0.0042, "−0.0042"), (12.345, "12.3"), (0.0, "0"), (1234.0, "1.23e+03")]
)
def test_numbers_have_about_three_digits(value, text):
    assert number_text(value) == text
