"""Too short: validation loss was still falling when the planned epochs ran out."""

from __future__ import annotations

from regtune.diagnosis.base import Advice, Facts, Finding, number, train_command
from regtune.diagnosis.curves import earlier_loss, still_falling
from regtune.diagnosis.sizes import larger_model


def find(facts: Facts) -> Finding | None:
    """Twice the epochs, then a larger model; None when the last quarter of the run brought no clear gain."""
    if not still_falling(facts):
        return None
    last = facts.evaluations[-1]
    before, after = earlier_loss(facts), last.validation_loss
    return Finding(
        name="too_short",
        title="too short: validation loss was still falling",
        evidence=(
            f"the last of {facts.epochs} epochs was the best; validation loss fell {1 - after / before:.0%} in the "
            f"last part of the run, from {number(before)} to {number(after)}; train loss {number(last.train_loss)}"
        ),
        advice=(
            Advice(
                f"more epochs: {facts.epochs} → {2 * facts.epochs}",
                train_command(facts, **{"training.epochs": str(2 * facts.epochs)}),
            ),
            larger_model(facts),
        ),
    )
