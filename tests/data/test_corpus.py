"""Every bad (and odd but good) file we know of, and what reading it says. One line per file."""

import gzip
import zipfile
from pathlib import Path

import pytest

from regtune.config.schema import DataSettings
from regtune.data.reading import read_labelled
from regtune.data.rules import RowRules
from regtune.errors import DataError

GOOD_CSV = "text,label\nhello there,pos\ngo away,neg\n"
GOOD_JSONL = '{"text": "hello there", "label": "pos"}\n{"text": "go away", "label": "neg"}\n'

ACCEPTED = {
    "byte order mark": ("a.csv", b"\xef\xbb\xbf" + GOOD_CSV.encode()),
    "byte order mark before a quote": ("a.csv", b'\xef\xbb\xbf"text","label"\n"hello there",pos\ngo away,neg\n'),
    "byte order mark in jsonl": ("a.jsonl", b"\xef\xbb\xbf" + GOOD_JSONL.encode()),
    "carriage return and line feed": ("a.csv", GOOD_CSV.replace("\n", "\r\n").encode()),
    "carriage return only": ("a.csv", GOOD_CSV.replace("\n", "\r").encode()),
    "no line end on the last line": ("a.csv", GOOD_CSV.rstrip().encode()),
    "gzip bytes under a .csv name": ("a.csv", gzip.compress(GOOD_CSV.encode())),
    "gzip under its own name": ("a.csv.gz", gzip.compress(GOOD_CSV.encode())),
    "blank lines": ("a.csv", b"\n\ntext,label\n\nhello there,pos\n   \ngo away,neg\n\n"),
    "tab-separated": ("a.tsv", GOOD_CSV.replace(",", "\t").encode()),
    "spaces around column names": ("a.csv", b" text , label\nhello there,pos\ngo away,neg\n"),
    "index column without a name": ("a.csv", b",text,label\n0,hello there,pos\n1,go away,neg\n"),
    "empty columns without a name": ("a.csv", b"text,label,,\nhello there,pos,,\ngo away,neg,,\n"),
    "upper-case names, inferred": ("a.csv", b"Text,LABEL\nhello there,pos\ngo away,neg\n"),
    "jsonl": ("a.jsonl", GOOD_JSONL.encode()),
    "ndjson without last line end": ("a.ndjson", GOOD_JSONL.rstrip().encode()),
}

TEXT_RULES = RowRules()


@pytest.mark.parametrize(("file_name", "content"), ACCEPTED.values(), ids=ACCEPTED)
def test_file_is_read_as_the_same_two_rows(tmp_path: Path, file_name: str, content: bytes) -> None:
    path = tmp_path / file_name
    path.write_bytes(content)

    rows = read_labelled(str(path), DataSettings(train=str(path)), rules=TEXT_RULES).rows

    assert [(row.inputs[0], row.target) for row in rows] == [("hello there", "pos"), ("go away", "neg")]


