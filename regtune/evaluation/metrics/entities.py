"""Metrics of one tag per token: entity F1, precision and recall, and the share of right tokens.

An entity counts when its type, its first and its last token are all right. Entities are read by seqeval the way the
CoNLL scorer (conlleval) reads them, leniently: an I- after O or after another type begins an entity. A tag without a
prefix is read as I-: tokens side by side with the same bare tag are one entity. All are micro averages: every entity
counts the same, whatever its type.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import eq

import numpy as np

from regtune.evaluation.answers import Answered
from regtune.evaluation.intervals import Array
from regtune.evaluation.metrics.base import of_row_sums, ratio

PREFIXES = ("B-", "I-", "E-", "S-")  # begin, inside, end, single
BARE = ("O", "B", "I", "E", "S")  # outside, and the prefixes of an only type

Entity = tuple[str, int, int]  # type, first token, last token


def entities_of(tags: Sequence[str]) -> set[Entity]:
    """The entities of one row's tags."""
    from seqeval.metrics.sequence_labeling import get_entities  # type: ignore[import-untyped]  # imports scikit-learn

    read = [tag if tag in BARE or tag.startswith(PREFIXES) else f"I-{tag}" for tag in tags]
    return set(get_entities(read))


def entity_counts(answered: Answered) -> Array:
    """Each row's right, predicted and gold entities. → (rows, 3)"""
    counts = []
    for tags, gold_tags in _pairs(answered):
        predicted, gold = entities_of(tags), entities_of(gold_tags)
        counts.append([len(predicted & gold), len(predicted), len(gold)])
    return np.array(counts, dtype=np.float64)


def _precision_counts(answered: Answered) -> Array:
    return entity_counts(answered)[:, [0, 1]]


def _recall_counts(answered: Answered) -> Array:
    return entity_counts(answered)[:, [0, 2]]


def _token_counts(answered: Answered) -> Array:
    """Each row's right tokens and all its tokens. → (rows, 2)"""
    counts = [[sum(map(eq, tags, gold)), len(gold)] for tags, gold in _pairs(answered)]
    return np.array(counts, dtype=np.float64)


def _pairs(answered: Answered) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """Each row's predicted and gold tags. Raises ValueError where they are not as many."""
    for row, (tags, gold) in enumerate(zip(answered.answers, answered.labels, strict=True)):
        if len(tags) != len(gold):
            raise ValueError(f"row {row}: {len(tags)} tags for {len(gold)} tokens")
        yield tags, gold


def _share(sums: Array) -> Array:
    return ratio(sums[..., 0], sums[..., 1])


def _f1(sums: Array) -> Array:
    return ratio(2 * sums[..., 0], sums[..., 1] + sums[..., 2])


ENTITY_F1 = of_row_sums(
    "entity_f1", entity_counts, _f1, higher_is_better=True, description="F1 of whole entities, as conlleval, 0 to 1"
)
ENTITY_PRECISION = of_row_sums(
    "entity_precision",
    _precision_counts,
    _share,
    higher_is_better=True,
    description="share of the predicted entities that are right, 0 to 1",
)
ENTITY_RECALL = of_row_sums(
    "entity_recall",
    _recall_counts,
    _share,
    higher_is_better=True,
    description="share of the gold entities that are found, 0 to 1",
)
TOKEN_ACCURACY = of_row_sums(
    "token_accuracy",
    _token_counts,
    _share,
    higher_is_better=True,
    description="share of tokens tagged right, O included, 0 to 1",
)
