"""The columns of the table: their order, their widths, and which go first when the screen is narrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

GUTTER = "  "  # between two columns

CAPTION = "train/val: clean loss, dropout off, no smoothing, nats per row"
SHORT_CAPTION = "train/val: clean loss, nats per row"


@dataclass(frozen=True, kw_only=True)
class Column:
    """name: the key of a Row's cells. width: characters, at least the header's."""

    name: str
    header: str
    width: int
    is_text: bool = False  # text is left-aligned, a number right-aligned

    def aligned(self, text: str) -> str:
        return text.ljust(self.width) if self.is_text else text.rjust(self.width)


def make_columns(*, headline: str, steps: int, epochs: int) -> tuple[Column, ...]:
    """All columns. They fill 80 characters exactly for a run below 10,000 steps with a headline of 8 letters."""
    return (
        Column(name="epoch", header="epoch", width=max(5, len(f"{epochs:.2f}"))),
        Column(name="step", header="step", width=max(4, len(str(steps)))),
        Column(name="train", header="train", width=6),
        Column(name="val", header="val", width=6),
        Column(name="gap", header="gap", width=7),
        Column(name="metric", header=headline, width=max(6, len(headline))),
        Column(name="lr", header="lr", width=7),
        Column(name="patience", header="patience", width=8),
        Column(name="note", header="note", width=13, is_text=True),
    )


def fit_columns(columns: Sequence[Column], *, width: int) -> tuple[Column, ...]:
    """The columns that fit into `width` characters, least telling ones dropped first; losses and notes always stay."""
    fitting = tuple(columns)
    for name in ("lr", "step", "note", "patience", "epoch", "metric"):
        if table_width(fitting) <= width:
            break
        fitting = _note_as_sign(fitting) if name == "note" else tuple(c for c in fitting if c.name != name)
    return fitting


def table_width(columns: Sequence[Column]) -> int:
    """Characters of one line."""
    return sum(column.width for column in columns) + len(GUTTER) * (len(columns) - 1)


def header_line(columns: Sequence[Column]) -> str:
    """The line of headers, aligned like the cells below it."""
    return GUTTER.join(column.aligned(column.header) for column in columns).rstrip()


def cell_line(columns: Sequence[Column], cells: Mapping[str, str]) -> str:
    """One row. A note that was cut to its sign keeps only the sign."""
    texts = (column.aligned(cells[column.name][: 1 if column.width == 1 else None]) for column in columns)
    return GUTTER.join(texts).rstrip()


def caption(width: int) -> str:
    """What the loss columns are, in a line of at most `width` characters."""
    return CAPTION if len(CAPTION) <= width else SHORT_CAPTION


def _note_as_sign(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The sign says enough: ★ best, ■ stop, ⚠ overfitting."""
    return tuple(replace(column, header="", width=1) if column.name == "note" else column for column in columns)
