"""CSV and TSV: every cell stays text, and no row may have a cell too many or too few."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from regtune.data.formats.base import Source
from regtune.data.lines import MAX_FIELD_CHARACTERS, open_lines
from regtune.data.table import Row, Table
from regtune.errors import ConfigError, DataError

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
QUOTE_HINT = 'put a text that holds the separator or a line end in double quotes, and write " inside it as ""'


@contextmanager
def open_csv(source: Source) -> Iterator[Table]:
    """Columns separated by commas, or by the source's own separator."""
    with open_lines(source.path, name=source.name, encoding=source.encoding) as lines:
        yield read_delimited(lines, name=source.name, separator=source.separator or ",")


@contextmanager
def open_tsv(source: Source) -> Iterator[Table]:
    """Columns separated by tabs, or by the source's own separator."""
    with open_lines(source.path, name=source.name, encoding=source.encoding) as lines:
        yield read_delimited(lines, name=source.name, separator=source.separator or "\t")


def read_delimited(lines: Iterator[str], *, name: str, separator: str) -> Table:
    """A table from lines with their ends on. The first line that is not blank names the columns.

    Cells are kept to the letter: `NA`, `null`, `01`, `1.0` and dates stay as they stand. Raises DataError with file
    and line for header, quoting and field-count faults.
    """
    if separator in '"\r\n':
        raise ConfigError(f"data.separator: {separator!r} cannot separate columns", hint="for example ; or a tab")
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD_CHARACTERS))  # process-wide; never lowered
    records = _records(lines, name=name, separator=separator)
    header_line, header = next(records, (0, []))
    if not header:
        raise DataError(f"{name}: the file is empty", hint="the first line names the columns, e.g. text,label")
    where = f"{name}:{header_line}"
    columns = [column.strip() for column in header]
    _check_header(columns, where=where, separator=separator)
    rows = _rows(records, columns, name=name, separator=separator)
    first = next(rows, None)
    if first is None:
        raise DataError(f"{name}: the file has a header and no rows")
    notes = (f"{where}: spaces around column names removed",) if columns != header else ()
    return Table(name, tuple(filter(None, columns)), chain([first], rows), notes)


def _check_header(columns: list[str], *, where: str, separator: str) -> None:
    if not any(columns):
        raise DataError(f"{where}: the header names no column")
    repeated = [column for column, count in Counter(filter(None, columns)).items() if count > 1]
    if repeated:
        raise DataError(f"{where}: column `{repeated[0]}` stands in the header twice", hint="rename one of them")
    if len(columns) > 1:
        return
    for other, word in SEPARATORS.items():
        if other != separator and other in columns[0]:
            raise DataError(
                f"{where}: one column `{columns[0]!r}`; the file looks {word}-separated"
                f" and is read as {SEPARATORS.get(separator, repr(separator))}-separated",
                hint=f'set data.separator: "{other!r}"'.replace("'", ""),
            )


def _rows(records: Iterator[tuple[int, list[str]]], columns: list[str], *, name: str, separator: str) -> Iterator[Row]:
    nameless = [index for index, column in enumerate(columns) if not column]
    for line, cells in records:
        if len(cells) != len(columns):
            if len(cells) == 1 and not cells[0].strip():
                continue  # a line of spaces
            raise DataError(
                f"{name}:{line}: {len(cells)} {'field' if len(cells) == 1 else 'fields'}, expected {len(columns)}"
                f" ({SEPARATORS.get(separator, repr(separator))}-separated: {', '.join(map(repr, columns))})",
                hint=QUOTE_HINT,
            )
        for index in nameless:
            if index > 0 and cells[index].strip():  # column 0 without a name is a saved index
                raise DataError(f"{name}:{line}: field {index + 1} has no column name", hint=QUOTE_HINT)
        values = dict(zip(columns, cells, strict=True))
        values.pop("", None)
        for column, cell in values.items():
            if len(cell) > MAX_FIELD_CHARACTERS:
                raise _too_long(f"{name}:{line}", f"column `{column}`")
        yield Row(line, values)


def _records(lines: Iterator[str], *, name: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Non-blank records with the line each starts on."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise _quoting_error(str(error), name=name, first=line, last=reader.line_num) from error
        if cells is None:
            return
        if cells:
            yield line, cells


def _quoting_error(reason: str, *, name: str, first: int, last: int) -> DataError:
    """The csv module's words, told as what stands in the file."""
    if "field larger" in reason:
        return _too_long(f"{name}:{first}", "a field")
    if "unexpected end" in reason:
        return DataError(f"{name}:{first}: a double quote opens here and is never closed", hint=QUOTE_HINT)
    where = f"line {last}" if last != first else "the line"
    return DataError(f"{name}:{first}: text follows a closing double quote on {where}", hint=QUOTE_HINT)


def _too_long(where: str, what: str) -> DataError:
    return DataError(
        f"{where}: {what} is longer than {MAX_FIELD_CHARACTERS:,} characters",
        hint="look for a double quote that is opened there and never closed",
    )
