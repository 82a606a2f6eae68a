import math
import random

import pytest
from PIL import Image

from regtune.data.augment_image import LARGEST_ANGLE, Change, augment_image, border_colour, draw_change, matrix

ALL = {"flip": 0.5, "shift": 0.2, "crop": 0.3, "rotate": 0.1}


def image_of(*rows: list[int]) -> Image.Image:
    """A grey image, one list of pixel values a row."""
    image = Image.new("L", (len(rows[0]), len(rows)))
    image.putdata([value for row in rows for value in row])
    return image


def pixels(image: Image.Image) -> list[list[int]]:
    return [[image.getpixel((x, y)) for x in range(image.width)] for y in range(image.height)]


def new_to_old(change: Change, x: float, y: float, *, width: int, height: int) -> tuple[float, float]:
    a, b, c, d, e, f = matrix(change, width=width, height=height)
    return a * x + b * y + c, d * x + e * y + f


def test_no_change_returns_the_same_object() -> None:
    image = image_of([1, 2], [3, 4])

    assert augment_image(image, Change()) is image


def test_strength_zero_draws_no_change() -> None:
    assert draw_change({}, random.Random(0)) == Change()


def test_a_flip_mirrors_left_and_right() -> None:
    flipped = augment_image(image_of([1, 2, 3], [4, 5, 6]), Change(is_mirrored=True))

    assert pixels(flipped) == [[3, 2, 1], [6, 5, 4]]


def test_a_shift_moves_right_and_down_and_fills_with_the_border() -> None:
    image = image_of([9, 9, 9, 9], [9, 1, 2, 9], [9, 3, 4, 9], [9, 9, 9, 9])

    shifted = augment_image(image, Change(shift=(0.25, 0.25)))  # a quarter of 4 pixels: one

    assert pixels(shifted) == [[9, 9, 9, 9], [9, 9, 9, 9], [9, 9, 1, 2], [9, 9, 3, 4]]


def test_a_crop_enlarges_its_window() -> None:
    # Half of both sides of 8 × 4, centre at three quarters: the window is 4 to 8, 2 to 4.
    change = Change(side=0.5, centre=(0.75, 0.75))

    corners = [new_to_old(change, x, y, width=8, height=4) for x, y in [(0, 0), (8, 4)]]

    assert corners == [(4, 2), (8, 4)]


def test_a_rotation_turns_about_the_middle_clockwise() -> None:
    change = Change(degrees=90)

    # On 4 × 4, after a quarter turn clockwise, the top right corner shows what was top left.
    assert new_to_old(change, 4, 0, width=4, height=4) == pytest.approx((0, 0))
    assert new_to_old(change, 2, 2, width=4, height=4) == pytest.approx((2, 2))


def test_a_rotation_keeps_lengths_on_an_image_that_is_not_square() -> None:
    points = [new_to_old(Change(degrees=10), x, y, width=100, height=20) for x, y in [(0, 0), (30, 0)]]

    assert math.dist(*points) == pytest.approx(30)


@pytest.mark.parametrize("seed", range(100))
def test_every_draw_is_within_the_bounds(seed: int) -> None:
    change = draw_change(ALL, random.Random(seed))

    assert max(map(abs, change.shift)) <= 0.2
    assert 0.7 <= change.side <= 1
    assert abs(change.degrees) <= 0.1 * LARGEST_ANGLE == 3
    assert all(change.side / 2 <= middle <= 1 - change.side / 2 for middle in change.centre)  # the window is inside


def test_the_draws_use_the_whole_range() -> None:
    changes = [draw_change(ALL, random.Random(seed)) for seed in range(1000)]

    assert max(change.degrees for change in changes) > 2.9
    assert min(change.degrees for change in changes) < -2.9
    assert min(change.side for change in changes) < 0.71
    assert sum(change.is_mirrored for change in changes) / 1000 == pytest.approx(0.5, abs=0.07)  # 4 standard errors


def test_a_flip_does_not_happen_unless_asked_for() -> None:
    strengths = {"shift": 0.2, "crop": 0.2, "rotate": 0.2}

    assert not any(draw_change(strengths, random.Random(seed)).is_mirrored for seed in range(200))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("size", [(8, 8), (31, 12), (1, 5), (2, 2)])
def test_size_and_mode_stay(mode: str, size: tuple[int, int]) -> None:
    changed = augment_image(Image.new(mode, size, "white"), draw_change(ALL, random.Random(1)))

    assert (changed.size, changed.mode) == (size, mode)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_white_page_stays_white(mode: str) -> None:
    page = Image.new(mode, (20, 10), "white")

    assert augment_image(page, draw_change(ALL, random.Random(2))).tobytes() == page.tobytes()


def test_the_border_colour_is_a_median_and_ignores_the_inside() -> None:
    image = image_of([7, 7, 7, 7], [7, 200, 200, 0], [7, 200, 200, 7], [7, 7, 7, 255])

    assert border_colour(image) == (7,)