REFUSED = {
    "empty csv": ("a.csv", b"", r"a\.csv: the file is empty"),
    "blank csv": ("a.csv", b"\n \n", r"a\.csv:2: the header names no column"),
    "header only": ("a.csv", b"text,label\n", r"a\.csv: the file has a header and no rows"),
    "empty jsonl": ("a.jsonl", b"\n", r"a\.jsonl: the file is empty"),
    "utf-16": ("a.csv", GOOD_CSV.encode("utf-16"), r"byte order mark of utf-16, and is read as utf-8"),
    "utf-16 without mark": ("a.csv", GOOD_CSV.encode("utf-16-le"), r"every second byte is NUL, as in utf-16-le"),
    "utf-32": ("a.csv", GOOD_CSV.encode("utf-32"), r"byte order mark of utf-32"),
    "latin-1": ("a.csv", b"text,label\nok,a\ncaf\xe9 au lait,b\n", r"a\.csv:3: byte 0xe9 at offset 19 is not utf-8"),
    "cp1252 quotes": ("a.csv", b"text,label\nit\x92s,a\n", r"a\.csv:2: byte 0x92 at offset 13 is not utf-8"),
    "cr only, latin-1": ("a.csv", b"text,label\rok,a\rcaf\xe9,b\r", r"a\.csv:3: byte 0xe9 at offset 19 is not utf-8"),
    "surrogate bytes": ("a.csv", b"text,label\n\xed\xa0\x80,a\n", r"a\.csv:2: byte 0xed at offset 11 is not utf-8"),
    "NUL": ("a.csv", b"text,label\nab\0c,a\n", r"a\.csv:2: the line holds a NUL character"),
    "missing labels": (
        "a.csv",
        b"text,label\n" + b"".join(b"x%d,\n" % n for n in range(7)),
        r"a\.csv:2: 7 rows without label \(lines 2, 3, 4, 5, 6, …\)",
    ),
    "empty text": ("a.csv", b"text,label\n  ,a\nx,b\n", r"a\.csv:2: 1 row without text \(line 2\)"),
    "field too many in a row": (
        "a.csv",
        b"text,label\nok,a\nwell, no,b\n",
        r"a\.csv:3: 3 fields, expected 2 \(comma-separated: 'text', 'label'\)",
    ),
    "field too many from row 1": ("a.csv", b"text,label\n1,ok,a\n", r"a\.csv:2: 3 fields, expected 2"),
    "short row": ("a.csv", b"text,label\nok,a\nno label\n", r"a\.csv:3: 1 field, expected 2"),
    "line numbers count physical lines": ("a.csv", b'text,label\n"a\nb",x\n\nc\n', r"a\.csv:5: 1 field, expected 2"),
    "unclosed quote": ("a.csv", b'text,label\nok,a\n"never closed,b\nc,d\n', r"a\.csv:3: a double quote opens here"),
    "quote closed by the next row's": (
        "a.csv",
        b'text,label\n"open,a\n"good one",b\n',
        r"a\.csv:2: text follows a closing double quote on line 3",
    ),
    "semicolons": ("a.csv", b"text;label\na;b\n", r"a\.csv:1: .*looks semicolon-separated and is read as comma-sep"),
    "tabs": ("a.csv", b"text\tlabel\na\tb\n", r"a\.csv:1: .*looks tab-separated"),
    "commas in tsv": ("a.tsv", b"text,label\na,b\n", r"a\.tsv:1: .*looks comma-separated and is read as tab-separated"),
    "column twice": ("a.csv", b"text,label, text\na,b,c\n", r"a\.csv:1: column `text` stands in the header twice"),
    "value without column name": ("a.csv", b"text,label,\na,b,c\n", r"a\.csv:2: field 3 has no column name"),
    "no header": ("a.csv", b"hello there you,pos\ngo,neg\nbye now,pos\n", r"a\.csv:1: no header\? `pos`"),
    "6 MB field": (
        "a.csv",
        b"text,label\n" + b"x" * 6_000_000 + b",a\n",
        r"a\.csv:2: a field is longer than 1,000,000",
    ),
    "17 MB line": ("a.jsonl", b"x" * 17_000_000, r"a\.jsonl:1: the line is longer than 16,000,000 characters"),
    "1 MB text in jsonl": ("a.jsonl", b'{"text": "%s"}' % (b"x" * 1_000_001), r"a\.jsonl:1: `text` is longer than"),
    "html": ("a.csv", b"\n<!DOCTYPE html><html><body>404</body>", r"a\.csv: this is an HTML page"),
    "xml": ("a.csv", b"<?xml version='1.0'?>", r"this is an XML document"),
    "git-lfs": ("a.csv", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", r"git-lfs pointer"),
    "old excel": ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1", r"an old Excel file"),
    "parquet": ("a.csv", b"PAR1\x15\x04", r"a Parquet file"),
    "xz": ("a.csv", b"\xfd7zXZ\x00\x00", r"compressed with xz"),
    "bzip2": ("a.csv", b"BZh91AY&SY", r"compressed with bzip2"),
    "gzipped html": ("a.csv.gz", gzip.compress(b"<html>"), r"an HTML page"),
    "gzip cut off": ("a.csv.gz", gzip.compress(GOOD_CSV.encode())[:-12], r"gzip data is damaged or cut off"),
    "json array": ("a.jsonl", b'[{"text": "a"}]', r"a\.jsonl:1: the line holds a list, expected one object"),
    "json": ("a.json", b"[]", r"a file named \.json is not read, allowed are \.csv \.tsv \.jsonl \.ndjson"),
    "excel name": ("a.xlsx", b"PK", r"a file named \.xlsx is not read"),
    "trailing comma": ("a.jsonl", b'{"text": "a", "label": "b",}\n', r"a\.jsonl:1: not JSON: .* at column 2[78]"),
    "cut off": ("a.jsonl", GOOD_JSONL.encode()[:-9], r"a\.jsonl:2: .*file cut off\?"),
    "key twice": ("a.jsonl", b'{"text": "a", "text": "b"}\n', r"a\.jsonl:1: key `text` is given twice"),
    "NaN": ("a.jsonl", b'{"text": "a", "label": NaN}\n', r"a\.jsonl:1: NaN is not a JSON value"),
    "half a character": ("a.jsonl", b'{"text": "\\ud800", "label": "a"}\n', r"a\.jsonl:1: half a character"),
    "nested too deeply": ("a.jsonl", b"[" * 200_000 + b"\n", r"a\.jsonl:1: .*recursion"),
    "mixed label types": (
        "a.jsonl",
        b'{"text": "a", "label": 1}\n{"text": "b", "label": "1"}\n',
        r"a\.jsonl:2: column `label` holds a string, the rows before it hold a number",
    ),
    "missing key": (
        "a.jsonl",
        b'{"text": "a", "label": "b"}\n{"text": "c"}\n',
        r"a\.jsonl:2: the row has no `label`, only `text`",
    ),
    "list as label": ("a.jsonl", b'{"text": "a", "label": ["b"]}\n', r"a\.jsonl:1: column `label` holds a list"),
    "object as text": ("a.jsonl", b'{"text": {}, "label": "b"}\n', r"a\.jsonl:1: column `text` holds an object"),
    "number as text": ("a.jsonl", b'{"text": 1, "label": "b"}\n', r"a\.jsonl:1: column `text` holds a number"),
    "null as text": ("a.jsonl", b'{"text": null, "label": "b"}\n', r"a\.jsonl:1: 1 row without text"),
    "null as label": ("a.jsonl", b'{"text": "a", "label": null}\n', r"a\.jsonl:1: 1 row without label"),
}


@pytest.mark.parametrize(("file_name", "content", "message"), REFUSED.values(), ids=REFUSED)
def test_file_is_refused_with_place_and_reason(tmp_path: Path, file_name: str, content: bytes, message: str) -> None:
    path = tmp_path / file_name
    path.write_bytes(content)

    with pytest.raises(DataError, match=message) as caught:
        read_labelled(str(path), DataSettings(train=str(path)), rules=TEXT_RULES)
    assert "\n" not in str(caught.value)


HINTS = {
    "semicolons": ("a.csv", b"text;label\na;b\n", 'set data.separator: ";"'),
    "tabs": ("a.csv", b"text\tlabel\na\tb\n", r'set data.separator: "\t"'),
    "utf-16": ("a.csv", GOOD_CSV.encode("utf-16"), "set data.encoding: utf-16"),
    "git-lfs": ("a.csv", b"version https://git-lfs.github.com/spec/v1\n", "run `git lfs pull`"),
    "missing label": ("a.csv", b"text,label\na,\n", "fill them in, or set data.on_missing_label: drop"),
    "empty text": ("a.csv", b"text,label\n,a\n", "fill them in, or set data.on_empty_text: drop"),
}


@pytest.mark.parametrize(("file_name", "content", "hint"), HINTS.values(), ids=HINTS)
def test_hint_names_the_setting_or_command(tmp_path: Path, file_name: str, content: bytes, hint: str) -> None:
    path = tmp_path / file_name
    path.write_bytes(content)

    with pytest.raises(DataError) as caught:
        read_labelled(str(path), DataSettings(train=str(path)), rules=TEXT_RULES)
    assert caught.value.hint == hint


@pytest.mark.parametrize("member", ["[Content_Types].xml", "notes.txt"])
def test_zip_and_excel_files_are_told_apart(tmp_path: Path, member: str) -> None:
    path = tmp_path / "a.csv"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "x")

    with pytest.raises(DataError, match="Excel" if "xml" in member else "zip archive"):
        read_labelled(str(path), DataSettings(train=str(path)), rules=TEXT_RULES)


