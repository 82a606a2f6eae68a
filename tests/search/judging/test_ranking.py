import numpy as np
import pytest

from regtune.config import load_config
from regtune.search.judging.ranking import distance, rank
from tests.search.made_records import answered, folds, record

BASE = load_config("configs/small.yaml")
REPETITIONS = folds(3)
ROWS = np.random.default_rng(0).gamma(2.0, 0.3, size=40)


def of(candidate, *means, changes=None, status="done", **metrics):
    """Records of a candidate on the first repetitions: everyone's rows are equally hard, shifted to these means."""
    return [
        record(
            candidate,
            repetition,
            mean,
            changes=changes or ({} if candidate == "own" else {"training.seed": int(candidate) + 100}),
            status=status,
            answers=answered(ROWS - ROWS.mean() + mean + 0.01 * np.sin(np.arange(40) + number + ord(candidate[0]))),
            **metrics,
        )
        for number, (repetition, mean) in enumerate(zip(REPETITIONS, means, strict=False))
    ]


def table(*records, objective="loss"):
    return rank([one for of_one in records for one in of_one], objective=objective, repetitions=REPETITIONS, base=BASE)


def test_more_repetitions_stand_above_a_lower_mean():
    standings = table(of("own", 1.5, 1.5, 1.5), of("2", 1.0), of("3", 1.4, 1.4, 1.4), of("4", 1.2, 1.2))

    assert [standing.candidate for standing in standings] == ["3", "own", "4", "2"]


def test_mean_and_standard_deviation_are_over_repetitions():
    (standing,) = table(of("own", 1.0, 1.2, 1.7))

    assert standing.values == {0: 1.0, 1: 1.2, 2: 1.7}
    assert standing.mean == pytest.approx(1.3)
    assert standing.std == pytest.approx(0.36056, abs=1e-5)  # √((0.3² + 0.1² + 0.4²) / 2)


def test_one_repetition_has_no_standard_deviation():
    assert table(of("own", 1.0))[0].std is None


def test_metrics_are_kept_per_repetition():
    assert table(of("own", 1.0, 1.2, accuracy=0.7))[0].metrics == {"accuracy": {0: 0.7, 1: 0.7}}


def test_own_is_compared_with_everyone_but_itself():
    own, other = sorted(table(of("own", 1.5, 1.5, 1.5), of("2", 1.0, 1.0, 1.0)), key=lambda one: one.candidate)[::-1]

    assert own.against_own is None
    assert other.against_own.value == pytest.approx(-0.5, abs=0.01)
    assert (other.against_own.repetitions, other.against_own.outcome) == (3, "better")


def test_without_own_nothing_is_compared_with_it():
    standings = table(of("2", 1.0), of("own", 1.0, status="failed"))

    assert [(standing.candidate, standing.against_own) for standing in standings] == [("2", None)]


def test_who_cannot_be_told_from_the_first_is_tied():
    standings = table(of("own", 1.5, 1.5, 1.5), of("2", 1.0, 1.0, 1.0), of("3", 1.001, 1.001, 1.001))

    assert {standing.candidate: standing.is_tied for standing in standings} == {"2": True, "3": True, "own": False}


@pytest.mark.parametrize("status", ["failed", "pruned", "running"])
def test_only_what_is_done_stands_in_the_table(status):
    assert [standing.candidate for standing in table(of("own", 1.5), of("2", 1.0, status=status))] == ["own"]


def test_a_metric_is_ranked_by_its_own_direction():
    standings = table(of("own", 1.0, accuracy=0.5), of("2", 1.5, accuracy=0.8), objective="accuracy")

    assert [standing.candidate for standing in standings] == ["2", "own"]


def test_a_tie_goes_to_the_nearest_to_the_users_config():
    far = of("2", 1.0, changes={"regularization.dropout": 0.5, "regularization.weight_decay": 0.5})
    near = of("3", 1.0, changes={"regularization.dropout": 0.5})

    assert [standing.candidate for standing in table(far, near, of("own", 1.0))] == ["own", "3", "2"]


def test_distance_counts_the_keys_that_differ_and_then_by_how_much():
    dropout = BASE.regularization.dropout

    assert distance(BASE, {"regularization.dropout": dropout}) == (0, 0)
    assert distance(BASE, {"regularization.dropout": 3 * dropout}) == (1, pytest.approx(0.5))  # (3 − 1) / (3 + 1)
    assert distance(BASE, {"regularization.patience": None}) == (1, 1.0)


def test_each_jobs_answers_are_decoded_once():
    calls = []
    records = [*of("own", 1.5, 1.5), *of("2", 1.0, 1.0)]
    counted = [
        record(
            one.job.candidate,
            one.job.repetition,
            one.best.validation_loss,
            changes=one.changes,
            answers=one.load_answers(),
        )
        for one in records
    ]
    for one in counted:
        load = one.load_answers
        object.__setattr__(one, "load_answers", lambda load=load, key=one.job.key: calls.append(key) or load())

    rank(counted, objective="loss", repetitions=REPETITIONS, base=BASE)

    assert len(calls) == len(set(calls)) == 4
