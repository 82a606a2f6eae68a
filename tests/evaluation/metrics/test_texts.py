import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import CHRF

from regtune.evaluation.metrics import METRICS, interval_for

PIECES = ["cat", "Cats", "it's", "re-do", "x_y", "10.5", "!", "a", "the", ""]


def value(name, case):
    return METRICS[name].value(case)


def random_case(seed, *, rows=8):
    """Texts of 0 to 6 pieces: some empty, some shorter than chrF's longest n-gram."""
    generator = np.random.default_rng(seed)
    return tuple([" ".join(generator.choice(PIECES, size=generator.integers(0, 7))) for _ in range(rows)] for _ in "ab")


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("rows", [1, 8])
def test_chrf_equals_sacrebleus_corpus_score(answered, seed, rows):
    texts, references = random_case(seed, rows=rows)

    expected = CHRF().corpus_score(texts, [references]).score

    assert value("chrf", answered(texts, references)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_rouge_l_is_the_mean_of_rouge_scores_f_measures_on_ascii(answered, seed):
    texts, references = random_case(seed)
    scorer = RougeScorer(["rougeL"])
    expected = np.mean([scorer.score(b, a)["rougeL"].fmeasure for a, b in zip(texts, references, strict=True)])

    assert value("rouge_l", answered(texts, references)) == pytest.approx(expected)


def test_rouge_l_by_hand(answered):
    # Longest common subsequence "the … sat": 2 of 3 words of the answer, 2 of 4 of the reference.
    case = answered(["The cat sat"], ["the dog sat down"])

    assert value("rouge_l", case) == pytest.approx(2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4))


@pytest.mark.parametrize("text", ["Ελλάδα και Κύπρος", "Größe über alles", "日本語", "привет мир"])
def test_a_right_answer_scores_full_in_any_script(answered, text):
    assert value("rouge_l", answered([text], [text])) == 1.0


def test_an_exact_match_ignores_space_at_the_ends_only(answered):
    case = answered([" yes\n", "ye s", "Yes"], ["yes", "yes", "yes"])

    assert value("exact_match_text", case) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("name", "whole"), [("chrf", 100.0), ("rouge_l", 1.0), ("exact_match_text", 1.0)])
def test_empty_answers_score_zero_with_room_above(answered, name, whole):
    interval = interval_for(name, answered([""] * 20, ["something"] * 20), seed=0)

    assert (interval.value, interval.low) == (0.0, 0.0)
    assert interval.high == pytest.approx(0.1611 * whole, abs=1e-4 * whole)  # Wilson's 0 of 20


@pytest.mark.parametrize(("name", "whole"), [("chrf", 100.0), ("rouge_l", 1.0), ("exact_match_text", 1.0)])
def test_perfect_answers_leave_room_below(answered, name, whole):
    interval = interval_for(name, answered(["the owl sings"] * 20, ["the owl sings"] * 20), seed=0)

    assert (interval.value, interval.high) == (whole, whole)
    assert interval.low == pytest.approx(0.8389 * whole, abs=1e-4 * whole)


def test_nothing_asked_and_nothing_answered_is_an_exact_match(answered):
    case = answered([""], [""])

    assert {name: value(name, case) for name in ("chrf", "rouge_l", "exact_match_text")} == {
        "chrf": 0.0,
        "rouge_l": 0.0,
        "exact_match_text": 1.0,
    }
