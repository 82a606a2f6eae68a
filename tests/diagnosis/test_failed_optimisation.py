import math

import pytest

from regtune.diagnosis.failed_optimisation import find


@pytest.mark.parametrize(
    ("train", "rate", "direction"),
    [
        ([2.08, 2.075, 2.06, 2.05], 5e-6, "low"),  # falls, slowly
        ([2.08, 2.075, 2.06, 2.05], 5e-4, "low"),  # falls, slowly, whatever the rate
        ([2.08, 2.09, 2.07, 2.08], 1e-6, "low"),  # flat at a small rate
        ([2.08, 2.09, 2.07, 2.08], 5e-5, "low"),  # flat for 120 steps at an ordinary rate
        ([2.08, 2.09, 2.07, 2.08], 1e-3, "high"),  # flat for 120 steps at a rate no encoder takes
        ([2.1, 3.5, 2.6, 2.2], 1e-5, "high"),  # jumps
        ([1.2, 0.8, 2.1, 2.1], 1e-5, "high"),  # learnt something and lost it
        ([2.08, math.nan, 2.08], 1e-6, "high"),
        ([math.nan], 1e-6, "high"),
    ],
)
def test_the_curve_tells_a_rate_too_high_from_one_too_low(make_facts, train, rate, direction):
    finding = find(make_facts(train, train, learning_rate=rate))

    assert finding.title.startswith(f"failed optimisation: learning rate too {direction}")


def test_a_rate_too_high_is_divided_by_five_and_then_the_seed_is_tried(make_facts, curves):
    commands = [step.command for step in find(make_facts(**curves["stuck"], learning_rate=1e-3)).advice]

    assert commands == [
        "regtune train configs/small.yaml training.learning_rate=0.0002",
        "regtune train configs/small.yaml training.seed=1",
    ]


def test_a_rate_too_low_is_multiplied_by_five_and_then_epochs_are_doubled(make_facts):
    curve = [2.08, 2.075, 2.06, 2.05]
    commands = [step.command for step in find(make_facts(curve, curve, learning_rate=1e-6)).advice]

    assert commands == [
        "regtune train configs/small.yaml training.learning_rate=5e-6",
        "regtune train configs/small.yaml training.epochs=8",
    ]


@pytest.mark.parametrize("rate", [1e-6, 5e-5, 1e-3])
def test_few_steps_are_blamed_before_any_learning_rate(make_facts, rate):
    """One evaluation after 30 steps, mostly warm-up: 100 steps take 4 epochs."""
    finding = find(make_facts([2.08], [2.08], learning_rate=rate))

    assert finding.title == "failed optimisation: too few steps"
    assert finding.advice[0].command == "regtune train configs/small.yaml training.epochs=4"


def test_the_evidence_compares_with_guessing(make_facts, curves):
    evidence = find(make_facts(**curves["stuck"])).evidence

    assert evidence == (
        "train loss ended at 2.08 after 120 steps, lowest 2.07; the best answer that never looks at its row gives 2.079"
    )


def test_a_loss_of_nan_is_named_with_its_step(make_facts):
    evidence = find(make_facts([1.0, math.nan], [1.0, math.nan])).evidence

    assert evidence == "the loss at step 60 is not a number; learning rate 5e-5"


def test_knowing_only_the_class_shares_is_a_failed_run_too(make_facts):
    facts = make_facts([0.33], [0.33], chance_loss=0.325)  # entropy of 90:10; ln 2 = 0.693

    assert find(facts) is not None


def test_a_loss_far_above_guessing_is_a_rate_too_high_after_any_number_of_steps(make_facts):
    assert find(make_facts([66.9, 5.1], [60.0, 5.0], learning_rate=2.0)).title.endswith("learning rate too high")
