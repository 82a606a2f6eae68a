import pytest

from regtune.reporting.sweep.space_text import changes_text, folds_text, short_names, value_text
from regtune.search.study.job import Repetition


def test_names_leave_their_section_out():
    assert short_names(["regularization.dropout", "training.learning_rate", "model.name"]) == {
        "regularization.dropout": "dropout",
        "training.learning_rate": "learning_rate",
        "model.name": "model.name",
    }


def test_names_that_would_be_equal_stay_whole():
    keys = ["regularization.seed", "training.seed"]

    assert short_names(keys) == {key: key for key in keys}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3e-5, "3e-5"),
        (0.000123456, "0.000123"),
        (0.1, "0.1"),
        (1024, "1024"),
        (None, "off"),
        (True, "true"),
        ("a-very-long-model-name", "a-very-long-mod…"),
        ({"hidden": 0.1}, '{"hidden": 0.1}'),
    ],
)
def test_values_are_short(value, text):
    assert value_text(value) == text


def test_a_key_that_is_not_changed_has_the_users_own_value():
    text = changes_text({"training.learning_rate": 3e-5}, {"regularization.dropout": 0.1, "training.learning_rate": 1})

    assert text == "dropout 0.1 · learning_rate 3e-5"


@pytest.mark.parametrize(
    ("folds", "text"), [([], "-"), ([1], "1"), ([1, 2, 3], "1-3"), ([1, 3], "1,3"), ([1, 2, 1, 2], "1-2 ×2")]
)
def test_folds_are_ranges(folds, text):
    assert folds_text(Repetition(fold=fold, folds=5, seed=0) for fold in folds) == text
