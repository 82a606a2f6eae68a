"""Healthy: no cause for complaint, said with the numbers it rests on."""

from __future__ import annotations

import shlex

from regtune.diagnosis.base import Advice, Facts, Finding, number


def find(facts: Facts) -> Finding:
    """The verdict when no cause was found. Asked last, so it always holds."""
    kept = facts.kept
    return Finding(
        name="healthy",
        title="healthy: no sign of overfitting or underfitting",
        evidence=(
            f"best at epoch {number(kept.epoch)} of {facts.epochs}: train loss {number(kept.train_loss)}, "
            f"validation loss {number(kept.validation_loss)}, gap {kept.gap:+.4g}"
        ),
        advice=(
            Advice(
                "use it on new rows", f"regtune predict {shlex.quote(facts.run_path)} new_rows.csv -o predictions.csv"
            ),
            Advice(f"to get further: more labelled rows ({facts.rows['train']} train it now)"),
        ),
    )
