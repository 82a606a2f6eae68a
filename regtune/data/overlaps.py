"""Notes on rows that stand twice: within the training rows, and between sides that were given as files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from regtune.data.example import Example
from regtune.errors import DataError
from regtune.wording import cut


def repeat_notes(examples: Sequence[Example]) -> list[str]:
    """Counts of rows that repeat an earlier text, and of texts that have two labels."""
    by_text: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_text[example.key].append(example)
    repeated = [same for same in by_text.values() if len(same) > 1]
    notes = []
    if repeated:
        count = sum(len(same) - 1 for same in repeated)
        seconds = {id(same[1]) for same in repeated}
        first_repeat = next(example for example in examples if id(example) in seconds)
        notes.append(f"{count} of {len(examples)} rows repeat an earlier text (first: {_place(first_repeat)})")
    torn = [same for same in repeated if len({example.label for example in same}) > 1]
    if torn:
        first = torn[0][0]
        other = next(example for example in torn[0] if example.label != first.label)
        notes.append(
            f"{len(torn)} {'text has' if len(torn) == 1 else 'texts have'} more than one label"
            f" (first: {_place(first)} `{cut(first.label)}`, {_place(other)} `{cut(other.label)}`)"
        )
    return notes


def leak_notes(sides: dict[str, Sequence[Example]]) -> list[str]:
    """For each later side, rows whose text or group is also in an earlier one. sides: in the order train, ..."""
    notes = []
    names = list(sides)
    for position, name in enumerate(names):
        for earlier in names[:position]:
            known = {key for example in sides[earlier] for key in _keys(example)}
            leaked = [example for example in sides[name] if not known.isdisjoint(_keys(example))]
            if leaked:
                share = f"{len(leaked)} of {len(sides[name])} {name} rows"
                notes.append(f"{share} also stand in {earlier} (first: {_place(leaked[0])})")
    return notes


def refuse_copies(sides: dict[str, Sequence[Example]], *, given: Collection[str]) -> None:
    """Raise DataError when every row of a side that came from its own file also stands on the other sides."""
    for name in given:
        others = {key for other in sides if other != name for example in sides[other] for key in _keys(example)}
        if all(not others.isdisjoint(_keys(example)) for example in sides[name]):
            raise DataError(
                f"{sides[name][0].source}: every {name} row also stands among the other rows: its scores mean nothing",
                hint=f"leave data.{name} out to have rows held out, or name other rows",
            )


def _keys(example: Example) -> list[tuple[str, str]]:
    keys = [("text", example.key)]
    if example.group is not None:
        keys.append(("group", example.group))
    return keys


def _place(example: Example) -> str:
    return f"{example.source}:{example.line}"
