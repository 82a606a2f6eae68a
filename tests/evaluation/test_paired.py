import math
import time

import numpy as np
import pytest

from regtune.errors import DataError
from regtune.evaluation.answers import Answered
from regtune.evaluation.metrics import METRICS
from regtune.evaluation.paired import paired_difference


def of_losses(losses, *, labels=None, units=None):
    losses = np.asarray(losses, dtype=float)
    rows = len(losses)
    return Answered(
        answers=np.full((rows, 2), 0.5),
        labels=np.zeros(rows, dtype=int) if labels is None else labels,
        losses=losses,
        units=np.ones(rows, dtype=np.int64) if units is None else np.asarray(units),
    )


def pair(seed, *, rows=40, better_by=0.0, noise=0.3):
    """(candidate, reference) with the same hard rows; the candidate's losses are lower by `better_by` on average."""
    generator = np.random.default_rng(seed)
    hardness = generator.gamma(2.0, 1.0, size=rows)
    return of_losses(hardness - better_by + noise * generator.normal(size=rows)), of_losses(hardness)


def compare(pairs, *, folds=None, measure="loss", **options):
    candidates, references = zip(*pairs, strict=True)
    folds = range(1, len(pairs) + 1) if folds is None else folds
    return paired_difference(candidates, references, measure=measure, folds=folds, **options)


def test_the_value_is_the_mean_difference_over_repetitions():
    first = (of_losses([1.0, 2.0]), of_losses([2.0, 2.0]))  # −0.5
    second = (of_losses([1.0, 1.0, 4.0]), of_losses([1.0, 1.0, 1.0]))  # +1

    difference = compare([first, second])

    assert difference.value == pytest.approx(0.25)
    assert (difference.rows, difference.repetitions, difference.measure) == (5, 2, "loss")


def test_a_lower_loss_beyond_the_interval_is_better_and_a_higher_one_worse():
    ahead = [pair(seed, better_by=0.5) for seed in range(5)]
    behind = [(reference, candidate) for candidate, reference in ahead]

    assert compare(ahead).outcome == "better"
    assert compare(behind).outcome == "worse"


def test_a_higher_metric_is_better():
    right, half = np.array([[0.9, 0.1]] * 40), np.array([[0.9, 0.1], [0.1, 0.9]] * 20)
    others = {"labels": np.zeros(40, dtype=int), "losses": np.zeros(40), "units": np.ones(40, dtype=np.int64)}

    difference = compare([(Answered(answers=right, **others), Answered(answers=half, **others))], measure="accuracy")

    assert (difference.value, difference.outcome) == (0.5, "better")


def test_equal_answers_are_not_distinguishable():
    one = pair(0)[0]

    difference = compare([(one, one)])

    assert (difference.value, difference.low, difference.high) == (0, 0, 0)
    assert difference.outcome == "not distinguishable"


def test_pairing_makes_the_interval_far_narrower_than_the_losses_spread():
    candidate, reference = pair(0, rows=100)

    difference = compare([(candidate, reference)])

    assert difference.high - difference.low < 0.3 * 2 * 1.96 * math.sqrt(2 * reference.losses.var() / 100)


def test_the_interval_of_one_fold_is_students():
    losses = np.random.default_rng(0).normal(size=50)
    standard_error = losses.std(ddof=1) / math.sqrt(50)

    difference = compare([(of_losses(losses), of_losses(np.zeros(50)))])

    assert (difference.high - difference.value) == pytest.approx(2.0096 * standard_error, rel=0.06)  # t, 49 degrees


def test_folds_that_disagree_widen_the_interval():
    agree = [(of_losses(np.full(20, -0.5) + 0.01 * np.arange(20)), of_losses(np.zeros(20))) for _ in range(4)]
    disagree = [
        (of_losses(np.full(20, shift) + 0.01 * np.arange(20)), of_losses(np.zeros(20)))
        for shift in (-1.4, 0.4, -1.4, 0.4)
    ]

    assert compare(agree).outcome == "better"
    assert compare(disagree).outcome == "not distinguishable"


