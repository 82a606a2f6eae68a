"""Tables on disk: whole or not at all, safe in a spreadsheet."""

import csv
import json
from pathlib import Path

import pytest

from regtune.data import export
from regtune.data.export import TableWriter, escape_formula
from regtune.errors import ConfigError, EnvironmentFault

ROW = {"text": '=cmd|"/c calc"!A1', "score": -0.5}


def write_one_row(path: Path) -> None:
    with TableWriter(path, ["text", "score"]) as writer:
        writer.write(ROW)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+tag", "'+tag"),
        ("-- hm", "'-- hm"),
        ("@me", "'@me"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("-1.5e-3", "-1.5e-3"),
        ("+41", "+41"),
        ("-1+cmd()", "'-1+cmd()"),
        ("-", "'-"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_formulas_get_an_apostrophe_and_numbers_do_not(cell: str, written: str) -> None:
    assert escape_formula(cell) == written


def test_csv_escapes_cells_and_header(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "out.csv", ["=text", "score"]) as writer:
        writer.write({"=text": "@x", "score": -0.5})

    assert (tmp_path / "out.csv").read_bytes() == b"'=text,score\n'@x,-0.5\n"


def test_jsonl_is_verbatim(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "out.jsonl", ["text", "score"]) as writer:
        writer.write(ROW)

    assert json.loads((tmp_path / "out.jsonl").read_text()) == ROW


@pytest.mark.parametrize("text", ["a,b", 'say "hi"', "two\nlines", "cr\rinside", "cr\r\nlf", "", " é😀 ", "a\r\n"])
def test_csv_texts_come_back_as_they_were(tmp_path: Path, text: str) -> None:
    with TableWriter(tmp_path / "out.csv", ["text", "label"]) as writer:
        writer.write({"text": text, "label": "x"})

    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["text", "label"], [text, "x"]]


def test_csv_writes_null_empty_and_lists_as_json(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "out.csv", ["a", "b", "c"]) as writer:
        writer.write({"a": None, "b": ["x", 1], "c": True})

    assert (tmp_path / "out.csv").read_text() == 'a,b,c\n,"[""x"", 1]",true\n'


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_after_an_error(tmp_path: Path, error: type[BaseException]) -> None:
    def fail_after_a_row() -> None:
        with TableWriter(tmp_path / "out.csv", ["text", "score"]) as writer:
            writer.write(ROW)
            raise error

    with pytest.raises(error):
        fail_after_a_row()
    assert list(tmp_path.iterdir()) == []


def test_name_appears_only_at_the_end(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "out.csv", ["text", "score"]) as writer:
        writer.write(ROW)
        assert not (tmp_path / "out.csv").exists()

    assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("old.csv", "the file exists and is not overwritten"),
        ("no/out.csv", "the folder .*no does not exist"),
        ("out.xlsx", r"cannot write a \.xlsx file, allowed are \.csv \.jsonl"),
    ],
)
def test_unusable_target_is_a_config_error(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "old.csv").write_text("kept")

    with pytest.raises(ConfigError, match=message), TableWriter(tmp_path / name, ["text"]):
        pass
    assert (tmp_path / "old.csv").read_text() == "kept"


def test_file_that_appeared_meanwhile_is_kept(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="exists"), TableWriter(tmp_path / "out.csv", ["text"]):
        (tmp_path / "out.csv").write_text("theirs")

    assert [file.read_text() for file in tmp_path.iterdir()] == ["theirs"]


@pytest.mark.parametrize("moment", ["header", "end"])
def test_full_disk_is_an_environment_fault_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if moment == "header":
        monkeypatch.setitem(export.FORMATS, ".csv", fail)
    else:
        monkeypatch.setattr(export.os, "fsync", fail)

    with pytest.raises(EnvironmentFault, match=r"out\.csv: cannot be written: No space left"):
        write_one_row(tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_of_bytes_only_their_number_is_written(tmp_path: Path, name: str) -> None:
    with TableWriter(tmp_path / name, ["image"]) as writer:
        writer.write({"image": {"bytes": b"\x89PNG", "path": "1.png"}})

    assert "4 bytes" in (tmp_path / name).read_text()
    assert "1.png" in (tmp_path / name).read_text()
