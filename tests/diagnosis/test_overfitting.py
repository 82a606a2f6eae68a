import pytest

from regtune.diagnosis.overfitting import find

COMMAND = "regtune train configs/small.yaml "


def steps(finding):
    return [step.text.partition(":")[0] for step in finding.advice]


def test_the_procedure_is_the_documents_in_its_order(make_facts, curves):
    finding = find(make_facts(**curves["overfitting"], parameters=110_000_000))

    assert steps(finding) == [
        "more dropout",
        "more weight decay",
        "data augmentation (for pretrained text models it seldom helps",
        "a smaller model",
        "more labelled rows",
    ]


def test_each_command_keeps_the_changes_before_it(make_facts, curves):
    advice = find(make_facts(**curves["overfitting"])).advice

    assert advice[0].command == COMMAND + "regularization.dropout=0.3"
    assert advice[1].command == COMMAND + "regularization.dropout=0.3 regularization.weight_decay=0.1"


@pytest.mark.parametrize(
    ("settings", "first"),
    [
        ({"dropout": 0.3}, "more weight decay"),
        ({"weight_decay": 0.1}, "more dropout"),
        ({"dropout": 0.3, "weight_decay": 0.1}, "data augmentation (for pretrained text models it seldom helps"),
        ({"dropout": 0.5, "weight_decay": 1.0}, "data augmentation (for pretrained text models it seldom helps"),
    ],
)
def test_what_is_done_already_is_skipped(make_facts, curves, settings, first):
    assert steps(find(make_facts(**curves["overfitting"], **settings)))[0] == first


def test_smoothing_is_not_advised_where_it_has_no_meaning(make_facts, curves):
    off = {"dropout": 0.0, "weight_decay": 0.0, "smoothing": 0.0, "can_smooth": False}

    assert "smoothing" not in find(make_facts(**curves["overfitting"], **off)).advice[0].command


def test_a_class_that_was_never_seen_is_not_called_the_smallest(make_facts, curves):
    facts = make_facts(**curves["overfitting"], class_counts={"O": 50, "B-x": 9, "I-x": 0})

    assert "9 of class 'B-x'" in find(facts).advice[-1].text


def test_a_run_with_everything_off_is_first_given_the_usual_values(make_facts, curves):
    off = {"dropout": 0.0, "weight_decay": 0.0, "patience": None, "smoothing": 0.0}
    advice = find(make_facts(**curves["overfitting"], **off)).advice

    assert advice[0].text == "switch on what is off: dropout 0.1, weight_decay 0.01, patience 3, smoothing 0.1"
    assert advice[0].command == COMMAND + (
        "regularization.dropout=0.1 regularization.weight_decay=0.01 "
        "regularization.patience=3 regularization.smoothing=0.1"
    )
    assert advice[1].text == "more dropout: 0.1 → 0.3"


def test_a_model_that_keeps_its_own_dropout_is_not_said_to_have_a_number(make_facts, curves):
    advice = find(make_facts(**curves["overfitting"], dropout=None)).advice

    assert advice[0].text == "more dropout: the model's own → 0.3"


def test_dropout_is_raised_under_the_key_it_was_written_with(make_facts, curves):
    advice = find(make_facts(**curves["overfitting"], dropout_key="regularization.dropout.hidden")).advice

    assert advice[0].command == COMMAND + "regularization.dropout.hidden=0.3"


def test_weight_decay_says_how_little_it_can_do(make_facts, curves):
    advice = find(make_facts(**curves["overfitting"])).advice  # 0.1 · 5e-5 · 150 steps = 0.00075

    assert advice[1].text == (
        "more weight decay: 0.01 → 0.1 (shrinks weights by at most 0.00075 of their size over 150 steps)"
    )


def test_a_turn_is_told_with_its_epochs_and_losses(make_facts, curves):
    finding = find(make_facts(**curves["overfitting"]))

    assert finding.title == "overfitting: validation loss turned up"
    assert finding.evidence == (
        "validation loss was lowest at epoch 3 (0.7) and rose 36% to 0.95 by epoch 5, while train loss fell from 0.3 "
        "to 0.07; the weights of epoch 3 were kept, gap +0.4"
    )


def test_a_run_that_early_stopping_caught_is_told_calmly(make_facts, curves):
    finding = find(make_facts(**curves["stopped_in_time"]))

    assert finding.title == "overfitting, stopped in time"
    assert "the weights of epoch 3 were kept, gap +0.1" in finding.evidence


def test_a_large_gap_is_compared_with_its_noise(make_facts, curves):
    finding = find(make_facts(**curves["large_gap"]))

    # Gap 0.69 − 0.1 = 0.59; noise √(0.69² + 0.1²)/√600 = 0.02846.
    assert "gap +0.59, 20.7 times its noise on 600 validation rows" in finding.evidence


def test_a_gap_is_left_alone_while_validation_loss_still_falls(make_facts):
    assert find(make_facts([1.0, 0.4, 0.2], [1.5, 1.2, 0.9])) is None


def test_more_rows_are_asked_for_where_they_are_fewest(make_facts, curves):
    finding = find(make_facts(**curves["overfitting"], class_counts={"refund": 12, "login": 468}))

    assert finding.advice[-1].text == "more labelled rows: 480 train it now, 12 of class 'refund'"
