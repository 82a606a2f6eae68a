"""How far a metric could have come out otherwise on as many rows drawn from the same source: 95 % intervals.

A share of rows has Wilson's interval. Everything else is bootstrapped over rows (Efron and Tibshirani 1993, "An
Introduction to the Bootstrap", ch. 13): tokens, entities and labels of one row are drawn together, as they came. Three
departures:

- Like rows may be resampled as one cell: how often each of C cells is drawn is one multinomial, so the cost depends on
  C (at most a few thousand) and not on the rows.
- The resamples are shifted so that their mean is the metric's value. Resampling adds noise to noise, which moves ECE
  up and macro F1 (rare classes drop out) either way; unshifted, the value itself can lie outside its own interval.
- Where resampling cannot show a spread it is not asked. A bounded metric at its best or worst possible value would be
  resampled into nothing else: it gets Wilson's interval for as many rows, stretched to the metric's range. One row gets
  the whole range.

An interval covers the luck of these evaluation rows only: not the training seed, and not the choice of this run among
several.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Statistic = Callable[[Array], Array]  # from how often each row or cell was drawn, (draws, rows), to (draws,)

Z_95 = 1.959963984540054  # two-sided 95 % quantile of the standard normal distribution
RESAMPLES = 2000  # the 2.5 % and 97.5 % points are then the 50th values from the ends
BLOCK_NUMBERS = 200_000  # resampled counts held at once: 1.6 MB; blocks far beyond the cache are slower


@dataclass(frozen=True)
class Interval:
    """A measured value and its 95 % interval, low ≤ value ≤ high, in the metric's unit."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """For "±": half the interval's width."""
        return (self.high - self.low) / 2


def wilson(successes: int, rows: int) -> Interval:
    """Interval of a share successes/rows, rows ≥ 1; honest at 0, at 1 and for few rows, where ±1.96·SE is not.

    Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22(158).
    """
    share = successes / rows
    shrink = 1 + Z_95**2 / rows
    centre = (share + Z_95**2 / (2 * rows)) / shrink
    half_width = Z_95 / shrink * math.sqrt(share * (1 - share) / rows + Z_95**2 / (4 * rows**2))
    # At share 0 and 1 one bound equals the share up to rounding: min and max keep the share inside.
    return Interval(share, min(max(0.0, centre - half_width), share), max(min(1.0, centre + half_width), share))


def interval_of_sums(
    row_sums: Array, of_sums: Statistic, *, seed: int, lowest: float = 0.0, highest: float = 1.0
) -> Interval:
    """Interval of a metric that is a function of sums over rows.

    row_sums: (rows, S), what each row adds to the S sums. of_sums: (…, S) → (…,), the metric of given sums; it must not
    change when a row of zeros joins. lowest, highest: the metric's range; ±inf where it has no end.
    """
    value = float(of_sums(row_sums.sum(axis=0)))
    telling = row_sums[row_sums.any(axis=1)]  # a resample of rows that add nothing would have no value
    return bootstrap(
        value, len(telling), lambda drawn: of_sums(drawn @ telling), seed=seed, lowest=lowest, highest=highest
    )


def bootstrap(
    value: float, rows: int, statistic: Statistic, *, seed: int, lowest: float = 0.0, highest: float = 1.0
) -> Interval:
    """Interval of a metric whose value on all rows is `value`; statistic: the metric of drawn rows."""
    if rows == 0:
        return Interval(value, lowest, highest)
    if math.isfinite(highest - lowest) and value in (lowest, highest):
        share = wilson(rows if value == highest else 0, rows)
        return Interval(value, lowest + share.low * (highest - lowest), lowest + share.high * (highest - lowest))
    if rows == 1:
        return Interval(value, lowest, highest)
    return around(value, resample_rows(rows, statistic, seed=seed), lowest=lowest, highest=highest)


def resample_rows(rows: int, statistic: Statistic, *, seed: int | Sequence[int]) -> Array:
    """The metric of RESAMPLES draws of all rows with replacement. → (RESAMPLES,), or more axes if statistic has them"""
    generator = np.random.default_rng(seed)
    parts = []
    for draws in _blocks(rows):
        drawn = generator.integers(rows, size=(draws, rows))
        drawn += np.arange(draws)[:, None] * rows  # each draw counts into its own stretch
        counts = np.bincount(drawn.ravel(), minlength=draws * rows).reshape(draws, rows)
        parts.append(statistic(counts.astype(np.float64)))
    return np.concatenate(parts)


def resample_cells(counts: Counts, statistic: Statistic, *, seed: int) -> Array:
    """The same for rows that come in cells of like rows. counts: rows per cell, (cells,). → (RESAMPLES,)"""
    generator = np.random.default_rng(seed)
    rows = int(counts.sum())
    parts = [
        statistic(generator.multinomial(rows, counts / rows, size=draws).astype(np.float64))
        for draws in _blocks(len(counts))
    ]
    return np.concatenate(parts)


def cell_means(cell: npt.NDArray[np.intp], values: Array) -> tuple[Array, Counts]:
    """The mean value and the number of rows of every cell that occurs, in cell order. (rows,), (rows,) → (cells,) ×2"""
    _, index, counts = np.unique(cell, return_inverse=True, return_counts=True)
    return np.bincount(index, weights=values) / counts, counts


def around(value: float, resamples: Array, *, lowest: float = 0.0, highest: float) -> Interval:
    """The middle 95 % of the resamples, shifted so that their mean is the value, cut to [lowest, highest]."""
    low, high = np.quantile(resamples, [0.025, 0.975]) - resamples.mean()
    return Interval(value, max(lowest, value + min(0.0, float(low))), min(highest, value + max(0.0, float(high))))


def _blocks(numbers: int) -> Iterator[int]:
    """How many draws of `numbers` counts to hold at once, until there are RESAMPLES."""
    block = max(1, BLOCK_NUMBERS // numbers)
    for start in range(0, RESAMPLES, block):
        yield min(block, RESAMPLES - start)
