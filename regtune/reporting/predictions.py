"""What predictions.csv tells about the restored model: per-class figures, confusions, the hardest rows."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from regtune.data.export import escape_formula
from regtune.evaluation.metrics.entities import entities_of

Item = tuple[str, Hashable]  # (class name, what tells two of that class in one row apart)


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One validation row. label and prediction: a class name, a number, a text, or a list of labels or tags as JSON."""

    text: str
    label: str
    prediction: str  # empty: the task gives none for labelled rows
    confidence: float | None  # probability of the prediction, where it is one class
    loss: float  # clean loss per unit


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """One class among the validation rows; a share is None where nothing could be counted."""

    name: str
    rows: int  # labelled so; entities, where there can be several in a row
    precision: float | None  # of those predicted so, the share that is; None: never predicted
    recall: float | None  # of those that are so, the share found; None: there are none
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
                label=names.get(row["label"], row["label"]),
                prediction=names.get(row["prediction"], row["prediction"]),
                confidence=float(row["confidence"]) if "confidence" in row else None,
                loss=float(row["loss"]),
            )
            for row in csv.DictReader(handle)
        ]


# By the task's kind of answer: the items in a cell of the label or prediction column. Other kinds have no classes.
ITEMS: dict[str, Callable[[str], set[Item]]] = {
    "class": lambda cell: {(cell, None)},
    "labels": lambda cell: {(name, None) for name in json.loads(cell)},
    "tags": lambda cell: {(name, (start, end)) for name, start, end in entities_of(json.loads(cell))},
}


def class_figures(predictions: Sequence[Prediction], *, kind: str, classes: Sequence[str]) -> list[ClassFigures]:
    """Precision, recall and F1 of each class, in the order of `classes`; of entity types by name. kind: in ITEMS."""
    items_of = ITEMS[kind]
    pairs = [(items_of(row.label), items_of(row.prediction)) for row in predictions]
    present = Counter(name for gold, _ in pairs for name, _ in gold)
    predicted = Counter(name for _, found in pairs for name, _ in found)
    right = Counter(name for gold, found in pairs for name, _ in gold & found)
    return [
        ClassFigures(
            name=name,
            rows=present[name],
            precision=_share(right[name], predicted[name]),
            recall=_share(right[name], present[name]),
            f1=_share(2 * right[name], present[name] + predicted[name]),
        )
        for name in (sorted(present | predicted) if kind == "tags" else classes)
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
