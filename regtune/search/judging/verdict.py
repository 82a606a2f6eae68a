"""The end of a sweep: is the best config better than the user's own, and which of the two to train with.

The rule: the best config has to be better than the user's own beyond the 95 % interval of their paired difference, else
the user's own stays. The interval (`regtune.evaluation.paired`) draws folds and rows, and is widened for the number of
candidates the best was picked from (Bonferroni). Why not the plain interval over the rows of all folds, why not others:

    python -m benchmarks.verdict_errors

ran 360 whole sweeps of 20 candidates on 200 rows (snips_slots intents and banking77, a small head on frozen minilm
features; ten minutes of one core) and compared their verdicts with large held-out test sets. Columns:
wrong "better" where every candidate is own again with other luck (120 sweeps); right "better" where own can be improved
(240); intervals that hold the truth, in both. A wrong "worse" never came up: the best of the table is seldom worse.

    interval of winner − own                   wrong "better"   right "better"   holds the truth
    rows of all folds                                    23 %             70 %              73 %
    rows, without the fold that was searched             19 %             67 %              76 %
    rows, only of folds that chose nobody                15 %             66 %              81 %
    rows, widened for the best of 20                      9 %             61 %              90 %
    folds' means, Student's t                            13 %             66 %              83 %
    folds' means, Nadeau and Bengio 2003                  3 %             56 %              92 %
    folds and rows, widened (this)                        2 %             55 %              97 %
    the same after the search alone (confirm: 0)          3 %             42 %              93 %

Where nothing can be gained, pooled rows call one sweep in four a gain: the search picked its winner on those rows, and
training has luck of its own. Nadeau and Bengio's correction does as well here, but knows
nothing of the number of trials, and nothing at all of one repetition.

What caution costs, as test loss above the best candidate's (nats per row, own drawn at random in half of the sweeps):
recommended 0.025, always the winner 0.013, best of one fold (what other tools take) 0.031, own 0.151; after the search
alone, recommended 0.055. On the harder set
(77 classes, 200 rows) a verdict of "not distinguishable" is often a difference that more rows would show; so the
verdict names the size that could have been told.

What it does not correct: each run's loss is that of its best evaluation on the same rows, which flatters jumpy curves;
in the widest space on snips_slots 90 % of the intervals held the truth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from regtune.config.changes import differences, with_changes
from regtune.config.schema import Config
from regtune.search.judging.optimism import optimism_of_best
from regtune.search.judging.result import Difference, Outcome, Standing, Verdict
from regtune.search.study.halving import OWN
from regtune.search.study.job import Repetition
from regtune.search.study.record import Record

CONCLUSIONS: dict[Outcome, str] = {
    "better": "better",
    "not distinguishable": "not distinguishable, keep yours",
    "worse": "worse, keep yours",
}


def judge(
    standings: Sequence[Standing],
    records: Sequence[Record],
    *,
    objective: str,
    unit: str,
    repetitions: Sequence[Repetition],
    base: Config,
) -> Verdict:
    """The verdict on the first of `standings`, the table of `ranking.rank`, against the user's config.

    standings: at least one. records: all jobs of the sweep, for what failed. unit: of the loss, "nats per row". base:
    the user's config, of which the sentence names what is changed.
    """
    from regtune.evaluation.metrics import higher_is_better

    words = _Words(objective, unit, higher_is_better(objective), repetitions, base)
    optimism = optimism_of_best(standings, higher_is_better=words.higher_is_better)
    best = standings[0]
    own = next((standing for standing in standings if standing.candidate == OWN), None)
    difference = best.against_own
    outcome = _outcome(own, best)
    tried = len({record.job.candidate for record in records} | {standing.candidate for standing in standings})
    alike = sum(len(standing.values) == len(best.values) for standing in standings)
    rivals = f"of {tried} candidates" if alike == tried else f"of the {alike} that ran as often, of {tried} candidates"
    if own is None:
        sentence = f"your config {_failure_of_own(records)}; {words.of_first(best)} {rivals}: better"
    elif difference is None:
        sentence = f"{words.of_first(best)} {rivals}: keep it"
    else:
        sentence = f"{words.of_difference(best, difference, candidates=tried)}: {CONCLUSIONS[outcome]}"
    return Verdict(
        outcome=outcome,
        best=best.candidate,
        recommended=best.candidate if outcome == "better" else OWN,
        difference=difference,
        sentence=sentence,
        optimism=optimism,
        caveats=tuple(_caveats(standings, records, difference, words)),
    )


def _outcome(own: Standing | None, best: Standing) -> Outcome:
    if own is None:
        return "better"  # than a config that does not train
    return "not distinguishable" if best.against_own is None else best.against_own.outcome


def _failure_of_own(records: Sequence[Record]) -> str:
    """ "did not finish (diverged at step 12)"."""
    errors = [record.error for record in records if record.job.candidate == OWN and record.error is not None]
    return f"did not finish ({errors[0]})" if errors else "did not finish"


def _caveats(
    standings: Sequence[Standing], records: Sequence[Record], difference: Difference | None, words: _Words
) -> list[str]:
    found = []
    if difference is not None and difference.repetitions == 1:
        found.append(
            "one training run of each on the rows that chose the winner: the interval is widened for the choice, but "
            "holds nothing of the luck of training; confirm on further folds"
        )
    if difference is not None and difference.outcome == "not distinguishable" and math.isfinite(difference.high):
        found.append(
            f"with these rows and repetitions, less than about {words.amount((difference.high - difference.low) / 2)} "
            "cannot be told from luck"
        )
    lost = {record.job.candidate for record in records if record.status == "failed"}
    if OWN in lost and any(standing.candidate == OWN for standing in standings):
        found.append("your config failed on some repetitions; it is compared on the others")
    if others := len(lost - {OWN}):
        found.append(f"{others} other {'candidate' if others == 1 else 'candidates'} failed at least once")
    return found


class _Words:
    """Numbers and names of one sweep as people say them."""

    def __init__(
        self, objective: str, unit: str, higher_is_better: bool, repetitions: Sequence[Repetition], base: Config
    ) -> None:
        self.higher_is_better, self._unit, self._repetitions, self._base = higher_is_better, unit, repetitions, base
        self._is_loss = objective == "loss"
        self._measure = "validation loss" if self._is_loss else objective.replace("_", " ")

    def amount(self, value: float) -> str:
        """ "0.041 nats per row"; a metric has no unit."""
        return f"{number_text(value)} {self._unit}" if self._is_loss else number_text(value)

    def of_first(self, standing: Standing) -> str:
        """ "trial 7 (dropout 0.3) has the lowest validation loss, 0.612 nats per row (mean of 5 folds),"."""
        end = "highest" if self.higher_is_better else "lowest"
        mean = f"mean of {self._times(len(standing.values))}" if len(standing.values) > 1 else "one run"
        return f"{self._name(standing)} has the {end} {self._measure}, {self.amount(standing.mean)} ({mean}),"

    def of_difference(self, standing: Standing, difference: Difference, *, candidates: int) -> str:
        """ "trial 7 (dropout 0.3) has 0.041 nats per row less validation loss than your config (95 % CI …)"."""
        is_less = difference.value < 0
        bounds = (-difference.high, -difference.low) if is_less else (difference.low, difference.high)
        interval = " to ".join(number_text(bound) for bound in bounds)
        return (
            f"{self._name(standing)} has {self.amount(abs(difference.value))} {'less' if is_less else 'more'} "
            f"{self._measure} than your config (95 % CI {interval}, {self._times(difference.repetitions)}, widened for "
            f"the best of {candidates})"
        )

    def _name(self, standing: Standing) -> str:
        """ "your config", "everything off", or "trial 7 (dropout 0.3, weight decay 0.1)"."""
        if standing.candidate == OWN:
            return "your config"
        if standing.candidate == "off":
            return "everything off"
        changed = differences(self._base, with_changes(self._base, standing.changes))
        values = (f"{_words_of(key)} {_value_text(value)}" for key, (_, value) in changed.items())
        return f"trial {standing.candidate} ({', '.join(values) or 'the same values as yours'})"

    def _times(self, count: int) -> str:
        """ "5 folds", "3 seeds", or "10 repetitions" where both vary."""
        folds = self._repetitions[0].folds
        noun = "seed" if folds == 1 else "fold" if count <= folds else "repetition"
        return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _words_of(key: str) -> str:
    """ "regularization.weight_decay" → "weight decay"."""
    return key.rpartition(".")[2].replace("_", " ")


def _value_text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "null" if value is None else str(value)


def number_text(value: float) -> str:
    """Three decimals where that is three digits or so; the minus sign is a minus sign: "0.041", "−0.0042", "12.3"."""
    text = f"{value:.3f}" if 0.01 <= abs(value) < 10 else f"{value:.3g}"
    return text.replace("-", "−")
