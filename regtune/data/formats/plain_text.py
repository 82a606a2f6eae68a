"""Plain text: paragraphs separated by blank lines, or lines where the file has no blank line.

A row is then one paragraph with its inner line ends as single line feeds, or one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from regtune.data.formats.base import Source
from regtune.data.lines import MAX_FIELD_CHARACTERS, open_lines
from regtune.data.table import Row, Table
from regtune.errors import DataError


@contextmanager
def open_plain_text(source: Source) -> Iterator[Table]:
    """A table with the one column `text`.

    The file is read up to its first blank line, then again from the start: memory for one paragraph.
    """
    with open_lines(source.path, name=source.name, encoding=source.encoding) as lines:
        in_paragraphs = _has_blank_line(lines)
    with open_lines(source.path, name=source.name, encoding=source.encoding) as lines:
        rows = _paragraphs(lines, name=source.name) if in_paragraphs else _lines(lines, name=source.name)
        first = next(rows, None)
        if first is None:
            raise DataError(f"{source.name}: the file is empty", hint="each paragraph or line is one row")
        note = f"{source.name}: one row per {'paragraph' if in_paragraphs else 'line, as it has no blank line'}"
        yield Table(source.name, ("text",), chain([first], rows), (note,))


def _has_blank_line(lines: Iterator[str]) -> bool:
    """Whether a blank line stands between two lines with text."""
    seen_text = seen_blank = False
    for line in lines:
        if line.strip():
            if seen_blank:
                return True
            seen_text = True
        elif seen_text:
            seen_blank = True
    return False


def _paragraphs(lines: Iterator[str], *, name: str) -> Iterator[Row]:
    paragraph: list[str] = []
    start = length = 0
    for number, line in enumerate(chain(lines, [""]), start=1):  # "": ends the last paragraph
        if line.strip():
            start = start if paragraph else number
            paragraph.append(line.rstrip("\r\n"))
            length += len(line)
            _check_length(length, where=f"{name}:{start}", what="paragraph")
        elif paragraph:
            yield Row(start, {"text": "\n".join(paragraph)})
            paragraph, length = [], 0


def _lines(lines: Iterator[str], *, name: str) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            _check_length(len(line), where=f"{name}:{number}", what="line")
            yield Row(number, {"text": line.rstrip("\r\n")})


def _check_length(length: int, *, where: str, what: str) -> None:
    if length > MAX_FIELD_CHARACTERS:
        raise DataError(
            f"{where}: the {what} is longer than {MAX_FIELD_CHARACTERS:,} characters", hint="divide it with blank lines"
        )
