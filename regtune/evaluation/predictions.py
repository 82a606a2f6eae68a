"""The validation rows of a run with the model's answer beside them, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from regtune.data.example import Example
from regtune.data.export import TableWriter
from regtune.evaluation.results import Results


def write_scored_rows(path: Path, examples: Sequence[Example], results: Results, *, label_names: Sequence[str]) -> None:
    """Labelled rows with answers: text, label, the clean loss per unit, then the answer. Replaces an older file."""
    path.unlink(missing_ok=True)
    task, answered = results.task, results.answered
    with TableWriter(path, ["text", "label", "loss", *task.answer_columns(label_names)]) as writer:
        for i, example in enumerate(examples):
            loss = answered.losses[i] / max(1, answered.units[i])  # a row cut off before its answer has no unit
            row = {"text": example.text, "label": example.label, "loss": round(float(loss), 6)}
            answer = task.answer_row(answered.answers[i], label_names, threshold=answered.threshold)
            writer.write({**row, **answer})
