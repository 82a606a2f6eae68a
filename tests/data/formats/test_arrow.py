"""What `save_to_disk` writes, and single Arrow files."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pytest

from regtune.data.sources import open_table
from regtune.errors import DataError

ROWS = {"text": ["hello there", "go away"], "label": [1, 0]}
FEATURES = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])})
READ = [{"text": "hello there", "label": "pos"}, {"text": "go away", "label": "neg"}]


@pytest.fixture(autouse=True)
def no_progress_bars() -> None:
    datasets.disable_progress_bars()


def rows_of(source: Path) -> list[dict[str, Any]]:
    with open_table(str(source)) as table:
        assert table.columns == ("text", "label")
        return [row.values for row in table.rows]


@pytest.fixture
def split() -> datasets.Dataset:
    return datasets.Dataset.from_dict(ROWS, features=FEATURES)


def test_saved_dataset_is_read_with_the_names_of_its_classes(tmp_path: Path, split: datasets.Dataset) -> None:
    split.save_to_disk(tmp_path / "saved")

    assert rows_of(tmp_path / "saved") == READ


def test_several_shards_are_one_table(tmp_path: Path, split: datasets.Dataset) -> None:
    split.save_to_disk(tmp_path / "saved", num_shards=2)

    assert rows_of(tmp_path / "saved") == READ


def test_a_format_that_was_saved_is_not_applied(tmp_path: Path, split: datasets.Dataset) -> None:
    split.with_format("numpy").save_to_disk(tmp_path / "saved")

    assert rows_of(tmp_path / "saved") == READ


@pytest.fixture
def saved_splits(tmp_path: Path, split: datasets.Dataset) -> Path:
    datasets.DatasetDict(train=split, test=split.select([1])).save_to_disk(tmp_path / "saved")
    return tmp_path / "saved"


def test_a_split_is_named_by_its_folder(saved_splits: Path) -> None:
    assert rows_of(saved_splits / "test") == READ[1:]


def test_a_folder_of_splits_names_them(saved_splits: Path) -> None:
    with pytest.raises(DataError, match="saved: this folder holds 2 splits: `test`, `train`") as caught:
        rows_of(saved_splits)
    assert caught.value.hint == f"name one of them, e.g. `{saved_splits / 'test'}`"


def test_a_folder_of_no_splits_is_refused(saved_splits: Path) -> None:
    for name in ("train", "test"):
        shutil.rmtree(saved_splits / name)

    with pytest.raises(DataError, match="this folder holds 0 splits"):
        rows_of(saved_splits)


def test_a_misspelt_split_names_the_near_one(saved_splits: Path) -> None:
    with pytest.raises(DataError, match="no such file") as caught:
        rows_of(saved_splits / "tran")
    assert caught.value.hint == f"did you mean `{saved_splits / 'train'}`?"


DATA = "data-00000-of-00001.arrow"


def truncate(folder: Path) -> None:
    (folder / DATA).write_bytes((folder / DATA).read_bytes()[:300])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / DATA).unlink(), "is not a whole folder of `save_to_disk`, or it is damaged"),
        (lambda folder: (folder / DATA).write_bytes(b""), "damaged"),
        (truncate, "damaged"),
        (lambda folder: (folder / "dataset_info.json").unlink(), "is not a whole folder"),
        (lambda folder: (folder / "state.json").write_text("{"), "state.json or dataset_info.json is damaged"),
        (lambda folder: (folder / "state.json").write_text("{}"), "state.json or dataset_info.json is damaged"),
        (lambda folder: (folder / "state.json").write_text("[]"), "state.json or dataset_info.json is damaged"),
    ],
    ids=["no data", "empty data", "cut off", "no info", "half a state", "empty state", "list as state"],
)
def test_a_damaged_folder_is_one_line(
    tmp_path: Path, split: datasets.Dataset, damage: Callable[[Path], None], message: str
) -> None:
    folder = tmp_path / "saved"
    split.save_to_disk(folder)
    damage(folder)

    with pytest.raises(DataError, match=message) as caught:
        rows_of(folder)
    assert str(caught.value).startswith(f"{folder}: ")
    assert "\n" not in str(caught.value)


def test_rows_come_out_of_the_mapped_file_and_not_out_of_memory(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    rows = {"text": [f"{number} " * 100 for number in range(20_000)], "label": [0] * 20_000}
    datasets.Dataset.from_dict(rows).save_to_disk(folder)
    before, peak = pyarrow.total_allocated_bytes(), 0

    with open_table(str(folder)) as table:
        for _ in table.rows:
            peak = max(peak, pyarrow.total_allocated_bytes() - before)

    assert (folder / DATA).stat().st_size > 10_000_000
    assert peak < 1_000_000


def write_file(path: Path, table: pyarrow.Table) -> None:
    with pyarrow.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)


def write_stream(path: Path, table: pyarrow.Table) -> None:
    with pyarrow.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


@pytest.mark.parametrize("write", [write_file, write_stream])
def test_a_single_arrow_file_is_read(tmp_path: Path, write: Callable[[Path, pyarrow.Table], None]) -> None:
    write(tmp_path / "a.arrow", pyarrow.table(ROWS, schema=FEATURES.arrow_schema))

    assert rows_of(tmp_path / "a.arrow") == READ


@pytest.mark.parametrize("write", [write_file, write_stream])
def test_an_arrow_file_that_is_cut_off_is_refused(tmp_path: Path, write: Callable[[Path, pyarrow.Table], None]) -> None:
    path = tmp_path / "a.arrow"
    write(path, pyarrow.table(ROWS))
    path.write_bytes(path.read_bytes()[:-250])

    with pytest.raises(DataError, match=r"a\.arrow: this is not .*, or it is damaged"):
        rows_of(path)


def test_another_file_named_arrow_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.arrow").write_text("text,label\na,b\n")

    with pytest.raises(DataError, match=r"a\.arrow: this is not an Arrow file"):
        rows_of(tmp_path / "a.arrow")


def test_offsets_that_point_outside_of_the_file_do_not_end_the_process(tmp_path: Path) -> None:
    """pyarrow writes and reads them unseen; the first touch of the text would be a segmentation fault."""
    offsets = pyarrow.py_buffer(b"".join(number.to_bytes(4, "little") for number in (0, 1 << 30, 4)))
    texts = pyarrow.StringArray.from_buffers(2, offsets, pyarrow.py_buffer(b"abcd"))
    write_stream(tmp_path / "a.arrow", pyarrow.table({"text": texts}))

    with pytest.raises(DataError, match=r"a\.arrow: this is not a readable table, or it is damaged"):
        rows_of(tmp_path / "a.arrow")


def test_a_damaged_note_of_the_datasets_library_is_refused(tmp_path: Path) -> None:
    schema = pyarrow.schema([("text", "string")], metadata={"huggingface": '{"info": {"features": {"text": 7}}}'})
    write_stream(tmp_path / "a.arrow", pyarrow.table({"text": ["a"]}, schema=schema))

    with pytest.raises(DataError, match="what the datasets library wrote about the columns is damaged"):
        rows_of(tmp_path / "a.arrow")
