"""Two models on the same held-out rows: by how much one is better, and how sure that is.

The same rows are drawn for both, so what makes a row hard for every model cancels; on 100 rows that is worth ten times
as many (shared rows' losses differ by far less than rows do). Two kinds of luck are drawn, as in Davison and Hinkley
1997, "Bootstrap Methods and their Application", section 3.8:

1. the folds (or, where all repetitions hold out the same rows, the seeds): the luck of a split and of training;
2. the rows of each fold. Repetitions that hold out the same rows have the same draws: five seeds on 40 rows are 40
   rows, not 200.

Folds' means vary by their rows too, so rows count nearly twice. This is meant: folds share training rows, which no
bootstrap of them sees, and without it too many differences would be called one (regtune.search.judging.verdict has
the figures; Nadeau and Bengio 2003, "Inference for the Generalization Error", widen for the same reason, by as much).

The interval is value ± t · standard error, t of Student's distribution for as many rows: many comparisons at once ask
for points far beyond 2,000 resamples, and their percentiles, stretched, called a third fewer of the true differences.

A metric is taken per repetition and averaged, as tables show it: answers of different models do not mix in one
correlation or F1 (Forman and Scholz 2010, "Apples-to-Apples in Cross-Validation Studies").

What no interval covers: a single repetition says nothing of the luck of training, and rows on which the best evaluation
of each run was chosen flatter jumpy curves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from regtune.errors import DataError
from regtune.evaluation.answers import Answered
from regtune.evaluation.difference import Difference, Outcome
from regtune.evaluation.intervals import RESAMPLES, Array, Statistic, resample_rows
from regtune.evaluation.metrics import METRICS, higher_is_better
from regtune.evaluation.metrics.language import mean_loss_statistic

FEWEST_ROWS = 2  # one row has no spread to draw from


def paired_difference(
    candidate: Sequence[Answered],
    reference: Sequence[Answered],
    *,
    measure: str,
    folds: Sequence[int],
    comparisons: int = 1,
    seed: int = 0,
) -> Difference:
    """Candidate minus reference in the measure's unit, with the 95 % interval of the difference.

    candidate, reference: the answers of both on each shared repetition, at least one; folds: which rows each
    repetition holds out (equal numbers: the same rows). measure: "loss" or a name in METRICS. comparisons: from how
    many such differences this one was picked, or how many are shown at once; the interval widens until all of them
    hold together (Bonferroni). Infinite bounds: one row, or answers that are not finite (then the value is NaN).

    Raises DataError when both did not answer the same rows.
    """
    assert len(candidate) == len(reference) == len(folds) > 0
    for number, (one, other) in enumerate(zip(candidate, reference, strict=True), start=1):
        if not _same_rows(one, other):
            raise DataError(
                f"repetition {number}: the two models answered different rows ({len(one.labels)} and "
                f"{len(other.labels)}), nothing can be paired",
                hint="the data changed between the two runs; run both again",
            )
    if all(answered.is_finite for answered in (*candidate, *reference)):
        value, low, high = _interval(
            [
                _PairOfAnswers(one, other, measure=measure, fold=fold)
                for one, other, fold in zip(candidate, reference, folds, strict=True)
            ],
            comparisons=comparisons,
            seed=seed,
        )
    else:
        value, low, high = math.nan, -math.inf, math.inf
    return Difference(
        measure=measure,
        value=value,
        low=low,
        high=high,
        rows=sum(len(one.labels) for one in candidate),
        repetitions=len(folds),
        outcome=_outcome(low, high, higher_is_better=higher_is_better(measure)),
    )


def _interval(pairs: Sequence[_PairOfAnswers], *, comparisons: int, seed: int) -> tuple[float, float, float]:
    """(value, low, high) of the mean difference."""
    value = float(np.mean([pair.value for pair in pairs]))
    distinct = sum({pair.fold: pair.rows for pair in pairs}.values())
    if distinct < FEWEST_ROWS:
        return value, -math.inf, math.inf
    from scipy.special import stdtrit  # type: ignore[import-untyped]

    resamples = _resample(pairs, seed=seed)
    if not np.isfinite(resamples).all():  # a perplexity above 1.8e308
        return value, -math.inf, math.inf
    standard_error = float(resamples.std()) * math.sqrt(distinct / (distinct - 1))
    half_width = float(stdtrit(distinct - 1, 1 - 0.025 / comparisons)) * standard_error
    return value, value - half_width, value + half_width


def _outcome(low: float, high: float, *, higher_is_better: bool) -> Outcome:
    if low <= 0 <= high:
        return "not distinguishable"
    return "better" if (low > 0) is higher_is_better else "worse"


class _PairOfAnswers:
    """Candidate minus reference on the rows of one repetition, as a value and of any draw of the rows."""

    def __init__(self, candidate: Answered, reference: Answered, *, measure: str, fold: int) -> None:
        self.rows, self.fold = len(candidate.labels), fold
        self._of_candidate, self._of_reference = (_statistic(one, measure) for one in (candidate, reference))
        self.value = float(self.of_drawn(np.ones((1, self.rows)))[0])

    def of_drawn(self, drawn: Array) -> Array:
        """(draws, rows) → (draws,); 0 where both are infinite."""
        candidate, reference = self._of_candidate(drawn), self._of_reference(drawn)
        return np.subtract(candidate, reference, out=np.zeros(len(drawn)), where=candidate != reference)


def _statistic(answered: Answered, measure: str) -> Statistic:
    return mean_loss_statistic(answered) if measure == "loss" else METRICS[measure].statistic(answered)


def _resample(pairs: Sequence[_PairOfAnswers], *, seed: int) -> Array:
    """The mean difference over repetitions, of drawn rows of drawn folds, or of drawn seeds. → (RESAMPLES,)"""
    folds = sorted({pair.fold for pair in pairs})
    by_fold = [[pair for pair in pairs if pair.fold == fold] for fold in folds]
    of_folds = [_resample_fold(group, seed=[seed, fold]) for group, fold in zip(by_fold, folds, strict=True)]
    generator = np.random.default_rng(seed)
    rows_draw = np.arange(RESAMPLES)[:, None]  # which draw of the rows a drawn unit has: seeds share theirs
    if len(folds) > 1:
        totals = np.stack([group.sum(axis=1) for group in of_folds], axis=1)  # (RESAMPLES, folds)
        counts = np.array([len(group) for group in by_fold])
        rows_draw = generator.integers(RESAMPLES, size=(RESAMPLES, len(folds)))  # a fold drawn twice: other rows each
    else:
        totals, counts = of_folds[0], np.ones(len(pairs), dtype=np.int64)  # (RESAMPLES, seeds)
    units = len(counts)
    drawn = generator.integers(units, size=(RESAMPLES, units))
    resampled: Array = totals[rows_draw, drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return resampled


def _resample_fold(pairs: Sequence[_PairOfAnswers], *, seed: Sequence[int]) -> Array:
    """The differences of repetitions that hold out the same rows, of the same drawn rows. → (RESAMPLES, repetitions)"""

    def statistic(drawn: Array) -> Array:
        return np.stack([pair.of_drawn(drawn) for pair in pairs], axis=1)

    return resample_rows(pairs[0].rows, statistic, seed=seed)


def _same_rows(one: Answered, other: Answered) -> bool:
    """Equal labels, and equal counts of what is scored: of texts cut at different lengths the tokens differ."""
    return (
        len(one.labels) == len(other.labels)
        and np.array_equal(one.units, other.units)
        and all(np.array_equal(label, same) for label, same in zip(one.labels, other.labels, strict=True))
    )
