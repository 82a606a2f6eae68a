"""Rows of a labelled file as inputs, target and group, with missing ones refused or dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regtune.config.schema import DataSettings
from regtune.data.columns import Columns, find_column
from regtune.data.rules import RowRules, as_name
from regtune.data.sources import fingerprint, open_table
from regtune.data.table import Row, Table, kind_of
from regtune.errors import DataError

LISTED = 5
Place = tuple[str, int]  # file, line


@dataclass(frozen=True)
class RawRow:
    """A row before its target has its final name. target None: the task has no target column."""

    inputs: tuple[Any, ...]
    target: Any
    group: str | None
    file: str
    line: int


@dataclass(frozen=True)
class LabelledFile:
    """What was read from one file. facts: its fingerprint, json-able."""

    source: str
    columns: Columns
    rows: tuple[RawRow, ...]
    notes: tuple[str, ...]
    facts: dict[str, Any]


def read_labelled(
    source: str, settings: DataSettings, *, rules: RowRules, columns: Columns | None = None
) -> LabelledFile:
    """All usable rows of a file. columns: those of the training file; None: the rules choose them.

    Rows without input or target are an error that lists the first five, or dropped and counted in a note, as
    `data.on_empty_text` and `data.on_missing_label` say. Raises DataError if nothing is left.
    """
    with open_table(source, encoding=settings.encoding, separator=settings.separator) as table:
        chosen = columns or rules.choose_columns(table, settings)
        check_columns(table, chosen, rules)
        read = _read_rows(table, chosen, rules, settings)
        notes = list(table.notes)
    rows = read.rows
    for lines, what, setting, rule in (
        (read.lines_without_target, rules.target_role.key, "on_missing_label", settings.on_missing_label),
        (read.lines_without_input, rules.input_role.key, "on_empty_text", settings.on_empty_text),
    ):
        if lines:
            notes.append(_drop_or_raise(source, what, lines, setting=setting, rule=rule))
    if not rows:
        raise DataError(f"{source}: no rows are left after dropping those without input or target")
    facts = {**fingerprint(source), "rows": len(rows)}
    return LabelledFile(source, chosen, tuple(rows), tuple(notes), facts)


def check_columns(table: Table, columns: Columns, rules: RowRules, *, with_target: bool = True) -> None:
    """Raise DataError when the table lacks one of the columns."""
    for name in columns.inputs:
        find_column(table, name, key=f"data.{rules.input_role.key}")
    if with_target and columns.target is not None:
        find_column(table, columns.target, key=f"data.{rules.target_role.key}")
    if with_target and columns.group is not None:
        find_column(table, columns.group, key="data.group")


def input_cells(row: Row, columns: Columns, rules: RowRules, *, path: str) -> tuple[Any, ...]:
    """The inputs of a row, verbatim, possibly empty. Raises DataError if one is missing or of another kind."""
    folder = Path(path).parent
    return tuple(
        rules.read_input(_cell(row, name, path=path), where=f"{path}:{row.line}: column `{name}`", folder=folder)
        for name in columns.inputs
    )


@dataclass
class _Read:
    rows: list[RawRow] = field(default_factory=list)
    lines_without_target: list[Place] = field(default_factory=list)
    lines_without_input: list[Place] = field(default_factory=list)


def _read_rows(table: Table, columns: Columns, rules: RowRules, settings: DataSettings) -> _Read:
    read = _Read()
    target_kind: str | None = None
    for row in table.rows:
        path = row.file or table.path  # of several files, the one it stands in
        inputs = input_cells(row, columns, rules, path=path)
        target = None
        if columns.target is not None:
            cell = _cell(row, columns.target, path=path)
            where = f"{path}:{row.line}: column `{columns.target}`"
            target = rules.read_target(cell, where=where, settings=settings)
            if cell is not None:
                target_kind = target_kind or kind_of(cell)
                _check_kind(cell, target_kind, where=where)
            if target is None:
                read.lines_without_target.append((path, row.line))
        rules.check_row(inputs, target, where=f"{path}:{row.line}")
        group = _group(row, columns, path=path)
        has_input = not any(rules.is_empty(value) for value in inputs)
        if not has_input:
            read.lines_without_input.append((path, row.line))
        if has_input and (target is not None or columns.target is None):
            read.rows.append(RawRow(inputs, target, group, path, row.line))
    return read


def _group(row: Row, columns: Columns, *, path: str) -> str | None:
    group = None if columns.group is None else _cell(row, columns.group, path=path)
    if isinstance(group, dict | list):
        raise DataError(f"{path}:{row.line}: column `{columns.group}` holds {kind_of(group)} as a group")
    return as_name(group) or None


def _cell(row: Row, column: str, *, path: str) -> Any:
    if column not in row.values:
        raise DataError(
            f"{path}:{row.line}: the row has no `{column}`, only {', '.join(f'`{key}`' for key in row.values)}"
        )
    return row.values[column]


def _check_kind(cell: Any, expected: str, *, where: str) -> None:
    if kind_of(cell) != expected:
        raise DataError(
            f"{where} holds {kind_of(cell)}, the rows before it hold {expected}", hint="make them all strings"
        )


def _drop_or_raise(source: str, what: str, lines: Sequence[Place], *, setting: str, rule: str) -> str:
    """The note about dropped rows; raises DataError where the rule is to stop. setting: the key of the rule."""
    shown = [str(line) if file == source else f"{file}:{line}" for file, line in lines[:LISTED]]
    listed = ", ".join(shown) + (", …" if len(lines) > LISTED else "")
    rows = f"{len(lines)} {'row' if len(lines) == 1 else 'rows'} without {what}"
    where = f"({'line' if len(lines) == 1 else 'lines'} {listed})"
    if rule == "drop":
        return f"{source}: {rows} dropped {where}"
    file, line = lines[0]
    raise DataError(f"{file}:{line}: {rows} {where}", hint=f"fill them in, or set data.{setting}: drop")
