"""What a model answered on labelled rows: the one thing every metric in `evaluation/metrics` is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Answered:
    """A model's answers and the truth, row by row, in row order; at least one row.

    | task                  | an answer                           | its label                       |
    |-----------------------|-------------------------------------|---------------------------------|
    | classification        | class probabilities (K,), sum 1     | class number                    |
    | multi-label           | label probabilities (K,), each 0…1  | bool array (K,)                 |
    | regression            | a number                            | a number                        |
    | token classification  | predicted tags, one per token       | gold tags, as many              |
    | seq2seq               | generated text                      | reference text                  |
    | causal-lm             | None                                | None                            |
    """

    answers: Sequence[Any] | NDArray[Any]  # an array (rows, …) is read without copying
    labels: Sequence[Any] | NDArray[Any]
    losses: NDArray[np.float64]  # (rows,) clean loss of the row, summed over its units, nats (regression: squared)
    units: NDArray[np.int64]  # (rows,) what the loss is a mean over: 1 per row, or the row's labels or tokens
    threshold: float = 0.5  # multi-label: a label is answered when its probability is at least this
    baseline: float | None = None  # regression: mean of the training targets

    @property
    def is_finite(self) -> bool:
        """False when an answer holds a NaN or an infinity, or a loss is NaN: such a model has no score."""
        return not np.isnan(self.losses).any() and all(_is_finite(answer) for answer in self.answers)


def _is_finite(answer: Any) -> bool:
    if answer is None or isinstance(answer, str):
        return True
    values = np.asarray(answer)
    return values.dtype.kind == "U" or bool(np.isfinite(values).all())  # U: tags
