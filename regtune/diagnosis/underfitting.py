"""Underfitting: training ended with the training rows themselves not learnt, although the loss did come down.

Procedure, in order, steps already taken left out: dropout to 0.1 · weight decay to 0.01 · no early stopping for now ·
a larger model. Each command keeps the changes of the steps before it.
"""

from __future__ import annotations

from regtune.diagnosis.base import Advice, Facts, Finding, number, train_command
from regtune.diagnosis.curves import still_falling, train_loss_is_high, turned_up
from regtune.diagnosis.sizes import larger_model

LESS_DROPOUT = 0.1
LESS_WEIGHT_DECAY = 0.01


def find(facts: Facts) -> Finding | None:
    """Underfitting, with its procedure; None when train loss is low, or when more epochs are the first thing to try."""
    if not train_loss_is_high(facts) or turned_up(facts) or still_falling(facts):
        return None
    last = facts.evaluations[-1]
    return Finding(
        name="underfitting",
        title="underfitting: the training rows are not learnt",
        evidence=(
            f"train loss ended at {number(last.train_loss)}, {last.train_loss / facts.chance_loss:.0%} of the "
            f"{number(facts.chance_loss)} that guessing by class shares gives; validation loss "
            f"{number(last.validation_loss)}, gap {last.gap:+.4g}"
        ),
        advice=_procedure(facts),
    )


def _procedure(facts: Facts) -> tuple[Advice, ...]:
    changes: dict[str, str] = {}
    advice: list[Advice] = []

    def step(text: str, key: str, value: str) -> None:
        changes[key] = value
        advice.append(Advice(text, train_command(facts, **changes)))

    if facts.dropout is not None and facts.dropout > LESS_DROPOUT:
        step(f"less dropout: {number(facts.dropout)} → {LESS_DROPOUT}", facts.dropout_key, str(LESS_DROPOUT))
    if facts.weight_decay > LESS_WEIGHT_DECAY:
        text = f"less weight decay: {number(facts.weight_decay)} → {LESS_WEIGHT_DECAY}"
        step(text, "regularization.weight_decay", str(LESS_WEIGHT_DECAY))
    if facts.history.last.stops:  # patience that never fired changed nothing
        end = number(facts.history.last.epoch)
        text = f"no early stopping for now: it ended training at epoch {end} of {facts.epochs}"
        step(text, "regularization.patience", "null")
    labels = "look at the labels: rows that contradict each other cannot be learnt"
    return (*advice, larger_model(facts), Advice(labels))
