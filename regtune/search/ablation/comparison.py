"""What each technique contributes: from the finished jobs of an ablation to paired differences.

Two questions for each technique X, with different answers, because techniques overlap:

    in the recipe   "full" − "no X"        what is lost when it is taken out of this config
    alone           "only X" − "nothing"   what it does where nothing else regularizes

Both are paired: the same rows, folds and seeds on both sides (`regtune.evaluation.paired`). Only repetitions that both
arms finished are compared. Every figure is clean (dropout off, hard labels), at the best evaluation of its run.

`regtune.reporting.ablation.words` says the numbers, and what they cannot tell.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Literal

from regtune.config.schema import Config
from regtune.evaluation.answers import Answered
from regtune.evaluation.metrics import higher_is_better
from regtune.evaluation.paired import paired_difference
from regtune.history import Evaluation
from regtune.search.ablation.arms import TECHNIQUES, Arm, ablation_arms, off_values, repeated_by
from regtune.search.ablation.result import AblationResult, ArmResult, Comparison, Contribution, Spread, Stopping
from regtune.search.judging.result import Difference
from regtune.search.study.job import Repetition
from regtune.search.study.record import Record

CALIBRATION = "ece"


def ablation_measures(task: str) -> tuple[str, ...]:
    """What is compared: the clean loss, the task's headline metric, and its calibration error where it has one."""
    from regtune.tasks import TASKS  # torch

    metrics, headline = TASKS[task].metrics, TASKS[task].headline
    return ("loss", headline, *([CALIBRATION] if CALIBRATION in metrics else []))


def ablation_result(
    records: Sequence[Record], config: Config, *, repeated: Sequence[Repetition], seed: int
) -> AblationResult:
    """What the jobs of `ablation_jobs(config, repeated)` found so far. seed: of the intervals.

    records: of the study, one per job; those of jobs that wait, run or failed leave gaps, which the result shows.
    """
    from regtune.tasks import TASKS  # torch

    assert config.task is not None
    arms = ablation_arms(config)
    measures = ablation_measures(config.task)
    finished = _finished(records, arms, repeated)
    every = tuple(off_values(config))
    settings = config.regularization.model_dump()
    sides = [(every, technique) for technique in every]
    sides += [((technique,), technique) for technique in every if len(every) > 1]
    compare = _Compare(arms, finished, measures=measures, sides=sides, seed=seed)
    contributions = tuple(
        Contribution(
            technique=technique,
            setting=settings[technique],
            in_recipe=compare(every, technique),
            alone=compare((technique,), technique) if len(every) > 1 else None,
        )
        for technique in every
    )
    return AblationResult(
        task=config.task,
        loss_unit=TASKS[config.task].loss_unit,
        measures=measures,
        higher_is_better={measure: higher_is_better(measure) for measure in measures},
        repeated_by=repeated_by(repeated),
        repetitions=len(repeated),
        rows=_different_rows([len(compare.answers(arms[0].name, n).labels) for n in finished[arms[0].name]], repeated),
        arms=tuple(_arm_result(arm, finished[arm.name], measures, planned=len(repeated)) for arm in arms),
        contributions=contributions,
        off=tuple(technique for technique in TECHNIQUES if technique not in every),
        failures=_failures(records, repeated_by(repeated)),
    )


Finished = Mapping[str, Mapping[int, Record]]  # arm → repetition (0-based) → its record


def _finished(records: Sequence[Record], arms: Sequence[Arm], repeated: Sequence[Repetition]) -> Finished:
    numbers = {repetition: number for number, repetition in enumerate(repeated)}
    finished: dict[str, dict[int, Record]] = {arm.name: {} for arm in arms}
    for record in records:
        if record.status == "done":
            finished[record.job.candidate][numbers[record.job.repetition]] = record
    return finished


def _different_rows(scored: Sequence[int], repeated: Sequence[Repetition]) -> int:
    """Folds hold out different rows, seeds the same ones. scored: rows of each finished repetition."""
    return sum(scored) if repeated_by(repeated) == "fold" else max(scored, default=0)


def _failures(records: Sequence[Record], by: Literal["fold", "seed"]) -> tuple[str, ...]:
    failed = [(record.job, record.error) for record in records if record.status == "failed"]
    numbers = [job.repetition.fold if by == "fold" else job.repetition.seed for job, _ in failed]
    return tuple(f"{job.candidate}, {by} {n}: {error}" for (job, error), n in zip(failed, numbers, strict=True))


