"""What the two loss curves say, read once for all findings. Every threshold is a named constant with its reason.

`regtune.diagnosis.CAUSES` asks them in order of severity, and the first that holds is the verdict.
"""

from __future__ import annotations

import math

from regtune.diagnosis.base import Facts
from regtune.history import Evaluation

CHANCE_SHARE = 0.95  # train loss above this share of chance: nothing was learnt (Mosbach et al. 2021: "failed runs")
HIGH_SHARE = 0.5  # train loss above this share of the way from its floor to chance: the training rows are not learnt
SMALLEST_RISE = (
    0.01  # of the chance loss; below it a change of loss matters to nobody, however certain (K = 8: 0.02 nats)
)
SMALLEST_GAP = 0.1  # of the chance loss; the same for the gap (K = 8: 0.2 nats)
LARGE_GAP = 0.5  # of the validation loss: the model is twice as sure of the training rows
GAP_NOISES = 3.0  # a gap below three of its own standard errors may be none
LAST_PART = 0.25  # of the evaluations; a best within it asks for more steps (Godbole et al. 2023, tuning playbook)


def loss_noise(loss: float, *, rows: int) -> float:
    """How far a validation loss moves by the luck of its rows: loss/√rows, in the unit of the losses.

    The history holds means only, so the spread of row losses is taken as their mean (true of exponential losses, near
    what fine-tuned classifiers show). Two evaluations share their rows and move together, about half as far: between
    them this is about two standard errors.
    """
    return loss / math.sqrt(rows)


def gap_noise(facts: Facts, evaluation: Evaluation) -> float:
    """Standard error of the gap, nats: two different samples, the training one as large as the validation set."""
    rows = facts.rows["validation"]
    return math.hypot(loss_noise(evaluation.validation_loss, rows=rows), loss_noise(evaluation.train_loss, rows=rows))


def lowest(facts: Facts) -> Evaluation:
    """The first evaluation with the lowest validation loss."""
    return min(facts.evaluations, key=lambda evaluation: evaluation.validation_loss)


def at_chance(facts: Facts) -> bool:
    """Training ended with a train loss no better than answering with the class shares, or with a loss of NaN."""
    last = facts.history.last
    return not math.isfinite(last.gap) or last.train_loss >= CHANCE_SHARE * facts.chance_loss


def turned_up(facts: Facts) -> bool:
    """Training ended with a validation loss that had turned up since its lowest point."""
    rows = facts.rows["validation"]
    return turns_up(lowest(facts), facts.evaluations[-1], validation_rows=rows, chance_loss=facts.chance_loss)


def turns_up(bottom: Evaluation, later: Evaluation, *, validation_rows: int, chance_loss: float) -> bool:
    """Since `bottom`, validation loss rose by more than noise while train loss fell.

    The live table marks its rows by the same rule, so that its sign and the verdict never disagree about a rise.
    """
    rise = later.validation_loss - bottom.validation_loss
    smallest = smallest_change(bottom.validation_loss, validation_rows=validation_rows, chance_loss=chance_loss)
    return rise > smallest and later.train_loss < bottom.train_loss and later.gap > 0


def smallest_change(loss: float, *, validation_rows: int, chance_loss: float) -> float:
    """The least change of a validation loss that is neither noise nor too small to matter, nats."""
    return max(loss_noise(loss, rows=validation_rows), SMALLEST_RISE * chance_loss)


def earlier_loss(facts: Facts) -> float:
    """Validation loss a quarter of the evaluations before the last; chance before the first."""
    evaluations = facts.evaluations
    index = len(evaluations) - 1 - max(1, round(LAST_PART * len(evaluations)))
    return evaluations[index].validation_loss if index >= 0 else facts.chance_loss


def still_falling(facts: Facts) -> bool:
    """All planned steps were made, the last evaluation is the best, and the last quarter gained more than noise."""
    last = facts.evaluations[-1]
    fall = earlier_loss(facts) - last.validation_loss
    rows = facts.rows["validation"]
    smallest = smallest_change(last.validation_loss, validation_rows=rows, chance_loss=facts.chance_loss)
    return last.step >= facts.steps and not last.stops and lowest(facts) is last and fall > smallest


def large_gap(facts: Facts) -> bool:
    """The kept weights know the training rows much better than new ones, beyond noise and triviality."""
    kept = facts.kept
    smallest = max(
        LARGE_GAP * kept.validation_loss, GAP_NOISES * gap_noise(facts, kept), SMALLEST_GAP * facts.chance_loss
    )
    return kept.gap > smallest


def train_loss_is_high(facts: Facts) -> bool:
    """Training ended more than half-way up from the lowest train loss smoothing allows, −ln(1 − ε), to chance."""
    floor = -math.log1p(-facts.smoothing)
    return facts.evaluations[-1].train_loss > floor + HIGH_SHARE * max(0.0, facts.chance_loss - floor)
