"""Opening tables: names, streaming, limits."""

import csv
import gzip
import tracemalloc
from pathlib import Path

import pytest

from regtune.data import lines
from regtune.data.sources import open_table
from regtune.errors import ConfigError, DataError, EnvironmentFault


def count_rows(path: Path) -> int:
    with open_table(str(path)) as table:
        return sum(1 for _ in table.rows)


def test_demo_set_is_read_by_name() -> None:
    with open_table("demo:support", encoding="latin-1", separator=";") as table:
        assert table.columns == ("text", "label")
        assert sum(1 for _ in table.rows) >= 640


@pytest.mark.parametrize("source", ["demo:suport", "demo:../secret", "demo:"])
def test_unknown_demo_set_names_the_known(source: str) -> None:
    with pytest.raises(DataError, match="no such demo set") as caught, open_table(source):
        pass
    assert caught.value.hint is not None
    assert "demo:support" in caught.value.hint


def test_missing_file_names_the_near_one(tmp_path: Path) -> None:
    (tmp_path / "tickets.csv").write_text("text,label\na,b\n")

    with pytest.raises(DataError, match=r"ticket\.csv: there is no such file") as caught:
        open_table(str(tmp_path / "ticket.csv")).__enter__()
    assert caught.value.hint == f"did you mean `{tmp_path / 'tickets.csv'}`?"


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught, open_table(str(tmp_path / "no" / "a.csv")):
        pass
    assert caught.value.hint == f"the folder {tmp_path / 'no'} does not exist"


def test_folder_is_refused_and_a_file_in_it_named(tmp_path: Path) -> None:
    (tmp_path / "train.csv").touch()

    with pytest.raises(DataError, match="this is a folder") as caught, open_table(str(tmp_path)):
        pass
    assert caught.value.hint == f"name a file in it, e.g. `{tmp_path / 'train.csv'}`"


def test_file_that_may_not_be_read_is_an_environment_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.touch()

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)

    with pytest.raises(EnvironmentFault, match="cannot be read: Permission denied"), open_table(str(path)):
        pass


@pytest.mark.parametrize("source", ["a" * 5000 + ".csv", "a\0.csv"])
def test_name_no_file_can_have_is_an_environment_fault(source: str) -> None:
    with pytest.raises(EnvironmentFault, match="cannot be read"):
        open_table(source).__enter__()


@pytest.mark.parametrize("encoding", ["utf-9", "base64", ""])
def test_unknown_encoding_is_a_config_error(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_text("a,b\nc,d\n")

    with pytest.raises(ConfigError, match=r"data\.encoding"):
        open_table(str(tmp_path / "a.csv"), encoding=encoding).__enter__()


@pytest.mark.parametrize("separator", ['"', "\n"])
def test_separator_that_cannot_separate_is_a_config_error(tmp_path: Path, separator: str) -> None:
    (tmp_path / "a.csv").write_text("a,b\nc,d\n")

    with pytest.raises(ConfigError, match=r"data\.separator"):
        open_table(str(tmp_path / "a.csv"), separator=separator).__enter__()


def test_rows_are_streamed_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + ("x" * 200 + ",a\n") * 20_000)  # 4 MB
    tracemalloc.start()

    count = count_rows(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 20_000
    assert peak_bytes < 500_000


def test_sampled_rows_are_given_again(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na,x\nb,x\nc,y\n")

    with open_table(str(tmp_path / "a.csv")) as table:
        sample = table.sample(2)
        rows = list(table.rows)

    assert [row.values["text"] for row in sample] == ["a", "b"]
    assert [row.values["text"] for row in rows] == ["a", "b", "c"]


def test_gzip_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_UNPACKED_BYTES", 100_000)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + b"a,b\n" * 100_000))

    with pytest.raises(DataError, match="unpacks to more than 100,000 bytes"):
        count_rows(path)


def test_long_texts_are_read_whatever_the_field_limit_was(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n" + "x" * 900_000 + ",a\n")
    before = csv.field_size_limit(1000)

    try:
        with open_table(str(tmp_path / "a.csv")) as table:
            length = len(next(table.rows).values["text"])
    finally:
        csv.field_size_limit(before)

    assert length == 900_000


def test_bad_byte_far_into_the_file_is_located(tmp_path: Path) -> None:
    good = "naïve,a\n" * 5_000  # 9 bytes a line; characters straddle the blocks that are read
    (tmp_path / "a.csv").write_bytes(b"text,label\n" + good.encode() + b"\xff,b\n")

    with pytest.raises(DataError, match=r"a\.csv:5002: byte 0xff at offset 45011 "):
        count_rows(tmp_path / "a.csv")
