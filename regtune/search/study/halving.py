"""Successive halving over repetitions: which candidates earn further folds and seeds.

    search    every candidate                                    repetition 0
    confirm   the best `confirm` of them, own among them         repetition 1
    then      the best third of those (at least two), own too    every further repetition

Epochs are never the resource that is halved: strongly regularized configs start slowly and would be dropped first. A
further fold averages two kinds of noise at once, the luck of training and of the few validation rows.
Source: Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification", https://arxiv.org/abs/1502.07943.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from regtune.search.study.job import Repetition
from regtune.search.study.record import Record

OWN = "own"  # the candidate that is the user's config as it is: every verdict compares with it
SHARE_KEPT = 3  # one in three goes on
FEWEST = 2  # own and one to compare it with


@dataclass(frozen=True, kw_only=True)
class Rung:
    """`count` candidates, judged by their mean over `judged_on`, go on to `runs_on`."""

    count: int
    judged_on: tuple[Repetition, ...]
    runs_on: tuple[Repetition, ...]


def rungs(repetitions: Sequence[Repetition], *, confirm: int) -> list[Rung]:
    """What follows the search on `repetitions[0]`, in order; empty: nothing does (confirm 0, or one repetition).

    confirm: candidates on the second repetition, own among them; 1 is taken as 2, own alone has nothing to win.
    """
    if confirm == 0:
        return []
    count = max(FEWEST, confirm)
    second, further = tuple(repetitions[1:2]), tuple(repetitions[2:])
    found = [Rung(count=count, judged_on=tuple(repetitions[:1]), runs_on=second)] if second else []
    if further:
        count = max(FEWEST, math.ceil(count / SHARE_KEPT))
        found.append(Rung(count=count, judged_on=tuple(repetitions[:2]), runs_on=further))
    return found


def confirm_candidates(
    records: Sequence[Record], *, objective: str, count: int, repetitions: Sequence[Repetition]
) -> list[str]:
    """At most `count` candidates, best first by their mean objective over `repetitions`; own always among them.

    Who failed, was pruned, or has no finite value on one of the repetitions is out. Of candidates with the same changes
    only the first is kept: their runs would be equal. Own takes the last place where it is not among the best, also
    when it failed. A tie goes to own, then to the lower clean loss, then to the earlier candidate.
    """
    if count == 0:
        return []
    from regtune.evaluation.metrics import higher_is_better

    sign = -1.0 if higher_is_better(objective) else 1.0
    distinct = _without_repeats(records)
    values, losses = (values_on(repetitions, distinct, measure=measure) for measure in (objective, "loss"))
    places = list(values)  # ties go to the earlier one: sorting is stable
    best = sorted(places, key=lambda name: (sign * fmean(values[name]), name != OWN, fmean(losses[name])))[:count]
    return best if OWN in best else [*best[: count - 1], OWN]


def values_on(repetitions: Sequence[Repetition], records: Sequence[Record], *, measure: str) -> dict[str, list[float]]:
    """{candidate: its value at the best evaluation on each repetition}, of those that are done with all of them.

    measure: "loss" or a metric. A candidate with a value that is not finite is left out. In order of first appearance.
    """
    found: dict[str, dict[Repetition, float]] = {}
    for record in records:
        value = record.value(measure) if record.status == "done" else None
        if value is not None and math.isfinite(value):
            found.setdefault(record.job.candidate, {})[record.job.repetition] = value
    return {
        candidate: [of[repetition] for repetition in repetitions]
        for candidate, of in found.items()
        if of.keys() >= set(repetitions)
    }


def _without_repeats(records: Sequence[Record]) -> list[Record]:
    """The records of candidates whose changes no earlier candidate has; those not chosen yet are left out."""
    first: list[tuple[object, str]] = []  # (changes, the first candidate with them); a value may be a list: no hash
    for record in records:
        if record.changes is not None and all(record.changes != changes for changes, _ in first):
            first.append((record.changes, record.job.candidate))
    kept = {candidate for _, candidate in first}
    return [record for record in records if record.job.candidate in kept]
