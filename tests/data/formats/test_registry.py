"""What holds for every format in the registry."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pytest
from pyarrow import parquet

from regtune.data.formats import DELIMITED, FILES, suffix_of
from regtune.data.sources import open_table
from regtune.errors import DataError

ROWS = [("hello there", "pos"), ("go away", "neg"), ("well done", "pos"), ("oh no", "neg")]
TABLE = pyarrow.table({"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]})
DELIMITED_ROWS = "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)
JSON_ROWS = "".join(f'{{"text": "{text}", "label": "{label}"}}\n' for text, label in ROWS)
TAGGED_ROWS = "".join(text.replace(" ", f" {label}\n") + f" {label}\n\n" for text, label in ROWS)


def as_parquet() -> bytes:
    stream = io.BytesIO()
    parquet.write_table(TABLE, stream)
    return stream.getvalue()


def as_arrow() -> bytes:
    stream = io.BytesIO()
    with pyarrow.ipc.new_stream(stream, TABLE.schema) as writer:
        writer.write_table(TABLE)
    return stream.getvalue()


SAMPLES: dict[str, bytes] = {  # ROWS in every format
    ".csv": DELIMITED_ROWS.encode(),
    ".tsv": DELIMITED_ROWS.replace(",", "\t").encode(),
    ".jsonl": JSON_ROWS.encode(),
    ".ndjson": JSON_ROWS.encode(),
    ".conll": TAGGED_ROWS.encode(),
    ".bio": TAGGED_ROWS.encode(),
    ".txt": "\n".join(text for text, _ in ROWS).encode(),
    ".parquet": as_parquet(),
    ".arrow": as_arrow(),
}
COMPRESSED_INSIDE = (".parquet", ".arrow")


def write(folder: Path, suffix: str, content: bytes) -> str:
    path = folder / f"a{suffix}"
    path.write_bytes(content)
    return str(path)


def rows_of(source: str) -> list[Any]:
    with open_table(source) as table:
        return list(table.rows)


def test_every_format_has_a_sample() -> None:
    assert set(SAMPLES) == set(FILES)
    assert set(DELIMITED) < set(FILES)


@pytest.mark.parametrize("suffix", FILES)
def test_rows_come_in_order_with_all_columns_and_rising_numbers(tmp_path: Path, suffix: str) -> None:
    with open_table(write(tmp_path, suffix, SAMPLES[suffix])) as table:
        rows = list(table.rows)

    assert len(rows) == len(ROWS)
    assert all(set(row.values) == set(table.columns) for row in rows)
    assert [row.line for row in rows] == sorted({row.line for row in rows})


@pytest.mark.parametrize("suffix", FILES)
@pytest.mark.parametrize(
    "content", [b"", b"<!DOCTYPE html>\n<html>", b"PK\x03\x04", b"version https://git-lfs.github.com/spec/v1"]
)
def test_what_is_no_such_file_is_one_line_with_its_name(tmp_path: Path, suffix: str, content: bytes) -> None:
    source = write(tmp_path, suffix, content)

    with pytest.raises(DataError) as caught:
        rows_of(source)
    assert str(caught.value).startswith(source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [suffix for suffix in FILES if suffix not in COMPRESSED_INSIDE])
def test_text_formats_are_read_through_gzip(tmp_path: Path, suffix: str) -> None:
    plain = rows_of(write(tmp_path, suffix, SAMPLES[suffix]))

    assert rows_of(write(tmp_path, f"{suffix}.gz", gzip.compress(SAMPLES[suffix]))) == plain


@pytest.mark.parametrize("suffix", COMPRESSED_INSIDE)
def test_formats_that_are_compressed_inside_are_not(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(DataError, match=r"\.gz: this is compressed with gzip") as caught:
        rows_of(write(tmp_path, f"{suffix}.gz", gzip.compress(SAMPLES[suffix])))
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("unpack it first")


@pytest.mark.parametrize("suffix", [suffix for suffix in FILES if suffix not in (".conll", ".bio", ".txt")])
def test_labelled_rows_can_be_trained_on(read: Callable[..., Any], suffix: str) -> None:
    assert read(f"a{suffix}", SAMPLES[suffix]).pairs == ROWS


def test_a_saved_dataset_can_be_trained_on(read: Callable[..., Any], tmp_path: Path) -> None:
    datasets.disable_progress_bars()
    datasets.Dataset(TABLE).save_to_disk(tmp_path / "saved")

    assert read("saved", None).pairs == ROWS


def test_several_files_can_be_trained_on(read: Callable[..., Any], tmp_path: Path) -> None:
    for number, (text, label) in enumerate(ROWS):
        (tmp_path / f"part-{number}.csv").write_text(f"text,label\n{text},{label}\n")

    assert sorted(read("part-?.csv", None).pairs) == sorted(ROWS)


def test_a_fault_in_a_parquet_file_names_its_row(read: Callable[..., Any], tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"text": ["a", "b", None], "label": ["x", "y", "x"]}), tmp_path / "a.parquet")

    with pytest.raises(DataError, match=r"a\.parquet:3: 1 row without text"):
        read("a.parquet", None)


def test_an_image_folder_of_one_class_is_refused(read: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    for number in range(3):
        (tmp_path / "pets" / "cat" / f"{number}.png").touch()

    with pytest.raises(DataError, match="one class only, `cat`, in 3 rows"):
        read("pets", None, text="image")


@pytest.mark.parametrize(
    ("name", "suffix"), [("a.csv", ".csv"), ("a.CSV.gz", ".csv"), ("a.b.Parquet", ".parquet"), ("a", ""), ("a.gz", "")]
)
def test_the_extension_under_gz_names_the_format(name: str, suffix: str) -> None:
    assert suffix_of(Path(name)) == suffix
