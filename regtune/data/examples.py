"""Raw rows to examples: targets of all files get their final names together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from regtune.data.example import Example
from regtune.data.reading import LabelledFile, RawRow
from regtune.data.rules import RowRules


def make_examples(
    files: Mapping[str, LabelledFile], rules: RowRules, *, known: Sequence[str] = ()
) -> tuple[dict[str, tuple[Example, ...]], list[str]]:
    """Examples under the keys of `files`, and notes on labels that were changed or look odd.

    All targets are named at once, so that one class has one name everywhere. known: classes of a trained model that
    take part in the naming: "1.0" becomes "1" here exactly when it did in training.
    """
    raw = [row.target for file in files.values() for row in file.rows]
    named, notes = rules.name_targets([*rules.as_targets(known), *raw])
    named = named[len(named) - len(raw) :]
    targets, strata = iter(named), iter(rules.strata(named))
    examples = {
        key: tuple(
            _example(row, target, row_strata, rules)
            for row, target, row_strata in zip(
                file.rows, islice(targets, len(file.rows)), islice(strata, len(file.rows)), strict=True
            )
        )
        for key, file in files.items()
    }
    return examples, notes


def _example(row: RawRow, target: object, strata: tuple[str, ...], rules: RowRules) -> Example:
    return Example(
        inputs=row.inputs,
        target=target,
        text=rules.show_input(row.inputs),
        label=rules.show_target(target),
        key=rules.key(row.inputs),
        strata=strata,
        group=row.group,
        source=row.file,
        line=row.line,
    )
