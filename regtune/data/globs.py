"""Several files as one table: `data/part-*.csv`."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regtune.data.formats import Opener, Source, suffix_of
from regtune.data.table import Row, Table
from regtune.errors import DataError


def is_glob(name: str) -> bool:
    """Whether a source name is a pattern. A file that has the very name wins over the pattern."""
    return glob.has_magic(name) and not os.path.lexists(name)


def files_of(pattern: str) -> list[Path]:
    """The files of a pattern (`*`, `?`, `[ab]`, and `**` for any folders), sorted by name.

    Raises DataError when there is none, when it matches a folder, and when the files are of several formats.
    """
    paths = [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]
    if not paths:
        raise DataError(f"{pattern}: no file matches", hint="give the pattern from the folder you are in, in quotes")
    for path in paths:
        if path.is_dir():
            raise DataError(f"{pattern}: matches {path}, which is a folder", hint="narrow the pattern down to files")
    suffixes = sorted({suffix_of(path) for path in paths})
    if len(suffixes) > 1:
        raise DataError(
            f"{pattern}: matches files of several formats: {' '.join(suffix or '(none)' for suffix in suffixes)}",
            hint=f"narrow the pattern down, e.g. `{pattern}{suffixes[0]}`",
        )
    return paths


@contextmanager
def open_files(pattern: str, opener: Opener, *, encoding: str, separator: str | None) -> Iterator[Table]:
    """One table of all files: columns of the first, rows in the order of the files, one file open at a time.

    Rows know their file (`Table.place`). Raises DataError as `files_of` does, and naming the file whose columns are not
    those of the first; what is wrong inside a file is reported under its own name.
    """
    sources = [Source(path, str(path), encoding, separator) for path in files_of(pattern)]
    with opener(sources[0]) as first:
        columns = first.columns
    table = Table(pattern, columns, iter(()))
    table.rows = _rows(sources, opener, table=table)
    yield table


def _rows(sources: list[Source], opener: Opener, *, table: Table) -> Iterator[Row]:
    for source in sources:
        with opener(source) as part:
            if set(part.columns) != set(table.columns):
                raise DataError(
                    f"{source.name}: the columns are {_listed(part.columns)}, those of {sources[0].name} are"
                    f" {_listed(table.columns)}",
                    hint="files read together need the same columns",
                )
            for row in part.rows:
                yield Row(row.line, row.values, source.name)
            table.notes += part.notes


def _listed(columns: tuple[str, ...]) -> str:
    return ", ".join(f"`{column}`" for column in columns)
