"""What an ablation found, as plain values: written to result.json, said by `regtune.reporting.ablation.words`."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from regtune.config.document import Plain
from regtune.search.judging.result import Difference


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A number that was measured once per repetition."""

    mean: float
    std: float | None  # n − 1; None: one repetition; NaN: some value is not finite
    low: float  # smallest
    high: float  # largest
    repetitions: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """values: at least one."""
        is_finite = all(math.isfinite(value) for value in values)
        std = None if len(values) == 1 else statistics.stdev(values) if is_finite else math.nan
        return cls(mean=statistics.fmean(values), std=std, low=min(values), high=max(values), repetitions=len(values))


@dataclass(frozen=True, kw_only=True)
class ArmResult:
    """One arm over its finished repetitions. The spreads are None while none is finished."""

    name: str
    techniques: tuple[str, ...]  # that are on
    finished: int
    planned: int
    values: dict[str, Spread] | None  # by measure, at the best evaluation
    epochs: Spread | None  # trained
    seconds: Spread | None  # training time, interruptions left out


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """What patience did besides: the run with it is the beginning of the run without it.

    The loss of the weights that the longest run ended with, minus that of its best evaluation, is what keeping the best
    weights is worth, with or without patience. It is read off one curve, of whose evaluations the best is the smallest:
    never below 0 where the loss is monitored, and a little flattering. There are no rows to pair, only repetitions.
    """

    same_best: int  # repetitions in which both kept the weights of the same evaluation
    repetitions: int  # that both finished
    epochs: float  # mean, with patience
    epochs_without: float  # mean, without
    saved: float  # share of the steps without patience, in [0, 1)
    last_minus_best: Spread  # clean validation loss, of the runs without patience


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """An arm with a technique against the same arm without it."""

    candidate: str  # the arm with it
    reference: str  # the arm without it
    differences: dict[str, Difference]  # by measure; empty: no repetition that both finished
    stands: tuple[str, ...]  # measures whose difference is one even where all comparisons must hold together
    stopping: Stopping | None  # of patience, where there is something to compare


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """One technique. alone: None where it is the only one, and in_recipe says the same."""

    technique: str
    setting: Plain  # its value in the config
    in_recipe: Comparison
    alone: Comparison | None


@dataclass(frozen=True, kw_only=True)
class AblationResult:
    """An ablation as plain values."""

    task: str
    loss_unit: str  # e.g. "nats per row"
    measures: tuple[str, ...]  # "loss", the headline metric, and ece where the task has it
    higher_is_better: dict[str, bool]  # by measure
    repeated_by: Literal["fold", "seed"]
    repetitions: int  # planned
    rows: int  # different validation rows that the full recipe was scored on
    arms: tuple[ArmResult, ...]
    contributions: tuple[Contribution, ...]
    off: tuple[str, ...]  # techniques that are off in the config: no arm
    failures: tuple[str, ...]  # "no dropout, fold 2: out of memory …"

    @property
    def comparisons(self) -> int:
        """How many intervals were looked at."""
        made = [side for one in self.contributions for side in (one.in_recipe, one.alone) if side is not None]
        return sum(len(side.differences) for side in made)

    def to_plain(self) -> dict[str, Any]:
        """For strict JSON: None where a number is not finite."""
        plain: dict[str, Any] = _finite({**asdict(self), "comparisons": self.comparisons})
        return plain

    def to_json(self) -> str:
        """result.json."""
        return json.dumps(self.to_plain(), indent=2, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value
