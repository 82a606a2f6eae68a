"""The 56 bad (and odd but good) files of the reliability plan, each under its number, with what reading it must do.

E: refused with exit code 3 and one line that names file, row and column. W: read, with one note. OK: read, silently.
Where a file is not read as that plan says, the reason stands beside it.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from regtune.errors import DataError

ROWS = [("hello there", "pos"), ("go away", "neg"), ("well done", "pos"), ("oh no", "neg")]
CSV = "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)
JSONL = "".join(f'{{"text": "{text}", "label": "{label}"}}\n' for text, label in ROWS)
QUOTE = "put a text that holds the separator or a line end in double quotes"
ENCODING = "set data.encoding, often cp1252"


def csv(*lines: str) -> bytes:
    """The good file with further lines, the first of them line 6."""
    return (CSV + "".join(f"{line}\n" for line in lines)).encode()


def jsonl(*lines: str) -> bytes:
    """The good file with further lines, the first of them line 5."""
    return (JSONL + "".join(f"{line}\n" for line in lines)).encode()


def two_of_each(*labels: str) -> list[tuple[str, str]]:
    return [(f"t{i} {label}", label) for label in labels for i in range(2)]


def labels(*names: str) -> bytes:
    """Two rows of each label."""
    return ("text,label\n" + "".join(f"{text},{label}\n" for text, label in two_of_each(*names))).encode()


def relabelled(negative: str, positive: str) -> list[tuple[str, str]]:
    return [(text, {"neg": negative, "pos": positive}[label]) for text, label in ROWS]


def excel() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "x")
    return stream.getvalue()


@dataclass(frozen=True)
class OK:
    """Read, with nothing to say."""

    pairs: list[tuple[str, str]] = field(default_factory=lambda: ROWS)


@dataclass(frozen=True)
class W:
    """Read, with one note."""

    note: str
    pairs: list[tuple[str, str]]


@dataclass(frozen=True)
class E:
    """Refused. message, hint: patterns; FILE in a message is the name of the file."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class Case:
    number: int
    what: str
    content: bytes | None  # None: a folder
    expected: OK | W | E
    file_name: str = "a.csv"
    settings: dict[str, Any] = field(default_factory=dict)


