"""An image of a data set: where it is, and its pixels when they are needed."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regtune.data.table import kind_of
from regtune.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Picture:
    """path: for people, and where to read it; content: the file's bytes, where the table itself holds them."""

    path: str
    content: bytes | None = field(default=None, repr=False)

    def read(self) -> bytes:
        """The file as it is: PNG, JPEG, … Raises OSError."""
        return Path(self.path).read_bytes() if self.content is None else self.content

    def open(self) -> Image:
        """The decoded image, in colour. Raises OSError when it is not an image."""
        import PIL.Image

        with PIL.Image.open(io.BytesIO(self.read())) as image:
            picture: Image = image.convert("RGB")
            return picture

    @property
    def digest(self) -> str:
        """SHA-256 of the file: two rows with equal images are the same row."""
        return hashlib.sha256(self.read()).hexdigest()


@dataclass(frozen=True, eq=False)
class OpenPicture:
    """An image that is already decoded, where a `Picture` is expected to be opened."""

    image: Image

    def open(self) -> Image:
        return self.image


def read_picture(value: Any, *, where: str, folder: Path) -> Picture | None:
    """The image a cell names: a path relative to `folder`, or the {"bytes", "path"} of an image column; None: empty.

    Raises DataError when it is missing or cannot be decoded.
    """
    if value is None or value == "":
        return None
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        picture = Picture(str(value.get("path") or where), value["bytes"])
    elif isinstance(value, str):
        picture = Picture(str(folder / value.strip()))
    else:
        raise DataError(f"{where} holds {kind_of(value)}, expected the path of an image")
    _check(picture, where=where)
    return picture


def _check(picture: Picture, *, where: str) -> None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(picture.read())) as image:
            image.verify()
    except FileNotFoundError:
        raise DataError(
            f"{where}: there is no image {picture.path}", hint="paths are relative to the folder of the data file"
        ) from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = "it is no image" if isinstance(error, UnidentifiedImageError) else " ".join(str(error).split())[:100]
        raise DataError(f"{where}: the image {picture.path} cannot be read ({reason})") from None
