"""Parquet files, of pandas, DuckDB, Spark or the datasets library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from regtune.data.disguise import refuse_disguise
from regtune.data.formats.base import Source
from regtune.data.formats.columnar import ROWS_PER_BATCH, damage_is_a_data_error, read_batches
from regtune.data.lines import read_head
from regtune.data.table import Table
from regtune.errors import DataError

MAGIC = b"PAR1"
BUFFER_BYTES = 1 << 16  # column chunks are read in pieces of this size, so that a row group of any length fits


@contextmanager
def open_parquet(source: Source) -> Iterator[Table]:
    """The columns of the file, with their types; see `columnar` for what values become.

    Raises DataError for a file that is no Parquet file or is damaged.
    """
    head = read_head(source.path, name=source.name)
    if not head.startswith(MAGIC):
        refuse_disguise(head, name=source.name)
        raise DataError(f"{source.name}: this is not a Parquet file (its first bytes are not PAR1)")

    from pyarrow.parquet import ParquetFile

    with damage_is_a_data_error(source.name, "a Parquet file"):
        file = ParquetFile(source.path, buffer_size=BUFFER_BYTES, pre_buffer=False)
    with file:
        batches = file.iter_batches(batch_size=ROWS_PER_BATCH, use_threads=False)
        yield read_batches(batches, schema=file.schema_arrow, features=None, name=source.name)
