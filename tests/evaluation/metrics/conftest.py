"""Answers to compute metrics from: hand-made ones, and random ones for each metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from regtune.evaluation.answers import Answered

TAGS = ["O", "O", "O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
WORDS = ["red", "green", "blue", "heron", "owl", "stork", "flies", "sings", "sleeps"]


def make_answered(answers: Any, labels: Any, **others: Any) -> Answered:
    """One unit and no loss a row, unless given."""
    rows = len(answers)
    return Answered(
        answers=answers, labels=labels, **{"losses": np.zeros(rows), "units": np.ones(rows, dtype=np.int64), **others}
    )


def of_classes(generator: np.random.Generator, rows: int) -> Answered:
    """Labels that follow the probabilities, which are then claimed sharper than they are."""
    probabilities = generator.dirichlet(np.full(4, 0.5), size=rows)
    labels = (probabilities.cumsum(axis=1) > generator.random((rows, 1))).argmax(axis=1)
    claimed = probabilities**2
    return make_answered(claimed / claimed.sum(axis=1, keepdims=True), labels)


def of_labels(generator: np.random.Generator, rows: int) -> Answered:
    probabilities = generator.random((rows, 5)) ** 2
    return make_answered(probabilities, generator.random((rows, 5)) < probabilities)


def of_numbers(generator: np.random.Generator, rows: int) -> Answered:
    """Labels on a scale of whole numbers, so that they tie."""
    truth = generator.normal(size=rows)
    return make_answered(truth + generator.normal(size=rows), np.round(2 * truth), baseline=0.1)


def of_tags(generator: np.random.Generator, rows: int) -> Answered:
    """Rows of 1 to 9 tokens, malformed sequences among them; three in four tags are right."""
    gold, other = generator.choice(TAGS, size=(2, rows, 9))
    predicted = np.where(generator.random((rows, 9)) < 0.75, gold, other)
    lengths = generator.integers(1, 10, size=rows)
    cut = ([row[:n].tolist() for row, n in zip(tags, lengths, strict=True)] for tags in (predicted, gold))
    return make_answered(*cut)


def of_tokens(generator: np.random.Generator, rows: int) -> Answered:
    units = generator.integers(1, 40, size=rows)
    losses = units * generator.gamma(4.0, 0.8, size=rows)
    return make_answered([None] * rows, [None] * rows, units=units, losses=losses)


def of_texts(generator: np.random.Generator, rows: int) -> Answered:
    gold, other = generator.choice(WORDS, size=(2, rows, 3))
    answers = np.where(generator.random((rows, 3)) < 0.8, gold, other)
    return make_answered(*([" ".join(row) for row in words] for words in (answers, gold)))


MAKERS: dict[str, Callable[[np.random.Generator, int], Answered]] = {
    **dict.fromkeys(["accuracy", "macro_f1", "nll", "ece"], of_classes),
    **dict.fromkeys(["micro_f1", "macro_f1_labels", "exact_match"], of_labels),
    **dict.fromkeys(["pearson", "spearman", "rmse", "rmse_of_mean"], of_numbers),
    **dict.fromkeys(["entity_f1", "entity_precision", "entity_recall", "token_accuracy"], of_tags),
    **dict.fromkeys(["perplexity"], of_tokens),
    **dict.fromkeys(["chrf", "rouge_l", "exact_match_text"], of_texts),
}


@pytest.fixture
def answered() -> Callable[..., Answered]:
    """answered(answers, labels, **fields of Answered)."""
    return make_answered


@pytest.fixture
def random_answered() -> Callable[..., Answered]:
    """random_answered(metric name, seed, rows=…): answers of the kind the metric is for, some right and some wrong."""

    def make(name: str, seed: int, *, rows: int) -> Answered:
        return MAKERS[name](np.random.default_rng(seed), rows)

    return make
