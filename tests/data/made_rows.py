"""Rows for tests of splits, made without a file."""

from __future__ import annotations

from regtune.data.example import Example, fold_text


def example(text: str, label: str, group: str | None = None) -> Example:
    return Example(
        inputs=(text,),
        target=label,
        text=text,
        label=label,
        key=fold_text(text),
        strata=(label,),
        group=group,
        source="t.csv",
        line=2,
    )


def distinct_rows(**counts: int) -> list[Example]:
    """`count` rows of each class, "a 0", "a 1", …"""
    return [example(f"{label} {number}", label) for label, count in counts.items() for number in range(count)]
