"""CoNLL files: sentences out of lines, and the lines that cannot be read."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from regtune.data.formats import conll
from regtune.data.sources import open_table
from regtune.errors import DataError


def read(path: Path, content: str | bytes) -> list[tuple[int, dict[str, Any]]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with open_table(str(path)) as table:
        assert table.columns == ("tokens", "tags")
        return [(row.line, row.values) for row in table.rows]


TWO_SENTENCES = [
    (1, {"tokens": ["EU", "acts"], "tags": ["B-ORG", "O"]}),
    (4, {"tokens": ["Paris"], "tags": ["B-LOC"]}),
]


@pytest.mark.parametrize(
    "content",
    [
        "EU\tB-ORG\nacts\tO\n\nParis\tB-LOC\n",
        "EU B-ORG\nacts  O\n\nParis B-LOC",
        "EU\tB-ORG\r\nacts\tO\r\n\r\nParis\tB-LOC\r\n\r\n\r\n",
        "EU\tB-ORG\nacts\tO\n\t\nParis\tB-LOC\n",
        "\ufeffEU NNP I-NP B-ORG\nacts VBZ I-VP O\n \nParis NNP I-NP B-LOC\n",
        gzip.compress(b"EU\tB-ORG\nacts\tO\n\nParis\tB-LOC\n"),
    ],
    ids=["tab", "spaces", "crlf", "blank line with a tab", "four columns", "gzip"],
)
def test_first_field_is_the_token_and_last_the_tag(tmp_path: Path, content: str | bytes) -> None:
    assert read(tmp_path / "a.conll", content) == TWO_SENTENCES


def test_document_starts_are_skipped_and_end_a_sentence(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.conll", "-DOCSTART- -X- O\n\nEU x B\n-DOCSTART- -X- O\nParis y C\n")

    assert [(line, values["tokens"]) for line, values in rows] == [(3, ["EU"]), (5, ["Paris"])]


def test_a_token_may_hold_a_space_where_tabs_separate(tmp_path: Path) -> None:
    assert read(tmp_path / "a.bio", "New York\tB-LOC\n")[0][1]["tokens"] == ["New York"]


def test_other_white_space_belongs_to_the_token(tmp_path: Path) -> None:
    assert read(tmp_path / "a.conll", "a\u00a0b O\n")[0][1] == {"tokens": ["a\u00a0b"], "tags": ["O"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"a\.conll: the file has no tokens"),
        ("\n\n-DOCSTART-\n", r"a\.conll: the file has no tokens"),
        ("EU B\nacts\n", r"a\.conll:2: one field, `acts`, expected a token and its tag"),
        ("EU\tB\nacts\t\n", r"a\.conll:2: the tag is empty"),
        ("EU\tB\n\tO\n", r"a\.conll:2: the token is empty"),
        ("# id 7 x\nEU B\n", r"a\.conll:2: 2 fields, the lines before have 4"),
        ("<html><body>", r"a\.conll: this is an HTML page"),
    ],
)
def test_file_is_refused_with_place_and_reason(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path / "a.conll", content)
    assert caught.value.hint


def test_a_sentence_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conll, "MAX_TOKENS", 3)

    with pytest.raises(DataError, match=r"a\.conll:2: the sentence is longer than 3 tokens"):
        read(tmp_path / "a.conll", "\na O\nb O\nc O\nd O\n")
