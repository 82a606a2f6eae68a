"""Divide rows into train, validation and test: stratified, seeded, and with no text or group on two sides.

Both shares are taken out of all rows by the same rule: the class that is furthest below its share gives the next
unit, until the share is full (the largest-deficit rule; Sechidis, Tsoumakas and Vlahavas 2011, "On the Stratification
of Multi-label Data", section 3, applies it to rows with several labels as groups have here).
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Collection, Sequence

from regtune.data.example import Example
from regtune.data.units import Unit, count_units, find_units, without
from regtune.errors import ConfigError, DataError

Indices = tuple[int, ...]
FEW_UNITS = 3  # a class with fewer units cannot stand in train, validation and test


def split_rows(
    examples: Sequence[Example], *, validation: float, test: float, seed: int
) -> tuple[Indices, Indices, Indices]:
    """Ascending row indices of train, validation and test.

    validation, test: shares of all rows in [0, 1); 0 leaves that side empty. Units (see `find_units`) are never
    split; sizes are as near to the shares as units allow. Every class stays in train; a class with one unit is only
    there; one with three or more units is on every side asked for, as far as groups that mix classes allow, even
    where the side gets larger than its share. Same rows and seed, same split, on every platform.
    Raises ConfigError if nothing is left for train, DataError if a side asked for would be empty.
    """
    if validation + test >= 1.0:
        raise ConfigError(f"data.validation + data.test must be below 1, got {validation:g} + {test:g}")
    units = find_units(examples)
    generator = random.Random(seed)
    present = _frequent(units)
    left, tested = hold_out_test(units, share=test, before_validation=validation > 0, generator=generator)
    if not validation:
        return rows_of(left), (), rows_of(tested)
    target = max(1, round(validation * len(examples)))
    kept = dict.fromkeys(count_units(left), 1)
    validated = take_units(left, target=target, present=present, kept=kept, generator=generator)
    if not validated:
        raise _too_small("validation", share=validation, units=units)
    return rows_of(without(left, validated)), rows_of(validated), rows_of(tested)


def hold_out_test(
    units: list[Unit], *, share: float, before_validation: bool, generator: random.Random
) -> tuple[list[Unit], list[Unit]]:
    """(what is left, the test units). share: of all rows, in [0, 1).

    before_validation: leave enough of each class to stand in validation too. Raises DataError if nothing can go.
    """
    if not share:
        return units, []
    present = _frequent(units)
    kept = {name: 1 + (before_validation and name in present) for name in count_units(units)}
    target = max(1, round(share * sum(len(unit.rows) for unit in units)))
    tested = take_units(units, target=target, present=present, kept=kept, generator=generator)
    if not tested:
        raise _too_small("test", share=share, units=units)
    return without(units, tested), tested


def stratified_sample(examples: Sequence[Example], size: int, *, seed: int) -> Indices:
    """Ascending indices of `size` rows, each class with its share of them; all rows if there are no more than that."""
    # A row of several labels counts once, by its combination: by its labels it would be taken before rows of one.
    units = [Unit((row,), Counter([" ".join(example.strata)])) for row, example in enumerate(examples)]
    target = min(size, len(examples))
    return rows_of(take_units(units, target=target, present=(), kept={}, generator=random.Random(seed)))


def take_units(
    units: list[Unit], *, target: int, present: Collection[str], kept: dict[str, int], generator: random.Random
) -> list[Unit]:
    """Units with about `target` rows in all and classes in proportion.

    present: classes that must be among them. kept: units of a class that must be left over (absent: 0), which comes
    before everything else; `target` comes last.
    """
    queues = _queues(units, generator)
    return _Taking(queues, target=target, kept=kept).run(present)


def _queues(units: list[Unit], generator: random.Random) -> dict[str, list[Unit]]:
    """Per class, in code-point order of their names, its units in random order."""
    shuffled = list(units)
    generator.shuffle(shuffled)
    queues: dict[str, list[Unit]] = {name: [] for name in sorted(count_units(units))}
    for unit in shuffled:
        for name in unit.classes:
            queues[name].append(unit)
    return queues


class _Taking:
    """One pass of taking units; what is taken only grows, so a unit that does not fit once is never asked again."""

    def __init__(self, queues: dict[str, list[Unit]], *, target: int, kept: dict[str, int]) -> None:
        self.queues = queues
        self.room = target  # rows still to take; below 0 where `present` needed more
        self.spare = {name: len(queue) - kept.get(name, 0) for name, queue in queues.items()}  # units that may go
        rows = Counter[str]()
        for unit in {unit.rows[0]: unit for queue in queues.values() for unit in queue}.values():
            rows.update(unit.classes)
        share = target / rows.total() if rows else 0.0
        self.deficit = {name: count * share for name, count in rows.items()}  # rows below the class's share
        self.taken: dict[int, Unit] = {}  # by first row

    def run(self, present: Collection[str]) -> list[Unit]:
        self._take_present(present)
        self._fill()
        self._round_up()
        return list(self.taken.values())

    def _take_present(self, present: Collection[str]) -> None:
        for name in sorted(present, key=lambda name: (len(self.queues.get(name, ())), name)):  # rarest class first
            queue = self.queues.get(name, [])
            movable = [unit for unit in queue if self._may_go(unit)]
            if movable and not any(unit.rows[0] in self.taken for unit in queue):
                self._take(min(movable, key=lambda unit: len(unit.rows)))

    def _fill(self) -> None:
        """Take units that fit, the class furthest below its share first."""
        heap = [(-deficit, name) for name, deficit in sorted(self.deficit.items())]
        heapq.heapify(heap)
        positions = dict.fromkeys(self.queues, 0)
        while heap and self.room > 0:
            negative, name = heapq.heappop(heap)
            if -negative == self.deficit[name]:  # else the class was served by a unit of mixed classes
                unit = self._next_fitting(name, positions)
                if unit is None:
                    continue
                self._take(unit)
            heapq.heappush(heap, (-self.deficit[name], name))

    def _next_fitting(self, name: str, positions: dict[str, int]) -> Unit | None:
        queue = self.queues[name]
        while positions[name] < len(queue):
            unit = queue[positions[name]]
            positions[name] += 1
            if len(unit.rows) <= self.room and self._may_go(unit):
                return unit
        return None

    def _round_up(self) -> None:
        """Take one unit more if that ends nearer to the target."""
        movable = [unit for queue in self.queues.values() for unit in queue if self._may_go(unit)]
        smallest = min(movable, key=lambda unit: len(unit.rows), default=None)
        if smallest is not None and len(smallest.rows) < 2 * self.room:
            self._take(smallest)

    def _may_go(self, unit: Unit) -> bool:
        return unit.rows[0] not in self.taken and all(self.spare[name] > 0 for name in unit.classes)

    def _take(self, unit: Unit) -> None:
        self.taken[unit.rows[0]] = unit
        self.room -= len(unit.rows)
        for name, count in unit.classes.items():
            self.spare[name] -= 1
            self.deficit[name] -= count


def _frequent(units: Sequence[Unit]) -> set[str]:
    """Classes that can stand in train, validation and test."""
    return {name for name, count in count_units(units).items() if count >= FEW_UNITS}


def rows_of(units: Sequence[Unit]) -> Indices:
    """Ascending row indices."""
    return tuple(sorted(row for unit in units for row in unit.rows))


def _too_small(side: str, *, share: float, units: list[Unit]) -> DataError:
    rows = sum(len(unit.rows) for unit in units)
    return DataError(
        f"data.{side}: no rows can be held out for a share of {share:g}: {rows} rows are {len(units)} units of equal"
        " text or group, which are never split, and one of each class stays in train",
        hint=f"add rows, give data.{side} as a file, or choose a finer data.group",
    )
