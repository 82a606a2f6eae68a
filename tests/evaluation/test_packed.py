"""Answers survive packing bit for bit, whatever the task."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from regtune.evaluation.answers import Answered
from regtune.evaluation.metrics import compute_metrics
from regtune.evaluation.packed import pack, unpack

RNG = np.random.default_rng(0)
PROBABILITIES = RNG.dirichlet(np.ones(3), size=4).astype(np.float32)

CASES: dict[str, tuple[list[Any], list[Any], tuple[str, ...]]] = {
    "classes": (list(PROBABILITIES), [0, 2, 1, 1], ("accuracy", "nll", "ece")),
    "labels": (list(RNG.random((4, 2))), [np.array([True, False])] * 4, ("micro_f1",)),
    "numbers": ([0.1, 0.2, 0.7, 1.5], [0.0, 0.3, 0.5, 2.0], ("pearson", "rmse")),
    "tags": ([["O", "B-a"], ["O"], [], ["B-a"]], [["O", "B-a"], ["B-a"], [], ["O"]], ("entity_f1",)),
    "texts": (["ein", "zwei ", "", "drei"], ["ein", "zwei", "x", "vier"], ("exact_match_text",)),
    "none": ([None] * 4, [None] * 4, ("perplexity",)),
}


def answered(name: str) -> Answered:
    answers, labels, _ = CASES[name]
    return Answered(
        answers=answers, labels=labels, losses=RNG.random(4), units=np.arange(1, 5), threshold=0.3, baseline=0.25
    )


@pytest.mark.parametrize("name", CASES)
def test_what_is_unpacked_is_what_was_packed(name: str) -> None:
    before = answered(name)

    after = unpack(pack(before))

    assert [np.asarray(a).tolist() for a in after.answers] == [np.asarray(a).tolist() for a in before.answers]
    assert [np.asarray(a).tolist() for a in after.labels] == [np.asarray(a).tolist() for a in before.labels]
    np.testing.assert_array_equal(after.losses, before.losses)
    np.testing.assert_array_equal(after.units, before.units)
    assert (after.threshold, after.baseline) == (0.3, 0.25)


@pytest.mark.parametrize("name", CASES)
def test_metrics_are_the_same_before_and_after(name: str) -> None:
    before = answered(name)

    assert compute_metrics(CASES[name][2], unpack(pack(before))) == compute_metrics(CASES[name][2], before)


def test_another_text_is_refused() -> None:
    with pytest.raises(ValueError, match="no packed answers"):
        unpack("c$_hello")
