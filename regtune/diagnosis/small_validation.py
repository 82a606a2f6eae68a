"""Small validation: so few validation rows that most differences between runs are noise. A caveat, true of healthy
runs too."""

from __future__ import annotations

import math

from regtune.diagnosis.base import Advice, Facts, Finding, train_command

WIDE = 0.05  # half-width of accuracy's interval from which two ordinary runs cannot be told apart
Z_95 = 1.959963984540054  # two-sided 95 % quantile of the standard normal distribution


def find(facts: Facts) -> Finding | None:
    """The width of the noise in points; None when it is 5 points or less, or when accuracy is not measured."""
    rows, accuracy = facts.rows["validation"], facts.kept.metrics.get("accuracy")
    if accuracy is None or (half_width := accuracy_half_width(accuracy, rows)) <= WIDE:
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


def accuracy_half_width(accuracy: float, rows: int) -> float:
    """Half the width of Wilson's 95 % interval, as a share; `evaluation.intervals.wilson` without numpy."""
    return Z_95 / (1 + Z_95**2 / rows) * math.sqrt(accuracy * (1 - accuracy) / rows + Z_95**2 / (4 * rows**2))
