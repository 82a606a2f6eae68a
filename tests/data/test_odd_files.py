"""More files than the 56 of test_corpus: odd ones that are read, bad ones that are refused, and the hints they come
with."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regtune.errors import DataError

CSV = "text,label\nhello there,pos\ngo away,neg\nwell done,pos\noh no,neg\n"
JSONL = "".join(
    f'{{"text": "{text}", "label": "{label}"}}\n'
    for text, label in [("hello there", "pos"), ("go away", "neg"), ("well done", "pos"), ("oh no", "neg")]
)
TEXTS = ["hello there", "go away", "well done", "oh no"]

ACCEPTED = {
    "no line end on the last line": ("a.csv", CSV.rstrip().encode()),
    "gzip under its own name": ("a.csv.gz", gzip.compress(CSV.encode())),
    "two gzip members": ("a.csv.gz", gzip.compress(CSV[:20].encode()) + gzip.compress(CSV[20:].encode())),
    "blank lines": ("a.csv", b"\n\n" + CSV.replace("\n", "\n   \n\n").encode()),
    "tab-separated": ("a.tsv", CSV.replace(",", "\t").encode()),
    "upper-case extension": ("A.CSV", CSV.encode()),
    "empty columns without a name": ("a.csv", CSV.replace("\n", ",,\n").encode()),
    "upper-case names, inferred": ("a.csv", CSV.replace("text,label", "Text,LABEL").encode()),
    "jsonl": ("a.jsonl", JSONL.encode()),
    "ndjson without last line end": ("a.ndjson", JSONL.rstrip().encode()),
    "cp1252, said so": ("a.csv", CSV.encode("cp1252"), "cp1252"),
    "utf-16, said so": ("a.csv", CSV.encode("utf-16"), "utf-16"),
    "utf-16-le, said so": ("a.csv", CSV.encode("utf-16-le"), "utf-16-le"),
}


@pytest.mark.parametrize("file", ACCEPTED.values(), ids=ACCEPTED)
def test_file_is_read_as_the_same_rows(read: Callable[..., Any], file: tuple[Any, ...]) -> None:
    file_name, content, *encoding = file

    assert [text for text, _ in read(file_name, content, encoding=(encoding or ["utf-8"])[0]).pairs] == TEXTS


REFUSED = {
    "blank csv": ("a.csv", b"\n \n", r"a\.csv:2: the header names no column"),
    "blank jsonl": ("a.jsonl", b"\n", r"a\.jsonl: the file is empty"),
    "utf-16 without mark": (
        "a.csv",
        CSV.encode("utf-16-le"),
        r"a\.csv:1: every second byte from offset 1 is NUL, as in",
    ),
    "utf-32": ("a.csv", CSV.encode("utf-32"), r"a\.csv:1: the byte order mark of utf-32"),
    "cr only, latin-1": ("a.csv", b"text,label\rok,a\rcaf\xe9,b\r", r"a\.csv:3: byte 0xe9 at offset 19 is not utf-8"),
    "many missing labels": (
        "a.csv",
        b"text,label\n" + b"".join(b"x%d,\n" % n for n in range(7)),
        r"a\.csv:2: 7 rows without label \(lines 2, 3, 4, 5, 6, …\)",
    ),
    "line numbers count physical lines": ("a.csv", b'text,label\n"a\nb",x\n\nc\n', r"a\.csv:5: 1 field, expected 2"),
    "quote closed by the next row's": (
        "a.csv",
        b'text,label\n"open,a\n"good one",b\n',
        r"a\.csv:2: text follows a closing double quote on line 3",
    ),
    "commas in tsv": ("a.tsv", b"text,label\na,b\n", r"a\.tsv:1: .*looks comma-separated and is read as tab-separated"),
    "column twice but for spaces": ("a.csv", b"text,label, text\na,b,c\n", r"a\.csv:1: column `text` stands in"),
    "value without column name": ("a.csv", b"text,label,\na,b,c\n", r"a\.csv:2: field 3 has no column name"),
    "17 MB line": ("a.jsonl", b"x" * 17_000_000, r"a\.jsonl:1: the line is longer than 16,000,000 characters"),
    "1 MB text in jsonl": ("a.jsonl", b'{"text": "%s"}' % (b"x" * 1_000_001), r"a\.jsonl:1: `text` is longer than"),
    "xml": ("a.csv", b"<?xml version='1.0'?>", r"this is an XML document"),
    "old excel": ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1", r"an old Excel file"),
    "parquet": ("a.csv", b"PAR1\x15\x04", r"a Parquet file"),
    "arrow stream": ("a.csv", b"\xff\xff\xff\xff\x10\0\0\0", r"an Arrow stream"),
    "image": ("a.csv", b"\x89PNG\r\n", r"this is an image"),
    "xz": ("a.csv", b"\xfd7zXZ\x00\x00", r"compressed with xz"),
    "bzip2": ("a.csv", b"BZh91AY&SY", r"compressed with bzip2"),
    "gzip twice": ("a.csv.gz", gzip.compress(gzip.compress(CSV.encode())), r"compressed with gzip"),
    "gzipped html": ("a.csv.gz", gzip.compress(b"<html>"), r"an HTML page"),
    "gzip cut off": ("a.csv.gz", gzip.compress(CSV.encode())[:-12], r"gzip data is damaged or cut off"),
    "json array": ("a.jsonl", b'[{"text": "a"}]', r"a\.jsonl:1: the line holds a list, expected one object"),
    "json": ("a.json", b"[]", r"a file named \.json is not read, allowed are \.csv \.tsv \.jsonl \.ndjson \.conll"),
    "excel name": ("a.xlsx", b"PK", r"a file named \.xlsx is not read"),
    "no extension": ("table", b"a", r"a file named without extension is not read"),
    "half a character": ("a.jsonl", b'{"text": "\\ud800", "label": "a"}\n', r"a\.jsonl:1: half a character"),
    "NUL, escaped": ("a.jsonl", b'{"text": "a\\u0000b", "label": "a"}\n', r"a\.jsonl:1: `text` holds a NUL character"),
    "nested too deeply": ("a.jsonl", b"[" * 200_000 + b"\n", r"a\.jsonl:1: .*recursion"),
    "list as label": ("a.jsonl", b'{"text": "a", "label": ["b"]}\n', r"a\.jsonl:1: column `label` holds a list"),
    "number as text": ("a.jsonl", b'{"text": 1, "label": "b"}\n', r"a\.jsonl:1: column `text` holds a number"),
    "null as label": ("a.jsonl", b'{"text": "a", "label": null}\n', r"a\.jsonl:1: 1 row without label"),
}


@pytest.mark.parametrize(("file_name", "content", "message"), REFUSED.values(), ids=REFUSED)
def test_file_is_refused_with_place_and_reason(
    read: Callable[..., Any], file_name: str, content: bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(file_name, content)
    assert "\n" not in str(caught.value)


HINTS = {
    "utf-16-le": ("a.csv", CSV.encode("utf-16-le"), "set data.encoding: utf-16-le"),
    "parquet": ("a.csv", b"PAR1\x15\x04", "name it .parquet"),
    "json": ("a.json", b"[]", "write one JSON object per line and name the file .jsonl"),
    "tabs": ("a.csv", b"text\tlabel\na\tb\n", r'set data.separator: "\t"'),
    "missing label": ("a.csv", b"text,label\na,\n", "fill them in, or set data.on_missing_label: drop"),
    "empty text": ("a.csv", b"text,label\n,a\n", "fill them in, or set data.on_empty_text: drop"),
}


@pytest.mark.parametrize(("file_name", "content", "hint"), HINTS.values(), ids=HINTS)
def test_hint_names_the_setting_or_command(read: Callable[..., Any], file_name: str, content: bytes, hint: str) -> None:
    with pytest.raises(DataError) as caught:
        read(file_name, content)
    assert caught.value.hint == hint


def test_zip_archive_is_not_taken_for_excel(read: Callable[..., Any], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.csv", "w") as archive:
        archive.writestr("notes.txt", "x")

    with pytest.raises(DataError, match="zip archive"):
        read("a.csv", None)


@pytest.mark.parametrize("cell", ["NA", "01", "1.0", "2024-01-05", "=1+1", "12345678901234567890", " padded "])
def test_cells_stay_text_to_the_letter(read: Callable[..., Any], cell: str) -> None:
    assert read("a.csv", CSV.encode() + f"{cell},pos\n".encode()).pairs[-1] == (cell, "pos")


def test_line_ends_in_a_quoted_field_are_kept(read: Callable[..., Any]) -> None:
    content = CSV.replace("\n", "\r\n") + '"one\r\ntwo",pos\r\nthree,neg\r\n'

    assert read("a.csv", content.encode()).rows[4:] == [(6, "one\r\ntwo", "pos"), (8, "three", "neg")]
