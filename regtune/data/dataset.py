"""From the `data` section of a config to train, validation and test rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regtune.config.folds import is_fold, parse_fold
from regtune.config.schema import DataSettings
from regtune.data.example import Example, fold_text
from regtune.data.examples import make_examples
from regtune.data.folds import Parts, divide_rows
from regtune.data.labelled import check_known
from regtune.data.overlaps import leak_notes, refuse_copies, repeat_notes
from regtune.data.reading import LabelledFile, read_labelled
from regtune.data.rules import RowRules
from regtune.data.sources import is_delimited
from regtune.data.splits import Indices, split_rows
from regtune.errors import ConfigError

__all__ = ["Example", "Splits", "fold_text", "load_splits"]


@dataclass(frozen=True)
class Splits:
    """Rows by side. label_names: class names in the order of their indices. facts: what `data.json` holds."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]  # empty: no test set was asked for
    label_names: tuple[str, ...]  # empty: the task has no classes
    notes: tuple[str, ...]  # one sentence each, for the user to read before training starts
    facts: dict[str, Any]


def load_splits(settings: DataSettings, *, rules: RowRules, seed: int) -> Splits:
    """Read the files, name the classes, hold out what has no file of its own.

    A validation or test set given as a share, or a fold, is carved out of the training rows, leak-free (see
    `split_rows` and `divide_rows`); one given as a file is kept whole, and rows of it that also stand in train are
    counted in a note. seed: of the split, `Config.split_seed`. Raises DataError with file, row and column for data that
    cannot be trained on.
    """
    files = _read_files(settings, rules)
    examples, label_notes = make_examples(files, rules)
    pool = examples["train"]
    columns = files["train"].columns
    where = settings.train if columns.target is None else f"{settings.train}, column `{columns.target}`"
    rules.check_targets([example.target for example in pool], where=where)
    label_names = rules.label_names(example.target for example in pool)
    (train, validation, test), split_notes = _divide(pool, settings, seed=seed)
    sides: dict[str, Sequence[Example]] = {
        "train": tuple(pool[row] for row in train),
        "validation": examples.get("validation", tuple(pool[row] for row in validation)),
        "test": examples.get("test", tuple(pool[row] for row in test)),
    }
    for side in ("validation", "test"):
        if side in examples:
            check_known(examples[side], rules, known=label_names)
    refuse_copies(sides, given=[side for side in files if side != "train"])
    file_notes = [note for file in files.values() for note in file.notes]
    notes = [*columns.reasons, *file_notes, *label_notes, *repeat_notes(pool), *split_notes, *leak_notes(sides)]
    return Splits(
        train=tuple(sides["train"]),
        validation=tuple(sides["validation"]),
        test=tuple(sides["test"]),
        label_names=label_names,
        notes=tuple(notes),
        facts=_facts(files, sides, label_names, rules),
    )


def _divide(
    pool: Sequence[Example], settings: DataSettings, *, seed: int
) -> tuple[tuple[Indices, Indices, Indices], list[str]]:
    """Train, validation and test rows of the training file, and a note on rows that no fold holds out."""
    test = _share(settings.test)
    if not isinstance(settings.validation, str) or not is_fold(settings.validation):
        return split_rows(pool, validation=_share(settings.validation), test=test, seed=seed), []
    fold = parse_fold(settings.validation)
    parts = divide_rows(pool, fold, test=test, seed=seed)
    return parts.sides(fold.number), _fold_notes(parts)


def _fold_notes(parts: Parts) -> list[str]:
    if not parts.never_held_out:
        return []
    rows = len(parts.never_held_out) + sum(len(part) for part in parts.parts)
    why = "their class would be missing from train"
    return [f"{len(parts.never_held_out)} of {rows} rows are in train in every fold: held out, {why}"]


def _share(held_out: float | str | None) -> float:
    return held_out if isinstance(held_out, float) else 0.0


def _read_files(settings: DataSettings, rules: RowRules) -> dict[str, LabelledFile]:
    """By side, the files that were given; all have the columns of the training file."""
    sources = {"train": settings.train, "validation": settings.validation, "test": settings.test}
    given = {side: source for side, source in sources.items() if isinstance(source, str) and not is_fold(source)}
    if settings.separator is not None and not any(is_delimited(source) for source in given.values()):
        raise ConfigError("data.separator: has no meaning, none of the files is .csv or .tsv", hint="leave it out")
    files: dict[str, LabelledFile] = {}
    for side, source in given.items():
        columns = files["train"].columns if files else None
        files[side] = read_labelled(source, settings, rules=rules, columns=columns)
    return files


def _facts(
    files: dict[str, LabelledFile], sides: dict[str, Sequence[Example]], label_names: tuple[str, ...], rules: RowRules
) -> dict[str, Any]:
    counts = {
        side: Counter(name for example in examples for name in rules.names_in(example.target))
        for side, examples in sides.items()
    }
    return {
        "files": {side: file.facts for side, file in files.items()},
        "columns": files["train"].columns.facts(),
        "label_names": list(label_names),
        "rows": {side: len(examples) for side, examples in sides.items()},
        "counts": {side: {name: counts[side][name] for name in label_names} for side in sides},
        "split": {example.digest: side for side, examples in sides.items() for example in examples},
    }
