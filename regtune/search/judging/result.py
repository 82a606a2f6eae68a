"""What a sweep or an ablation found, as plain values: written to result.json, shown by `regtune.reporting`."""

from __future__ import annotations

from dataclasses import dataclass

from regtune.config.document import Plain
from regtune.evaluation.difference import Difference, Outcome

__all__ = ["Difference", "Edge", "Outcome", "PatienceCost", "Standing", "Verdict"]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One candidate in the final table."""

    candidate: str  # "own", "off" or the number of a search trial
    changes: dict[str, Plain]  # dotted key → value, against the base config
    values: dict[int, float]  # repetition (0-based) → objective at the best evaluation
    metrics: dict[str, dict[int, float]]  # metric → the same for each metric of the task
    mean: float  # of values
    std: float | None  # between repetitions, n − 1; None: one repetition
    against_own: Difference | None  # on the objective, widened for all candidates; None: own itself, or nothing shared
    is_tied: bool  # not distinguishable from the first of the table


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The end of a sweep. recommended: the candidate in best.yaml, "own" unless another is better."""

    outcome: Outcome
    best: str  # the first of the table
    recommended: str
    difference: Difference | None  # best − own, as in its standing; None: own is the best, or it failed
    sentence: str  # one sentence for people, with the numbers
    optimism: float | None  # by how much the best of N looks better on its search fold than it is; None: not estimated
    caveats: tuple[str, ...]  # what the verdict cannot tell, a sentence each


@dataclass(frozen=True, kw_only=True)
class PatienceCost:
    """What a smaller patience would have done to the search trials, read off their curves."""

    patience: int  # evaluations
    evaluations: int  # over all search trials
    saved: float  # share of the evaluations that the sweep made, in [0, 1)
    lost: float  # by how much the best of the search would be worse; below 0 only where patience watches another value


@dataclass(frozen=True, kw_only=True)
class Edge:
    """The best value lies on the edge of its space."""

    key: str
    value: Plain
    low: float
    high: float