@pytest.mark.parametrize(
    "cell", ["NA", "null", "None", "nan", "01", "1.0", "2024-01-05", "=1+1", "12345678901234567890", " padded "]
)
def test_cells_stay_text_to_the_letter(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"text,label\n{cell},a\nother,b\n")

    rows = read_labelled(str(path), DataSettings(train=str(path)), rules=TEXT_RULES).rows

    assert rows[0].inputs[0] == cell


def test_line_ends_in_a_quoted_field_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'text,label\r\n"one\r\ntwo",a\r\nthree,b\r\n')

    rows = read_labelled(str(path), DataSettings(train=str(path)), rules=TEXT_RULES).rows

    assert [(row.inputs[0], row.line) for row in rows] == [("one\r\ntwo", 2), ("three", 4)]


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16", "utf-16-le", "utf-8-sig"])
def test_named_encoding_is_used(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\ncafé,a\nthé,b\n".encode(encoding))

    rows = read_labelled(str(path), DataSettings(train=str(path), encoding=encoding), rules=TEXT_RULES).rows

    assert [row.inputs[0] for row in rows] == ["café", "thé"]


def test_incomplete_rows_are_dropped_and_counted_if_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\na,x\nb,\n,y\nc,y\n")
    settings = DataSettings(train=str(path), on_missing_label="drop", on_empty_text="drop")

    file = read_labelled(str(path), settings, rules=TEXT_RULES)

    assert [row.inputs[0] for row in file.rows] == ["a", "c"]
    assert file.notes == (
        f"{path}: 1 row without label dropped (line 3)",
        f"{path}: 1 row without text dropped (line 4)",
    )
