import math
from dataclasses import replace

from regtune.history import History
from regtune.reporting.rows import is_overfitting, row_of, rows_of


def test_a_row_has_every_cell(history):
    row = rows_of(history, headline="macro_f1", patience=3)[3]

    assert row.cells == {
        "epoch": "4.00",
        "step": "128",
        "train": "0.1478",
        "val": "0.5963",
        "gap": "+0.4485",
        "metric": "0.7533",
        "lr": "4.3e-05",
        "patience": "1/3",
        "note": "⚠ overfitting",
    }


def test_notes_tell_the_story_of_the_run(history):
    notes = [row.cells["note"] for row in rows_of(history, headline="macro_f1", patience=3)]

    assert notes == ["★ best", "★ best", "★ best", "⚠ overfitting", "⚠ overfitting", "■ stop"]


def test_patience_off_is_a_dash(history):
    assert rows_of(history, headline="macro_f1", patience=None)[0].cells["patience"] == "-"


def test_validation_rising_with_train_is_not_overfitting(history):
    best = history.evaluations[2]
    worse = replace(history.evaluations[3], train_loss=best.train_loss + 0.1)

    assert not is_overfitting(worse, best=best)


def test_a_loss_that_is_not_a_number_is_shown_as_nan(history):
    broken = replace(history.evaluations[3], validation_loss=math.nan)

    row = row_of(broken, best=history.evaluations[2], headline="macro_f1", patience=3)

    assert (row.cells["val"], row.cells["gap"], row.cells["note"]) == ("nan", "nan", "")


def test_no_evaluation_is_no_row():
    assert rows_of(History(), headline="macro_f1", patience=3) == []
