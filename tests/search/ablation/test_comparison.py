"""What each technique contributes: the arithmetic by hand, and what is missing when jobs are."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest

from regtune.config.schema import Config
from regtune.search.ablation import comparison as ablation
from regtune.search.ablation.arms import ablation_jobs
from regtune.search.ablation.comparison import ablation_measures, ablation_result
from regtune.search.ablation.result import Spread
from regtune.search.judging.result import Difference
from tests.search.ablation.made_ablation import FOLDS, finished, unfinished

Make = Callable[..., Config]
ONLY_DROPOUT = ("regularization.weight_decay=0", "regularization.patience=null", "regularization.smoothing=0")
DROPOUT_AND_PATIENCE = ("regularization.weight_decay=0", "regularization.smoothing=0")

# Probability of the right class in both rows of each fold, by arm.
RIGHT = {"full": 0.8, "no dropout": 0.5, "only dropout": 0.8, "only patience": 0.5, "no patience": 0.8, "nothing": 0.4}
CURVES = {  # epochs: a run with patience 1 is the beginning of the run without
    "full": [0.9, 0.5, 0.6],
    "no patience": [0.9, 0.5, 0.6, 0.7],
    "no dropout": [0.9, 0.6, 0.8],
    "only dropout": [0.9, 0.5, 0.6, 0.7],
    "nothing": [0.9, 0.6, 0.8, 0.5],
}


@pytest.fixture(autouse=True)
def _interval_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The difference of the mean losses, ± 0.1 for each comparison: intervals are tested where they are made."""

    def plain(candidate, reference, *, measure, folds, comparisons, seed):
        assert len(folds) == len(candidate) == len(reference)
        losses = [np.mean([answered.losses.mean() for answered in side]) for side in (candidate, reference)]
        value = float(losses[0] - losses[1])
        half_width = 0.1 * comparisons
        outcome = "not distinguishable" if abs(value) < half_width else "better" if value < 0 else "worse"
        return Difference(
            measure=measure,
            value=value,
            low=value - half_width,
            high=value + half_width,
            rows=sum(len(answered.labels) for answered in candidate),
            repetitions=len(candidate),
            outcome=outcome,
        )

    monkeypatch.setattr(ablation, "paired_difference", plain)


def config_of(make_config: Make, *overrides: str) -> Config:
    return make_config("task=text-classification", "training.epochs=9", *overrides)


def records_of(config: Config) -> list:
    return [finished(job, CURVES[job.candidate], [RIGHT[job.candidate]] * 2) for job in ablation_jobs(config, FOLDS)]


def result_of(config: Config, records: list | None = None):
    return ablation_result(records_of(config) if records is None else records, config, repeated=FOLDS, seed=0)


def test_a_technique_contributes_full_minus_without_and_alone_minus_nothing(make_config: Make) -> None:
    result = result_of(config_of(make_config, *DROPOUT_AND_PATIENCE))

    dropout = result.contributions[0]
    assert (dropout.in_recipe.candidate, dropout.in_recipe.reference) == ("full", "no dropout")
    # −ln 0.8 − (−ln 0.5) = 0.2231 − 0.6931
    assert dropout.in_recipe.differences["loss"].value == pytest.approx(-0.4700, abs=1e-4)
    # With two techniques, dropout alone is the recipe without patience.
    assert (dropout.alone.candidate, dropout.alone.reference) == ("no patience", "nothing")
    assert dropout.alone.differences["loss"].value == pytest.approx(math.log(0.4) - math.log(0.8))


def test_every_measure_is_compared_on_the_same_repetitions(make_config: Make) -> None:
    result = result_of(config_of(make_config, *ONLY_DROPOUT))

    differences = result.contributions[0].in_recipe.differences
    assert list(differences) == ["loss", "macro_f1", "ece"]
    assert {(one.rows, one.repetitions) for one in differences.values()} == {(4, 2)}


def test_with_one_technique_the_recipe_and_alone_are_one_comparison(make_config: Make) -> None:
    result = result_of(config_of(make_config, *ONLY_DROPOUT))

    (dropout,) = result.contributions
    assert (dropout.in_recipe.candidate, dropout.in_recipe.reference) == ("full", "nothing")
    assert dropout.alone is None
    assert result.comparisons == 3
    assert dropout.setting == 0.1


def test_comparisons_are_counted_over_techniques_measures_and_both_questions(make_config: Make) -> None:
    assert result_of(config_of(make_config, *DROPOUT_AND_PATIENCE)).comparisons == 2 * 3 * 2


def test_what_stands_is_what_holds_with_all_comparisons_together(make_config: Make) -> None:
    one = result_of(config_of(make_config, *ONLY_DROPOUT)).contributions[0].in_recipe
    two = result_of(config_of(make_config, *DROPOUT_AND_PATIENCE)).contributions[0].in_recipe

    # "full" − "nothing" is −0.69, three comparisons allow 0.3; "full" − "no dropout" is −0.47, twelve allow 1.2.
    assert one.stands == ("loss", "macro_f1", "ece")
    assert two.stands == ()


