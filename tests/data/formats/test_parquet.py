"""Parquet files: types, names of classes, damage."""

import datetime
import decimal
import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pytest
from pyarrow import parquet

from regtune.data.sources import open_table
from regtune.errors import DataError


def rows_of(path: Path) -> list[dict[str, Any]]:
    with open_table(str(path)) as table:
        return [row.values for row in table.rows]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.parquet"


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (["a", None], ["a", None]),
        ([1, 2], [1, 2]),
        ([0.5, float("nan")], [0.5, None]),
        ([True, False], [True, False]),
        ([["a", "b"], []], [["a", "b"], []]),
        ([{"x": 1.5}, {"x": float("nan")}], [{"x": 1.5}, {"x": None}]),
        ([b"\0\1", None], [b"\0\1", None]),
        ([datetime.date(2024, 1, 5), None], ["2024-01-05", None]),
        ([datetime.datetime(2024, 1, 5, 12), None], ["2024-01-05T12:00:00", None]),
        ([decimal.Decimal("1.50"), None], ["1.50", None]),
        (pyarrow.array(["x", "y"]).dictionary_encode(), ["x", "y"]),
    ],
    ids=["text", "int", "float", "bool", "list", "object", "bytes", "date", "time", "decimal", "category"],
)
def test_values_come_as_json_has_them(path: Path, column: Any, values: list[Any]) -> None:
    parquet.write_table(pyarrow.table({"a": column}), path)

    assert [row["a"] for row in rows_of(path)] == values


def test_rows_are_counted_from_one(path: Path) -> None:
    parquet.write_table(pyarrow.table({"n": list(range(300))}), path)

    with open_table(str(path)) as table:
        assert all(row.line == row.values["n"] + 1 for row in table.rows)


FEATURES = datasets.Features(
    {
        "label": datasets.ClassLabel(names=["no", "yes"]),
        "tags": datasets.List(datasets.ClassLabel(names=["O", "B"])),
        "image": datasets.Image(),
        "grid": datasets.Array2D(shape=(1, 2), dtype="int32"),
        "inner": {"label": datasets.ClassLabel(names=["a", "b"])},
    }
)
PICTURE = {"bytes": b"\x89PNG", "path": "1.png"}


@pytest.fixture
def typed(path: Path) -> Path:
    """Written by the datasets library, with what its columns mean."""
    rows = {
        "label": [1, -1, None],
        "tags": [[0, 1], [], None],
        "image": [PICTURE, {"bytes": None, "path": "2.png"}, None],
        "grid": [[[1, 2]]] * 3,
        "inner": [{"label": 1}, {"label": 0}, {"label": None}],
    }
    columns = [FEATURES.arrow_schema.field(name).type for name in rows]
    arrays = [
        pyarrow.ExtensionArray.from_storage(kind, pyarrow.array(values, kind.storage_type))
        if isinstance(kind, pyarrow.ExtensionType)
        else pyarrow.array(values, kind)
        for kind, values in zip(columns, rows.values(), strict=True)
    ]
    table = pyarrow.Table.from_arrays(arrays, schema=FEATURES.arrow_schema)
    parquet.write_table(table, path)
    return path


def test_class_indices_become_names_and_unknown_null(typed: Path) -> None:
    assert [row["label"] for row in rows_of(typed)] == ["yes", None, None]


def test_class_indices_in_lists_and_objects_become_names(typed: Path) -> None:
    rows = rows_of(typed)

    assert [row["tags"] for row in rows] == [["O", "B"], [], None]
    assert [row["inner"] for row in rows] == [{"label": "b"}, {"label": "a"}, {"label": None}]


def test_an_image_is_its_path_or_its_bytes(typed: Path) -> None:
    assert [row["image"] for row in rows_of(typed)] == [PICTURE, "2.png", None]


def test_arrays_are_lists(typed: Path) -> None:
    assert rows_of(typed)[0]["grid"] == [[1, 2]]


def test_a_class_without_a_name_is_refused(path: Path) -> None:
    schema = datasets.Features({"label": datasets.ClassLabel(names=["no", "yes"])}).arrow_schema
    parquet.write_table(pyarrow.table({"label": [0, 2]}, schema=schema), path)

    with pytest.raises(DataError, match=r"a\.parquet:2: column `label` holds class 2, and names are given for 0 to 1"):
        rows_of(path)


def whole_file() -> bytes:
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table({"text": [os.urandom(40).hex() for _ in range(2000)]}), sink)
    return bytes(sink.getvalue())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: b"", "not a Parquet file"),
        (lambda content: b"text,label\na,b\n", r"not a Parquet file \(its first bytes are not PAR1\)"),
        (lambda content: b"<html>", "an HTML page"),
        (lambda content: b"version https://git-lfs.github.com/spec/v1\n", "git-lfs pointer"),
        (gzip.compress, "compressed with gzip"),
        (lambda content: content[: len(content) // 2], "not a Parquet file, or it is damaged"),
        (lambda content: content[:4], "not a Parquet file, or it is damaged"),
        (lambda content: content[:100] + b"\xff" * 5000 + content[5100:], "not a readable table, or it is damaged"),
        (lambda content: content[:-200] + b"\0" * 100 + content[-100:], "damaged"),
    ],
    ids=["empty", "csv", "html", "lfs", "gzip", "half", "magic only", "pages overwritten", "footer overwritten"],
)
def test_what_is_no_parquet_file_is_one_line(path: Path, damage: Callable[[bytes], bytes], message: str) -> None:
    path.write_bytes(damage(whole_file()))

    with pytest.raises(DataError, match=message) as caught:
        rows_of(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_table_without_rows_is_refused(path: Path) -> None:
    parquet.write_table(pyarrow.table({"text": pyarrow.array([], "string")}), path)

    with pytest.raises(DataError, match=r"a\.parquet: the file has columns and no rows"):
        rows_of(path)


def test_a_column_that_stands_twice_is_refused(path: Path) -> None:
    parquet.write_table(pyarrow.table([["a"], ["b"]], names=["text", "text"]), path)

    with pytest.raises(DataError, match="column `text` is there twice"):
        rows_of(path)


def test_a_text_with_a_nul_character_is_refused(path: Path) -> None:
    parquet.write_table(pyarrow.table({"text": ["ok", "a\0b"]}), path)

    with pytest.raises(DataError, match=r"a\.parquet:2: column `text` holds a NUL character"):
        rows_of(path)


def test_a_text_of_more_than_a_million_characters_is_refused(path: Path) -> None:
    parquet.write_table(pyarrow.table({"text": ["ok", "x" * 1_000_001]}), path)

    with pytest.raises(DataError, match=r"a\.parquet:2: column `text` is longer than 1,000,000 characters"):
        rows_of(path)


def test_memory_is_that_of_a_batch_and_not_of_a_row_group(path: Path) -> None:
    texts = [os.urandom(500).hex() for _ in range(20_000)]  # 20 MB that do not pack, in one row group
    parquet.write_table(pyarrow.table({"text": texts}), path, use_dictionary=False, compression="none")
    del texts
    before, peak = pyarrow.total_allocated_bytes(), 0

    with open_table(str(path)) as table:
        for _ in table.rows:
            peak = max(peak, pyarrow.total_allocated_bytes() - before)

    assert 0 < peak < 4_000_000
