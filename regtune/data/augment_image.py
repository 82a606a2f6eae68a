"""Changed copies of an image: mirrored, moved, cropped and turned in one step, so that it is resampled only once."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image, ImageStat

LARGEST_ANGLE = 30.0  # degrees, at strength 1: ±3° at 0.1; a 1 that leans further looks like a slash


@dataclass(frozen=True)
class Change:
    """What happens to one image. The defaults change nothing."""

    is_mirrored: bool = False  # left and right
    shift: tuple[float, float] = (0.0, 0.0)  # share of (width, height), positive is right and down
    side: float = 1.0  # share of both sides that the crop keeps, enlarged to the old size
    centre: tuple[float, float] = (0.5, 0.5)  # of the crop, as a share of (width, height)
    degrees: float = 0.0  # about the middle, positive is clockwise


def draw_change(strengths: Mapping[str, float], generator: random.Random) -> Change:
    """One change. strengths: by operation, in [0, 1), absent is 0.

    flip: the probability of mirroring. shift: up to ± this share of each side. crop: keeps at least 1 − this of each
    side, somewhere inside. rotate: up to ± this times 30 degrees. Uniform within these bounds.
    """
    flip, shift, crop, rotate = (strengths.get(name, 0.0) for name in ("flip", "shift", "crop", "rotate"))
    is_mirrored = generator.random() < flip
    side = 1 - generator.uniform(0, crop)
    return Change(
        is_mirrored=is_mirrored,
        side=side,
        shift=(generator.uniform(-shift, shift), generator.uniform(-shift, shift)),
        centre=(generator.uniform(side / 2, 1 - side / 2), generator.uniform(side / 2, 1 - side / 2)),
        degrees=generator.uniform(-rotate, rotate) * LARGEST_ANGLE,
    )


def matrix(change: Change, *, width: int, height: int) -> tuple[float, float, float, float, float, float]:
    """(a, b, c, d, e, f): the new image's point (x, y) shows the old one's (a·x + b·y + c, d·x + e·y + f), in pixels.

    From new to old, as Pillow wants it: about the middle, turn back, shrink to the crop; then move to the crop's centre
    and against the shift; mirror last.
    """
    cosine, sine = math.cos(math.radians(change.degrees)), math.sin(math.radians(change.degrees))
    a, b, d, e = (change.side * value for value in (cosine, sine, -sine, cosine))
    c = (change.centre[0] - change.shift[0]) * width - (a * width + b * height) / 2
    f = (change.centre[1] - change.shift[1]) * height - (d * width + e * height) / 2
    if change.is_mirrored:
        a, b, c = -a, -b, width - c
    return a, b, c, d, e, f


def augment_image(image: Image.Image, change: Change) -> Image.Image:
    """The changed image, same size and mode (L or RGB); the same object where nothing changes.

    What comes into view from outside has the median colour of the old border: white around a digit on white paper.
    """
    if change == Change():
        return image
    return image.transform(
        image.size,
        Image.Transform.AFFINE,
        matrix(change, width=image.width, height=image.height),
        resample=Image.Resampling.BILINEAR,
        fillcolor=border_colour(image),
    )


def border_colour(image: Image.Image) -> tuple[int, ...]:
    """Median of the outermost pixels, one value for each band."""
    border = Image.new("L", image.size, 255)
    border.paste(0, (1, 1, max(1, image.width - 1), max(1, image.height - 1)))
    return tuple(ImageStat.Stat(image, border).median)
