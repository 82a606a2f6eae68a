"""Facts as "label  value" lines, the same on a terminal and in a pipe; a value too long for the screen is indented."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from regtune.reporting.console import shown

Pair = tuple[str, str]  # label ("" continues the one above), value


def print_pairs(console: Console, pairs: Sequence[Pair]) -> None:
    """On a terminal wrapped to its width, elsewhere one line each, however long.

    A command is never wrapped: it is there to be copied.
    """
    if not console.is_terminal:
        print_lines(console, pair_lines(pairs))
        return
    width = max((len(label) for label, _ in pairs), default=0)
    for label, value in pairs:
        if value.startswith("regtune "):
            command = Text(shown(console, f"{label:<{width}}  {value}"))
            command.stylize("dim", 0, width)
            console.print(command, soft_wrap=True)
        else:
            console.print(pair_grid(console, [(label, value)], label_width=width))


def print_lines(console: Console, lines: Sequence[str]) -> None:
    """Lines as they are: never wrapped, never cropped."""
    for line in lines:
        console.print(Text(shown(console, line)), soft_wrap=True)


def pair_lines(pairs: Sequence[Pair]) -> list[str]:
    """Values start in one column, two spaces after the longest label."""
    width = max((len(label) for label, _ in pairs), default=0)
    return [f"{label:<{width}}  {value}".rstrip() for label, value in pairs]


def pair_grid(console: Console, pairs: Sequence[Pair], *, label_width: int = 0) -> Table:
    """The same as something rich can put into a panel; labels dim. label_width: at least, in characters."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim", min_width=label_width)
    grid.add_column(overflow="fold")
    for label, value in pairs:
        grid.add_row(Text(shown(console, label)), Text(shown(console, value)))
    return grid
