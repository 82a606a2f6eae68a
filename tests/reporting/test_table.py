import math
from dataclasses import replace

import pytest

from regtune.history import History
from regtune.reporting.table import (
    TableFacts,
    caption,
    cell_line,
    columns_of,
    fit_columns,
    header_line,
    rows_of,
    table_width,
)

FACTS = TableFacts(
    headline="macro_f1",
    patience=3,
    steps=640,
    epochs=20,
    validation_rows=128,
    chance_loss=math.log(3),
    loss_unit="nats per row",
)
COLUMNS = columns_of(FACTS)


def notes(history, **changes):
    return [row.cells["note"] for row in rows_of(history, replace(FACTS, **changes))]


def test_a_row_has_every_cell(history):
    assert rows_of(history, FACTS)[4].cells == {
        "epoch": "5.00",
        "step": "160",
        "train": "0.0612",
        "val": "0.6570",
        "gap": "+0.5958",
        "metric": "0.7402",
        "lr": "4.0e-05",
        "patience": "2/3",
        "note": "⚠ overfitting",
    }


def test_notes_tell_the_story_of_the_run(history):
    """Lowest 0.5881; noise on 128 rows 0.5881/√128 = 0.0520; the fourth rose by 0.0082, the fifth by 0.0689."""
    assert notes(history) == ["★ best", "★ best", "★ best", "", "⚠ overfitting", "■ stop"]


def test_a_rise_too_small_to_matter_has_no_sign(history):
    """0.0082 is below 0.01 · ln 3 = 0.0110, however many rows say so."""
    assert notes(history, validation_rows=1_000_000)[3] == ""


def test_fewer_validation_rows_explain_a_larger_rise(history):
    assert notes(history, validation_rows=64)[4] == ""  # 0.5881/√64 = 0.0735


def test_validation_rising_with_train_is_not_overfitting(history):
    evaluations = list(history)
    evaluations[4] = replace(evaluations[4], train_loss=evaluations[2].train_loss + 0.1)

    assert notes(History(evaluations))[4] == ""


def test_patience_off_is_a_dash(history):
    assert rows_of(history, replace(FACTS, patience=None))[0].cells["patience"] == "-"


def test_a_loss_that_is_not_a_number_is_shown_as_nan(history):
    broken = replace(history.evaluations[3], validation_loss=math.nan)

    row = rows_of(History([*history.evaluations[:3], broken]), FACTS)[-1]

    assert (row.cells["val"], row.cells["gap"], row.cells["note"]) == ("nan", "nan", "")


def test_no_evaluation_is_no_row():
    assert rows_of(History(), FACTS) == []


def test_a_plan_and_its_run_give_the_same_facts(plan, run):
    assert TableFacts.of_plan(plan) == TableFacts.of_run(run.facts) == FACTS


def test_all_columns_fill_eighty_characters():
    assert table_width(COLUMNS) == 80


@pytest.mark.parametrize(
    ("width", "headers"),
    [
        (80, "epoch step train val gap macro_f1 lr patience note"),
        (79, "epoch step train val gap macro_f1 patience note"),
        (70, "epoch train val gap macro_f1 patience note"),
        (60, "epoch train val gap macro_f1 patience"),
        (45, "epoch train val gap patience"),
        (40, "epoch train val gap"),
    ],
)
def test_narrow_screens_drop_the_least_telling_columns_first(width, headers):
    fitting = fit_columns(COLUMNS, width=width)

    assert " ".join(header_line(fitting).split()) == headers
    assert table_width(fitting) <= width


@pytest.mark.parametrize("headline", ["f", "accuracy", "mean_absolute_percentage_error"])
def test_every_headline_fits_into_forty_characters(headline):
    columns = columns_of(replace(FACTS, headline=headline, steps=1_000_000, epochs=100_000))

    assert table_width(fit_columns(columns, width=40)) <= 40


def test_a_note_cut_short_keeps_its_sign(history):
    row = rows_of(history, FACTS)[2]

    assert cell_line(fit_columns(COLUMNS, width=40), row.cells) == " 3.00  0.3312  0.5881  +0.2569  ★"


def test_cells_stand_under_their_headers(history):
    row = rows_of(history, FACTS)[2]

    assert header_line(COLUMNS) == "epoch  step   train     val      gap  macro_f1       lr  patience  note"
    assert cell_line(COLUMNS, row.cells) == " 3.00    96  0.3312  0.5881  +0.2569    0.7411  4.5e-05       0/3  ★ best"


@pytest.mark.parametrize("width", [40, 62, 80])
def test_the_caption_fits(width):
    assert len(caption(FACTS, width=width)) <= width
