"""What a smaller patience would have saved and lost, read off the curves of the search: patience is never trained.

A run with a smaller patience is a prefix of the same run with a larger one: early stopping looks and never acts on the
weights before it ends the run, and the learning rate falls over all `epochs` either way. So each curve is replayed with
the rule itself, `regtune.regularization.patience.judge`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from regtune.history import Evaluation, History
from regtune.search.judging.result import PatienceCost
from regtune.search.study.record import Record

LADDER = (1, 2, 3, 5, 8, 13)  # evaluations; beyond, little is left to save


def patience_costs(
    records: Sequence[Record], *, objective: str, patience: int | None, min_delta: float, monitor: str
) -> list[PatienceCost]:
    """The cost of each patience of LADDER below `patience` that would have ended at least one search trial earlier.

    patience, min_delta, monitor: of the base config; patience None: trials ran to their last epoch. Only search trials
    that are done count: a pruned or failed one's curve ends for another reason.
    """
    from regtune.evaluation.metrics import higher_is_better

    curves = [
        record.history
        for record in records
        if record.job.stage == "search" and record.status == "done" and record.best is not None
    ]
    sign = -1.0 if higher_is_better(objective) else 1.0
    made = sum(len(curve) for curve in curves)
    costs = []
    for smaller in (step for step in LADDER if patience is None or step < patience):
        stopped = [cut_short(curve, patience=smaller, min_delta=min_delta, monitor=monitor) for curve in curves]
        evaluations = sum(len(curve) for curve in stopped)
        if evaluations < made:
            lost = _lowest(stopped, objective, sign) - _lowest(curves, objective, sign)
            costs.append(
                PatienceCost(patience=smaller, evaluations=evaluations, saved=1 - evaluations / made, lost=lost)
            )
    return costs


def cut_short(curve: History, *, patience: int, min_delta: float, monitor: str) -> History:
    """The evaluations a run with this patience would have made, the same numbers; its best is the curve's best so far.

    patience: evaluations, not above the one the curve was made with.
    """
    from regtune.evaluation.metrics import higher_is_better
    from regtune.regularization.patience import Patience

    rule = Patience(patience, min_delta=min_delta, higher_is_better=higher_is_better(monitor))
    values: list[float] = []
    kept: list[Evaluation] = []
    for evaluation in curve:
        kept.append(evaluation)
        values.append(evaluation.value(monitor))
        if rule.judge(values).stops:
            break
    return History(kept)


def _lowest(curves: Sequence[History], objective: str, sign: float) -> float:
    """sign · the objective of the best trial, at the best evaluation of each; infinite when none has a finite value."""
    return min((sign * curve.best.value(objective) for curve in curves if curve.best is not None), default=math.inf)
