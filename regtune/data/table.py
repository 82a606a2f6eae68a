"""A table while it is read: its columns, and its rows one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any


@dataclass(frozen=True)
class Row:
    """One record. line: the physical line it starts on, from 1. values: text in delimited files, any JSON in JSONL."""

    line: int
    values: dict[str, Any]


@dataclass
class Table:
    """An open file with named columns. path is the source as the user wrote it, for messages (`{path}:{line}`).

    rows can be read once. notes: what was done to the header, one sentence each.
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
