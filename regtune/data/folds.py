"""Divide rows into equal parts, each held out once: stratified, seeded, and with no text or group in two parts.

The test share comes out first, exactly as `split_rows` takes it, so the test rows are the same in every fold. The parts
are then taken one after the other by the rule of `split_rows` (the largest deficit), each with an equal share of what
is left. Of a class with fewer units than parts, a part gets one unit at most: whatever is held out, train has another.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from regtune.config.folds import Fold
from regtune.data.example import Example
from regtune.data.splits import Indices, hold_out_test, rows_of, take_units
from regtune.data.units import Unit, count_units, find_units, without
from regtune.errors import DataError


@dataclass(frozen=True)
class Parts:
    """Ascending row indices; every row is in one of the parts, in `never_held_out` or in `test`."""

    parts: tuple[Indices, ...]
    never_held_out: Indices  # rows that train has in every fold
    test: Indices

    def sides(self, number: int) -> tuple[Indices, Indices, Indices]:
        """Train, validation and test of the fold with this number, from 1."""
        others = (part for place, part in enumerate(self.parts, start=1) if place != number)
        train = sorted([*self.never_held_out, *(row for part in others for row in part)])
        return tuple(train), self.parts[number - 1], self.test


def divide_rows(examples: Sequence[Example], fold: Fold, *, test: float, seed: int) -> Parts:
    """The parts that `fold` is one of; the same for each of them.

    test: share of all rows in [0, 1), taken out first. Units (see `find_units`) are never split; part sizes are as
    near to equal as units allow. A class with at least as many units as parts is in every part, as far as groups that
    mix classes allow, even where a part gets larger for it. Every class is in train in every fold: one with a single
    unit is never held out, nor is a unit that groups would otherwise put into one part with all others of its class.
    Raises DataError where there are not enough units.
    """
    generator = random.Random(seed)
    units, tested = hold_out_test(find_units(examples), share=test, before_validation=True, generator=generator)
    counts = count_units(units)
    lone = [unit for unit in units if any(counts[name] == 1 for name in unit.classes)]
    movable = without(units, lone)
    parts: list[list[Unit]] = []
    for parts_left in range(fold.count, 1, -1):
        parts.append(_take_part(movable, parts_left=parts_left, generator=generator))
        movable = without(movable, parts[-1])
    parts.append(movable)
    crowded = _crowded(parts, elsewhere=lone)
    parts = [without(part, crowded) for part in parts]
    if not all(parts):
        raise _too_few(fold, rows=sum(len(unit.rows) for unit in units), units=len(units), lone=len(lone))
    return Parts(tuple(rows_of(part) for part in parts), rows_of([*lone, *crowded]), rows_of(tested))


def _take_part(units: list[Unit], *, parts_left: int, generator: random.Random) -> list[Unit]:
    """The next of `parts_left` parts. A class leaves a unit for each later part, or gives one where it cannot."""
    counts = count_units(units)
    later = parts_left - 1
    return take_units(
        units,
        target=round(sum(len(unit.rows) for unit in units) / parts_left),
        present=[name for name, count in counts.items() if count >= parts_left],
        kept={name: min(later, count - 1) for name, count in counts.items()},
        generator=generator,
    )


def _crowded(parts: list[list[Unit]], *, elsewhere: list[Unit]) -> list[Unit]:
    """Of each class that is in one part and nowhere else, its smallest unit: without it train would lack the class."""
    places = Counter(name for part in [*parts, elsewhere] for name in {name for unit in part for name in unit.classes})
    found: dict[int, Unit] = {}  # by first row
    for part in parts:
        for name in sorted({name for unit in part for name in unit.classes if places[name] == 1}):
            own = [unit for unit in part if name in unit.classes]
            if not any(unit.rows[0] in found for unit in own):
                smallest = min(own, key=lambda unit: len(unit.rows))
                found[smallest.rows[0]] = smallest
    return list(found.values())


def _too_few(fold: Fold, *, rows: int, units: int, lone: int) -> DataError:
    alone = f", {lone} of them the only one of a class, which stays in train" if lone else ""
    return DataError(
        f"data.validation: {fold}: {rows} rows cannot be divided into {fold.count} parts: they are {units} units of"
        f" equal text or group, which are never split{alone}",
        hint="ask for fewer folds, add rows, or choose a finer data.group",
    )
