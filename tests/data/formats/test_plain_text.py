"""Plain text files: paragraphs, or lines."""

import gzip
import tracemalloc
from pathlib import Path

import pytest

from regtune.data.formats import plain_text
from regtune.data.sources import open_table
from regtune.errors import DataError


def read(path: Path, content: str | bytes) -> list[tuple[int, str]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with open_table(str(path)) as table:
        assert table.columns == ("text",)
        return [(row.line, row.values["text"]) for row in table.rows]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("one\ntwo\n", [(1, "one"), (2, "two")]),
        ("one\r\ntwo", [(1, "one"), (2, "two")]),
        ("\n\none\ntwo\n\n", [(3, "one"), (4, "two")]),
        ("one\ntwo\n\nthree\n", [(1, "one\ntwo"), (4, "three")]),
        ("\none\r\n  two\r\n \t\r\n\r\nthree", [(2, "one\n  two"), (6, "three")]),
        (gzip.compress(b"one\n\ntwo"), [(1, "one"), (3, "two")]),
    ],
    ids=["lines", "no last line end", "blank lines only around", "paragraphs", "indented, crlf", "gzip"],
)
def test_a_blank_line_between_texts_makes_paragraphs(
    tmp_path: Path, content: str | bytes, rows: list[tuple[int, str]]
) -> None:
    assert read(tmp_path / "a.txt", content) == rows


def test_gzip_under_its_own_name(tmp_path: Path) -> None:
    assert read(tmp_path / "a.txt.gz", gzip.compress(b"one")) == [(1, "one")]


@pytest.mark.parametrize(("content", "unit"), [("a\nb", "line, as it has no blank line"), ("a\n\nb", "paragraph")])
def test_a_note_says_what_a_row_is(tmp_path: Path, content: str, unit: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(content)

    with open_table(str(path)) as table:
        assert table.notes == (f"{path}: one row per {unit}",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"a\.txt: the file is empty"),
        (b"\n \n", r"a\.txt: the file is empty"),
        (b"ok\ncaf\xe9\n", r"a\.txt:2: byte 0xe9 at offset 6 is not utf-8"),
        (b"ok\n\n\n0123456\n89", r"a\.txt:4: the paragraph is longer than 8 characters"),
        (b"0123456789", r"a\.txt:1: the line is longer than 8 characters"),
        (b"PK\x03\x04word/document.xml", r"a\.txt: this is a zip archive"),
        (b"%PDF-1.4", r"a\.txt: this is a PDF document"),
    ],
)
def test_file_is_refused_with_place_and_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    monkeypatch.setattr(plain_text, "MAX_FIELD_CHARACTERS", 8)

    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.txt", content)


def test_memory_is_that_of_one_paragraph(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(("x" * 500 + "\n\n") * 4_000)  # 2 MB
    tracemalloc.start()

    with open_table(str(path)) as table:
        count = sum(1 for _ in table.rows)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 4_000
    assert peak_bytes < 300_000
