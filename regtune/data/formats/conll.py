"""CoNLL: one token and its tag per line, a blank line between sentences.

    -DOCSTART- -X- O O

    EU NNP I-NP B-ORG
    rejects VBZ I-VP O

Fields are separated by a tab, or by spaces where a line has no tab. The first is the token, the last is the tag, those
between are left out. -DOCSTART- lines (CoNLL-2003) are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from regtune.data.formats.base import Source
from regtune.data.lines import open_lines
from regtune.data.table import Row, Table
from regtune.errors import DataError

DOCUMENT_START = "-DOCSTART-"
MAX_TOKENS = 10_000  # a file without blank lines must not become one sentence in memory
SPACES = re.compile(" +")  # not str.split: a token may be or hold another kind of white space
LINE_HINT = "each line holds a token, a tab or space, and its tag; a blank line ends a sentence"


@contextmanager
def open_conll(source: Source) -> Iterator[Table]:
    """A table of sentences: columns `tokens` and `tags`, lists of text of equal length."""
    with open_lines(source.path, name=source.name, encoding=source.encoding) as lines:
        yield read_conll(lines, name=source.name)


def read_conll(lines: Iterator[str], *, name: str) -> Table:
    """See `open_conll`. A row's line is that of its first token.

    Raises DataError with file and line for a line without a tag, for lines with different numbers of fields, and for
    sentences of more than 10,000 tokens.
    """
    sentences = _sentences(lines, name=name)
    first = next(sentences, None)
    if first is None:
        raise DataError(f"{name}: the file has no tokens", hint=LINE_HINT)
    return Table(name, ("tokens", "tags"), chain([first], sentences))


def _sentences(lines: Iterator[str], *, name: str) -> Iterator[Row]:
    tokens: list[str] = []
    tags: list[str] = []
    start, fields_expected = 0, 0
    for number, line in enumerate(lines, start=1):
        content = line.strip(" \t\r\n")
        if not content or content.startswith(DOCUMENT_START):
            if tokens:
                yield Row(start, {"tokens": tokens, "tags": tags})
                tokens, tags = [], []
            continue
        fields = _fields(line.rstrip("\r\n"), where=f"{name}:{number}")
        fields_expected = fields_expected or len(fields)
        if len(fields) != fields_expected:
            raise DataError(
                f"{name}:{number}: {len(fields)} fields, the lines before have {fields_expected}", hint=LINE_HINT
            )
        start = start if tokens else number
        tokens.append(fields[0])
        tags.append(fields[-1])
        if len(tokens) > MAX_TOKENS:
            raise DataError(f"{name}:{start}: the sentence is longer than {MAX_TOKENS:,} tokens", hint=LINE_HINT)
    if tokens:
        yield Row(start, {"tokens": tokens, "tags": tags})


def _fields(line: str, *, where: str) -> list[str]:
    fields = [field.strip(" ") for field in line.split("\t")] if "\t" in line else SPACES.split(line.strip(" "))
    if len(fields) < 2:
        raise DataError(f"{where}: one field, `{fields[0]}`, expected a token and its tag", hint=LINE_HINT)
    for field, what in ((fields[0], "token"), (fields[-1], "tag")):
        if not field:
            raise DataError(f"{where}: the {what} is empty", hint=LINE_HINT)
    return fields
