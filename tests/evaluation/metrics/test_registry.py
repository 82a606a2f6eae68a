"""What holds for every metric."""

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest

from regtune.evaluation.metrics import METRICS, compute_metrics, higher_is_better, interval_for
from regtune.tasks import TASKS

LOWER_IS_BETTER = {"nll", "ece", "rmse", "rmse_of_mean", "perplexity"}
SHARES = {"accuracy", "exact_match", "exact_match_text"}  # Wilson's interval: no luck in it


def test_every_metric_of_every_task_exists_under_its_own_name():
    assert {name for task in TASKS.values() for name in (*task.metrics, task.headline)} <= set(METRICS)
    assert all(metric.name == name for name, metric in METRICS.items())


@pytest.mark.parametrize("name", METRICS)
def test_direction_comes_from_the_metrics_definition(name):
    assert higher_is_better(name) is (name not in LOWER_IS_BETTER)


def test_a_lower_loss_is_better():
    assert higher_is_better("loss") is False


def test_compute_metrics_answers_by_name_in_the_order_asked(random_answered):
    case = random_answered("nll", 0, rows=10)

    values = compute_metrics(("nll", "accuracy"), case)

    assert list(values) == ["nll", "accuracy"]
    assert values["accuracy"] == METRICS["accuracy"].value(case)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize(
    ("answers", "labels", "names"),
    [
        (np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([0, 1]), ["accuracy", "macro_f1", "nll", "ece"]),
        ([np.array([0.5]), np.array([0.5])], [np.array([True]), np.array([False])], ["micro_f1", "exact_match"]),
        ([0.5, 0.5], [1.0, 2.0], ["pearson", "spearman", "rmse", "rmse_of_mean"]),
    ],
)
def test_a_model_that_answers_no_number_scores_no_number(answered, bad, answers, labels, names):
    last = np.full_like(answers[1], bad)

    values = compute_metrics(names, answered([answers[0], last], labels, baseline=0.0))

    assert list(values) == names
    assert all(math.isnan(value) for value in values.values())


@pytest.mark.parametrize(("answers", "name"), [(["text"], "chrf"), ([["O"]], "entity_f1"), ([None], "perplexity")])
def test_a_loss_that_is_no_number_is_no_score(answered, answers, name):
    case = answered(answers, answers, losses=np.array([math.nan]))

    assert math.isnan(compute_metrics([name], case)[name])


@pytest.mark.parametrize(("answers", "name"), [([[]], "token_accuracy"), (["nan"], "exact_match_text")])
def test_tags_and_texts_are_never_taken_for_numbers(answered, answers, name):
    assert not math.isnan(compute_metrics([name], answered(answers, answers))[name])


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("rows", [1, 2, 5, 120])
def test_the_value_is_the_metric_and_lies_inside_its_interval(random_answered, name, rows):
    case = random_answered(name, rows, rows=rows)

    interval = interval_for(name, case, seed=0)

    assert interval.value == METRICS[name].value(case)
    assert interval.low <= interval.value <= interval.high


@pytest.mark.parametrize("name", METRICS)
def test_the_same_seed_gives_the_same_interval(random_answered, name):
    case = random_answered(name, 1, rows=60)

    assert interval_for(name, case, seed=3) == interval_for(name, case, seed=3)


@pytest.mark.parametrize("name", sorted(METRICS.keys() - SHARES))
def test_bounds_of_two_seeds_differ_by_little(random_answered, name):
    case = random_answered(name, 1, rows=60)

    first, second = (interval_for(name, case, seed=seed) for seed in (3, 4))

    assert first != second
    assert first.high == pytest.approx(second.high, abs=0.15 * first.half_width)


@pytest.mark.parametrize("name", METRICS)
def test_more_rows_give_a_narrower_interval(random_answered, name):
    few, many = (interval_for(name, random_answered(name, 0, rows=rows), seed=0).half_width for rows in (60, 960))

    assert many < 0.5 * few


@pytest.mark.parametrize(
    "name", ["macro_f1_labels", "pearson", "spearman", "rmse", "entity_f1", "perplexity", "rouge_l"]
)
def test_the_interval_is_that_of_measuring_resampled_rows(random_answered, name):
    rows, draws = 40, 200
    case = random_answered(name, 5, rows=rows)
    generator = np.random.default_rng(0)

    def measured(chosen):
        picked = {field: [getattr(case, field)[i] for i in chosen] for field in ("answers", "labels")}
        return METRICS[name].value(
            dataclasses.replace(case, **picked, losses=case.losses[chosen], units=case.units[chosen])
        )

    resampled = np.array([measured(generator.integers(rows, size=rows)) for _ in range(draws)])
    low, high = np.quantile(resampled, [0.025, 0.975])

    assert interval_for(name, case, seed=0).half_width == pytest.approx((high - low) / 2, rel=0.25)


@pytest.mark.parametrize("name", ["micro_f1", "spearman", "rmse", "entity_f1", "perplexity"])
def test_about_95_of_100_intervals_hold_the_truth(random_answered, name):
    truth = METRICS[name].value(random_answered(name, 999, rows=4000))
    intervals = [interval_for(name, random_answered(name, seed, rows=80), seed=seed) for seed in range(40)]

    held = sum(interval.low <= truth <= interval.high for interval in intervals)

    assert held >= 33  # 95 % of 40 is 38; 33 or fewer has probability 0.003


def test_importing_the_metrics_loads_no_package_that_only_some_need():
    code = (
        "import regtune.evaluation.metrics, sys; "
        "print({'torch', 'sklearn', 'scipy', 'seqeval', 'sacrebleu', 'rouge_score', 'nltk'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("rows", [1, 40])
def test_the_statistic_of_all_rows_is_the_value(random_answered, name, rows):
    case = random_answered(name, 3, rows=rows)

    assert METRICS[name].statistic(case)(np.ones((1, rows))) == pytest.approx([METRICS[name].value(case)], abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_the_statistic_of_drawn_rows_is_the_value_of_those_rows(random_answered, name):
    case = random_answered(name, 4, rows=30)
    chosen = np.random.default_rng(0).integers(30, size=30)
    fields = {field: [getattr(case, field)[row] for row in chosen] for field in ("answers", "labels")}
    picked = dataclasses.replace(case, **fields, losses=case.losses[chosen], units=case.units[chosen])

    of_drawn = METRICS[name].statistic(case)(np.bincount(chosen, minlength=30)[None].astype(float))

    assert of_drawn == pytest.approx([METRICS[name].value(picked)], abs=1e-12)


def test_draws_without_any_token_have_the_perplexity_of_all_rows(answered):
    case = answered([None, None], [None, None], losses=np.array([3.0, 0.0]), units=np.array([2, 0]))

    assert METRICS["perplexity"].statistic(case)(np.array([[0.0, 2.0]])) == pytest.approx([math.exp(1.5)])
