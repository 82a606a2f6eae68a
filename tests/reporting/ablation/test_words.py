"""The sentences of an ablation, to the letter."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from regtune.reporting.ablation.words import (
    ablation_caveats,
    ablation_sentences,
    comparison_text,
    contribution_sentence,
    decimals,
    difference_text,
    measure_name,
    setting_text,
    signed_text,
)
from tests.reporting.ablation.ablations import ONE_TECHNIQUE, PATIENCE, REGRESSION, RESULT, SMOOTHING, difference


def test_a_sentence_gives_what_is_clear_with_its_interval_and_names_what_is_not() -> None:
    assert contribution_sentence(ONE_TECHNIQUE.contributions[0], ONE_TECHNIQUE) == (
        "smoothing: −0.031 NLL (95 % CI −0.050 to −0.010), +0.041 ece (95 % CI +0.012 to +0.070: worse), "
        "macro_f1 not distinguishable"
    )


def test_alone_is_said_after_the_recipe() -> None:
    assert contribution_sentence(SMOOTHING, RESULT).endswith(
        "; alone +0.050 macro_f1 (95 % CI +0.010 to +0.090), NLL not distinguishable, ece the same"
    )


def test_patience_is_said_by_what_it_saves() -> None:
    assert contribution_sentence(PATIENCE, RESULT) == (
        "patience: NLL, macro_f1 and ece the same; alone not measured (no fold that both “only patience” and “nothing” "
        "finished); 7.2 epochs instead of 20, 61 % less training, the same weights kept in 5 of 5 folds; with the "
        "weights of the last epoch in place of the best: +0.21 NLL (+0.12 to +0.35 over 5 folds)"
    )


def test_there_is_a_sentence_per_technique() -> None:
    assert [sentence.split(":")[0] for sentence in ablation_sentences(RESULT)] == ["patience", "smoothing"]


def test_a_comparison_on_fewer_repetitions_says_so() -> None:
    few = {"loss": difference("loss", -0.03, -0.05, -0.01, repetitions=3)}

    text = comparison_text(replace(SMOOTHING.in_recipe, differences=few), RESULT)

    assert text == "−0.030 NLL (95 % CI −0.050 to −0.010) (3 of 5 folds)"


def test_an_interval_that_excludes_0_never_seems_to_touch_it() -> None:
    assert difference_text(difference("loss", -0.13, -0.36, -0.004)) == ("−0.130", "−0.360", "−0.004")
    assert difference_text(difference("loss", -0.13, -0.36, 0.004)) == ("−0.13", "−0.36", "0.00")


def test_the_loss_is_called_by_what_it_is() -> None:
    assert measure_name("loss", RESULT) == "NLL"
    assert measure_name("loss", REGRESSION) == "squared error"


@pytest.mark.parametrize(
    ("width", "places"), [(16, 0), (1.6, 1), (0.16, 2), (0.016, 3), (0.0016, 3), (0, 3), (math.inf, 3)]
)
def test_a_width_has_two_digits(width: float, places: int) -> None:
    assert decimals(width) == places


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (-0.0312, "−0.031"),
        (0.0312, "+0.031"),
        (-0.0004, "0.000"),
        (math.inf, "+∞"),
        (-math.inf, "−∞"),
        (math.nan, "nan"),
    ],
)
def test_a_number_has_its_sign_unless_it_is_rounded_to_0(number: float, text: str) -> None:
    assert signed_text(number, 3) == text


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        (0.1, "0.1"),
        (3, "3"),
        ("keep", "keep"),
        ({"hidden": 0.0, "attention": 0.1, "embedding": None}, "{attention: 0.1}"),
    ],
)
def test_a_setting_reads_as_in_a_config(setting: object, text: str) -> None:
    assert setting_text(setting) == text


def test_the_number_of_comparisons_and_what_chance_makes_of_it() -> None:
    # Three measures: patience in the recipe, smoothing in the recipe and alone. 9 × 0.05 = 0.45
    assert ablation_caveats(RESULT)[0] == (
        "9 comparisons at 95 %: if no technique did anything, about 0.45 of them would look like a difference. "
        "Where all must hold together (Bonferroni), what stands is smoothing ece and smoothing macro_f1 alone."
    )


def test_that_nothing_stands_is_said() -> None:
    result = replace(RESULT, contributions=(PATIENCE,))

    assert ablation_caveats(result)[0].endswith("(Bonferroni), what stands is nothing.")


def test_what_could_not_have_been_seen_is_the_median_interval_of_the_loss() -> None:
    # Half-widths 0.02015 and 0.4; patience's interval without a width does not count.
    assert "600 validation rows, 5 folds: a contribution below about 0.21 NLL cannot be told from none." in (
        ablation_caveats(RESULT)
    )


def test_without_intervals_nothing_is_said_of_their_width() -> None:
    caveats = ablation_caveats(replace(RESULT, contributions=(PATIENCE,)))

    assert not any("cannot be told from none" in caveat for caveat in caveats)


def test_the_caveats_fit_what_was_done() -> None:
    def mentions(result, words: str) -> bool:
        return any(words in caveat for caveat in ablation_caveats(result))

    assert mentions(RESULT, "(patience 3, smoothing 0.1), not tuned")
    assert mentions(RESULT, "do not add up")
    assert not mentions(ONE_TECHNIQUE, "do not add up")
    assert mentions(RESULT, "Patience off means all epochs")
    assert not mentions(ONE_TECHNIQUE, "Patience off")
    assert mentions(replace(RESULT, repetitions=2), "2 folds: the luck of training is hardly in the intervals")
    assert not mentions(RESULT, "hardly")
    assert mentions(replace(RESULT, repeated_by="seed"), "same validation rows")
    assert not mentions(RESULT, "same validation rows")
