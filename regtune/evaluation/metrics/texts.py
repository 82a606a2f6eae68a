"""Metrics of a generated text against one reference: chrF, ROUGE-L and exact match."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from regtune.evaluation.answers import Answered
from regtune.evaluation.intervals import Array
from regtune.evaluation.metrics.base import mean_of_rows, of_row_sums, ratio, share_of_rows, with_row_count

WORD = re.compile(r"[^\W_]+")  # letters and digits of any script
RECALL_WEIGHT = 2  # chrF's beta: recall counts twice as much as precision


class Words:
    """Splits a text for ROUGE: lower-case words of any script.

    rouge-score's own tokenizer, with which this agrees on ASCII, drops every letter beyond a-z: a right answer in
    Greek would score 0.
    """

    def tokenize(self, text: str) -> list[str]:
        """The words of a text in order."""
        return WORD.findall(text.lower())


def chrf_counts(answered: Answered) -> Array:
    """Per n-gram length from 1 to 6: n-grams of the answer, of the reference, in both. → (rows, 18)

    Characters without spaces. An answer's n-grams of a length that the reference is too short for are not counted.
    """
    from sacrebleu.metrics.chrf import CHRF as SacreBleuChrf

    # Not a public method, but the only way to a row's counts; a test compares the result with corpus_score.
    counts = SacreBleuChrf()._extract_corpus_statistics(list(answered.answers), [list(answered.labels)])
    return np.array(counts, dtype=np.float64)


def chrf_from_sums(sums: Array) -> Array:
    """chrF2 from summed counts, 0 to 100. (…, 18) → (…,)

    chrF = 100·(1 + β²)·P·R / (β²·P + R), β = 2; P and R are means over the n-gram lengths that occur on both sides.
    Source: Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation", eq. 1, as sacrebleu
    computes it.
    """
    answer, reference, both = np.moveaxis(sums.reshape(*sums.shape[:-1], -1, 3), -1, 0)  # (…, 6) each
    lengths = np.sum((answer > 0) & (reference > 0), axis=-1)  # (…,)
    precision = ratio(ratio(both, answer).sum(axis=-1), lengths)
    recall = ratio(ratio(both, reference).sum(axis=-1), lengths)
    weighted = RECALL_WEIGHT**2 * precision + recall
    return 100 * ratio((1 + RECALL_WEIGHT**2) * precision * recall, weighted)


def rouge_l_of_rows(answered: Answered) -> Array:
    """ROUGE-L F-measure of each row: from the longest common subsequence of words, 0 if a side has none. → (rows,)

    Source: Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", section 3.1, by rouge-score.
    """
    from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]

    scorer = RougeScorer(["rougeL"], tokenizer=Words())
    pairs = zip(answered.answers, answered.labels, strict=True)
    return np.array([scorer.score(reference, text)["rougeL"].fmeasure for text, reference in pairs], dtype=np.float64)


def _is_same(answered: Answered) -> NDArray[np.bool_]:
    pairs = zip(answered.answers, answered.labels, strict=True)
    return np.array([text.strip() == reference.strip() for text, reference in pairs])


CHRF = of_row_sums(
    "chrf",
    chrf_counts,
    chrf_from_sums,
    higher_is_better=True,
    description="chrF2, F-score of character n-grams over all rows, 0 to 100",
    highest=100.0,
)
ROUGE_L = of_row_sums(
    "rouge_l",
    lambda answered: with_row_count(rouge_l_of_rows(answered)),
    mean_of_rows,
    higher_is_better=True,
    description="ROUGE-L F-measure, mean over rows, 0 to 1",
)
EXACT_MATCH_TEXT = share_of_rows(
    "exact_match_text", _is_same, description="share of texts equal to the reference but for space at the ends, 0 to 1"
)
