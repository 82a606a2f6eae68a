"""Which column is the input, which the target, which the group: as told, or inferred with the reason."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from regtune.config.schema import DataSettings
from regtune.data.table import Row, Table
from regtune.errors import DataError


@dataclass(frozen=True)
class Role:
    """What a column is for. key: its key under `data`. names: what it is usually called, the best name first."""

    key: str
    names: tuple[str, ...]


TEXT = Role("text", (
    "text", "sentence", "utterance", "message", "content", "review", "question", "query", "comment", "tweet", "body",
))  # fmt: skip
LABEL = Role("label", ("label", "intent", "category", "class", "target", "sentiment", "topic"))
GROUP = Role("group", ("group",))
PAIRS = (
    ("text_a", "text_b"), ("text1", "text2"), ("sentence1", "sentence2"), ("sentence_a", "sentence_b"),
    ("premise", "hypothesis"), ("question1", "question2"), ("query", "passage"),
)  # fmt: skip
SAMPLE_ROWS = 200


@dataclass(frozen=True)
class Columns:
    """The chosen columns. inputs: one, or the two of a pair. reasons: one sentence for each that was inferred."""

    inputs: tuple[str, ...]
    target: str | None  # None: the task has no target column
    group: str | None = None
    reasons: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """For data.json."""
        return {"inputs": list(self.inputs), "target": self.target, "group": self.group}

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Columns:
        """The inverse of `facts`."""
        return cls(tuple(facts["inputs"]), facts["target"], facts["group"])


def choose_columns(
    table: Table, settings: DataSettings, *, input_role: Role, target_role: Role | None, takes_pairs: bool = False
) -> Columns:
    """Take the named columns; find the others by their names, or, of two columns, by what the first rows hold.

    Reads at most 200 rows, which `table.rows` gives again. Raises DataError if a named column does not exist, if two
    columns would serve, if none would, and if the file seems to have no header.
    """
    named = named_columns(table, settings, input_role=input_role, takes_pairs=takes_pairs)
    target = None if target_role is None else _named(table, settings, target_role)
    group = _named(table, settings, GROUP)
    if target is not None and target in named:
        raise DataError(
            f"{table.path}: data.{input_role.key} and data.{_key(target_role)} are both `{target}`",
            hint="name two columns",
        )
    reasons: list[str] = []
    group = group or _by_name(table, GROUP, taken=(*named, target), reasons=reasons)
    inputs = named or _inputs_by_name(table, input_role, takes_pairs, taken=(target, group), reasons=reasons)
    if target_role is None:
        inputs = inputs or (_only_column(table, input_role, group=group, reasons=reasons),)
        return Columns(inputs, None, group, tuple(reasons))
    target = target or _by_name(table, target_role, taken=(*inputs, group), reasons=reasons)
    if not inputs or target is None:
        inputs, target = _of_two_columns(
            table, (input_role, target_role), inputs=inputs, target=target, group=group, reasons=reasons
        )
    return Columns(inputs, target, group, tuple(reasons))


def named_columns(
    table: Table, settings: DataSettings, *, input_role: Role, takes_pairs: bool = False
) -> tuple[str, ...]:
    """The input columns that the config names; () when it names none. Raises DataError when one does not exist."""
    named = settings.column(input_role.key)
    if named is None:
        return ()
    names = [named] if isinstance(named, str) else named
    if len(names) > 1 and not takes_pairs:
        raise DataError(f"{table.path}: data.{input_role.key} names {len(names)} columns, this task reads one")
    if len(set(names)) < len(names):
        raise DataError(f"{table.path}: data.{input_role.key} names `{names[0]}` twice", hint="name two columns")
    return tuple(find_column(table, name, key=f"data.{input_role.key}") for name in names)


def likely_column(table: Table, settings: DataSettings, role: Role) -> str | None:
    """The column that the config names for the role, or that bears its best usual name; None: neither."""
    named = settings.column(role.key)
    if named is not None:
        return named if isinstance(named, str) else named[0]
    folded = {column.casefold(): column for column in table.columns}
    return next((folded[name] for name in role.names if name in folded), None)


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


def _named(table: Table, settings: DataSettings, role: Role) -> str | None:
    name = settings.column(role.key)
    assert not isinstance(name, list), "only data.text takes two columns"
    return None if name is None else find_column(table, name, key=f"data.{role.key}")


def _inputs_by_name(
    table: Table, role: Role, takes_pairs: bool, *, taken: tuple[str | None, ...], reasons: list[str]
) -> tuple[str, ...]:
    pair = _pair_in(table.columns) if takes_pairs and role.names[0] not in table.columns else None
    if pair is not None and not set(pair) & set(taken):
        reasons.append(f"{role.key} columns `{pair[0]}` and `{pair[1]}`, a pair: by their names")
        return pair
    found = _by_name(table, role, taken=taken, reasons=reasons)
    return () if found is None else (found,)


def _pair_in(columns: Iterable[str]) -> tuple[str, str] | None:
    folded = {column.casefold(): column for column in columns}
    return next(((folded[a], folded[b]) for a, b in PAIRS if a in folded and b in folded), None)


def _by_name(table: Table, role: Role, *, taken: tuple[str | None, ...], reasons: list[str]) -> str | None:
    """The one column that bears a usual name of the role; the first of the names beats the others."""
    found = {column.casefold(): column for column in table.columns if column not in taken}
    usual = [found[name] for name in role.names if name in found]
    if not usual:
        return None
    if len(usual) > 1 and usual[0].casefold() != role.names[0]:
        raise DataError(f"{table.path}: {_listed(usual)} could each be the {role.key}", hint=f"set data.{role.key}")
    reasons.append(f"{role.key} column `{usual[0]}`: by its name")
    return usual[0]


def _only_column(table: Table, role: Role, *, group: str | None, reasons: list[str]) -> str:
    rest = [column for column in table.columns if column != group]
    if len(rest) != 1:
        raise DataError(
            f"{table.path}: cannot tell which column is the {role.key}, the header has {_listed(table.columns)}",
            hint=f"set data.{role.key}",
        )
    reasons.append(f"{role.key} column `{rest[0]}`: the only one")
    return rest[0]


def _of_two_columns(
    table: Table,
    roles: tuple[Role, Role],
    *,
    inputs: tuple[str, ...],
    target: str | None,
    group: str | None,
    reasons: list[str],
) -> tuple[tuple[str, ...], str]:
    """The columns that no name gave away: the one left, or of two left the longer and more varied as input."""
    first, second = roles
    rest = [column for column in table.columns if column not in (*inputs, target, group)]
    missing = (not inputs) + (target is None)
    if len(rest) != missing:
        role = f"the {first.key} or the {second.key}" if missing == 2 else f"the {second.key if inputs else first.key}"
        raise DataError(
            f"{table.path}: cannot tell which column is {role}, the header has {_listed(table.columns)}",
            hint=_set_both(roles),
        )
    sample = table.sample(SAMPLE_ROWS)
    for column in rest:
        _refuse_value_as_name(table, column, sample)
    if inputs:
        reasons.append(f"{second.key} column `{rest[0]}`: the one left")
        return inputs, rest[0]
    if target is not None:
        reasons.append(f"{first.key} column `{rest[0]}`: the one left")
        return (rest[0],), target
    return _longer_first(table, rest, sample, roles=roles, reasons=reasons)


def _longer_first(
    table: Table, pair: list[str], sample: list[Row], *, roles: tuple[Role, Role], reasons: list[str]
) -> tuple[tuple[str, ...], str]:
    length = {column: mean(len(cell) for cell in _cells(sample, column)) for column in pair}
    distinct = {column: len(set(_cells(sample, column))) for column in pair}
    text, label = sorted(pair, key=lambda column: length[column], reverse=True)
    first, second = roles
    if length[text] == length[label] or distinct[text] < distinct[label]:
        raise DataError(f"{table.path}: `{text}` and `{label}` could each be the {first.key}", hint=_set_both(roles))
    reasons.append(
        f"{first.key} column `{text}`, {second.key} column `{label}`: in the first {len(sample)} rows `{text}` is"
        f" longer ({length[text]:.0f} characters against {length[label]:.0f}) and more varied"
        f" ({distinct[text]} values against {distinct[label]})"
    )
    return (text,), label


def _refuse_value_as_name(table: Table, column: str, sample: list[Row]) -> None:
    """A name that is also a value of its own column is the first row of a file without a header."""
    if column in set(_cells(sample, column)):
        raise DataError(
            f"{table.path}:1: no header? `{column}` is the first line's name of a column and a value in it",
            hint="put a line such as text,label on top",
        )


def _set_both(roles: tuple[Role, Role]) -> str:
    return f"set data.{roles[0].key} and data.{roles[1].key}"


def _key(role: Role | None) -> str:
    return "" if role is None else role.key


def _cells(sample: list[Row], column: str) -> list[str]:
    return [str(row.values.get(column, "")).strip() for row in sample]


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns)
