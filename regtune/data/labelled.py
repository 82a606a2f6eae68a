"""Labelled rows for a model that already has its classes."""

from __future__ import annotations

from collections.abc import Sequence

from regtune.config.schema import DataSettings
from regtune.data.columns import Columns
from regtune.data.example import Example, digest_of
from regtune.data.labels import clean_labels
from regtune.data.reading import read_labelled
from regtune.errors import DataError


def load_labelled(
    source: str, settings: DataSettings, *, columns: Columns, known: Sequence[str]
) -> tuple[Example, ...]:
    """Every row of a file as an Example. Raises DataError naming the first row whose label is not one of `known`."""
    file = read_labelled(source, settings, columns=columns)
    # Together with the known names, so that "1.0" becomes "1" here exactly when it did in training.
    names = clean_labels([*known, *(row.label for row in file.rows)])[0][len(known) :]
    for row, name in zip(file.rows, names, strict=True):
        if name not in known:
            raise DataError(
                f"{source}:{row.line}: label `{name}` is not one of the model's {len(known)} classes",
                hint=f"the model knows {', '.join(known[:8])}{', …' if len(known) > 8 else ''}",
            )
    return tuple(
        Example(row.text, name, row.group, source, row.line, digest_of(row.text, name))
        for row, name in zip(file.rows, names, strict=True)
    )
