"""`demo:digits`: 1,797 scanned handwritten digits, the real image set that comes with scikit-learn.

8 × 8 grey pixels each, 10 classes of 174 to 183 images. The first 1,797 of the 5,620 images of "Optical Recognition of
Handwritten Digits" (its test part, 13 writers); E. Alpaydin and C. Kaynak 1998, UCI Machine Learning Repository,
https://doi.org/10.24432/C50P49, CC BY 4.0. scikit-learn's copy is read in place: nothing is downloaded or shipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING

from regtune.data.table import Row, Table
from regtune.errors import EnvironmentFault

if TYPE_CHECKING:
    import numpy as np

SOURCE = "demo:digits"
LARGEST_PIXEL = 16  # the set's pixels count the dark points, 0 to 16, of 4 × 4 in the scan


def open_digits() -> Table:
    """The digits as a table in the order of scikit-learn, the same at every call.

    image: {"bytes": a PNG of 8 × 8 pixels, 8-bit grey, ink white on black, "path": "digits/0001.png"}; enlarging and
    colour channels are the image processor's part. label: "0" to "9". `line` counts images from 1.
    Raises EnvironmentFault when scikit-learn or Pillow is not installed.
    """
    try:
        import PIL.Image  # noqa: F401
        from sklearn.datasets import load_digits  # type: ignore[import-untyped]
    except ImportError as error:
        raise EnvironmentFault(
            f"{SOURCE} needs scikit-learn and pillow, and {error.name} is not installed",
            hint="pip install scikit-learn pillow",
        ) from error
    digits = load_digits()
    return Table(SOURCE, ("image", "label"), _rows(digits.images, digits.target))


def _rows(images: np.ndarray, labels: np.ndarray) -> Iterator[Row]:
    """images: (rows, 8, 8), 0 to 16. labels: (rows,), 0 to 9."""
    for number, (image, label) in enumerate(zip(images, labels, strict=True), start=1):
        yield Row(number, {"image": {"bytes": _png(image), "path": f"digits/{number:04}.png"}, "label": str(label)})


def _png(image: np.ndarray) -> bytes:
    """image: (8, 8), 0 to 16 → PNG, 0 to 255."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray((image * (255 / LARGEST_PIXEL)).round().astype("uint8")).save(buffer, format="PNG")
    return buffer.getvalue()