CORPUS = [
    Case(1, "empty.csv", b"", E("FILE: the file is empty")),
    Case(2, "header_only.csv", b"text,label\n", E("FILE: the file has a header and no rows")),
    Case(3, "empty.jsonl", b"", E("FILE: the file is empty"), "a.jsonl"),
    Case(4, "bom.csv", b"\xef\xbb\xbf" + csv(), OK()),
    Case(5, "bom_quoted.csv", b"\xef\xbb\xbf" + csv().replace(b"text,label", b'"text","label"'), OK()),
    Case(6, "bom.jsonl", b"\xef\xbb\xbf" + jsonl(), OK(), "a.jsonl"),
    Case(7, "crlf", csv().replace(b"\n", b"\r\n"), OK()),
    Case(8, "cr_only", csv().replace(b"\n", b"\r"), OK()),
    Case(9, "gzip bytes named .csv", gzip.compress(csv()), OK()),
    Case(10, "newline in quoted field", csv('"one\ntwo",pos'), OK([*ROWS, ("one\ntwo", "pos")])),
    Case(11, "utf16", CSV.encode("utf-16"), E("FILE:1: .*mark of utf-16 at offset 0", "set data.encoding: utf-16")),
    Case(12, "latin1", csv() + b"caf\xe9,pos\n", E("FILE:6: byte 0xe9 at offset 66 is not utf-8", ENCODING)),
    Case(13, "cp1252 quotes", csv() + b"it\x92s,pos\n", E("FILE:6: byte 0x92 at offset 65 is not utf-8", ENCODING)),
    Case(
        14, "surrogate bytes", csv() + b"\xed\xa0\x80,a\n",
        E("FILE:6: byte 0xed at offset 63 is not utf-8", ENCODING),
    ),
    # The plan's option `strip` does not exist: a NUL is the trace of a wrong encoding or of damage, never text.
    Case(15, "NUL byte in text", csv("ab\0c,pos"), E("FILE:6: the line holds a NUL character", "remove it")),
    Case(
        16, "missing label", csv("a,", "b,"),
        E(r"FILE:6: 2 rows without label \(lines 6, 7\)", "on_missing_label: drop"),
    ),
    Case(
        16, "missing label, dropped", csv("a,"), W(r"1 row without label dropped \(line 6\)", ROWS),
        settings={"on_missing_label": "drop"},
    ),
    Case(
        17, "NA, null, None, nan as text", csv("NA,pos", "null,neg", "None,pos", "nan,neg"),
        OK([*ROWS, ("NA", "pos"), ("null", "neg"), ("None", "pos"), ("nan", "neg")]),
    ),
    Case(17, "NA and null as labels", labels("NA", "null"), OK(two_of_each("NA", "null"))),
    Case(18, "empty text", csv(" ,pos"), E(r"FILE:6: 1 row without text \(line 6\)", "on_empty_text: drop")),
    Case(
        18, "empty text, dropped", csv(" ,pos"), W(r"1 row without text dropped \(line 6\)", ROWS),
        settings={"on_empty_text": "drop"},
    ),
    Case(
        19, "float labels 0.0 and 1.0", CSV.replace("neg", "0.0").replace("pos", "1.0").encode(),
        W("labels such as `1.0` are whole numbers", relabelled("0", "1")),
    ),
    Case(19, "float label 0.5", labels("0.0", "0.5", "1.0"), E("FILE, column `label`: .*`0.5`.*looks like regression")),
    Case(
        20, "bool labels", CSV.replace("neg", "False").replace("pos", "True").encode(),
        OK(relabelled("False", "True")),
    ),
    Case(
        20, "bool labels, jsonl", JSONL.replace('"neg"', "false").replace('"pos"', "true").encode(),
        OK(relabelled("false", "true")), "a.jsonl",
    ),
    Case(
        21, "labels mixed 0 and pos", labels("0", "pos"),
        W("numbers and some are words: `0` beside `pos`", two_of_each("0", "pos")),
    ),
    Case(22, "label spaces", csv().replace(b",pos", b", pos "), W("spaces around 2 labels removed", ROWS)),
    Case(
        23, "Pos and pos", labels("Pos", "pos", "neg"),
        W("by case or spaces stay apart: `Pos` / `pos`", two_of_each("Pos", "pos", "neg")),
    ),
    Case(24, "01 and 1", labels("01", "1"), W("the same number stay apart: `01` / `1`", two_of_each("01", "1"))),
    Case(25, "numeric text", csv("123,pos", "1.0,neg"), OK([*ROWS, ("123", "pos"), ("1.0", "neg")])),
    Case(26, "huge int label", labels("8" * 30, "9" * 5000), OK(two_of_each("8" * 30, "9" * 5000))),
    Case(27, "date text", csv("2024-01-05,pos"), OK([*ROWS, ("2024-01-05", "pos")])),
    Case(28, "extra field in a later row", csv("a,pos,x"), E("FILE:6: 3 fields, expected 2", QUOTE)),
    Case(29, "extra field from row 1", b"text,label\na,pos,x\nb,neg,y\n", E("FILE:2: 3 fields, expected 2", QUOTE)),
    Case(30, "unquoted comma", csv("well, no,neg"), E(r"FILE:6: 3 fields, expected 2 .*'text', 'label'", QUOTE)),
    Case(31, "short row", csv("no label"), E("FILE:6: 1 field, expected 2", QUOTE)),
    Case(
        32, "unclosed quote", csv('"never closed,neg', "c,pos"),
        E("FILE:6: a double quote opens here and is never closed", QUOTE),
    ),
    Case(
        33, "semicolon", csv().replace(b",", b";"),
        E("FILE:1: .*looks semicolon-separated and is read as comma-separated", 'set data.separator: ";"'),
    ),
    Case(33, "semicolon, set", csv().replace(b",", b";"), OK(), settings={"separator": ";"}),
    Case(34, "tab", csv().replace(b",", b"\t"), E("FILE:1: .*looks tab-separated", r'set data.separator: "\\t"')),
    Case(
        35, "dup header", b"text,label,text\na,pos,b\n",
        E("FILE:1: column `text` stands in the header twice", "rename"),
    ),
    Case(
        36, "header spaces", csv().replace(b"text,label", b" text , label"),
        W("spaces around column names removed", ROWS),
    ),
    Case(
        37, "header case", csv().replace(b"text", b"Text"),
        E(r"FILE: no column `text` \(data.text\)", "did you mean `Text`"),
        settings={"text": "text"},
    ),
    Case(38, "no header", csv().removeprefix(b"text,label\n"), E(r"FILE:1: no header\? `pos`", "on top")),
    Case(
        39, "unnamed index column",
        (",text,label\n" + "".join(f"{i},{text},{label}\n" for i, (text, label) in enumerate(ROWS))).encode(), OK(),
    ),
    Case(40, "6 MB field", csv("x" * 6_000_000 + ",pos"), E("FILE:6: a field is longer than 1,000,000 characters")),
    Case(
        41, "300 MB gz bomb", gzip.compress(csv()) + gzip.compress(b"x" * 99_995 + b",pos\n") * 3_000,
        E(r"FILE:\d+: the gzip data unpacks to more than 67,108,864 bytes", "unpack it first"),
    ),
    Case(
        42, "HTML 404 page", b"<!DOCTYPE html>\n<html><body>404</body></html>",
        E("FILE: this is an HTML page", "the link"),
    ),
    Case(
        43, "git-lfs pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n",
        E("FILE: this is a git-lfs pointer, not the data", "run `git lfs pull`"),
    ),
    Case(44, "xlsx named csv", excel(), E("FILE: this is an Excel file", "save it as CSV")),
    Case(45, "directory", None, E("FILE: this is a folder, not a file")),
    Case(46, "not_parquet", csv(), E("FILE: this is not a Parquet file"), "a.parquet"),
    Case(47, "formula cells", csv("=1+1,pos"), OK([*ROWS, ("=1+1", "pos")])),  # escaped on export: test_export
    Case(
        48, "duplicate text, conflicting labels", csv("hello there,neg", "fine,pos"),
        W(
            r"1 text has more than one label \(first: \S+a\.csv:2 `pos`, \S+a\.csv:6 `neg`\)",
            [*ROWS, ("hello there", "neg"), ("fine", "pos")],
        ),
    ),
    Case(
        50, "trailing comma", jsonl('{"text": "a", "label": "pos",}'),
        E("FILE:5: not JSON: .* at column 30"), "a.jsonl",
    ),
    Case(
        51, "truncated last line", jsonl('{"text": "a", "lab')[:-1],
        E(r"FILE:5: .*file cut off\?", "copy it again"), "a.jsonl",
    ),
    Case(
        52, "dup key", jsonl('{"text": "a", "text": "b", "label": "pos"}'),
        E("FILE:5: key `text` is given twice"), "a.jsonl",
    ),
    Case(53, "NaN", jsonl('{"text": "a", "label": NaN}'), E("FILE:5: NaN is not a JSON value"), "a.jsonl"),
    Case(
        54, "mixed types", jsonl('{"text": "a", "label": 1}'),
        E("FILE:5: column `label` holds a number, the rows before it hold a string"), "a.jsonl",
    ),
    Case(55, "missing key", jsonl('{"text": "a"}'), E("FILE:5: the row has no `label`, only `text`"), "a.jsonl"),
    Case(
        56, "nested text", jsonl('{"text": {"a": 1}, "label": "pos"}'),
        E("FILE:5: column `text` holds an object"), "a.jsonl",
    ),
    Case(56, "list text", jsonl('{"text": ["a"], "label": "pos"}'), E("FILE:5: column `text` holds a list"), "a.jsonl"),
    Case(56, "null text", jsonl('{"text": null, "label": "pos"}'), E("FILE:5: 1 row without text"), "a.jsonl"),
]  # fmt: skip
SAME_ROW_ON_TWO_SIDES = 49  # takes two files: a test of its own, below


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: f"{case.number} {case.what}")
def test_file_is_read_as_specified(case: Case, read: Callable[..., Any], tmp_path: Path) -> None:
    if case.content is None:
        (tmp_path / case.file_name).mkdir()
    if isinstance(case.expected, E):
        with pytest.raises(DataError) as caught:
            read(case.file_name, case.content, **case.settings)
        assert caught.value.exit_code == 3
        place = re.escape(str(tmp_path / case.file_name))
        assert re.fullmatch(case.expected.message.replace("FILE", place) + ".*", str(caught.value))
        assert re.search(case.expected.hint, caught.value.hint or "")
        return
    done = read(case.file_name, case.content, **case.settings)
    if isinstance(case.expected, OK):
        assert done.notes == []
    else:
        assert len([note for note in done.notes if re.search(case.expected.note, note)]) == 1
    assert done.pairs == case.expected.pairs


