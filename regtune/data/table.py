"""A table while it is read: its columns, and its rows one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

KINDS = {
    dict: "an object", list: "a list", str: "a string", int: "a number", float: "a number", bool: "a boolean",
    bytes: "bytes", type(None): "null",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One record. values: text in delimited files; None, bool, int, float, str, list, dict or bytes in the others.

    line: the physical line it starts on, from 1; the number of the row, from 1, where a format has no lines.
    file: the file it stands in, where the table is made of several.
    """

    line: int
    values: dict[str, Any]
    file: str | None = None


@dataclass
class Table:
    """An open source with named columns. path is the source as the user wrote it, for messages.

    rows can be read once. notes: what was done to the header, one sentence each; a table of several files gains notes
    while its rows are read. Paths in its cells (images) are relative to the folder that holds the source.
    """

    path: str
    columns: tuple[str, ...]
    rows: Iterator[Row]
    notes: tuple[str, ...] = ()

    def sample(self, count: int) -> list[Row]:
        """The next `count` rows, or fewer at the end of the file; `rows` still gives them afterwards."""
        rows = list(islice(self.rows, count))
        self.rows = chain(rows, self.rows)
        return rows

    def place(self, row: Row) -> str:
        """Where a row stands, `file:line`, for messages."""
        return f"{row.file or self.path}:{row.line}"


def kind_of(value: Any) -> str:
    """The type of a value in a row in words, for messages."""
    return KINDS[type(value)]
