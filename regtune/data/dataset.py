"""From the `data` section of a config to train, validation and test rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from regtune.config.schema import DataSettings
from regtune.data.example import Example, digest_of, fold_text
from regtune.data.labels import check_labels, class_order, clean_labels
from regtune.data.overlaps import leak_notes, refuse_copies, repeat_notes
from regtune.data.reading import LabelledFile, read_labelled
from regtune.data.sources import is_delimited
from regtune.data.splits import split_rows
from regtune.errors import ConfigError, DataError

__all__ = ["Example", "Splits", "fold_text", "load_splits"]


@dataclass(frozen=True)
class Splits:
    """Rows by side. label_names: class names in the order of their indices. facts: what `data.json` holds."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]  # empty: no test set was asked for
    label_names: tuple[str, ...]
    notes: tuple[str, ...]  # one sentence each, for the user to read before training starts
    facts: dict[str, Any]


def load_splits(settings: DataSettings, *, seed: int) -> Splits:
    """Read the files, name the classes, hold out what has no file of its own.

    A validation or test set given as a share is carved out of the training rows, leak-free (see `split_rows`); one
    given as a file is kept whole, and rows of it that also stand in train are counted in a note. Raises DataError
    with file, row and column for data that cannot be trained on.
    """
    files = _read_files(settings)
    examples, label_notes = _name_classes(files)
    pool = examples["train"]
    check_labels(
        [example.label for example in pool], where=f"{settings.train}, column `{files['train'].columns.label}`"
    )
    train, validation, test = split_rows(
        pool, validation=_share(settings.validation), test=_share(settings.test), seed=seed
    )
    sides: dict[str, Sequence[Example]] = {
        "train": tuple(pool[row] for row in train),
        "validation": examples.get("validation", tuple(pool[row] for row in validation)),
        "test": examples.get("test", tuple(pool[row] for row in test)),
    }
    for side in ("validation", "test"):
        _check_known_labels(sides[side], {example.label for example in sides["train"]})
    refuse_copies(sides, given=[side for side in files if side != "train"])
    file_notes = [note for file in files.values() for note in file.notes]
    notes = [*files["train"].columns.reasons, *file_notes, *label_notes, *repeat_notes(pool), *leak_notes(sides)]
    label_names = class_order(example.label for example in pool)
    return Splits(
        train=tuple(sides["train"]),
        validation=tuple(sides["validation"]),
        test=tuple(sides["test"]),
        label_names=label_names,
        notes=tuple(notes),
        facts=_facts(files, sides, label_names),
    )


def _share(held_out: float | str | None) -> float:
    return held_out if isinstance(held_out, float) else 0.0


def _read_files(settings: DataSettings) -> dict[str, LabelledFile]:
    """By side, the files that were given; all have the columns of the training file."""
    sources = {"train": settings.train, "validation": settings.validation, "test": settings.test}
    given = {side: source for side, source in sources.items() if isinstance(source, str)}
    if settings.separator is not None and not any(is_delimited(source) for source in given.values()):
        raise ConfigError("data.separator: has no meaning, none of the files is .csv or .tsv", hint="leave it out")
    files: dict[str, LabelledFile] = {}
    for side, source in given.items():
        columns = files["train"].columns if files else None
        files[side] = read_labelled(source, settings, columns=columns)
    return files


def _name_classes(files: dict[str, LabelledFile]) -> tuple[dict[str, tuple[Example, ...]], list[str]]:
    """Examples by side. The labels of all files are named together, so that one class has one name everywhere."""
    names, notes = clean_labels([row.label for file in files.values() for row in file.rows])
    remaining = iter(names)
    examples = {
        side: tuple(
            Example(row.text, label, row.group, file.source, row.line, digest_of(row.text, label))
            for row, label in zip(file.rows, islice(remaining, len(file.rows)), strict=True)
        )
        for side, file in files.items()
    }
    return examples, notes


def _check_known_labels(examples: Sequence[Example], known: set[str]) -> None:
    for example in examples:
        if example.label not in known:
            raise DataError(
                f"{example.source}:{example.line}: label `{example.label}` does not occur in the training rows,"
                f" which have {len(known)} classes",
                hint="correct the label, or add training rows with it",
            )


def _facts(
    files: dict[str, LabelledFile], sides: dict[str, Sequence[Example]], label_names: tuple[str, ...]
) -> dict[str, Any]:
    columns = files["train"].columns
    counts = {side: Counter(example.label for example in examples) for side, examples in sides.items()}
    return {
        "files": {side: file.facts for side, file in files.items()},
        "columns": {"text": columns.text, "label": columns.label, "group": columns.group},
        "label_names": list(label_names),
        "rows": {side: len(examples) for side, examples in sides.items()},
        "counts": {side: {name: counts[side][name] for name in label_names} for side in sides},
        "split": {example.digest: side for side, examples in sides.items() for example in examples},
    }
