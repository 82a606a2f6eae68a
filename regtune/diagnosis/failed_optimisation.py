"""Failed optimisation: the loss never left chance, or came back to it. Neither overfitting nor underfitting: with
nothing learnt, regularization is beside the point and the learning rate is the first suspect.

Source: Mosbach, Andriushchenko and Klakow 2021 (https://arxiv.org/abs/2006.04884), §4: failed runs are a matter of
optimisation, cured by a smaller rate with warm-up, not by regularization.
"""

from __future__ import annotations

import itertools
import math

from regtune.diagnosis.base import Advice, Facts, Finding, number, train_command
from regtune.diagnosis.curves import CHANCE_SHARE, at_chance

RATE_FACTOR = 5  # a step large enough to leave the bad range, small enough not to jump over the good one
JUMP = 0.05  # of chance; a rise of train loss between two evaluations that a working rate does not show
UNUSUAL_RATE = 5e-4  # above it no pretrained encoder is fine-tuned (usual: 1e-5 to 2e-4)
FEW_STEPS = 100  # optimizer steps; with fewer, warm-up included, a loss at chance says nothing about the rate


def find(facts: Facts) -> Finding | None:
    """Failed optimisation with the most likely cause and its cure; None when something was learnt and kept."""
    if not at_chance(facts):
        return None
    title, advice = _too_high(facts) if _rate_is_too_high(facts) else _too_little(facts)
    return Finding(
        name="failed_optimisation",
        title=f"failed optimisation: {title}",
        evidence=_evidence(facts),
        advice=advice,
    )


def _too_high(facts: Facts) -> tuple[str, tuple[Advice, ...]]:
    another_seed = Advice(
        "another seed: some runs fail by an unlucky start",
        train_command(facts, **{"training.seed": str(facts.seed + 1)}),
    )
    return "learning rate too high", (_change_rate(facts, "lower", facts.learning_rate / RATE_FACTOR), another_seed)


def _too_little(facts: Facts) -> tuple[str, tuple[Advice, ...]]:
    """Few steps are the first suspect where there were few, else a low learning rate is."""
    enough = math.ceil(facts.epochs * FEW_STEPS / facts.steps)
    epochs = max(2 * facts.epochs, enough)
    longer = Advice(f"more epochs: {facts.epochs} → {epochs}", train_command(facts, **{"training.epochs": str(epochs)}))
    faster = _change_rate(facts, "higher", facts.learning_rate * RATE_FACTOR)
    if facts.history.last.stops:
        go_on = Advice(
            f"remove early stopping for now: it ended the run at epoch {facts.history.last.epoch:g}",
            train_command(facts, **{"regularization.patience": "null"}),
        )
        return "stopped early, before anything was learnt", (go_on, faster)
    if facts.history.last.step < FEW_STEPS:
        return "too few steps", (longer, faster)
    return "learning rate too low, or too few steps", (faster, longer)


def _change_rate(facts: Facts, direction: str, rate: float) -> Advice:
    return Advice(
        f"{direction} learning rate {number(facts.learning_rate)} → {number(rate)}",
        train_command(facts, **{"training.learning_rate": number(rate)}),
    )


def _rate_is_too_high(facts: Facts) -> bool:
    """True when the loss broke, came back or jumped; a loss that lay flat for long is judged by the rate itself."""
    if len(facts.evaluations) < len(facts.history):
        return True
    losses = [evaluation.train_loss for evaluation in facts.history]
    chance = facts.chance_loss
    largest_rise = max((after - before for before, after in itertools.pairwise(losses)), default=0.0)
    # A new head starts at ln K, which for 13 tags, most of them O, is far above chance by itself.
    start = max(chance, math.log(max(1, len(facts.class_counts))))
    is_far_above = losses[-1] > (1 + 2 * JUMP) * start
    if min(losses) < CHANCE_SHARE * chance or largest_rise > JUMP * chance or is_far_above:
        return True
    return facts.history.last.step >= FEW_STEPS and facts.learning_rate > UNUSUAL_RATE


def _evidence(facts: Facts) -> str:
    last = facts.history.last
    if not math.isfinite(last.gap):
        return f"the loss at step {last.step} is not a number; learning rate {number(facts.learning_rate)}"
    chance = f"the best answer that never looks at its row gives {number(facts.chance_loss)}"
    lowest = number(min(evaluation.train_loss for evaluation in facts.evaluations))
    return f"train loss ended at {number(last.train_loss)} after {last.step} steps, lowest {lowest}; {chance}"
