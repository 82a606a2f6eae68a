"""What predictions.csv tells about the restored model: per-class figures, confusions, the hardest rows."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from regtune.data.export import escape_formula


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One validation row."""

    text: str
    label: str
    prediction: str
    confidence: float  # probability of the prediction
    loss: float  # clean loss, nats


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """One class among the validation rows; a share is None where nothing could be counted."""

    name: str
    rows: int  # with this label
    precision: float | None  # of the rows predicted so, the share that is; None: never predicted
    recall: float | None  # of the rows that are so, the share found; None: no such row
    f1: float | None  # None: neither predicted nor present


def read_predictions(path: Path, *, classes: Sequence[str]) -> list[Prediction]:
    """The rows of a run's predictions.csv, in its order.

    classes: the run's label names; the file holds those that look like a spreadsheet formula in escaped form.
    """
    names = {escape_formula(name): name for name in classes}
    with open(path, encoding="utf-8", newline="") as handle:
        return [
            Prediction(
                text=row["text"],
                label=names[row["label"]],
                prediction=names[row["prediction"]],
                confidence=float(row["confidence"]),
                loss=float(row["loss"]),
            )
            for row in csv.DictReader(handle)
        ]


def class_figures(predictions: Sequence[Prediction], *, classes: Sequence[str]) -> list[ClassFigures]:
    """Precision, recall and F1 of each class, in the order of `classes`."""
    present = Counter(row.label for row in predictions)
    predicted = Counter(row.prediction for row in predictions)
    right = Counter(row.label for row in predictions if row.label == row.prediction)
    return [
        ClassFigures(
            name=name,
            rows=present[name],
            precision=_share(right[name], predicted[name]),
            recall=_share(right[name], present[name]),
            f1=_share(2 * right[name], present[name] + predicted[name]),
        )
        for name in classes
    ]


def confusion_matrix(predictions: Sequence[Prediction], *, classes: Sequence[str]) -> list[list[int]]:
    """Rows counted by true class (outer) and predicted class (inner)."""
    counts = Counter((row.label, row.prediction) for row in predictions)
    return [[counts[label, prediction] for prediction in classes] for label in classes]


def most_confused(predictions: Sequence[Prediction], *, limit: int) -> list[tuple[str, str, int]]:
    """(true class, predicted class, rows) of the commonest mistakes, most first, ties by name."""
    mistakes = Counter((row.label, row.prediction) for row in predictions if row.label != row.prediction)
    ordered = sorted(mistakes.items(), key=lambda item: (-item[1], item[0]))
    return [(label, prediction, rows) for (label, prediction), rows in ordered[:limit]]


def hardest(predictions: Sequence[Prediction], *, limit: int) -> list[Prediction]:
    """The rows of highest loss: confidently wrong, mislabelled, or truly ambiguous."""
    return sorted(predictions, key=lambda row: -row.loss)[:limit]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
