"""Rows with the model's answer beside them, as tables: the validation rows of a run, and `regtune predict`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from regtune.data.example import Example
from regtune.data.export import TableWriter
from regtune.evaluation.results import Results


def answer_columns(label_names: Sequence[str]) -> list[str]:
    """What predict adds behind the input's columns."""
    return ["prediction", "confidence", *(f"prob_{name}" for name in label_names)]


def answer(probabilities: NDArray[Any], label_names: Sequence[str]) -> dict[str, Any]:
    """One row's values for `answer_columns`. probabilities: (classes,)."""
    chosen = int(probabilities.argmax())
    shown = {f"prob_{name}": round(float(p), 6) for name, p in zip(label_names, probabilities, strict=True)}
    return {"prediction": label_names[chosen], "confidence": round(float(probabilities[chosen]), 6), **shown}


def write_scored_rows(path: Path, examples: Sequence[Example], results: Results, *, label_names: Sequence[str]) -> None:
    """Labelled rows with answers: text, label, the clean loss in nats, then the answer. Replaces an older file."""
    path.unlink(missing_ok=True)
    with TableWriter(path, ["text", "label", "loss", *answer_columns(label_names)]) as writer:
        for example, loss, probabilities in zip(examples, results.losses, results.probabilities, strict=True):
            row = {"text": example.text, "label": example.label, "loss": round(float(loss), 6)}
            writer.write({**row, **answer(probabilities, label_names)})
