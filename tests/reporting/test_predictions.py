from regtune.reporting.predictions import (
    Prediction,
    class_figures,
    confusion_matrix,
    hardest,
    most_confused,
    read_predictions,
)

CLASSES = ("billing", "refund", "login")


def test_precision_recall_and_f1_by_hand(run):
    figures = class_figures(read_predictions(run.predictions_path, classes=CLASSES), kind="class", classes=CLASSES)

    # refund: 2 of 4 found, both right: precision 2/2, recall 2/4, F1 2·2 / (4 + 2)
    assert (figures[1].precision, figures[1].recall, figures[1].f1) == (1.0, 0.5, 4 / 6)
    # login: 6 predicted, 4 of them right
    assert (figures[2].precision, figures[2].recall, figures[2].rows) == (4 / 6, 1.0, 4)


def test_what_cannot_be_counted_is_none(run):
    rows = read_predictions(run.predictions_path, classes=CLASSES)

    absent = class_figures(rows, kind="class", classes=["absent"])[0]

    assert (absent.precision, absent.recall, absent.f1, absent.rows) == (None, None, None, 0)


def test_confusion_matrix_is_label_by_prediction(run):
    matrix = confusion_matrix(read_predictions(run.predictions_path, classes=CLASSES), classes=CLASSES)

    assert matrix == [[4, 0, 0], [0, 2, 2], [0, 0, 4]]


def test_most_confused_pairs_leave_out_what_is_right(run):
    assert most_confused(read_predictions(run.predictions_path, classes=CLASSES), limit=5) == [("refund", "login", 2)]


def test_hardest_rows_have_the_highest_loss(run):
    assert [row.loss for row in hardest(read_predictions(run.predictions_path, classes=CLASSES), limit=3)] == [
        2.5,
        2.5,
        0.21,
    ]


def test_a_label_that_looks_like_a_formula_keeps_its_name(hostile_run):
    rows = read_predictions(hostile_run.predictions_path, classes=hostile_run.facts["plan"]["classes"])

    assert [row.label for row in rows[4:6]] == ["=[/]", "=[/]"]


def test_a_label_with_line_breaks_is_read_back(hostile_run):
    rows = read_predictions(hostile_run.predictions_path, classes=hostile_run.facts["plan"]["classes"])

    assert rows[-1] == Prediction(
        text="message 11 about \x1b[31mred\nline",
        label="\x1b[31mred\nline",
        prediction="\x1b[31mred\nline",
        confidence=0.9,
        loss=0.21,
    )
