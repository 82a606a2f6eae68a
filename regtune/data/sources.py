"""Open a table by name: CSV, TSV or JSONL, plain or gzipped, or a demo set that comes with regtune.

Rows are read one at a time, so a file of any length needs the memory of one row. A new format is one reader and one
line in FORMATS.
"""

from __future__ import annotations

import difflib
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from regtune.config.schema import DataSettings
from regtune.data.delimited import read_delimited
from regtune.data.jsonl import read_jsonl
from regtune.data.lines import open_lines
from regtune.data.table import Row, Table
from regtune.digest import file_sha256
from regtune.errors import DataError, EnvironmentFault

__all__ = ["Row", "Table", "is_delimited", "locate", "open_table"]

Reader = Callable[[Iterator[str], str, "str | None"], Table]  # (lines, name for messages, separator or None)

FORMATS: dict[str, Reader] = {
    ".csv": lambda lines, name, separator: read_delimited(lines, name=name, separator=separator or ","),
    ".tsv": lambda lines, name, separator: read_delimited(lines, name=name, separator=separator or "\t"),
    ".jsonl": lambda lines, name, _: read_jsonl(lines, name=name),
    ".ndjson": lambda lines, name, _: read_jsonl(lines, name=name),
}
DEMO_PREFIX = "demo:"


@contextmanager
def open_table(source: str, *, encoding: str = "utf-8", separator: str | None = None) -> Iterator[Table]:
    """The table in a file, or `demo:NAME`, open while the block runs. separator None: comma in .csv, tab in .tsv.

    Every cell of a delimited file is text; JSONL keeps its types. encoding and separator do not apply to demo sets.
    Raises DataError with file and line for everything that is wrong with the file (while rows are read, too).
    """
    if source.startswith(DEMO_PREFIX):
        encoding, separator = "utf-8", None
    with locate(source) as path:
        read = _reader(path, name=source)
        with open_lines(path, name=source, encoding=encoding) as lines:
            yield read(lines, source, separator)


def is_delimited(source: str) -> bool:
    """Whether `data.separator` has a meaning for this source."""
    return _suffix(Path(source)) in (".csv", ".tsv")


@contextmanager
def locate(source: str) -> Iterator[Path]:
    """The file behind a source name. Raises DataError if there is none, naming files like it."""
    if source.startswith(DEMO_PREFIX):
        with resources.as_file(resources.files("regtune.data") / "demo") as folder:
            yield _demo_file(folder, source)
        return
    path = Path(source)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(f"{source}: there is no such file", hint=_near_names(path)) from error
    except (OSError, ValueError) as error:  # no permission, name too long, NUL in the name
        raise EnvironmentFault(f"{source}: cannot be read: {error}") from error
    if stat.S_ISDIR(mode):
        raise DataError(f"{source}: this is a folder, not a file", hint=_folder_hint(path))
    if not stat.S_ISREG(mode):
        raise DataError(f"{source}: not a regular file; it must be possible to read it twice")
    yield path


def check_source(source: str) -> None:
    """Raise DataError when there is no such file."""
    with locate(source):
        pass


def check_sources(settings: DataSettings) -> None:
    """Raise DataError when a file of the `data` section is missing; a share of the training rows is no file."""
    for source in (settings.train, settings.validation, settings.test):
        if isinstance(source, str):
            check_source(source)


def fingerprint(source: str) -> dict[str, Any]:
    """What tells later whether the source is still the same: its name, SHA-256 and size in bytes."""
    with locate(source) as path:
        return {"source": source, "sha256": file_sha256(path), "bytes": path.stat().st_size}


def _demo_file(folder: Path, source: str) -> Path:
    path = folder / f"{source.removeprefix(DEMO_PREFIX)}.csv"
    if not path.is_file() or path.parent != folder:
        known = ", ".join(DEMO_PREFIX + file.stem for file in sorted(folder.glob("*.csv")))
        raise DataError(f"{source}: there is no such demo set", hint=f"known: {known}")
    return path


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix == ".gz" else suffix


def _reader(path: Path, *, name: str) -> Reader:
    suffix = _suffix(path)
    if suffix not in FORMATS:
        hint = "write one JSON object per line and name the file .jsonl" if suffix == ".json" else None
        raise DataError(
            f"{name}: a file named {suffix or 'without extension'} is not read,"
            f" allowed are {' '.join(FORMATS)}, each also with .gz",
            hint=hint or "rename the file after what it holds",
        )
    return FORMATS[suffix]


def _near_names(path: Path) -> str:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist"
    names = [file.name for file in path.parent.iterdir() if file.is_file()]
    near = difflib.get_close_matches(path.name, names, n=3)
    if not near:
        return "give the path from the folder you are in, or demo:support"
    return "did you mean " + " or ".join(f"`{path.parent / name}`" for name in near) + "?"


def _folder_hint(folder: Path) -> str:
    files = sorted(file.name for file in folder.iterdir() if _suffix(file) in FORMATS)
    return f"name a file in it, e.g. `{folder / files[0]}`" if files else "name a file"
