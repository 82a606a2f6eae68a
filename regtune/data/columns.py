"""Which column is the text, which the label, which the group: as told, or inferred with the reason."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from statistics import mean

from regtune.data.table import Row, Table
from regtune.errors import DataError

TEXT_NAMES = (
    "text", "sentence", "utterance", "message", "content", "review", "question", "query", "comment", "tweet", "body",
)  # fmt: skip
LABEL_NAMES = ("label", "intent", "category", "class", "target", "sentiment", "topic")
GROUP_NAMES = ("group",)
SAMPLE_ROWS = 200
SET_BOTH = "set data.text and data.label"


@dataclass(frozen=True)
class Columns:
    """The chosen columns. reasons: one sentence for each that was inferred."""

    text: str
    label: str
    group: str | None = None
    reasons: tuple[str, ...] = ()


def choose_columns(
    table: Table, *, text: str | None = None, label: str | None = None, group: str | None = None
) -> Columns:
    """Take the named columns; find the others by their names, or, of two columns, by what the first rows hold.

    Reads at most 200 rows, which `table.rows` gives again. Raises DataError if a named column does not exist, if two
    columns would serve, if none would, and if the file seems to have no header.
    """
    for key, name in (("data.text", text), ("data.label", label), ("data.group", group)):
        if name is not None:
            find_column(table, name, key=key)
    if text is not None and text == label:
        raise DataError(f"{table.path}: data.text and data.label are both `{text}`", hint="name two columns")
    reasons: list[str] = []
    group = group or _by_name(table, GROUP_NAMES, taken=(text, label), role="group", reasons=reasons)
    text = text or _by_name(table, TEXT_NAMES, taken=(label, group), role="text", reasons=reasons)
    label = label or _by_name(table, LABEL_NAMES, taken=(text, group), role="label", reasons=reasons)
    if text is None or label is None:
        text, label = _of_two_columns(table, text=text, label=label, group=group, reasons=reasons)
    return Columns(text, label, group, tuple(reasons))


def find_column(table: Table, name: str, *, key: str) -> str:
    """The column `name`. key: the setting that asked for it. Raises DataError with the nearest name, case included."""
    if name in table.columns:
        return name
    folded = {column.casefold(): column for column in table.columns}
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    raise DataError(
        f"{table.path}: no column `{name}` ({key}), the header has {_listed(table.columns)}",
        hint=f"did you mean `{folded[near[0]]}`?"
        if near
        else f"the first line names the columns{f'; set {key}' if key.startswith('data.') else ''}",
    )


def _by_name(
    table: Table, names: tuple[str, ...], *, taken: tuple[str | None, ...], role: str, reasons: list[str]
) -> str | None:
    """The one column that bears a usual name of the role; the first of the names beats the others."""
    found = {column.casefold(): column for column in table.columns if column not in taken}
    usual = [found[name] for name in names if name in found]
    if not usual:
        return None
    if len(usual) > 1 and usual[0].casefold() != names[0]:
        raise DataError(f"{table.path}: {_listed(usual)} could each be the {role}", hint=f"set data.{role}")
    reasons.append(f"{role} column `{usual[0]}`: by its name")
    return usual[0]


def _of_two_columns(
    table: Table, *, text: str | None, label: str | None, group: str | None, reasons: list[str]
) -> tuple[str, str]:
    rest = [column for column in table.columns if column not in (text, label, group)]
    missing = (text is None) + (label is None)
    if len(rest) != missing:
        role = "the text or the label" if missing == 2 else "the text" if text is None else "the label"
        raise DataError(
            f"{table.path}: cannot tell which column is {role}, the header has {_listed(table.columns)}", hint=SET_BOTH
        )
    sample = table.sample(SAMPLE_ROWS)
    for column in rest:
        _refuse_value_as_name(table, column, sample)
    if text is not None:
        reasons.append(f"label column `{rest[0]}`: the one left")
        return text, rest[0]
    if label is not None:
        reasons.append(f"text column `{rest[0]}`: the one left")
        return rest[0], label
    return _longer_first(table, rest, sample, reasons=reasons)


def _longer_first(table: Table, pair: list[str], sample: list[Row], *, reasons: list[str]) -> tuple[str, str]:
    length = {column: mean(len(cell) for cell in _cells(sample, column)) for column in pair}
    distinct = {column: len(set(_cells(sample, column))) for column in pair}
    text, label = sorted(pair, key=lambda column: length[column], reverse=True)
    if length[text] == length[label] or distinct[text] < distinct[label]:
        raise DataError(f"{table.path}: `{text}` and `{label}` could each be the text", hint=SET_BOTH)
    reasons.append(
        f"text column `{text}`, label column `{label}`: in the first {len(sample)} rows `{text}` is longer"
        f" ({length[text]:.0f} characters against {length[label]:.0f}) and more varied"
        f" ({distinct[text]} values against {distinct[label]})"
    )
    return text, label


def _refuse_value_as_name(table: Table, column: str, sample: list[Row]) -> None:
    """A name that is also a value of its own column is the first row of a file without a header."""
    if column in set(_cells(sample, column)):
        raise DataError(
            f"{table.path}:1: no header? `{column}` is the first line's name of a column and a value in it",
            hint="put a line such as text,label on top",
        )


def _cells(sample: list[Row], column: str) -> list[str]:
    return [str(row.values.get(column, "")).strip() for row in sample]


def _listed(columns: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns)
