"""Sets that come with regtune, named `demo:NAME`: files in the folder `demo`, and sets made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from regtune.data.demo_digits import open_digits
from regtune.data.formats import FILES
from regtune.data.table import Table
from regtune.errors import DataError

PREFIX = "demo:"

# By name, what opens a set that is no file. Each imports what it needs inside the function.
MADE: dict[str, Callable[[], Table]] = {"digits": open_digits}


@contextmanager
def demo_file(source: str) -> Iterator[Path]:
    """The file of a demo set, found by its name without extension. Raises DataError naming the sets there are."""
    with resources.as_file(resources.files("regtune.data") / "demo") as folder:
        files = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in FILES}
        name = source.removeprefix(PREFIX)
        if name not in files:
            known = ", ".join(PREFIX + name for name in sorted({*files, *MADE}))
            raise DataError(f"{source}: there is no such demo set", hint=f"known: {known}")
        yield files[name]


def is_made(source: str) -> bool:
    """Whether the source is a demo set without a file."""
    return source.startswith(PREFIX) and source.removeprefix(PREFIX) in MADE


def make_demo_set(source: str) -> Table:
    """The table of a made demo set, under the name the user wrote."""
    table = MADE[source.removeprefix(PREFIX)]()
    table.path = source
    return table
