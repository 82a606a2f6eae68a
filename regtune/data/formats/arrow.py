"""Arrow: the folder that `Dataset.save_to_disk` of the datasets library writes, and single .arrow files.

A `DatasetDict` is a folder with one such folder per split; the source names the split's folder, e.g. `my_data/train`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from regtune.data.disguise import refuse_disguise
from regtune.data.formats.base import Source
from regtune.data.formats.columnar import ROWS_PER_BATCH, damage_is_a_data_error, read_batches
from regtune.data.lines import read_head
from regtune.data.table import Table
from regtune.errors import DataError

if TYPE_CHECKING:
    import datasets
    import pyarrow

FILE_MAGIC = b"ARROW1"
STREAM_MAGIC = b"\xff\xff\xff\xff"  # the form the datasets library writes
STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"


def is_saved_dataset(folder: Path) -> bool:
    """Whether the folder was written by `save_to_disk`."""
    return any((folder / name).is_file() for name in (STATE, SPLITS))


@contextmanager
def open_saved_dataset(source: Source) -> Iterator[Table]:
    """The rows of one saved split. Raises DataError for a folder of several splits, and for a damaged one."""
    folder = source.path
    if (folder / SPLITS).is_file() and not (folder / STATE).is_file():
        splits = sorted(path.parent.name for path in folder.glob(f"*/{STATE}"))
        raise DataError(
            f"{source.name}: this folder holds {len(splits)} splits: {', '.join(f'`{split}`' for split in splits)}",
            hint=f"name one of them, e.g. `{Path(source.name) / splits[0]}`" if splits else "save it again",
        )

    import datasets

    try:
        with damage_is_a_data_error(source.name, "a whole folder of `save_to_disk`"):
            dataset = datasets.Dataset.load_from_disk(folder)
    except (KeyError, TypeError, ValueError) as error:  # the JSON files beside the data
        raise DataError(
            f"{source.name}: {STATE} or {INFO} is damaged ({type(error).__name__}: {error})", hint="save it again"
        ) from error
    yield dataset_table(dataset, name=source.name)


def dataset_table(dataset: datasets.Dataset, *, name: str) -> Table:
    """The rows of a data set of the datasets library; its files are memory-mapped, not read."""
    batches = dataset.with_format("arrow").iter(batch_size=ROWS_PER_BATCH)
    return read_batches(batches, schema=dataset.data.schema, features=dataset.features, name=name)


@contextmanager
def open_arrow(source: Source) -> Iterator[Table]:
    """The rows of a single Arrow file, in the file or the stream form. Raises DataError for anything else."""
    head = read_head(source.path, name=source.name)
    if not head.startswith((FILE_MAGIC, STREAM_MAGIC)):
        refuse_disguise(head, name=source.name)
        raise DataError(f"{source.name}: this is not an Arrow file (known by its first bytes)")

    import pyarrow

    with pyarrow.memory_map(str(source.path)) as memory:
        with damage_is_a_data_error(source.name, "an Arrow file"):
            stream = head.startswith(STREAM_MAGIC)
            reader = pyarrow.ipc.open_stream(memory) if stream else pyarrow.ipc.open_file(memory)
        yield read_batches(_batches(reader), schema=reader.schema, features=None, name=source.name)


def _batches(reader: pyarrow.RecordBatchReader | pyarrow.RecordBatchFileReader) -> Iterator[pyarrow.RecordBatch]:
    """The batches of the file in slices that are small in memory once they are Python values."""
    import pyarrow

    stored = (
        (reader.get_batch(number) for number in range(reader.num_record_batches))
        if isinstance(reader, pyarrow.RecordBatchFileReader)
        else reader
    )
    for batch in stored:
        for start in range(0, batch.num_rows, ROWS_PER_BATCH):
            yield batch.slice(start, ROWS_PER_BATCH)
