"""Several files as one table."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from regtune.data.sources import check_source, is_delimited, open_table
from regtune.errors import DataError


@pytest.fixture
def parts(tmp_path: Path) -> str:
    """A pattern that matches three files of two rows, one of them packed; and a file beside them."""
    for number in (1, 2):
        (tmp_path / f"part-{number}.csv").write_text(f"text,label\na{number},x\nb{number},y\n")
    (tmp_path / "part-3.csv.gz").write_bytes(gzip.compress(b"label,text\nx,a3\ny,b3\n"))
    (tmp_path / "other.csv").write_text("text,label\nno,z\n")
    return str(tmp_path / "part-*")


def places_of(pattern: str) -> list[str]:
    with open_table(pattern) as table:
        return [table.place(row) for row in table.rows]


def texts_of(pattern: str) -> list[Any]:
    with open_table(pattern) as table:
        return [row.values["text"] for row in table.rows]


def test_rows_come_in_the_order_of_the_files(parts: str) -> None:
    assert texts_of(parts) == ["a1", "b1", "a2", "b2", "a3", "b3"]


def test_every_row_knows_its_file_and_line(parts: str, tmp_path: Path) -> None:
    assert places_of(parts)[2:5] == [
        f"{tmp_path}/part-2.csv:2",
        f"{tmp_path}/part-2.csv:3",
        f"{tmp_path}/part-3.csv.gz:2",
    ]


def test_a_fault_names_the_file_it_is_in(parts: str, tmp_path: Path) -> None:
    (tmp_path / "part-2.csv").write_text("text,label\na,x\nb,y,z\n")

    with pytest.raises(DataError, match=r"part-2\.csv:3: 3 fields, expected 2"):
        texts_of(parts)


def test_other_columns_name_both_files(parts: str, tmp_path: Path) -> None:
    (tmp_path / "part-2.csv").write_text("text,class\na,x\n")

    with pytest.raises(
        DataError, match=r"part-2\.csv: the columns are `text`, `class`, those of \S+/part-1\.csv are `text`, `label`"
    ):
        texts_of(parts)


def test_a_sample_is_given_again(parts: str) -> None:
    with open_table(parts) as table:
        sampled = [row.values["text"] for row in table.sample(3)]
        everything = [row.values["text"] for row in table.rows]

    assert sampled == ["a1", "b1", "a2"]
    assert everything == ["a1", "b1", "a2", "b2", "a3", "b3"]


def test_notes_on_every_file_are_kept(parts: str, tmp_path: Path) -> None:
    (tmp_path / "part-2.csv").write_text("text, label\na,x\n")

    with open_table(parts) as table:
        list(table.rows)

    assert table.notes == (f"{tmp_path}/part-2.csv:1: spaces around column names removed",)


def test_typed_files_can_be_read_together(tmp_path: Path) -> None:
    for number in (1, 2):
        parquet.write_table(pyarrow.table({"text": [f"t{number}"]}), tmp_path / f"{number}.parquet")

    assert texts_of(str(tmp_path / "*.parquet")) == ["t1", "t2"]


def test_two_stars_go_into_folders(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "1.txt").write_text("deep")
    (tmp_path / "2.txt").write_text("shallow")

    assert texts_of(str(tmp_path / "**" / "*.txt")) == ["shallow", "deep"]


def test_a_file_with_the_very_name_wins(tmp_path: Path) -> None:
    (tmp_path / "a[1].csv").write_text("text\nliteral\n")
    (tmp_path / "a1.csv").write_text("text\npattern\n")

    assert texts_of(str(tmp_path / "a[1].csv")) == ["literal"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("nothing-*.csv", r"nothing-\*\.csv: no file matches"),
        ("*", r"\*: matches \S+/folder, which is a folder"),
        ("[po]*", r"\[po\]\*: matches files of several formats: \.csv \.txt"),
        ("*.xlsx", r"a file named \.xlsx is not read"),
    ],
)
def test_a_pattern_that_cannot_be_read_says_why(parts: str, tmp_path: Path, pattern: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "ours.txt").touch()
    (tmp_path / "table.xlsx").touch()

    with pytest.raises(DataError, match=message) as caught:
        open_table(str(tmp_path / pattern)).__enter__()
    assert caught.value.hint


def test_a_pattern_without_a_match_is_found_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file matches"):
        check_source(str(tmp_path / "*.csv"))


def test_the_extension_of_the_pattern_says_whether_there_is_a_separator() -> None:
    assert is_delimited("data/part-*.csv")
    assert not is_delimited("data/part-*.jsonl")
