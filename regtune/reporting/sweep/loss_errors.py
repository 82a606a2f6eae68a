"""How far a validation loss could have come out otherwise on as many rows: the ± of the leaderboard."""

from __future__ import annotations

import math
from collections.abc import Sequence

from regtune.errors import RegtuneError
from regtune.evaluation.answers import Answered
from regtune.search.study.record import Record

# What reading a trial's answers can raise; a table goes on without its ±.
READING_ERRORS = (RegtuneError, OSError, ValueError, KeyError)


class LossErrors:
    """Standard errors of the clean validation loss; each job's answers are read once."""

    def __init__(self) -> None:
        self._known: dict[str, float | None] = {}

    def of(self, record: Record) -> float | None:
        """Of one done job; None for any other, and where its answers cannot be read."""
        if record.status != "done" or record.load_answers is None:
            return None
        if record.job.key not in self._known:
            try:
                self._known[record.job.key] = loss_error(record.load_answers())
            except READING_ERRORS:
                self._known[record.job.key] = None
        return self._known[record.job.key]

    def of_mean(self, records: Sequence[Record]) -> float | None:
        """Of the mean loss of several jobs: folds hold different rows, seeds of one fold the same ones."""
        by_fold: dict[int, list[float]] = {}
        for record in records:
            error = self.of(record)
            if error is None:
                return None
            by_fold.setdefault(record.job.repetition.fold, []).append(error)
        if not by_fold:
            return None
        shares = [sum(errors) / len(records) for errors in by_fold.values()]  # the same rows' errors add up
        return math.sqrt(sum(share**2 for share in shares))


def loss_error(answered: Answered) -> float | None:
    """Standard error of the mean loss per unit over rows; None for one row or a loss that is not finite.

    The mean is Σ losses / Σ units; rows with several units (tokens, labels) are drawn whole, so its error is that of a
    ratio: residuals loss − mean · units (Cochran 1977, "Sampling Techniques", eq. 2.46).
    """
    rows = len(answered.losses)
    units = float(answered.units.sum())
    if rows < 2 or units == 0:
        return None
    residuals = answered.losses - float(answered.losses.sum()) / units * answered.units
    error = math.sqrt(float((residuals**2).sum()) * rows / (rows - 1)) / units
    return error if math.isfinite(error) else None
