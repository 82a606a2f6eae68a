"""An image folder: one folder per class, named after it, with the images of that class in it.

pets/cat/1.jpg
pets/cat/2.jpg
pets/dog/7.png
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regtune.data.formats.base import Source
from regtune.data.table import Row, Table
from regtune.errors import DataError, EnvironmentFault

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
SYSTEM_FILES = ("Thumbs.db", "desktop.ini")  # left by file managers, as are names that start with a dot
LAYOUT = "one folder per class with its images in it, and nothing else"


def is_image_folder(folder: Path) -> bool:
    """Whether there is an image in the folder or in one of its folders."""
    return any(_is_image(path) for pattern in ("*", "*/*") for path in folder.glob(pattern))


@contextmanager
def open_image_folder(source: Source) -> Iterator[Table]:
    """Columns `image`, the path relative to the folder that holds this one, and `label`, the name of the class folder.

    Rows are sorted by class, then by file name; row numbers count them from 1. The images are not opened. Raises
    DataError for files beside the class folders, for a class folder that holds something else or nothing, and
    EnvironmentFault for a folder that may not be read.
    """
    classes = _contents(source.path, name=source.name)
    for path in classes:
        if not path.is_dir():
            raise DataError(f"{Path(source.name) / path.name}: a file beside the class folders", hint=f"keep {LAYOUT}")
    images = (image for folder in classes for image in _images(folder, name=str(Path(source.name) / folder.name)))
    rows = (
        Row(number, {"image": image.relative_to(source.path.parent).as_posix(), "label": image.parent.name})
        for number, image in enumerate(images, start=1)
    )
    yield Table(source.name, ("image", "label"), rows)


def _images(folder: Path, *, name: str) -> list[Path]:
    images = _contents(folder, name=name)
    if not images:
        raise DataError(f"{name}: no images in this class folder", hint="fill or remove the folder")
    for path in images:
        if not _is_image(path):
            what = "a folder inside a class folder" if path.is_dir() else "not an image"
            raise DataError(
                f"{name}/{path.name}: {what}; images end in {' '.join(IMAGE_SUFFIXES)}", hint=f"keep {LAYOUT}"
            )
    return images


def _contents(folder: Path, *, name: str) -> list[Path]:
    try:
        return sorted(
            path for path in folder.iterdir() if not path.name.startswith(".") and path.name not in SYSTEM_FILES
        )
    except OSError as error:
        raise EnvironmentFault(f"{name}: cannot be read: {error.strerror}") from error


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
