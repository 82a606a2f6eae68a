import pytest

from regtune.diagnosis.underfitting import find

COMMAND = "regtune train configs/small.yaml "
STRONG = {"dropout": 0.3, "weight_decay": 0.1, "stops": True}


def steps(finding):
    return [step.text.partition(":")[0] for step in finding.advice]


def test_the_procedure_is_the_documents_in_its_order(make_facts, curves):
    finding = find(make_facts(**curves["underfitting"], **STRONG))

    assert steps(finding)[:4] == [
        "less dropout",
        "less weight decay",
        "no early stopping for now",
        "a larger model",
    ]


def test_each_command_keeps_the_changes_before_it(make_facts, curves):
    advice = find(make_facts(**curves["underfitting"], **STRONG)).advice

    assert advice[2].command == COMMAND + (
        "regularization.dropout=0.1 regularization.weight_decay=0.01 regularization.patience=null"
    )


@pytest.mark.parametrize(
    ("settings", "first"),
    [
        ({"dropout": 0.1}, "less weight decay"),
        ({"dropout": 0.1, "weight_decay": 0.01}, "no early stopping for now"),
        ({"dropout": None, "weight_decay": 0.0, "stops": False}, "a larger model"),
    ],
)
def test_what_is_done_already_is_skipped(make_facts, curves, settings, first):
    assert steps(find(make_facts(**curves["underfitting"], **{**STRONG, **settings})))[0] == first


def test_patience_that_never_fired_is_not_blamed(make_facts, curves):
    finding = find(make_facts(**curves["underfitting"], patience=3, stops=False))

    assert "no early stopping for now" not in steps(finding)


def test_the_train_loss_is_compared_with_guessing(make_facts, curves):
    finding = find(make_facts(**curves["underfitting"]))

    assert finding.evidence == (
        "train loss ended at 1.49, 72% of the 2.079 that guessing by class shares gives; "
        "validation loss 1.54, gap +0.05"
    )


def test_a_run_whose_validation_loss_turned_up_is_not_underfitting(make_facts):
    assert find(make_facts([1.9, 1.7, 1.5], [1.8, 1.6, 1.9])) is None


def test_a_run_that_is_still_falling_is_not_underfitting(make_facts):
    assert find(make_facts([1.9, 1.7, 1.5], [1.9, 1.7, 1.5])) is None
