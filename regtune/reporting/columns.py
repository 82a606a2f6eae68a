"""Columns as wide as what they hold, and the values of a candidate as columns or as one text, whichever fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from regtune.config.document import Plain
from regtune.reporting.sweep.space_text import changes_text, short_names, value_text, values_of
from regtune.reporting.table import Column, cell_line, header_line, table_width
from regtune.wording import cut, printable

Cells = Mapping[str, str]
CHANGES_WIDTH = 24  # characters, at least, of all values of a candidate in one column
NARROW_CHANGES_WIDTH = 12


def column(name: str, header: str, rows: Sequence[Cells], *, is_text: bool = False) -> Column:
    """A column as wide as its widest cell and header. A newline in the header makes it two lines high."""
    widths = [*(len(line) for line in header.split("\n")), *(len(cells[name]) for cells in rows)]
    return Column(name=name, header=header, width=max(widths), is_text=is_text)


def change_cells(changes: Mapping[str, Plain] | None, own_values: Mapping[str, Plain]) -> dict[str, str]:
    """Cells for `change_columns`; empty where the sampler has not chosen yet."""
    values = {} if changes is None else values_of(changes, own_values)
    return {
        "changes": "" if changes is None else printable(changes_text(changes, own_values)),
        **{f"change {key}": printable(value_text(values[key])) if key in values else "" for key in own_values},
    }


def change_columns(own_values: Mapping[str, Plain], rows: Sequence[Cells]) -> list[list[Column]]:
    """Layouts of a candidate's values, widest first: a column per key, the same with two-line headers, all in one."""
    keys = short_names(own_values)
    return [
        [column(f"change {key}", printable(name), rows) for key, name in keys.items()],
        [column(f"change {key}", _halved(printable(name)), rows) for key, name in keys.items()],
        [Column(name="changes", header="changes", width=CHANGES_WIDTH, is_text=True)],
        [Column(name="changes", header="changes", width=NARROW_CHANGES_WIDTH, is_text=True)],
    ]


def first_fitting(layouts: Iterable[Sequence[Column]], *, width: int) -> tuple[Column, ...]:
    """The first layout of at most `width` characters, else the last one."""
    layout: Sequence[Column] = ()
    for layout in layouts:
        if table_width(layout) <= width:
            break
    return tuple(layout)


def widened(columns: Sequence[Column], rows: Sequence[Cells], *, names: Sequence[str], width: int) -> list[Column]:
    """Spare room goes to the named columns in turn, as far as their cells need it."""
    grown = list(columns)
    for number, old in enumerate(columns):
        if old.name in names:
            spare = max(0, width - table_width(grown))
            needed = max((len(cells[old.name]) for cells in rows), default=0)
            grown[number] = replace(old, width=max(old.width, min(needed, old.width + spare)))
    return grown


def header_lines(columns: Sequence[Column]) -> list[str]:
    """One line, or two where a header has two; one-line headers stand in the lower one."""
    lower = [replace(column, header=column.header.split("\n")[-1]) for column in columns]
    if not any("\n" in column.header for column in columns):
        return [header_line(lower)]
    upper = [replace(column, header=column.header.rpartition("\n")[0]) for column in columns]
    return [header_line(upper), header_line(lower)]


def row_line(columns: Sequence[Column], cells: Cells) -> str:
    """One row; a cell that is too long ends in "…"."""
    return cell_line(columns, {column.name: cut(cells[column.name], length=column.width) for column in columns})


def _halved(name: str) -> str:
    """ "learning_rate" in two lines, "head.name" likewise; a name without a joint in one."""
    for joint, kept in ((".", "."), ("_", "")):
        first, found, rest = name.rpartition(joint)
        if found:
            return f"{first}{kept}\n{rest}"
    return name
