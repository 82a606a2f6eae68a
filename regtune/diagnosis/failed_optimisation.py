"""Failed optimisation: the loss never left chance, or came back to it. Neither overfitting nor underfitting: with
nothing learnt, regularization is beside the point and the learning rate is the first suspect.

Source: Mosbach, Andriushchenko and Klakow 2021 (https://arxiv.org/abs/2006.04884), §4: failed runs are a matter of
optimisation, cured by a smaller rate with warm-up, not by regularization.
"""

from __future__ import annotations

import itertools
import math

from regtune.diagnosis.base import Advice, Facts, Finding, number, train_command
from regtune.diagnosis.curves import CHANCE_SHARE, at_chance, chance_loss

RATE_FACTOR = 5  # a step large enough to leave the bad range, small enough not to jump over the good one
JUMP = 0.05  # of chance; a rise of train loss between two evaluations that a working rate does not show
STEADY_FALL = 0.005  # of chance, over the run, without a rise: it works, too slowly
CUSTOMARY_RATE = 2e-5  # below the middle of the usual range for fine-tuning, 1e-5 to 5e-5


def find(facts: Facts) -> Finding | None:
    """Failed optimisation with the direction to move the learning rate; None when something was learnt and kept."""
    if not at_chance(facts):
        return None
    is_too_high = _rate_is_too_high(facts)
    rate = facts.learning_rate / RATE_FACTOR if is_too_high else facts.learning_rate * RATE_FACTOR
    change = f"learning rate {number(facts.learning_rate)} → {number(rate)}"
    command = train_command(facts, **{"training.learning_rate": number(rate)})
    return Finding(
        name="failed_optimisation",
        title=f"failed optimisation: learning rate too {'high' if is_too_high else 'low, or too few steps'}",
        evidence=_evidence(facts),
        advice=(
            Advice(f"{'lower' if is_too_high else 'higher'} {change}", command),
            Advice(
                "another seed: some runs fail by an unlucky start",
                train_command(facts, **{"training.seed": str(facts.seed + 1)}),
            )
            if is_too_high
            else Advice(
                f"more epochs: {facts.epochs} → {2 * facts.epochs}",
                train_command(facts, **{"training.epochs": str(2 * facts.epochs)}),
            ),
        ),
    )


def _rate_is_too_high(facts: Facts) -> bool:
    """True when the loss broke, rose or jumped; false when it falls slowly; a flat one is judged by the rate itself."""
    if len(facts.evaluations) < len(facts.history):
        return True
    losses = [evaluation.train_loss for evaluation in facts.history]
    chance = chance_loss(facts)
    largest_rise = max((after - before for before, after in itertools.pairwise(losses)), default=0.0)
    came_back = min(losses) < CHANCE_SHARE * chance
    if came_back or largest_rise > JUMP * chance:
        return True
    falls_steadily = largest_rise <= 0 and losses[0] - losses[-1] > STEADY_FALL * chance
    return not falls_steadily and facts.learning_rate > CUSTOMARY_RATE


def _evidence(facts: Facts) -> str:
    last = facts.history.last
    classes = len(facts.class_counts)
    if not math.isfinite(last.gap):
        return f"the loss at step {last.step} is not a number; learning rate {number(facts.learning_rate)}"
    chance = f"guessing by class shares gives {number(chance_loss(facts))} (ln {classes} = {math.log(classes):.4g})"
    lowest = number(min(evaluation.train_loss for evaluation in facts.evaluations))
    return f"train loss ended at {number(last.train_loss)} after {last.step} steps, lowest {lowest}; {chance}"
