"""JSON Lines: one object per line, read strictly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

from regtune.data.formats.base import Source
from regtune.data.lines import MAX_FIELD_CHARACTERS, open_lines
from regtune.data.table import Row, Table, kind_of
from regtune.errors import DataError


@contextmanager
def open_jsonl(source: Source) -> Iterator[Table]:
    """One JSON object per line; values keep their JSON types."""
    with open_lines(source.path, name=source.name, encoding=source.encoding) as lines:
        yield read_jsonl(lines, name=source.name)


def read_jsonl(lines: Iterator[str], *, name: str) -> Table:
    """A table whose columns are the keys of the first object; later rows may have others.

    Raises DataError with file and line for lines that are not one JSON object, keys given twice, NaN and infinity,
    and half characters (lone surrogates).
    """
    rows = _rows(lines, name=name)
    first = next(rows, None)
    if first is None:
        raise DataError(f"{name}: the file is empty", hint='each line holds one row: {"text": "…", "label": "…"}')
    return Table(name, tuple(first.values), chain([first], rows))


def _rows(lines: Iterator[str], *, name: str) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield Row(number, _parse(line, where=f"{name}:{number}"))


def _parse(line: str, *, where: str) -> dict[str, Any]:
    try:
        value = json.loads(line, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        if not line.endswith(("\n", "\r")):
            raise DataError(
                f"{where}: the last line is not complete JSON: file cut off?", hint="copy it again"
            ) from error
        raise DataError(f"{where}: not JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: {error}") from error
    if not isinstance(value, dict):
        raise DataError(
            f"{where}: the line holds {kind_of(value)}, expected one object",
            hint='one row per line, without brackets around all: {"text": "…", "label": "…"}',
        )
    _check_text(value, line, where=where)
    return value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key `{repeated}` is given twice")
    return values


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not a JSON value")


def _check_text(values: dict[str, Any], line: str, *, where: str) -> None:
    for key, value in values.items():
        if isinstance(value, str) and len(value) > MAX_FIELD_CHARACTERS:
            raise DataError(f"{where}: `{key}` is longer than {MAX_FIELD_CHARACTERS:,} characters")
        if isinstance(value, str) and "\0" in value:
            raise DataError(f"{where}: `{key}` holds a NUL character", hint="remove it")
    if "\\u" in line and any("\ud800" <= character <= "\udfff" for character in json.dumps(values, ensure_ascii=False)):
        raise DataError(f"{where}: half a character (a lone surrogate, \\ud800 to \\udfff)")
