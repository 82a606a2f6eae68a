"""Rows that belong together: what a split must not tear apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from regtune.data.example import Example


@dataclass(frozen=True)
class Unit:
    """Rows that stay on one side. rows: ascending indices. classes: rows per stratum, usually the class name."""

    rows: tuple[int, ...]
    classes: Counter[str]


def find_units(examples: Sequence[Example]) -> list[Unit]:
    """Connected components of equal key (folded text) and equal group, in the order of their first rows.

    Two rows are in one unit if a chain of equal texts and equal groups leads from one to the other.
    """
    parents = list(range(len(examples)))
    first_with: dict[tuple[str, str], int] = {}
    for index, example in enumerate(examples):
        keys = [("text", example.key)]
        if example.group is not None:
            keys.append(("group", example.group))
        for key in keys:
            one, other = _root(parents, first_with.setdefault(key, index)), _root(parents, index)
            parents[max(one, other)] = min(one, other)  # the root is the unit's first row
    members: dict[int, list[int]] = {}
    for index in range(len(examples)):
        members.setdefault(_root(parents, index), []).append(index)
    return [
        Unit(tuple(rows), Counter(name for row in rows for name in examples[row].strata)) for rows in members.values()
    ]


def count_units(units: Sequence[Unit]) -> Counter[str]:
    """Units by class; one of several classes counts for each of them."""
    return Counter(name for unit in units for name in unit.classes)


def without(units: Sequence[Unit], left_out: Sequence[Unit]) -> list[Unit]:
    """The other units, in their order."""
    gone = {unit.rows[0] for unit in left_out}
    return [unit for unit in units if unit.rows[0] not in gone]


def _root(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]  # halve the path: near-constant time per look-up
        index = parents[index]
    return index
