import pytest

from regtune.reporting.columns import caption, cell_line, fit_columns, header_line, make_columns, table_width
from regtune.reporting.rows import rows_of

COLUMNS = make_columns(headline="macro_f1", steps=640, epochs=20)


def test_all_columns_fill_eighty_characters():
    assert table_width(COLUMNS) == 80


@pytest.mark.parametrize(
    ("width", "headers"),
    [
        (80, "epoch step train val gap macro_f1 lr patience note"),
        (79, "epoch step train val gap macro_f1 patience note"),
        (70, "epoch train val gap macro_f1 patience note"),
        (60, "epoch train val gap macro_f1 patience"),
        (45, "epoch train val gap macro_f1"),
        (40, "train val gap macro_f1"),
    ],
)
def test_narrow_screens_drop_the_least_telling_columns_first(width, headers):
    fitting = fit_columns(COLUMNS, width=width)

    assert " ".join(header_line(fitting).split()) == headers
    assert table_width(fitting) <= width


@pytest.mark.parametrize("headline", ["f", "accuracy", "mean_absolute_percentage_error"])
def test_every_headline_fits_into_forty_characters(headline):
    columns = make_columns(headline=headline, steps=1_000_000, epochs=100_000)

    assert table_width(fit_columns(columns, width=40)) <= 40


def test_a_note_cut_short_keeps_its_sign(history):
    row = rows_of(history, headline="macro_f1", patience=3)[2]

    assert cell_line(fit_columns(COLUMNS, width=40), row.cells) == "0.3312  0.5881  +0.2569    0.7411  ★"


def test_cells_stand_under_their_headers(history):
    row = rows_of(history, headline="macro_f1", patience=3)[2]

    assert header_line(COLUMNS) == "epoch  step   train     val      gap  macro_f1       lr  patience  note"
    assert cell_line(COLUMNS, row.cells) == " 3.00    96  0.3312  0.5881  +0.2569    0.7411  4.5e-05       0/3  ★ best"


@pytest.mark.parametrize("width", [40, 62, 80])
def test_the_caption_fits(width):
    assert len(caption(width)) <= width
