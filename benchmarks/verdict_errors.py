"""How often the verdict of a sweep is wrong, for each way to make its interval, and what choosing by it costs.

    OMP_NUM_THREADS=1 python -m benchmarks.verdict_errors [--sweeps 60] [--data FOLDER] [--cache FOLDER]

Whole sweeps of `benchmarks/sweep_tables.py` (20 candidates, five folds of 200 rows) are halved, ranked and judged by
regtune's own functions. Printed, for banking77 and snips_slots, and three kinds of sweep (null: every candidate is own
with other luck; near: own with each knob a little changed; wide: the whole space):

better, wrongly     share of the sweeps where the verdict is "better", and where it is and the truth is not
coverage            share of the intervals of the winner's difference from own that hold the true one
regret              test loss of the chosen config above the best candidate's
optimism            what is estimated, and what it was
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from benchmarks.sweep_tables import DATA, FOLDS, KINDS, Array, Sweep, sweeps_of
from regtune.config import load_config
from regtune.evaluation.answers import Answered
from regtune.history import Evaluation, History
from regtune.search.judging.ranking import rank
from regtune.search.judging.result import Verdict
from regtune.search.judging.verdict import judge
from regtune.search.study.halving import OWN, confirm_candidates, rungs
from regtune.search.study.job import Job, Repetition
from regtune.search.study.record import Record

CONFIRM = 9
REPETITIONS = [Repetition(fold=fold, folds=FOLDS, seed=fold) for fold in range(1, FOLDS + 1)]
BASE = load_config("configs/small.yaml")
Z = 1.96
Method = Callable[[Array, int], tuple[float, float]]  # (folds, rows) differences, candidates → (value, half width)


def record_of(sweep: Sweep, candidate: int, fold: int) -> Record:
    losses = sweep.losses[candidate, fold]
    name = OWN if candidate == 0 else str(candidate)
    changes = {} if candidate == 0 else {"training.seed": 1000 + candidate}  # something that tells candidates apart
    evaluation = Evaluation(
        step=1, epoch=1.0, train_loss=0.0, validation_loss=float(losses.mean()), objective=0.0, metrics={},
        learning_rate=0.0, patience_used=0, is_best=True, stops=False, elapsed_seconds=0.0,
    )  # fmt: skip
    rows = len(losses)
    answered = Answered(
        answers=np.zeros(rows), labels=np.zeros(rows), losses=losses, units=np.ones(rows, dtype=np.int64)
    )
    job = Job(key=f"{name}-{fold}", candidate=name, stage="search", repetition=REPETITIONS[fold], changes=changes)
    return Record(
        number=candidate, job=job, status="done", changes=changes, params={}, history=History([evaluation]),
        attempts=1, host=None, pid=None, seconds=1.0, error=None, load_answers=lambda: answered,
    )  # fmt: skip


def concluded(sweep: Sweep, *, confirm: int) -> Verdict:
    """A sweep as regtune would end it."""
    records = [record_of(sweep, candidate, 0) for candidate in range(len(sweep.losses))]
    for rung in rungs(REPETITIONS, confirm=confirm):
        chosen = confirm_candidates(records, objective="loss", count=rung.count, repetitions=rung.judged_on)
        records += [
            record_of(sweep, number_of(name), REPETITIONS.index(repetition))
            for name in chosen
            for repetition in rung.runs_on
        ]
    standings = rank(records, objective="loss", repetitions=REPETITIONS, base=BASE)
    return judge(standings, records, objective="loss", unit="nats per row", repetitions=REPETITIONS, base=BASE)


def number_of(name: str) -> int:
    return 0 if name == OWN else int(name)


def rows_pooled(differences: Array, candidates: int) -> tuple[float, float]:
    folds, rows = differences.shape
    return differences.mean(), Z * math.sqrt((differences.var(1, ddof=1) / rows).sum()) / folds


def rows_pooled_widened(differences: Array, candidates: int) -> tuple[float, float]:
    value, half = rows_pooled(differences, candidates)
    return value, half / Z * float(stats.norm.ppf(1 - 0.025 / (candidates - 1)))


def fold_means(differences: Array, candidates: int) -> tuple[float, float]:
    means = differences.mean(1)
    quantile = float(stats.t.ppf(0.975, len(means) - 1))
    return means.mean(), quantile * math.sqrt(means.var(ddof=1) / len(means))


def nadeau_bengio(differences: Array, candidates: int) -> tuple[float, float]:
    folds = len(differences)
    value, half = fold_means(differences, candidates)
    return value, half * math.sqrt(1 + folds / (folds - 1))


METHODS: dict[str, Method] = {
    "rows of all folds": rows_pooled,
    "rows, without the search's fold": lambda differences, n: rows_pooled(differences[1:], n),
    "rows, folds that chose nobody": lambda differences, n: rows_pooled(differences[2:], n),
    "rows, widened for best of 20": rows_pooled_widened,
    "folds' means, t": fold_means,
    "folds' means, Nadeau-Bengio": nadeau_bengio,
}


def intervals_of(sweep: Sweep, verdict: Verdict) -> Iterator[tuple[str, float, float]]:
    """(method, low, high) of the winner against own; none if own won."""
    winner = number_of(verdict.best)
    if verdict.difference is not None:
        for name, method in METHODS.items():
            value, half = method(sweep.losses[winner] - sweep.losses[0], len(sweep.losses))
            yield name, value - half, value + half
        yield "regtune's verdict", verdict.difference.low, verdict.difference.high


def expected_maximum(losses: Array) -> float:
    """Optimism of the best candidate as if all were equally good: the largest of so many draws of the noise.

    losses: (candidates, rows) on the search's fold; the noise is the median standard error of a difference from own.
    """
    candidates, rows = losses.shape
    errors = (losses[1:] - losses[0]).std(axis=1, ddof=1) / math.sqrt(rows)
    largest = np.random.default_rng(0).normal(size=(4000, candidates - 1)).max(axis=1).mean()
    return float(np.median(errors) * largest)


def bootstrapped_minimum(losses: Array) -> float:
    """Optimism of the best candidate of drawn rows, against all rows, ahead of own. losses: as above."""
    rows = losses.shape[1]
    drawn = np.random.default_rng(0).multinomial(rows, np.full(rows, 1 / rows), size=500) @ losses.T / rows
    best = drawn.argmin(axis=1)
    means = losses.mean(axis=1)
    return float(((means[best] - means[0]) - (drawn.min(axis=1) - drawn[:, 0])).mean())


def report(name: str, kind: str, sweeps: list[Sweep]) -> None:
    found: dict[str, list[tuple[bool, bool, bool]]] = defaultdict(list)
    regrets: dict[str, list[float]] = defaultdict(list)
    optimism: list[tuple[float, ...]] = []
    for sweep in sweeps:
        verdict = concluded(sweep, confirm=CONFIRM)
        winner = number_of(verdict.best)
        intervals = {method: (winner, low, high) for method, low, high in intervals_of(sweep, verdict)}
        alone = concluded(sweep, confirm=0)
        if alone.difference is not None:
            intervals["confirm: 0"] = (number_of(alone.best), alone.difference.low, alone.difference.high)
        for method, (winner, low, high) in intervals.items():
            truth = sweep.test[winner] - sweep.test[0]
            found[method].append((high < 0, bool(high < 0 and truth >= 0), bool(low <= truth <= high)))
        first_fold = sweep.losses[:, 0].mean(1)
        best = int(first_fold.argmin())
        for way, chosen in {
            "recommended": number_of(verdict.recommended),
            "recommended, confirm: 0": number_of(alone.recommended),
            "always the winner": number_of(verdict.best),
            "best of one fold": best,
            "own": 0,
        }.items():
            regrets[way].append(float(sweep.test[chosen] - sweep.test.min()))
        if verdict.optimism is not None:
            gain, truth = first_fold[0] - first_fold[best], sweep.test[0] - sweep.test[best]
            others = [estimate(sweep.losses[:, 0]) for estimate in (expected_maximum, bootstrapped_minimum)]
            optimism.append((float(gain - truth), verdict.optimism, *others))
    print(f"\n{name}, {kind}: {len(sweeps)} sweeps")
    for method, outcomes in found.items():
        better, wrongly = (sum(outcome[place] for outcome in outcomes) / len(sweeps) for place in (0, 1))
        coverage = sum(outcome[2] for outcome in outcomes) / len(outcomes)
        print(f"  {method:33s} better {better:4.0%}  wrongly {wrongly:4.0%}  coverage {coverage:4.0%}")
    if kind != "null":
        print("  regret: " + ", ".join(f"{way} {np.mean(values):.4f}" for way, values in regrets.items()))
    truths, *estimates = np.array(optimism).T
    print(f"  optimism: true {truths.mean():.3f}; estimated, and root mean squared error:")
    for way, values in zip(("further folds", "expected maximum", "bootstrapped minimum"), estimates, strict=True):
        print(f"    {way:20s} {values.mean():.3f}  {math.sqrt(((values - truths) ** 2).mean()):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=60, help="per data set and kind")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "regtune-verdict-errors")
    options = parser.parse_args()
    options.cache.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    for name in ("snips_slots", "banking77"):
        for kind in KINDS:
            report(name, kind, sweeps_of(name, kind, count=options.sweeps, data=options.data, folder=options.cache))


if __name__ == "__main__":
    main()
