"""`regtune explain`: what a technique does, for whom, and why its default is what it is."""

from __future__ import annotations

import re
import textwrap
from typing import Annotated

import typer

from regtune.wording import encodable

CARD_WIDTH = 120  # columns that the cards are written for
AUTHORS_SLACK = 10  # columns; a line with more room than this left was ended on purpose


def explain(
    technique: Annotated[
        str | None, typer.Argument(metavar="TECHNIQUE", help="As in the config, e.g. dropout; left out: list them all.")
    ] = None,
) -> None:
    """Print a technique's method card: what it does, formula, defaults and why, interactions, source.

    Example: `regtune explain smoothing`, or `regtune explain` for the list.
    """
    from regtune.regularization.cards import method_card, method_cards
    from regtune.reporting.console import standard_output

    console = standard_output()  # knows the width and the encoding
    if technique is None:
        cards = method_cards()
        column = max(map(len, cards)) + 2
        lines = [name.ljust(column) + card.splitlines()[0] for name, card in cards.items()]
    else:
        lines = paragraphs(method_card(technique))
    text = "\n".join(fold(line, width=console.width) for line in lines)
    typer.echo(encodable(text, encoding=console.encoding))


def paragraphs(card: str) -> list[str]:
    """The card with each paragraph, formula and heading as one line, indented as it was, ready to be folded."""
    joined: list[str] = []
    previous = ""
    for line in card.splitlines():
        if previous.strip() and line.strip() and not _ends_paragraph(previous, line):
            joined[-1] += f" {line.strip()}"
        else:
            joined.append(line)
        previous = line
    return joined


def _ends_paragraph(line: str, following: str) -> bool:
    """Whether the author broke the line on purpose: the next word had room, and a sentence ends or the room was ample.

    Without a sentence's end and with little room, the author's editor broke it, a column or two early.
    """
    room = CARD_WIDTH - len(line) - len(following.split()[0]) - 1
    return room >= AUTHORS_SLACK or (room >= 0 and line.endswith((".", ":", ";")))


def fold(line: str, *, width: int) -> str:
    """One line as several of at most `width` columns, those after the first indented as it is.

    Where two spaces or more follow the first words, as in a table, the indent is that of the column behind them.
    """
    column = re.match(r"\s*(?:\S+(?: \S+)*\s{2,})?", line)
    assert column is not None  # it matches nothing at least
    indent = min(column.end(), width // 2)
    return "\n".join(
        textwrap.wrap(line, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
    )
