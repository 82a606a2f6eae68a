"""Rows from Arrow record batches, the form in which Parquet files, Arrow files and data sets of the hub are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

from regtune.data.formats.values import reader_for
from regtune.data.lines import MAX_FIELD_CHARACTERS
from regtune.data.table import Row, Table
from regtune.errors import DataError

if TYPE_CHECKING:
    import pyarrow

ROWS_PER_BATCH = 128  # few enough that a batch of photographs fits in memory
Features = Mapping[str, Any]  # by column, a feature of the datasets library


def read_batches(
    batches: Iterator[pyarrow.RecordBatch], *, schema: pyarrow.Schema, features: Features | None, name: str
) -> Table:
    """A table from record batches (or tables) with this schema. features None: those in the schema's metadata, if any.

    Raises DataError when there are no rows, when a column name stands twice, when a class index has no name, when a
    text is longer than 1,000,000 characters, and for damage found while rows are read.
    """
    with damage_is_a_data_error(name, "a readable table"):
        columns = tuple(schema.names)
    repeated = [column for column, count in Counter(columns).items() if count > 1]
    if repeated:
        raise DataError(f"{name}: column `{repeated[0]}` is there twice", hint="rename one of them")
    rows = _rows(batches, features=stored_features(schema, name=name) if features is None else features, name=name)
    first = next(rows, None)
    if first is None:
        raise DataError(f"{name}: the file has columns and no rows")
    return Table(name, columns, chain([first], rows))


def stored_features(schema: pyarrow.Schema, *, name: str) -> Features:
    """The features that the datasets library wrote into a schema; empty for files of other programs."""
    if b"huggingface" not in (schema.metadata or {}):
        return {}
    from datasets import Features as StoredFeatures

    try:
        return dict(StoredFeatures.from_arrow_schema(schema))
    # The library parses JSON out of the file and builds types by the names it finds there, so damage can surface as any
    # of these. Only this one call is covered, and the user is told.
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError, RecursionError) as error:
        raise DataError(
            f"{name}: what the datasets library wrote about the columns is damaged ({type(error).__name__}: {error})",
            hint="write the file again",
        ) from error


@contextmanager
def damage_is_a_data_error(name: str, kind: str) -> Iterator[None]:
    """Turns what pyarrow raises for broken files into a DataError. kind: what the file should be, with its article."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(f"{name}: this is not {kind}, or it is damaged: {reason}", hint="copy it again") from error


def _rows(batches: Iterator[pyarrow.RecordBatch], *, features: Features, name: str) -> Iterator[Row]:
    readers = {column: reader_for(features.get(column)) for column in features}
    plain = reader_for(None)
    number = 0
    with damage_is_a_data_error(name, "a readable table"):
        for batch in batches:
            batch.validate(full=True)  # Arrow data are trusted otherwise: a flipped bit would end the process
            for cells in batch.to_pylist():
                number += 1
                values = {}
                for column, cell in cells.items():
                    where = f"{name}:{number}: column `{column}`"
                    values[column] = _checked(readers.get(column, plain)(cell, where), where=where)
                yield Row(number, values)


def _checked(value: Any, *, where: str) -> Any:
    if isinstance(value, str):
        if len(value) > MAX_FIELD_CHARACTERS:
            raise DataError(f"{where} is longer than {MAX_FIELD_CHARACTERS:,} characters")
        if "\0" in value:
            raise DataError(f"{where} holds a NUL character", hint="remove it")
    return value
