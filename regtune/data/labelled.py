"""Labelled rows for a model that already has its classes."""

from __future__ import annotations

from collections.abc import Sequence

from regtune.config.schema import DataSettings
from regtune.data.columns import Columns
from regtune.data.example import Example
from regtune.data.examples import make_examples
from regtune.data.reading import read_labelled
from regtune.data.rules import RowRules
from regtune.errors import DataError


def load_labelled(
    source: str, settings: DataSettings, *, rules: RowRules, columns: Columns, known: Sequence[str]
) -> tuple[Example, ...]:
    """Every row of a file as an Example. Raises DataError naming the first row with a class that is not `known`."""
    file = read_labelled(source, settings, rules=rules, columns=columns)
    return check_known(make_examples({source: file}, rules, known=known)[0][source], rules, known=known)


def check_known(examples: tuple[Example, ...], rules: RowRules, *, known: Sequence[str]) -> tuple[Example, ...]:
    """The examples as they are. Raises DataError naming the first row with a class that is not one of `known`."""
    classes = set(known)
    for example in examples:
        for name in rules.names_in(example.target):
            if name not in classes:
                raise DataError(
                    f"{example.source}:{example.line}: label `{name}` is not one of the {len(known)} classes of the"
                    " training rows",
                    hint=f"known are {', '.join(known[:8])}{', …' if len(known) > 8 else ''}",
                )
    return examples