def test_49_same_row_in_train_and_validation_is_counted(read: Callable[..., Any], tmp_path: Path) -> None:
    """The plan's `strict_leakage` does not exist: a side that lies wholly in the others is refused without it, and a
    few repeated rows in a benchmark's own files are for the user to judge."""
    validation = tmp_path / "validation.csv"
    validation.write_text("text,label\nfine,pos\nGo  away,neg\n")

    done = read("a.csv", csv(), validation=str(validation))

    assert done.notes == [f"1 of 2 validation rows also stand in train (first: {validation}:3)"]


def test_every_number_is_there() -> None:
    assert {case.number for case in CORPUS} | {SAME_ROW_ON_TWO_SIDES} == set(range(1, 57))


def test_one_class_only_is_refused(read: Callable[..., Any]) -> None:
    with pytest.raises(DataError, match=r"a\.csv, column `label`: one class only, `pos`, in 2 rows"):
        read("a.csv", labels("pos"))


def test_a_class_with_one_row_stays_in_train(read: Callable[..., Any], tmp_path: Path) -> None:
    """The plan refuses it; the design (section 3, item 9) has splits that are safe for it."""
    assert ("rare one", "rare") in read("a.csv", csv("rare one,rare")).pairs


def test_a_label_that_train_lacks_is_refused(read: Callable[..., Any], tmp_path: Path) -> None:
    validation = tmp_path / "validation.csv"
    validation.write_text("text,label\nso so,neutral\n")

    with pytest.raises(DataError, match=r"validation\.csv:2: label `neutral`"):
        read("a.csv", csv(), validation=str(validation))
