"""What every format gets, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from regtune.data.table import Table


@dataclass(frozen=True)
class Source:
    """A file or folder that exists. name: as the user wrote it, for messages. encoding: of text files.

    separator: between the columns of delimited files; None: the format's own.
    """

    path: Path
    name: str
    encoding: str = "utf-8"
    separator: str | None = None


# Opens a source; the table can be read while the block runs. Raises DataError with file and row for what is wrong,
# while rows are read, too.
Opener = Callable[[Source], AbstractContextManager[Table]]
