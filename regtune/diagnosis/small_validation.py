"""Small validation: so few validation rows that most differences between runs are noise. A caveat, true of healthy
runs too."""

from __future__ import annotations

from regtune.diagnosis.base import Advice, Facts, Finding, train_command
from regtune.evaluation.intervals import wilson

WIDE = 0.05  # half-width of accuracy's interval from which two ordinary runs cannot be told apart


def find(facts: Facts) -> Finding | None:
    """The width of the noise in points; None when it is 5 points or less, or when accuracy is not measured."""
    rows, accuracy = facts.rows["validation"], facts.kept.metrics.get("accuracy")
    if accuracy is None:
        return None
    half_width = wilson(round(accuracy * rows), rows).half_width
    if half_width <= WIDE:
        return None
    return Finding(
        name="small_validation",
        title="small validation set",
        evidence=(
            f"{rows} validation rows: accuracy {accuracy:.1%} is known to ±{100 * half_width:.1f} points; smaller "
            "differences are noise"
        ),
        advice=(
            Advice(
                "repeat with another seed and compare means, not single runs",
                train_command(facts, **{"training.seed": str(facts.seed + 1)}),
            ),
        ),
    )
