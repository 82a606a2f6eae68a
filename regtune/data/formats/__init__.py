"""The formats a table can come in. A new one is one file here and one line in FILES or FOLDERS.

Every cell of a delimited file is text; the other formats keep their types. Rows are read one at a time, or in small
batches, so that a source of any length needs the memory of one batch. Nothing here loads pyarrow or datasets before a
file needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from regtune.data.formats.arrow import is_saved_dataset, open_arrow, open_saved_dataset
from regtune.data.formats.base import Opener, Source
from regtune.data.formats.conll import open_conll
from regtune.data.formats.delimited import open_csv, open_tsv
from regtune.data.formats.image_folder import is_image_folder, open_image_folder
from regtune.data.formats.jsonl import open_jsonl
from regtune.data.formats.parquet import open_parquet
from regtune.data.formats.plain_text import open_plain_text

__all__ = ["DELIMITED", "FILES", "FOLDERS", "Opener", "Source", "suffix_of"]

FILES: dict[str, Opener] = {  # by extension; text formats also with .gz behind it
    ".csv": open_csv,
    ".tsv": open_tsv,
    ".jsonl": open_jsonl,
    ".ndjson": open_jsonl,
    ".conll": open_conll,
    ".bio": open_conll,
    ".txt": open_plain_text,
    ".parquet": open_parquet,
    ".arrow": open_arrow,
}
FOLDERS: tuple[tuple[Callable[[Path], bool], Opener], ...] = (  # the first that recognises the folder reads it
    (is_saved_dataset, open_saved_dataset),
    (is_image_folder, open_image_folder),
)
DELIMITED = (".csv", ".tsv")  # the formats that have a separator


def suffix_of(path: Path) -> str:
    """The extension that names the format, in lower case: .csv for both a.CSV and a.csv.gz."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix == ".gz" else suffix
