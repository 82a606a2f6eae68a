"""Rows of a labelled file as text, label and group, with missing ones refused or dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regtune.config.schema import DataSettings
from regtune.data.columns import Columns, choose_columns, find_column
from regtune.data.sources import fingerprint, open_table
from regtune.data.table import Row, Table, kind_of
from regtune.errors import DataError

LISTED = 5


@dataclass(frozen=True)
class RawRow:
    """A row before its label is a class name."""

    text: str
    label: str
    group: str | None
    line: int


@dataclass(frozen=True)
class LabelledFile:
    """What was read from one file. facts: its fingerprint, json-able."""

    source: str
    columns: Columns
    rows: tuple[RawRow, ...]
    notes: tuple[str, ...]
    facts: dict[str, Any]


def read_labelled(source: str, settings: DataSettings, *, columns: Columns | None) -> LabelledFile:
    """All usable rows of a file. columns: those of the training file; None: choose them by the settings.

    Rows without text or label are an error that lists the first five, or dropped and counted in a note, as
    `data.on_empty_text` and `data.on_missing_label` say. Raises DataError if nothing is left.
    """
    with open_table(source, encoding=settings.encoding, separator=settings.separator) as table:
        chosen = columns or choose_columns(table, text=settings.text, label=settings.label, group=settings.group)
        for role, name in (("text", chosen.text), ("label", chosen.label), ("group", chosen.group)):
            if name is not None:
                find_column(table, name, key=f"data.{role}")
        rows = _read_rows(table, chosen)
        notes = list(table.notes)
    for attribute, rule in (("label", settings.on_missing_label), ("text", settings.on_empty_text)):
        incomplete = [row.line for row in rows if not getattr(row, attribute).strip()]
        if incomplete:
            notes.append(_drop_or_raise(source, attribute, incomplete, rule=rule))
            rows = [row for row in rows if getattr(row, attribute).strip()]
    if not rows:
        raise DataError(f"{source}: no rows are left after dropping those without label or text")
    return LabelledFile(source, chosen, tuple(rows), tuple(notes), {**fingerprint(source), "rows": len(rows)})


def text_cell(row: Row, column: str, *, path: str) -> str:
    """The text of a row, verbatim; empty for null. Raises DataError if it is missing or not a string."""
    value = _cell(row, column, path=path)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(f"{path}:{row.line}: column `{column}` holds {kind_of(value)}, the text must be a string")
    return value


def _read_rows(table: Table, columns: Columns) -> list[RawRow]:
    rows = []
    label_kind = None
    for row in table.rows:
        text = text_cell(row, columns.text, path=table.path)
        label = _cell(row, columns.label, path=table.path)
        if label is not None:
            label_kind = label_kind or kind_of(label)
            _check_label_kind(label, label_kind, where=f"{table.path}:{row.line}: column `{columns.label}`")
        group = None if columns.group is None else _cell(row, columns.group, path=table.path)
        if isinstance(group, (dict, list)):
            raise DataError(f"{table.path}:{row.line}: column `{columns.group}` holds {kind_of(group)} as a group")
        rows.append(RawRow(text, _as_name(label), _as_name(group) or None, row.line))
    return rows


def _cell(row: Row, column: str, *, path: str) -> Any:
    if column not in row.values:
        raise DataError(
            f"{path}:{row.line}: the row has no `{column}`, only {', '.join(f'`{key}`' for key in row.values)}"
        )
    return row.values[column]


def _check_label_kind(label: Any, expected: str, *, where: str) -> None:
    if isinstance(label, (dict, list)):
        raise DataError(f"{where} holds {kind_of(label)}, expected one label")
    if kind_of(label) != expected:
        raise DataError(
            f"{where} holds {kind_of(label)}, the rows before it hold {expected}", hint="make them all strings"
        )


def _as_name(value: Any) -> str:
    """A cell as text: JSON true is `true`, 1 is `1`, 1.0 is `1.0`, null is empty."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _drop_or_raise(source: str, attribute: str, lines: Sequence[int], *, rule: str) -> str:
    """The note about dropped rows; raises DataError where the rule is to stop."""
    listed = ", ".join(map(str, lines[:LISTED])) + (", …" if len(lines) > LISTED else "")
    rows = f"{len(lines)} {'row' if len(lines) == 1 else 'rows'} without {attribute}"
    where = f"({'line' if len(lines) == 1 else 'lines'} {listed})"
    if rule == "drop":
        return f"{source}: {rows} dropped {where}"
    key = {"label": "data.on_missing_label", "text": "data.on_empty_text"}[attribute]
    raise DataError(f"{source}:{lines[0]}: {rows} {where}", hint=f"fill them in, or set {key}: drop")