def test_rows_and_fold_means_both_count():
    pairs = [pair(seed, rows=30) for seed in range(5)]
    differences = [candidate.losses - reference.losses for candidate, reference in pairs]
    rows = np.mean([values.var() / 30 for values in differences]) / 5
    folds = np.var([values.mean() for values in differences]) / 5

    difference = compare(pairs)

    half_width = 1.976 * math.sqrt(rows + folds)  # t, 149 degrees of freedom
    assert (difference.high - difference.value) == pytest.approx(half_width, rel=0.06)


def test_five_seeds_on_the_same_rows_are_not_five_times_as_many_rows():
    """The same difference five times: as folds it is five findings, as seeds it is one."""
    same = [pair(0)] * 5

    seeds, folds, one = compare(same, folds=[1] * 5), compare(same), compare(same[:1])

    assert seeds.high - seeds.low == pytest.approx(one.high - one.low, rel=0.05)
    assert folds.high - folds.low < 0.6 * (one.high - one.low)


def test_more_comparisons_widen_the_interval_as_bonferroni_asks():
    one, twenty = (compare([pair(0, rows=1000)], comparisons=count) for count in (1, 20))

    assert (twenty.high - twenty.low) / (one.high - one.low) == pytest.approx(3.023 / 1.960, rel=0.01)


def test_one_row_says_nothing():
    difference = compare([(of_losses([0.1]), of_losses([5.0]))])

    assert (difference.low, difference.high) == (-math.inf, math.inf)
    assert difference.outcome == "not distinguishable"


def test_a_loss_that_is_no_number_is_not_distinguishable():
    difference = compare([(of_losses([math.nan, 1.0]), of_losses([1.0, 1.0]))])

    assert math.isnan(difference.value)
    assert difference.outcome == "not distinguishable"


def test_the_loss_is_per_unit_and_rows_without_any_say_nothing():
    candidate = of_losses([2.0, 0.0, 3.0], units=[4, 0, 1])
    reference = of_losses([4.0, 0.0, 6.0], units=[4, 0, 1])

    assert compare([(candidate, reference)]).value == pytest.approx(1.0 - 2.0)


def test_an_infinite_perplexity_has_no_interval():
    difference = compare([(of_losses([800.0, 1.0, 1.0]), of_losses([1.0, 1.0, 1.0]))], measure="perplexity")

    assert (difference.low, difference.high) == (-math.inf, math.inf)


def test_other_rows_are_refused():
    with pytest.raises(DataError, match=r"repetition 1: the two models answered different rows \(2 and 3\)"):
        compare([(of_losses([1.0, 1.0]), of_losses([1.0, 1.0, 1.0]))])
    with pytest.raises(DataError, match="different rows"):
        compare([(of_losses([1.0, 1.0], labels=[0, 1]), of_losses([1.0, 1.0], labels=[1, 0]))])


def test_the_same_seed_gives_the_same_interval():
    pairs = [pair(seed) for seed in range(3)]

    assert compare(pairs, seed=3) == compare(pairs, seed=3) != compare(pairs, seed=4)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_can_be_compared(name):
    from tests.evaluation.metrics.conftest import MAKERS

    cases = [MAKERS[name](np.random.default_rng(seed), 30) for seed in (0, 1)]
    pairs = [(case, case) for case in cases]

    difference = compare(pairs, measure=name)

    assert (difference.value, difference.outcome) == (0, "not distinguishable")


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "nll", "ece"])
def test_two_thousand_rows_of_77_classes_take_less_than_a_second(name):
    generator = np.random.default_rng(0)
    labels = generator.integers(77, size=2000)
    candidate, reference = (
        Answered(
            answers=generator.dirichlet(np.full(77, 0.1), size=2000),
            labels=labels,
            losses=np.zeros(2000),
            units=np.ones(2000, dtype=np.int64),
        )
        for _ in range(2)
    )
    began = time.process_time()

    compare([(candidate, reference)], measure=name)

    assert time.process_time() - began < 2.0  # about 0.5 s; other work on the machine counts a little