def _arm_result(arm: Arm, done: Mapping[int, Record], measures: Sequence[str], *, planned: int) -> ArmResult:
    best = [_best(record) for record in done.values()]
    last = [record.history.last for record in done.values()]
    return ArmResult(
        name=arm.name,
        techniques=arm.techniques,
        finished=len(done),
        planned=planned,
        values={measure: Spread.of([one.value(measure) for one in best]) for measure in measures} if done else None,
        epochs=Spread.of([one.epoch for one in last]) if done else None,
        seconds=Spread.of([one.elapsed_seconds for one in last]) if done else None,
    )


def _best(record: Record) -> Evaluation:
    best = record.best
    assert best is not None  # a run without a finite evaluation has failed
    return best


Side = tuple[tuple[str, ...], str]  # the techniques of an arm, and the one of them that the other arm lacks


class _Compare:
    """Compares two arms that differ in one technique. sides: all that will be. Answers are decoded once each."""

    def __init__(
        self, arms: Sequence[Arm], finished: Finished, *, measures: Sequence[str], sides: Sequence[Side], seed: int
    ) -> None:
        self._names = {arm.techniques: arm.name for arm in arms}
        self._finished, self._measures, self._seed = finished, measures, seed
        self._answers: dict[tuple[str, int], Answered] = {}
        self._comparisons = len(measures) * sum(bool(self._shared(*self._arms(*side))) for side in sides)

    def answers(self, arm: str, number: int) -> Answered:
        """Of a finished job, at its best evaluation."""
        place = (arm, number)
        if place not in self._answers:
            load = self._finished[arm][number].load_answers
            assert load is not None  # the job is done
            self._answers[place] = load()
        return self._answers[place]

    def __call__(self, techniques: tuple[str, ...], technique: str) -> Comparison:
        """The arm with `techniques`, of which `technique` is one, against the arm with the others alone."""
        candidate, reference = self._arms(techniques, technique)
        both = self._shared(candidate, reference)
        differences = {
            measure: self._difference(candidate, reference, both, measure) for measure in self._measures if both
        }
        pairs = [(self._finished[candidate][number], self._finished[reference][number]) for number in both]
        return Comparison(
            candidate=candidate,
            reference=reference,
            differences=differences,
            stands=tuple(
                measure
                for measure, one in differences.items()
                if one.outcome != "not distinguishable" and self._stands(candidate, reference, both, measure)
            ),
            stopping=_stopping(pairs) if technique == "patience" and pairs else None,
        )

    def _arms(self, techniques: tuple[str, ...], technique: str) -> tuple[str, str]:
        return self._names[techniques], self._names[tuple(other for other in techniques if other != technique)]

    def _shared(self, candidate: str, reference: str) -> list[int]:
        """The repetitions that both finished."""
        return sorted(self._finished[candidate].keys() & self._finished[reference].keys())

    def _difference(
        self, candidate: str, reference: str, both: Sequence[int], measure: str, *, comparisons: int = 1
    ) -> Difference:
        return paired_difference(
            [self.answers(candidate, number) for number in both],
            [self.answers(reference, number) for number in both],
            measure=measure,
            folds=[self._finished[candidate][number].job.repetition.fold for number in both],
            comparisons=comparisons,
            seed=self._seed,
        )

    def _stands(self, candidate: str, reference: str, both: Sequence[int], measure: str) -> bool:
        together = self._difference(candidate, reference, both, measure, comparisons=self._comparisons)
        return together.outcome != "not distinguishable"


def _stopping(pairs: Sequence[tuple[Record, Record]]) -> Stopping:
    """pairs: (with patience, without) of each repetition, at least one."""
    ends = [(stopped.history.last, full.history.last) for stopped, full in pairs]
    spent, needed = (sum(one.step for one in side) for side in zip(*ends, strict=True))
    return Stopping(
        same_best=sum(_best(stopped).step == _best(full).step for stopped, full in pairs),
        repetitions=len(pairs),
        epochs=statistics.fmean(stopped.epoch for stopped, _ in ends),
        epochs_without=statistics.fmean(full.epoch for _, full in ends),
        saved=1 - spent / needed,
        last_minus_best=Spread.of([r.history.last.validation_loss - _best(r).validation_loss for _, r in pairs]),
    )
