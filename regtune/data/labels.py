"""Labels become class names: text, the same for the same class, in one fixed order."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from regtune.data.example import fold_text
from regtune.errors import DataError

INTEGER = re.compile(r"-?[0-9]{1,100}")  # longer ones are names: Python refuses to convert 4,301 digits
INTEGRAL_FLOAT = re.compile(r"(-?(?:0|[1-9][0-9]*))(?:\.0*)?")
WHOLE = re.compile(r"[-+]?[0-9]+")
FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
MOST_CLASSES = 1000
LISTED = 5


def clean_labels(labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Class names for labels as read, and notes on what was changed or looks odd.

    Give the labels of all files at once: `1.0` becomes `1` only if every label is an integral number. `01` and `1`,
    `Pos` and `pos` stay two classes.
    """
    notes = []
    names = [label.strip() for label in labels]
    stripped = sum(name != label for name, label in zip(names, labels, strict=True))
    if stripped:
        notes.append(f"spaces around {stripped} labels removed")
    if any("." in name for name in set(names)) and all(INTEGRAL_FLOAT.fullmatch(name) for name in set(names)):
        names = [name.split(".")[0] for name in names]
        names = ["0" if name == "-0" else name for name in names]
        notes.append("labels such as `1.0` are whole numbers: the class is named `1`")
    return names, notes + _oddities(set(names))


def check_labels(labels: Sequence[str], *, where: str) -> None:
    """Raise DataError unless the labels, one per training row, can be the classes of a classifier."""
    distinct = set(labels)
    if len(distinct) == 1:
        raise DataError(f"{where}: one class only, `{labels[0]}`, in {len(labels)} rows; at least 2 are needed")
    if all(FLOAT.fullmatch(label) for label in distinct) and not all(WHOLE.fullmatch(label) for label in distinct):
        raise DataError(
            f"{where}: the labels are {len(distinct)} distinct numbers such as {_some(distinct)}: this looks like"
            " regression, which is not a text-classification target",
            hint="if they are classes and not a scale, give them names, e.g. v0.5",
        )
    if len(distinct) == len(labels):
        raise DataError(
            f"{where}: every one of the {len(labels)} rows has a class of its own",
            hint="is data.label the right column?",
        )
    if len(distinct) > MOST_CLASSES:
        raise DataError(
            f"{where}: {len(distinct)} classes in {len(labels)} rows, at most {MOST_CLASSES} are allowed",
            hint="is data.label the right column?",
        )


def class_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Distinct class names: by value if all are integers (2 before 10), else by code point."""
    distinct = set(labels)
    if all(INTEGER.fullmatch(label) for label in distinct):
        return tuple(sorted(distinct, key=lambda label: (int(label), label)))
    return tuple(sorted(distinct))


def _oddities(distinct: set[str]) -> list[str]:
    notes = []
    integers = {label for label in distinct if INTEGER.fullmatch(label)}
    if alike := _alike([(fold_text(label), label) for label in distinct]):
        notes.append(f"classes that differ only by case or spaces stay apart: {alike}")
    if alike := _alike([(str(int(label)), label) for label in integers]):
        notes.append(f"classes that are the same number stay apart: {alike}")
    if integers and any(label.isalpha() for label in distinct):
        notes.append(
            f"some classes are numbers and some are words: {_some(integers)} beside {_some(distinct - integers)}"
        )
    return notes


def _alike(keyed: list[tuple[str, str]]) -> str:
    """Labels that share a key, as `Pos` / `pos`, ...; empty if there are none."""
    groups = defaultdict(list)
    for key, label in sorted(keyed):
        groups[key].append(label)
    return ", ".join(" / ".join(f"`{label}`" for label in group) for group in groups.values() if len(group) > 1)


def _some(labels: set[str]) -> str:
    return ", ".join(f"`{label}`" for label in sorted(labels)[:LISTED]) + (", …" if len(labels) > LISTED else "")
