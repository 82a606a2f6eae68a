"""Open a table by the name a user gives it.

tickets.csv                      a file; formats and extensions: `regtune.data.formats.FILES`
data/part-*.csv                  several files as one table
pets/                            a folder: images, one folder per class, or what `save_to_disk` wrote
hf:owner/name:config@split       a data set of the Hugging Face hub; config and split may be left out if there is one
demo:support                     a set that comes with regtune
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regtune.config.folds import is_fold
from regtune.config.schema import DataSettings
from regtune.data import demo_sets, hub
from regtune.data.fingerprint import fingerprint
from regtune.data.formats import DELIMITED, FILES, FOLDERS, Opener, Source, suffix_of
from regtune.data.globs import files_of, is_glob, open_files
from regtune.data.location import locate
from regtune.data.table import Row, Table
from regtune.errors import DataError

__all__ = [
    "Row",
    "Table",
    "check_source",
    "check_sources",
    "fingerprint",
    "is_delimited",
    "locate",
    "open_table",
]


@contextmanager
def open_table(source: str, *, encoding: str = "utf-8", separator: str | None = None) -> Iterator[Table]:
    """The table behind a source name, open while the block runs. separator None: comma in .csv, tab in .tsv.

    encoding is that of text files; neither applies to demo sets. Raises DataError with file and row for everything that
    is wrong with the data (while rows are read, too), EnvironmentFault for a file or hub that cannot be reached.
    """
    if demo_sets.is_made(source):
        yield demo_sets.make_demo_set(source)
    elif hub.is_hub_source(source):
        yield hub.open_hub_table(source)
    elif is_glob(source):
        opener = _file_opener(files_of(source)[0], name=source)
        with open_files(source, opener, encoding=encoding, separator=separator) as table:
            yield table
    else:
        if source.startswith(demo_sets.PREFIX):
            encoding, separator = "utf-8", None
        with locate(source) as path:
            opener = _folder_opener(path, name=source) if path.is_dir() else _file_opener(path, name=source)
            with opener(Source(path, source, encoding, separator)) as table:
                yield table


def is_delimited(source: str) -> bool:
    """Whether `data.separator` has a meaning for this source."""
    return suffix_of(Path(source)) in DELIMITED and not hub.is_hub_source(source)


def check_source(source: str) -> None:
    """Raise DataError when there is no such file. Of a hub source only the form is checked: no connection is made."""
    if hub.is_hub_source(source):
        hub.parse(source)
    elif is_glob(source):
        files_of(source)
    elif not demo_sets.is_made(source):
        with locate(source):
            pass


def check_sources(settings: DataSettings) -> None:
    """Raise DataError when a file of the `data` section is missing; a share or a fold is no file."""
    for source in (settings.train, settings.validation, settings.test):
        if isinstance(source, str) and not is_fold(source):
            check_source(source)


def _file_opener(path: Path, *, name: str) -> Opener:
    suffix = suffix_of(path)
    if suffix not in FILES:
        hint = "write one JSON object per line and name the file .jsonl" if suffix == ".json" else None
        raise DataError(
            f"{name}: a file named {suffix or 'without extension'} is not read,"
            f" allowed are {' '.join(FILES)}, each also with .gz",
            hint=hint or "rename the file after what it holds",
        )
    return FILES[suffix]


def _folder_opener(path: Path, *, name: str) -> Opener:
    for recognises, opener in FOLDERS:
        if recognises(path):
            return opener
    raise DataError(
        f"{name}: this is a folder, not a file, and holds neither images, one folder per class, nor what"
        " `save_to_disk` writes",
        hint=_folder_hint(path),
    )


def _folder_hint(folder: Path) -> str:
    """Something in the folder that can be read."""
    for path in sorted(folder.iterdir()):
        if suffix_of(path) in FILES or (path.is_dir() and any(recognises(path) for recognises, _ in FOLDERS)):
            return f"name a {'folder' if path.is_dir() else 'file'} in it, e.g. `{path}`"
    return "name a file"
