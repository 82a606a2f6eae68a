import numpy as np
import pytest
import seqeval.metrics

from regtune.evaluation.intervals import Interval
from regtune.evaluation.metrics import METRICS, interval_for
from regtune.evaluation.metrics.entities import entities_of, entity_counts

ENTITY_METRICS = ["entity_f1", "entity_precision", "entity_recall"]
MALFORMED = ["O", "B-A", "I-A", "I-A", "B-B", "I-B", "E-A", "S-B"]

# Gold: A at 0–1, B at 3; the prediction cuts A short, finds B and invents A at 5.
GOLD = [["B-A", "I-A", "O"], ["B-B", "O", "O"]]
PREDICTED = [["B-A", "O", "O"], ["B-B", "O", "B-A"]]


def seqevals(name, predicted, gold):
    return getattr(seqeval.metrics, name.replace("entity_", "") + "_score")(gold, predicted, zero_division=0)


def random_case(seed, *, rows=15):
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, 9, size=rows)
    return tuple([generator.choice(MALFORMED, size=length).tolist() for length in lengths] for _ in range(2))


@pytest.mark.parametrize(
    ("name", "expected"), [("entity_precision", 1 / 3), ("entity_recall", 1 / 2), ("entity_f1", 2 / 5)]
)
def test_by_hand(answered, name, expected):
    assert METRICS[name].value(answered(PREDICTED, GOLD)) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", ENTITY_METRICS)
def test_the_sums_over_rows_are_seqevals_micro_average_also_on_malformed_tags(answered, name, seed):
    predicted, gold = random_case(seed)

    assert METRICS[name].value(answered(predicted, gold)) == pytest.approx(seqevals(name, predicted, gold))


def test_an_inside_tag_after_outside_or_another_type_begins_an_entity():
    assert entities_of(["O", "I-A", "I-A", "I-B"]) == {("A", 1, 2), ("B", 3, 3)}


def test_tags_without_a_prefix_are_runs_of_one_type():
    """ORG is no O, as its first letter would have it."""
    assert entities_of(["ORG", "ORG", "O", "PER", "ORG"]) == {("ORG", 0, 1), ("PER", 3, 3), ("ORG", 4, 4)}


def test_an_entity_ends_with_its_row(answered):
    case = answered([["B-A"], ["I-A"]], [["B-A"], ["I-A"]])

    assert entity_counts(case).tolist() == [[1, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize("name", ENTITY_METRICS)
def test_no_entities_at_all_score_zero_and_say_nothing(answered, name):
    assert interval_for(name, answered([["O", "O"]] * 9, [["O", "O"]] * 9), seed=0) == Interval(0.0, 0.0, 1.0)


@pytest.mark.parametrize("name", ENTITY_METRICS)
def test_only_rows_with_entities_count_as_evidence(answered, name):
    right = [["B-A"]] * 20 + [["O"]] * 80

    interval = interval_for(name, answered(right, right), seed=0)

    assert (interval.low, interval.high) == (pytest.approx(0.8389, abs=5e-5), 1.0)  # Wilson's 20 of 20


def test_token_accuracy_counts_every_token_the_same(answered):
    # 2 of 3 and 2 of 3, then 1 of 1.
    case = answered([*PREDICTED, ["O"]], [*GOLD, ["O"]])

    assert METRICS["token_accuracy"].value(case) == pytest.approx(5 / 7)
    assert METRICS["token_accuracy"].value(case) == pytest.approx(
        seqeval.metrics.accuracy_score([*GOLD, ["O"]], [*PREDICTED, ["O"]])
    )


def test_tokens_of_a_row_stand_or_fall_together(answered):
    """40 rows of 25 tokens, half of them all wrong, are 40 pieces of evidence and not 1000."""
    right, wrong = ["O"] * 25, ["B-A"] * 25

    interval = interval_for("token_accuracy", answered([right, wrong] * 20, [right] * 40), seed=0)

    assert interval.half_width == pytest.approx(1.96 * 0.5 / 40**0.5, rel=0.1)


@pytest.mark.parametrize("name", ["entity_f1", "token_accuracy"])
def test_rows_of_different_numbers_of_tags_are_refused(answered, name):
    with pytest.raises(ValueError, match="row 1: 1 tags for 2 tokens"):
        METRICS[name].value(answered([["O"], ["O"]], [["O"], ["O", "O"]]))
