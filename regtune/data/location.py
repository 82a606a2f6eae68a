"""Where a file or folder is that a user named, or which name was probably meant."""

from __future__ import annotations

import difflib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regtune.data import demo_sets
from regtune.errors import DataError, EnvironmentFault


@contextmanager
def locate(source: str) -> Iterator[Path]:
    """The file or folder behind the name of one. Raises DataError if there is none, naming files like it."""
    if source.startswith(demo_sets.PREFIX):
        with demo_sets.demo_file(source) as path:
            yield path
        return
    path = Path(source)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(f"{source}: there is no such file", hint=_near_names(path)) from error
    except (OSError, ValueError) as error:  # no permission, name too long, NUL in the name
        raise EnvironmentFault(f"{source}: cannot be read: {error}") from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise DataError(f"{source}: not a regular file; it must be possible to read it twice")
    yield path


def _near_names(path: Path) -> str:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist"
    names = [file.name for file in path.parent.iterdir()]
    near = difflib.get_close_matches(path.name, names, n=3)
    if not near:
        return "give the path from the folder you are in, or demo:support"
    return "did you mean " + " or ".join(f"`{path.parent / name}`" for name in near) + "?"