def test_repetitions_name_the_fold_whose_rows_they_hold_out(make_config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, named = ablation.paired_difference, []

    def listening(candidate, reference, **options):
        named.append(options["folds"])
        return plain(candidate, reference, **options)

    monkeypatch.setattr(ablation, "paired_difference", listening)
    result_of(config_of(make_config, *ONLY_DROPOUT))

    assert named[0] == [1, 2]


def test_techniques_that_are_off_are_named(make_config: Make) -> None:
    result = result_of(config_of(make_config, *ONLY_DROPOUT))

    assert result.off == ("drop_path", "weight_decay", "patience", "smoothing", "augmentation")


def test_an_arm_has_its_mean_at_the_best_evaluation_and_its_cost(make_config: Make) -> None:
    config = config_of(make_config, *ONLY_DROPOUT)
    jobs = ablation_jobs(config, FOLDS)
    losses = {"full-r0": [0.9, 0.5, 0.6], "full-r1": [0.9, 0.3]}
    records = [finished(job, losses.get(job.key, [0.9]), [0.5]) for job in jobs]

    full = result_of(config, records).arms[0]

    assert full.values["loss"] == Spread(
        mean=0.4, std=pytest.approx(0.2 / math.sqrt(2)), low=0.3, high=0.5, repetitions=2
    )
    assert full.epochs.mean == 2.5
    assert full.seconds.mean == 5.0  # 2 s an epoch, as the run measured it


def test_patience_is_measured_by_what_it_saves_and_by_what_the_last_weights_would_have_lost(make_config: Make) -> None:
    patience = result_of(config_of(make_config, *DROPOUT_AND_PATIENCE)).contributions[1]

    stopping = patience.in_recipe.stopping
    assert (stopping.epochs, stopping.epochs_without) == (3, 4)
    assert stopping.saved == 0.25
    assert (stopping.same_best, stopping.repetitions) == (2, 2)
    assert stopping.last_minus_best.mean == pytest.approx(0.7 - 0.5)


def test_a_later_best_without_patience_is_seen(make_config: Make) -> None:
    patience = result_of(config_of(make_config, *DROPOUT_AND_PATIENCE)).contributions[1]

    stopping = patience.alone.stopping  # "no dropout" stops at epoch 3, "nothing" has its best at 4
    assert stopping.same_best == 0
    assert stopping.last_minus_best.mean == 0


def test_other_techniques_say_nothing_of_stopping(make_config: Make) -> None:
    dropout = result_of(config_of(make_config, *DROPOUT_AND_PATIENCE)).contributions[0]

    assert dropout.in_recipe.stopping is None


def test_only_repetitions_that_both_arms_finished_are_compared(make_config: Make) -> None:
    config = config_of(make_config, *ONLY_DROPOUT)
    records = records_of(config)
    jobs = [record.job for record in records]
    records[jobs.index(next(job for job in jobs if job.key == "nothing-r1"))] = unfinished(
        jobs[3], "failed", error="out of memory"
    )

    result = result_of(config, records)

    assert result.contributions[0].in_recipe.differences["loss"].repetitions == 1
    assert [(arm.name, arm.finished, arm.planned) for arm in result.arms] == [("full", 2, 2), ("nothing", 1, 2)]
    assert result.failures == ("nothing, fold 2: out of memory",)


def test_an_arm_that_failed_throughout_leaves_the_others_standing(make_config: Make) -> None:
    config = config_of(make_config, *DROPOUT_AND_PATIENCE)
    records = [
        unfinished(record.job, "failed", error="diverged") if record.job.candidate == "no dropout" else record
        for record in records_of(config)
    ]

    result = result_of(config, records)

    dropout, patience = result.contributions
    assert dropout.in_recipe.differences == {}
    assert set(dropout.alone.differences) == set(patience.in_recipe.differences) == {"loss", "macro_f1", "ece"}
    assert patience.alone.differences == {}
    assert patience.alone.stopping is None
    assert result.arms[1].values is None
    assert result.comparisons == 6


def test_before_the_first_job_is_done_there_is_a_result_without_figures(make_config: Make) -> None:
    config = config_of(make_config, *ONLY_DROPOUT)
    jobs = ablation_jobs(config, FOLDS)

    result = result_of(config, [unfinished(job, "waiting") for job in jobs])

    assert result.comparisons == result.rows == 0
    assert result.failures == ()


def test_answers_are_decoded_once(make_config: Make) -> None:
    config = config_of(make_config, *DROPOUT_AND_PATIENCE)
    decoded = []
    records = []
    for record in records_of(config):

        def load(record=record):
            decoded.append(record.job.key)
            return record.load_answers()

        records.append(type(record)(**{**vars(record), "load_answers": load}))

    result_of(config, records)

    assert sorted(decoded) == sorted(record.job.key for record in records)


def test_the_result_is_strict_json(make_config: Make) -> None:
    config = config_of(make_config, *DROPOUT_AND_PATIENCE)
    records = [finished(record.job, [0.5, math.inf], [0.5]) for record in records_of(config)]

    plain = json.loads(result_of(config, records).to_json())

    assert plain["measures"] == ["loss", "macro_f1", "ece"]
    assert plain["contributions"][1]["in_recipe"]["stopping"]["last_minus_best"]["mean"] is None
    assert plain["comparisons"] == 12


def test_a_task_without_probabilities_has_no_calibration() -> None:
    assert ablation_measures("text-classification") == ("loss", "macro_f1", "ece")
    assert ablation_measures("regression") == ("loss", "pearson")
