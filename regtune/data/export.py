"""Write a table row by row: whole or not at all, never over an existing file, safe to open in a spreadsheet."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from regtune.errors import ConfigError, EnvironmentFault

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # source: OWASP, "CSV Injection"
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

Values = Mapping[str, Any]
WriteRow = Callable[[Values], None]


class TableWriter:
    """A .csv or .jsonl file that appears under its name when the `with` block ends well.

    with TableWriter(Path("out.csv"), ["text", "prediction"]) as writer:
        writer.write({"text": "Where is my card?", "prediction": "card_arrival"})

    After any exception in the block, Ctrl-C included, nothing is left. CSV cells and header that a spreadsheet would
    run as a formula get a leading apostrophe; JSONL values are verbatim. Raises ConfigError if the file exists, its
    folder does not, or it has another extension; EnvironmentFault if it cannot be written.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self.columns = tuple(columns)
        self._stage = path.with_name(f".stage-{os.getpid()}-{path.name}")

    def __enter__(self) -> TableWriter:
        check_target(self.path)
        with self._disk_errors():
            self._stream = self._stage.open("w", encoding="utf-8", newline="")
            try:
                self._write_row = FORMATS[self.path.suffix.lower()](self._stream, self.columns)
            except OSError:
                with contextlib.suppress(OSError):  # closing writes what is buffered, and may fail the same way
                    self._stream.close()
                self._stage.unlink()
                raise
        return self

    def write(self, values: Values) -> None:
        """Add a row. values: something for each column; further keys are left out."""
        with self._disk_errors():
            self._write_row(values)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            with self._disk_errors(), self._stream:
                self._stream.flush()
                os.fsync(self._stream.fileno())
            if kind is None:
                check_target(self.path)  # it may have appeared while we wrote
                with self._disk_errors():
                    self._stage.rename(self.path)
        finally:
            self._stage.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise EnvironmentFault(f"{self.path}: cannot be written: {error.strerror}") from error


def check_target(path: Path) -> None:
    """Raise ConfigError unless a new table can appear at `path`. Worth calling before a long computation."""
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder", hint="name a .csv or .jsonl file inside it")
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path}: cannot write a {path.suffix or 'nameless'} file, allowed are {' '.join(FORMATS)}")
    if os.path.lexists(path):
        raise ConfigError(f"{path}: the file exists and is not overwritten", hint="choose another -o")
    if not os.path.isdir(path.parent):  # False where we may not look, too
        raise ConfigError(f"{path}: the folder {path.parent} does not exist", hint="create it, or choose another -o")


def escape_formula(cell: str) -> str:
    """The cell, with an apostrophe before it if a spreadsheet would take it for a formula; numbers are left alone."""
    if cell.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


class _LineFeeds:
    r"""Turns the \r\n after each CSV row into \n.

    The csv module quotes a cell that holds \r on every Python only if \r is part of its line terminator.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, row: str) -> int:
        return self.stream.write(row.removesuffix("\r\n") + "\n")


def _csv_rows(stream: TextIO, columns: Sequence[str]) -> WriteRow:
    writer = csv.writer(_LineFeeds(stream))
    writer.writerow([escape_formula(column) for column in columns])

    def write_row(values: Values) -> None:
        writer.writerow([escape_formula(_cell(values[column])) for column in columns])

    return write_row


def _jsonl_rows(stream: TextIO, columns: Sequence[str]) -> WriteRow:
    def write_row(values: Values) -> None:
        stream.write(_json({column: values[column] for column in columns}) + "\n")

    return write_row


def _cell(value: Any) -> str:
    """A value as CSV text: null is empty; lists, objects, booleans and bytes are JSON."""
    if value is None:
        return ""
    return _json(value) if isinstance(value, (bool, list, dict, bytes)) else str(value)


def _json(value: Any) -> str:
    """A value as JSON; of bytes (an image out of a Parquet file) only how many there are."""
    return json.dumps(value, ensure_ascii=False, default=lambda content: f"{len(content)} bytes")


FORMATS: dict[str, Callable[[TextIO, Sequence[str]], WriteRow]] = {".csv": _csv_rows, ".jsonl": _jsonl_rows}
